// A fleet in a file: one line for each device and twin, and a read-only hub port over it.
import type { Capacity, Mode } from '../model/declared.ts';
import { HubError } from '../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';
import type { AutomaticConfiguration, AutomaticWrite } from '../model/other-writer.ts';
import { reservedDeviceId, RESERVED_TAG } from '../model/reserved-device.ts';
import { asTwin, type DeviceFacts, type Twin } from '../model/twin.ts';
import type { Hub } from '../ports/hub.ts';

const SNAPSHOT_VERSION = 2;
/** Version 1 has devices and twins, but no state of the hub. */
const VERSIONS_READ: ReadonlySet<unknown> = new Set([1, SNAPSHOT_VERSION]);
const KIND = 'FleetSnapshot';
const PAGE_SIZE = 1_000;

/** The hub of a snapshot. */
export interface SnapshotHead {
  /** Name of the Hub in the manifests used for the snapshot. */
  readonly hub: string;
  readonly hostName: string;
  /** The hub's mode at that time. */
  readonly mode: Mode;
  readonly capacity: Capacity | undefined;
  readonly takenAtMs: number;
}

/** The facts besides devices and twins that a plan needs. */
export interface SnapshotState {
  /** Installation that `reserved` belongs to. */
  readonly instance: string;
  /** Suspensions and approvals, as on the twin of the reserved device. */
  readonly reserved: JsonObject;
  /** Undefined if the hub did not return them. */
  readonly automatic: readonly AutomaticConfiguration[] | undefined;
  /** From the hub's statistics; undefined if it did not return them. */
  readonly devicesCounted: number | undefined;
}

export interface FleetSnapshot extends SnapshotHead {
  /** Undefined in a snapshot of an older Twinward. */
  readonly state: SnapshotState | undefined;
  readonly devices: readonly DeviceFacts[];
  readonly twins: readonly Twin[];
}

/** The lines of one hub, in order: head, state, devices, twins, end. Each ends with a line feed. */
export const snapshotLines = {
  head: ({ hub, hostName, mode, capacity, takenAtMs }: SnapshotHead): string =>
    lineOf({
      schemaVersion: SNAPSHOT_VERSION,
      kind: KIND,
      hub,
      hostName,
      mode,
      ...(capacity === undefined ? {} : { capacity: { ...capacity } }),
      takenAt: new Date(takenAtMs).toISOString(),
    }),
  state: ({ instance, reserved, automatic, devicesCounted }: SnapshotState): string =>
    lineOf({
      state: {
        instance,
        reserved,
        ...(automatic === undefined ? {} : { automatic: automatic as unknown as Json }),
        ...(devicesCounted === undefined ? {} : { devicesCounted }),
      },
    }),
  device: (device: DeviceFacts): string => lineOf({ device: { ...device } }),
  twin: (twin: Twin): string => lineOf({ twin: { ...twin } }),
  /** A file without it is refused as truncated. */
  end: (devices: number, twins: number): string => lineOf({ end: { devices, twins } }),
};

function lineOf(value: JsonObject): string {
  return `${JSON.stringify(value)}\n`;
}

interface Open extends SnapshotHead {
  readonly version: unknown;
  state: SnapshotState | undefined;
  readonly devices: DeviceFacts[];
  readonly twins: Twin[];
}

/** One per hub. Throws HubError if the file is not a snapshot, of another version, or truncated. */
export function readSnapshots(text: string, path: string): FleetSnapshot[] {
  const snapshots: FleetSnapshot[] = [];
  let open: Open | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const value = parse(line, path);
    if (isObject(value['end'])) {
      const { devices, twins } = value['end'];
      if (open === undefined || open.devices.length !== devices || open.twins.length !== twins) throw notWhole(path);
      const { version, ...snapshot } = open;
      if (version === SNAPSHOT_VERSION && snapshot.state === undefined) throw notWhole(path);
      snapshots.push(snapshot);
      open = undefined;
    } else if (value['kind'] !== undefined) {
      if (open !== undefined) throw notWhole(path);
      const version = value['schemaVersion'];
      open = { ...headOf(value, path), version, state: undefined, devices: [], twins: [] };
    } else if (open === undefined) {
      throw notOne(path);
    } else if (value['state'] !== undefined) {
      open.state = stateOf(value['state'], path);
    } else if (value['device'] !== undefined) {
      open.devices.push(deviceOf(value['device'], path));
    } else {
      open.twins.push(twinOf(value['twin'], path));
    }
  }
  if (open !== undefined || snapshots.length === 0)
    throw snapshots.length === 0 && open === undefined ? notOne(path) : notWhole(path);
  return snapshots;
}

function parse(line: string, path: string): JsonObject {
  try {
    const value: unknown = JSON.parse(line);
    if (isObject(value)) return value;
  } catch {
    // Reported below.
  }
  throw notOne(path);
}

