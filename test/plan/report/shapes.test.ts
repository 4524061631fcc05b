// A plan folded for people.
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { DeviceFacts } from '../../../src/model/twin.ts';
import type { ActionType, ReasonOf, SettingChange } from '../../../src/model/action.ts';
import { actionOf, type ActionParts } from '../actions.ts';
import { countByTag, foldShapes, removes, tellingTag, type PlannedTwin } from '../../../src/plan/report/shapes.ts';
import { deviceOf } from '../fixture.ts';

function change(name: string, before: Json | undefined, after: Json | undefined, sensitive = false): SettingChange {
  return { name, path: ['g', name], before, after, owner: 'SecurityConfiguration/x', cause: 'Drift', sensitive };
}

function planned(deviceId: string, changes: readonly SettingChange[]): PlannedTwin {
  return unwritten(deviceId, 'Patch', 'Drift', { changes, etag: deviceId });
}

function unwritten<T extends ActionType>(
  deviceId: string,
  type: T,
  reason: ReasonOf<T>,
  parts: ActionParts = {},
): PlannedTwin {
  const about = { deviceId, moduleId: 'guard', owners: ['SecurityConfiguration/x' as const] };
  return { action: actionOf(type, reason, { ...about, ...parts }), device: { ...deviceOf(), deviceId } };
}

function shown(twins: readonly PlannedTwin[]): string[] {
  return foldShapes(twins).map(
    ({ type, changes, devices }) =>
      `${type} ${changes.map(({ name, after }) => (after === undefined ? `-${name}` : name)).join(' ')}: ${devices.map(({ deviceId }) => deviceId).join(' ')}`,
  );
}

const CHANGED = change('a', 1, 2);
const REMOVED = change('b', 1, undefined);

describe('twins fold into shapes', () => {
  test.each<[sentence: string, twins: PlannedTwin[], want: string[]]>([
    ['none', [], []],
    [
      'that change alike are one, whatever their etag',
      [planned('d1', [CHANGED]), planned('d2', [CHANGED])],
      ['Patch a: d1 d2'],
    ],
    [
      'whatever order the changes come in',
      [planned('d1', [CHANGED, REMOVED]), planned('d2', [REMOVED, CHANGED])],
      ['Patch -b a: d1 d2'],
    ],
    [
      'the larger first',
      [planned('d1', [change('a', 1, 3)]), planned('d2', [CHANGED]), planned('d3', [CHANGED])],
      ['Patch a: d2 d3', 'Patch a: d1'],
    ],
    [
      'those that remove before all others',
      [planned('d1', [CHANGED]), planned('d2', [CHANGED]), planned('d3', [REMOVED])],
      ['Patch -b: d3', 'Patch a: d1 d2'],
    ],
    [
      'another value before is another shape',
      [planned('d1', [CHANGED]), planned('d2', [change('a', 5, 2)])],
      ['Patch a: d1', 'Patch a: d2'],
    ],
    [
      'absent is not null or empty',
      [planned('d1', [change('a', undefined, 2)]), planned('d2', [change('a', '', 2)])],
      ['Patch a: d1', 'Patch a: d2'],
    ],
    [
      'the order of members does not matter',
      [planned('d1', [change('a', { x: 1, y: 2 }, 2)]), planned('d2', [change('a', { y: 2, x: 1 }, 2)])],
      ['Patch a: d1 d2'],
    ],
    [
      'where nothing changes it does not matter who decides',
      [
        unwritten('d1', 'Keep', 'Unassigned', { owners: ['SecurityConfiguration/x'] }),
        unwritten('d2', 'Keep', 'Unassigned', { owners: ['SecurityConfiguration/y'] }),
      ],
      ['Keep : d1 d2'],
    ],
    [
      'secrets make no shape of their own',
      [planned('d1', [change('a', 's1', 't1', true)]), planned('d2', [change('a', 's2', 't2', true)])],
      ['Patch a: d1 d2'],
    ],
    [
      'of what is observed the differences count',
      [
        unwritten('d1', 'Observe', 'ModeObserve', { observed: [CHANGED] }),
        unwritten('d2', 'Observe', 'ModeObserve', { observed: [REMOVED] }),
      ],
      ['Observe -b: d2', 'Observe a: d1'],
    ],
    [
      'another message is another shape',
      [
        unwritten('d1', 'Hold', 'Conflicted', { message: 'x' }),
        unwritten('d2', 'Hold', 'Conflicted', { message: 'y' }),
      ],
      ['Hold : d1', 'Hold : d2'],
    ],
    [
      'but not those of contests, where rate and time are each twin’s own',
      [
        unwritten('d1', 'Observe', 'Contested', { message: 'since 10:00', observed: [CHANGED] }),
        unwritten('d2', 'Observe', 'Contested', { message: 'since 11:00', observed: [CHANGED] }),
      ],
      ['Observe a: d1 d2'],
    ],
  ])('%s', (_sentence, twins, want) => {
    expect(shown(twins)).toEqual(want);
  });

  test('a shape removes where any of its changes does', () => {
    expect(removes({ changes: [CHANGED] })).toBe(false);
    expect(removes({ changes: [CHANGED, REMOVED] })).toBe(true);
  });
});

describe('the tag that tells most', () => {
  const fleet = (...tags: JsonObject[]): DeviceFacts[] =>
    tags.map((one, index) => ({ ...deviceOf(one), deviceId: `d${index}` }));
  test.each<[sentence: string, devices: DeviceFacts[], want: string | undefined]>([
    ['no tag', fleet({}, {}), undefined],
    ['a tag that all share tells nothing', fleet({ env: 'a' }, { env: 'a' }), undefined],
    ['the one with most values', fleet({ env: 'a', site: 1 }, { env: 'a', site: 2 }, { env: 'b', site: 3 }), 'site'],
    [
      'not one that every device has another value of',
      fleet(...Array.from({ length: 9 }, (_, id) => ({ id, half: id % 2 }))),
      'half',
    ],
    ['not one that few carry', fleet({ rare: 1 }, { rare: 2 }, {}, {}, {}), undefined],
    ['an object is no value', fleet({ at: { x: 1 } }, { at: { x: 2 } }), undefined],
  ])('%s', (_sentence, devices, want) => {
    expect(tellingTag([devices])).toBe(want);
  });

  test('what tells devices of one group apart goes before what tells groups apart', () => {
    const atms = fleet({ hw: 'atm', site: 'a' }, { hw: 'atm', site: 'b' });
    const kiosks = fleet({ hw: 'kiosk', site: 'a' }, { hw: 'kiosk', site: 'b' });
    const gates = fleet({ hw: 'gate', site: 'a' });
    expect(tellingTag([atms, kiosks, gates])).toBe('site');
    expect(tellingTag([fleet({ hw: 'atm', site: 'a' }), kiosks.slice(1), gates])).toBe('hw');
  });

  test('counts by value, most first, then by name', () => {
    const devices = fleet({ s: 'b' }, { s: 'a' }, { s: 'c' }, { s: 'c' }, {}, { s: ['x'] });
    expect(countByTag(devices, 's')).toEqual([
      ['c', 2],
      ['a', 1],
      ['b', 1],
    ]);
    expect(countByTag(devices, 'constructor')).toEqual([]);
    expect(countByTag(fleet({ s: { t: 'b' } }, { s: { t: 'b' } }, { s: 'b' }, {}), 's.t')).toEqual([['b', 2]]);
  });
});
