// Snapshots of fleets: read as written, and never believed in part.
import { describe, expect, test } from 'vitest';
import { readSnapshots, snapshotHub, snapshotLines, type SnapshotHead } from '../../src/adapters/fleet-snapshot.ts';
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
const LINES = [
  snapshotLines.head(HEAD),
  snapshotLines.device(DEVICE),
  snapshotLines.twin(TWIN),
  snapshotLines.twin(RECORDED),
  snapshotLines.end(1, 2),
];
const SIGNAL = new AbortController().signal;

test('a snapshot is read as it was written, and so are several in one file', () => {
  const snapshot = { ...HEAD, devices: [DEVICE], twins: [TWIN, RECORDED] };
  expect(readSnapshots(LINES.join(''), 'f')).toEqual([snapshot]);
  expect(readSnapshots([...LINES, ...LINES].join(''), 'f')).toEqual([snapshot, snapshot]);
});

describe('not believed', () => {
  test.each<[what: string, text: string, says: string]>([
    ['nothing at all', '', 'is no snapshot'],
    ['something else', 'apiVersion: v1\n', 'is no snapshot'],
    ['another kind', '{"kind": "Plan", "schemaVersion": 1}', 'is no snapshot'],
    ['a newer version', LINES.join('').replace('"schemaVersion":1', '"schemaVersion":2'), 'is no snapshot'],
    ['a file that was cut off', LINES.slice(0, -1).join(''), 'is not whole'],
    ['a file that was cut within a line', LINES.join('').slice(0, -20), 'is no snapshot'],
    ['a line that is missing', LINES.toSpliced(2, 1).join(''), 'is not whole'],
    ['a second hub that begins before the first ended', [...LINES.slice(0, -1), ...LINES].join(''), 'is not whole'],
    ['a twin without an etag', LINES.join('').replace('"etag":"AAAAAAAAAAE="', '"etag":1'), 'is no snapshot'],
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
    expect(await hub.countDevices(SIGNAL)).toBe(1);
  });

  test('takes no write', async () => {
    const writing = hub.patchModuleTwin({ deviceId: 'd1', moduleId: 'm' }, {}, TWIN.etag, SIGNAL);
    await expect(writing).rejects.toThrow('A snapshot can only be looked at.');
  });
});
