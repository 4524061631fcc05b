// The IoT Hub behind four ports, one per concern. Implementations: the Azure SDK over HTTPS, the embedded hub, a snapshot file.
import type { AutomaticConfiguration, ModuleIdentity } from '../model/other-writer.ts';
import type { JsonObject } from '../model/json.ts';
import type { DeviceFacts, ModuleRef, Twin, TwinPatch } from '../model/twin.ts';

/** What can be read of a row that does not have the documented form. */
export interface UnreadableRow {
  readonly deviceId: string | undefined;
  readonly moduleId: string | undefined;
}

export interface ListOptions {
  /** Called for each unreadable row, which is left out. Without it the list rejects with Malformed. */
  readonly onUnreadable?: ((row: UnreadableRow) => void) | undefined;
  /** Awaited before each page is requested; not awaited for the end of the list. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/** Reads and patches twins. The rows of a list may be up to 30 minutes old and may name what no longer exists. */
export interface Twins {
  /** All devices in pages; each page in the hub's order, no order between pages promised. */
  listDevices(signal: AbortSignal, options?: ListOptions): AsyncIterable<readonly DeviceFacts[]>;
  /** Twins of the modules with these ids, and every module twin that carries a Twinward record. */
  listModuleTwins(
    moduleIds: readonly string[],
    signal: AbortSignal,
    options?: ListOptions,
  ): AsyncIterable<readonly Twin[]>;
  /** Direct read, never stale. NotFound where the device does not exist. */
  getDeviceTwin(deviceId: string, signal: AbortSignal): Promise<Twin>;
  /** Direct read, never stale. NotFound where the device or the module does not exist. */
  getModuleTwin(ref: ModuleRef, signal: AbortSignal): Promise<Twin>;
  /**
   * Merge patch on tags and desired in one step, only while the twin still has this etag (`"*"` is not accepted).
   * Resolves with the whole new twin. PreconditionFailed where the etag moved. After Timeout or Unavailable the write
   * may have landed: read again.
   */
  patchModuleTwin(ref: ModuleRef, patch: TwinPatch, etag: string, signal: AbortSignal): Promise<Twin>;
}

/** Module identities, automatic configurations and counts: never stale, except the count. */
export interface Registry {
  /** Creates the module identity with generated keys. AlreadyExists is an error too. */
  createModule(ref: ModuleRef, signal: AbortSignal): Promise<void>;
  /** NotFound where the device or the module does not exist. */
  getModule(ref: ModuleRef, signal: AbortSignal): Promise<ModuleIdentity>;
  /** Ids of all modules of one device. NotFound where the device does not exist. */
  listModuleIds(deviceId: string, signal: AbortSignal): Promise<readonly string[]>;
  /** All automatic configurations and edge deployments: a hundred at most, in one answer. */
  listConfigurations(signal: AbortSignal): Promise<readonly AutomaticConfiguration[]>;
  /** The hub's own count of device identities; lags. */
  countDevices(signal: AbortSignal): Promise<number>;
}

export interface DeviceOptions {
  readonly status: 'enabled' | 'disabled';
  /** At most 128 characters. */
  readonly statusReason: string;
}

/** Calls for the one device that an installation reserves for itself; no other device is created, patched or deleted. */
export interface ReservedDevice extends Pick<Twins, 'getDeviceTwin'> {
  /** Creates the device identity with generated keys. AlreadyExists is an error too. */
  createDevice(deviceId: string, options: DeviceOptions, signal: AbortSignal): Promise<void>;
  /** As patchModuleTwin, on the tags of a device twin. */
  patchDeviceTwin(deviceId: string, tags: JsonObject, etag: string, signal: AbortSignal): Promise<Twin>;
  /** Deletes the device with its twin and its modules, whatever its etag. NotFound where it does not exist. */
  deleteDevice(deviceId: string, signal: AbortSignal): Promise<void>;
}

/** The connection itself; neither method calls the hub. */
export interface HubConnection {
  /**
   * Messages of the daily quota that this connection's calls have cost so far, as the service meters them: one for each
   * 4 KB of a twin or of a page, at least one. An estimate; 0 where nothing is metered.
   */
  messagesSpent(): number;
  /** Frees sockets. Idempotent. */
  close(): void;
}

/**
 * Every call rejects with HubError and nothing else, ends within the adapter's own time limit, and never retries:
 * retries belong to the work queue.
 */
export interface Hub extends Twins, Registry, ReservedDevice, HubConnection {}