function headOf(
  { schemaVersion, kind, hub, hostName, mode, capacity, takenAt }: JsonObject,
  path: string,
): SnapshotHead {
  if (kind !== KIND || typeof hub !== 'string' || typeof hostName !== 'string') throw notOne(path);
  if (!VERSIONS_READ.has(schemaVersion) || (mode !== 'Enforce' && mode !== 'Observe')) throw notOne(path);
  const { tier, units } = isObject(capacity) ? capacity : {};
  return {
    hub,
    hostName,
    mode,
    capacity: typeof tier === 'string' && typeof units === 'number' ? { tier, units } : undefined,
    takenAtMs: typeof takenAt === 'string' ? Date.parse(takenAt) : Number.NaN,
  };
}

function stateOf(value: Json, path: string): SnapshotState {
  const { instance, reserved, automatic, devicesCounted } = isObject(value) ? value : {};
  if (typeof instance !== 'string' || !isObject(reserved)) throw notOne(path);
  const listed = Array.isArray(automatic) ? automatic : undefined;
  return {
    instance,
    reserved,
    automatic: listed?.map((one) => automaticOf(one, path)),
    devicesCounted: typeof devicesCounted === 'number' ? devicesCounted : undefined,
  };
}

function automaticOf(value: Json, path: string): AutomaticConfiguration {
  const { id, priority, targetCondition, writes } = isObject(value) ? value : {};
  const isOne = typeof id === 'string' && typeof priority === 'number' && typeof targetCondition === 'string';
  if (!isOne || !Array.isArray(writes)) throw notOne(path);
  return { id, priority, targetCondition, writes: writes.map((write) => writeOf(write, path)) };
}

function writeOf(value: Json, file: string): AutomaticWrite {
  const { moduleId, path } = isObject(value) ? value : {};
  if (moduleId !== undefined && typeof moduleId !== 'string') throw notOne(file);
  if (!Array.isArray(path) || !path.every((key) => typeof key === 'string')) throw notOne(file);
  return { moduleId, path };
}

function deviceOf(value: Json, path: string): DeviceFacts {
  if (!isObject(value)) throw notOne(path);
  const { deviceId, status, iotEdge, tags } = value;
  if (typeof deviceId !== 'string' || typeof status !== 'string' || typeof iotEdge !== 'boolean' || !isObject(tags)) {
    throw notOne(path);
  }
  return { deviceId, status, iotEdge, tags };
}

function twinOf(value: Json | undefined, path: string): Twin {
  const twin = asTwin(value);
  if (twin?.moduleId === undefined) throw notOne(path);
  return twin;
}

function notOne(path: string): HubError {
  return new HubError(
    'Malformed',
    `${path} is not a snapshot of this version of Twinward: create one with \`twinward snapshot\`.`,
  );
}

function notWhole(path: string): HubError {
  return new HubError('Malformed', `${path} is truncated. Take the snapshot again.`);
}

/** Lists the snapshot; refuses every other call. */
export function snapshotHub({ devices, twins, state }: FleetSnapshot, recordTag: string): Hub {
  const refuse = (): Promise<never> => Promise.reject(new HubError('Invalid', 'A snapshot is read-only.'));
  return {
    async *listDevices() {
      yield* pagesOf(devices);
    },
    async *listModuleTwins(moduleIds) {
      const wanted = new Set(moduleIds);
      yield* pagesOf(
        twins.filter(({ moduleId = '', tags }) => wanted.has(moduleId) || tags?.[recordTag] !== undefined),
      );
    },
    countDevices: () => Promise.resolve(state?.devicesCounted ?? devices.length),
    listConfigurations: () =>
      state?.automatic === undefined
        ? Promise.reject(new HubError('NotFound', 'The snapshot does not contain them.'))
        : Promise.resolve(state.automatic),
    getDeviceTwin: (deviceId) => readDevice(deviceId, state),
    getModuleTwin: refuse,
    getModule: refuse,
    listModuleIds: refuse,
    patchModuleTwin: refuse,
    patchDeviceTwin: refuse,
    createModule: refuse,
    createDevice: refuse,
    deleteDevice: refuse,
    messagesSpent: () => 0,
    close: () => {},
  };
}

/** Returns only the reserved device: of others the snapshot has the facts for selectors, but no twin. */
async function readDevice(deviceId: string, state: SnapshotState | undefined): Promise<Twin> {
  if (state === undefined || deviceId !== reservedDeviceId(state.instance)) {
    throw new HubError('NotFound', `The twin of ${deviceId} is not in the snapshot.`);
  }
  const properties = { desired: {}, reported: {} };
  return { deviceId, etag: '', tags: { [RESERVED_TAG]: state.reserved }, properties };
}

function* pagesOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += PAGE_SIZE) yield rows.slice(start, start + PAGE_SIZE);
}
