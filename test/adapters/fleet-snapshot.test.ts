// Snapshots of fleets: read as written, and refused if truncated.
import { describe, expect, test } from 'vitest';
import {
  readSnapshots,
  snapshotHub,
  snapshotLines,
  type SnapshotHead,
  type SnapshotState,
} from '../../src/adapters/fleet-snapshot.ts';
import type { Twin } from '../../src/model/twin.ts';

const HEAD: SnapshotHead = {
  hub: 'prod',
  hostName: 'acme.azure-devices.net',
  mode: 'Enforce',
  capacity: { tier: 'S1', units: 2 },
  takenAtMs: Date.UTC(2026, 10, 24),
};
const DEVICE = { deviceId: 'd1', status: 'enabled', iotEdge: false, tags: { hw: 'atm' } };
const properties = { desired: { a: 1 }, reported: {} };
const TWIN: Twin = { deviceId: 'd1', moduleId: 'm', etag: 'AAAAAAAAAAE=', properties };
const RECORDED: Twin = { ...TWIN, moduleId: 'old', tags: { twinward: {} } };
const STATE: SnapshotState = {
  instance: 'default',
  reserved: { suspensions: [{ scope: 'All', who: 'anna@desk', reason: 'outage' }] },
  automatic: [{ id: 'soc', priority: 1, targetCondition: '*', writes: [{ moduleId: 'm', path: ['a', 'b'] }] }],
  devicesCounted: 3,
};
const LINES = [
  snapshotLines.head(HEAD),
  snapshotLines.state(STATE),
  snapshotLines.device(DEVICE),
  snapshotLines.twin(TWIN),
  snapshotLines.twin(RECORDED),
  snapshotLines.end(1, 2),
];
const SIGNAL = new AbortController().signal;

test('a snapshot is read as it was written, and so are several in one file', () => {
  const snapshot = { ...HEAD, state: STATE, devices: [DEVICE], twins: [TWIN, RECORDED] };
  expect(readSnapshots(LINES.join(''), 'f')).toEqual([snapshot]);
  expect(readSnapshots([...LINES, ...LINES].join(''), 'f')).toEqual([snapshot, snapshot]);
});

describe('not believed', () => {
  test.each<[what: string, text: string, says: string]>([
    ['nothing at all', '', 'is not a snapshot'],
    ['something else', 'apiVersion: v1\n', 'is not a snapshot'],
    ['another kind', '{"kind": "Plan", "schemaVersion": 1}', 'is not a snapshot'],
    ['a newer version', LINES.join('').replace('"schemaVersion":2', '"schemaVersion":3'), 'is not a snapshot'],
    ['one that lacks what is said of the hub', LINES.toSpliced(1, 1).join(''), 'is truncated'],
    ['an automatic configuration without an id', LINES.join('').replace('"id":"soc"', '"id":1'), 'is not a snapshot'],
    ['a place that is none', LINES.join('').replace('["a","b"]', '["a",1]'), 'is not a snapshot'],
    ['a file that was cut off', LINES.slice(0, -1).join(''), 'is truncated'],
    ['a file that was cut within a line', LINES.join('').slice(0, -20), 'is not a snapshot'],
    ['a line that is missing', LINES.toSpliced(3, 1).join(''), 'is truncated'],
    ['a second hub that begins before the first ended', [...LINES.slice(0, -1), ...LINES].join(''), 'is truncated'],
    ['a twin without an etag', LINES.join('').replace('"etag":"AAAAAAAAAAE="', '"etag":1'), 'is not a snapshot'],
  ])('%s', (_what, text, says) => {
    expect(() => readSnapshots(text, 'f')).toThrow(says);
  });
});

describe('the hub of a snapshot', () => {
  const [snapshot] = readSnapshots(LINES.join(''), 'f');
  const hub = snapshotHub(snapshot as NonNullable<typeof snapshot>, 'twinward');

  test('lists twins of the modules asked for, and those with a record', async () => {
    const listed = await Array.fromAsync(hub.listModuleTwins(['m'], SIGNAL));
    expect(listed).toEqual([[TWIN, RECORDED]]);
    expect(await Array.fromAsync(hub.listModuleTwins([], SIGNAL))).toEqual([[RECORDED]]);
    expect(await Array.fromAsync(hub.listDevices(SIGNAL))).toEqual([[DEVICE]]);
  });

  test('tells what is around them as the hub did', async () => {
    expect(await hub.countDevices(SIGNAL)).toBe(3);
    expect(await hub.listConfigurations(SIGNAL)).toEqual(STATE.automatic);
    expect((await hub.getDeviceTwin('twinward-default', SIGNAL)).tags).toEqual({ twinward: STATE.reserved });
    await expect(hub.getDeviceTwin('twinward-other', SIGNAL)).rejects.toThrow('is not in the snapshot');
  });

  test('of an older Twinward is read, and does not pretend to know what is around them', async () => {
    const text = LINES.toSpliced(1, 1).join('').replace('"schemaVersion":2', '"schemaVersion":1');
    const old = readSnapshots(text, 'f')[0];
    expect(old).toEqual({ ...HEAD, state: undefined, devices: [DEVICE], twins: [TWIN, RECORDED] });
    const older = snapshotHub(old as NonNullable<typeof old>, 'twinward');
    expect(await older.countDevices(SIGNAL)).toBe(1);
    await expect(older.listConfigurations(SIGNAL)).rejects.toThrow('The snapshot does not contain them.');
    await expect(older.getDeviceTwin('twinward-default', SIGNAL)).rejects.toThrow('is not in the snapshot');
  });

  test('takes no write', async () => {
    const writing = hub.patchModuleTwin({ deviceId: 'd1', moduleId: 'm' }, {}, TWIN.etag, SIGNAL);
    await expect(writing).rejects.toThrow('A snapshot is read-only.');
  });
});
