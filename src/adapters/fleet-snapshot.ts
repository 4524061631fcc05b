// A fleet in a file: one line for each device and twin, and the hub port over it, which only reads.
import type { Capacity, Mode } from '../model/declared.ts';
import { HubError } from '../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';
import { asTwin, type DeviceFacts, type Twin } from '../model/twin.ts';
import type { Hub } from '../ports/hub.ts';

export const SNAPSHOT_VERSION = 1;
const KIND = 'FleetSnapshot';
const PAGE_SIZE = 1_000;

/** What a snapshot says of its hub. */
export interface SnapshotHead {
  /** The Hub's name in the manifests that it was taken with. */
  readonly hub: string;
  readonly hostName: string;
  /** The ceiling that was in force. */
  readonly mode: Mode;
  readonly capacity: Capacity | undefined;
  readonly takenAtMs: number;
}

export interface FleetSnapshot extends SnapshotHead {
  readonly devices: readonly DeviceFacts[];
  readonly twins: readonly Twin[];
}

/** The lines of one hub, in order: head, devices, twins, end. Each ends with a line feed. */
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
  device: (device: DeviceFacts): string => lineOf({ device: { ...device } }),
  twin: (twin: Twin): string => lineOf({ twin: { ...twin } }),
  /** Without it the file is not believed: something was cut off. */
  end: (devices: number, twins: number): string => lineOf({ end: { devices, twins } }),
};

function lineOf(value: JsonObject): string {
  return `${JSON.stringify(value)}\n`;
}

/** Of each hub in it. Throws HubError for a file that is no snapshot, is of another version, or is not whole. */
export function readSnapshots(text: string, path: string): FleetSnapshot[] {
  const snapshots: FleetSnapshot[] = [];
  let open: (SnapshotHead & { devices: DeviceFacts[]; twins: Twin[] }) | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const value = parse(line, path);
    if (isObject(value['end'])) {
      const { devices, twins } = value['end'];
      if (open === undefined || open.devices.length !== devices || open.twins.length !== twins) throw notWhole(path);
      snapshots.push(open);
      open = undefined;
    } else if (value['kind'] !== undefined) {
      if (open !== undefined) throw notWhole(path);
      open = { ...headOf(value, path), devices: [], twins: [] };
    } else if (open === undefined) {
      throw notOne(path);
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
    // Said below, in the same words.
  }
  throw notOne(path);
}

function headOf(
  { schemaVersion, kind, hub, hostName, mode, capacity, takenAt }: JsonObject,
  path: string,
): SnapshotHead {
  if (kind !== KIND || typeof hub !== 'string' || typeof hostName !== 'string') throw notOne(path);
  if (schemaVersion !== SNAPSHOT_VERSION || (mode !== 'Enforce' && mode !== 'Observe')) throw notOne(path);
  const { tier, units } = isObject(capacity) ? capacity : {};
  return {
    hub,
    hostName,
    mode,
    capacity: typeof tier === 'string' && typeof units === 'number' ? { tier, units } : undefined,
    takenAtMs: typeof takenAt === 'string' ? Date.parse(takenAt) : Number.NaN,
  };
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
    `${path} is no snapshot of this version of Twinward: \`twinward snapshot\` makes one.`,
  );
}

function notWhole(path: string): HubError {
  return new HubError(
    'Malformed',
    `${path} is not whole, and a part of a fleet is not believed. Take the snapshot again.`,
  );
}

/** Lists what is in the snapshot; every other call is refused. */
export function snapshotHub({ devices, twins }: FleetSnapshot, recordTag: string): Hub {
  const refuse = (): Promise<never> => Promise.reject(new HubError('Invalid', 'A snapshot can only be looked at.'));
  const missing = (deviceId: string): Promise<never> =>
    Promise.reject(new HubError('NotFound', `The twin of ${deviceId} is not in the snapshot.`));
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
    countDevices: () => Promise.resolve(devices.length),
    listConfigurations: () => Promise.resolve([]),
    // Of devices it knows what selectors need; the one that is reserved for Twinward is not in it.
    getDeviceTwin: missing,
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

function* pagesOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += PAGE_SIZE) yield rows.slice(start, start + PAGE_SIZE);
}
