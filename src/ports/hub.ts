// What the loop needs from an IoT Hub. Two implementations: the Azure SDK over HTTPS and the embedded hub in process.
import type { AutomaticConfiguration, ModuleIdentity } from '../model/neighbour.ts';
import type { JsonObject } from '../model/json.ts';
import type { DeviceFacts, ModuleRef, Twin, TwinPatch } from '../model/twin.ts';

export interface DeviceOptions {
  readonly status: 'enabled' | 'disabled';
  /** At most 128 characters. */
  readonly statusReason: string;
}

/** A row of a list that is not what the service documents, by what can be read of it. */
export interface UnreadableRow {
  readonly deviceId: string | undefined;
  readonly moduleId: string | undefined;
}

export interface ListOptions {
  /** Told of rows that can't be read. Without it the list rejects with Malformed. */
  readonly onUnreadable?: ((row: UnreadableRow) => void) | undefined;
  /** Awaited before each page is asked for: a list asks for no more pages than it has. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/**
 * Every call rejects with HubError and nothing else, ends within the adapter's own time limit, and never retries:
 * retries belong to the work queue. A query's rows may be up to 30 minutes old and may name what no longer exists. A row
 * that can't be read is told and left out; where nobody is there to be told, the list rejects with Malformed.
 */
export interface Hub {
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
  /** Creates the module identity with generated keys. AlreadyExists is an error too. */
  createModule(ref: ModuleRef, signal: AbortSignal): Promise<void>;
  /** The module's identity as the registry has it. NotFound where the device or the module does not exist. */
  getModule(ref: ModuleRef, signal: AbortSignal): Promise<ModuleIdentity>;
  /** Ids of all modules of one device as the registry has them. NotFound where the device does not exist. */
  listModuleIds(deviceId: string, signal: AbortSignal): Promise<readonly string[]>;
  /** All automatic configurations and edge deployments: a hundred at most, in one answer. */
  listConfigurations(signal: AbortSignal): Promise<readonly AutomaticConfiguration[]>;
  /**
   * Creates a device identity with generated keys. AlreadyExists is an error too. For the one device that is reserved
   * for Twinward itself, like the two that follow.
   */
  createDevice(deviceId: string, options: DeviceOptions, signal: AbortSignal): Promise<void>;
  /** As patchModuleTwin, on the tags of a device twin. */
  patchDeviceTwin(deviceId: string, tags: JsonObject, etag: string, signal: AbortSignal): Promise<Twin>;
  /** Removes the device with its twin and its modules, whatever its etag. NotFound where it does not exist. */
  deleteDevice(deviceId: string, signal: AbortSignal): Promise<void>;
  /** The hub's own count of device identities; lags. */
  countDevices(signal: AbortSignal): Promise<number>;
  /**
   * Messages of the daily quota that our calls have cost so far, as the service meters them: one for each 4 KB of a twin
   * or of a page, at least one. An estimate; 0 where nothing is metered.
   */
  messagesSpent(): number;
  /** Frees sockets. Idempotent. */
  close(): void;
}
