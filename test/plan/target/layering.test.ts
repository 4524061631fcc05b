// Layers to one answer a key.

import { describe, expect, test } from 'vitest';
import { isRemovable, merge, placesNamedOnly, type Layer } from '../../../src/plan/target/layering.ts';
import {
  configurationOf,
  LEAF,
  profileOf,
  ROOT,
  selectorOf,
  type ConfigurationFields,
  type Configurations,
} from '../fixture.ts';

function layerOf(name: string, fields: ConfigurationFields, state: Layer['state'] = 'Enforced') {
  return { configuration: configurationOf(name, fields), group: undefined, selector: selectorOf(), state };
}

/** By descending priority, then by name, as the planner orders them. */
function merged(configurations: Configurations) {
  const layers = Object.entries(configurations)
    .map(([name, fields]) => layerOf(name, fields))
    .toSorted((a, b) => b.configuration.priority - a.configuration.priority);
  const { atoms, absences, conflicts } = merge(layers);
  const short = (owner: string) => owner.replace('SecurityConfiguration/', '');
  return {
    atoms: atoms.map(({ atom, owner }) => `${atom.name}=${JSON.stringify(atom.plain)} ${short(owner)}`),
    absences: absences.map(({ name, owner }) => `${name} ${short(owner)}`),
    conflicts: conflicts.map(({ name, owners }) => `${name} ${owners.map(short).join(' ')}`),
  };
}

describe('merging', () => {
  test.each<[sentence: string, given: Configurations, want: Partial<ReturnType<typeof merged>>]>([
    ['nothing', {}, { atoms: [], absences: [], conflicts: [] }],
    [
      'the higher priority wins, key by key',
      { low: { set: { a: 1, b: 1 } }, high: { priority: 1, set: { a: 2, c: 2 } } },
      { atoms: ['a=2 high', 'c=2 high', 'b=1 low'], conflicts: [] },
    ],
    [
      'a negative priority is lower',
      { low: { priority: -1, set: { a: 1 } }, high: { set: { a: 2 } } },
      { atoms: ['a=2 high'] },
    ],
    [
      'of equal values the first name owns',
      { x: { set: { a: 1 } }, y: { set: { a: 1 } } },
      { atoms: ['a=1 x'], conflicts: [] },
    ],
    ['equal priority, other values', { x: { set: { a: 1 } }, y: { set: { a: 2 } } }, { conflicts: ['a x y'] }],
    ['"1" is not 1', { x: { set: { a: 1 } }, y: { set: { a: '1' } } }, { conflicts: ['a x y'] }],
    [
      'equal values, other policies',
      { x: { set: { a: 1 } }, y: { set: { a: 1 }, policies: { a: 'IfNotPresent' } } },
      { conflicts: ['a x y'] },
    ],
    ['set against unset', { x: { set: { a: 1 } }, y: { unset: ['a'] } }, { conflicts: ['a x y'] }],
    ['unset twice', { x: { unset: ['a'] }, y: { unset: ['a'] } }, { absences: ['a x'], conflicts: [] }],
    [
      'unset above set',
      { x: { set: { a: 1, b: 1 } }, y: { priority: 1, unset: ['a'] } },
      { atoms: ['b=1 x'], absences: ['a y'] },
    ],
    ['set above unset', { x: { priority: 1, set: { a: 1 } }, y: { unset: ['a'] } }, { atoms: ['a=1 x'], absences: [] }],
    [
      'a key and a key inside it are one place',
      { x: { set: { a: { b: 1 } } }, y: { priority: 1, set: { a: 5 } } },
      { atoms: ['a=5 y'], conflicts: [] },
    ],
    ['also at equal priority', { x: { set: { a: { b: 1 } } }, y: { set: { a: 5 } } }, { conflicts: ['a x y'] }],
    [
      'unset of an object keeps all inside it away',
      { x: { set: { a: { b: 1, c: 1 } } }, y: { priority: 1, unset: ['a'] } },
      { atoms: [], absences: ['a y'] },
    ],
    [
      'unset inside an object leaves its siblings',
      { x: { set: { a: { b: 1, c: 1 } } }, y: { priority: 1, unset: ['a/b'] } },
      { atoms: ['a/c=1 x'], absences: ['a/b y'] },
    ],
    [
      'Ignore claims nothing',
      { x: { set: { a: 1 } }, y: { priority: 1, set: { a: 2 }, policies: { a: 'Ignore' } } },
      { atoms: ['a=1 x'] },
    ],
    [
      'rivals that both lose to a third do not conflict',
      { x: { set: { a: 1 } }, y: { set: { a: 2 } }, z: { priority: 1, set: { a: 3 } } },
      { atoms: ['a=3 z'], conflicts: [] },
    ],
    [
      'nor where one loses only in part',
      { x: { set: { a: { c: 1 } } }, y: { set: { a: 5 } }, z: { priority: 1, set: { a: { b: 3 } } } },
      { atoms: ['a/b=3 z', 'a/c=1 x'], conflicts: [] },
    ],
    [
      'keys of two sections are two places',
      { x: { set: { a: 1 } }, y: { profile: profileOf('h', { section: ['h'] }), set: { a: 2 } } },
      { atoms: ['a=1 x', 'a=2 y'], conflicts: [] },
    ],
    [
      'what a profile never removes need not be absent',
      { x: { profile: profileOf('p', { preserve: ['a'] }), unset: ['a', 'b'] } },
      { absences: ['b x'] },
    ],
  ])('%s', (_sentence, given, want) => {
    expect(merged(given)).toMatchObject(want);
  });
});

test('places that are named and not written: all of a frozen layer, and what an enforced one ignores', () => {
  const places = placesNamedOnly([
    layerOf('x', { set: { a: 1, b: 1 }, policies: { b: 'Ignore' } }),
    layerOf('y', { set: { c: 1 } }, 'Observed'),
    layerOf('z', { profile: ROOT, set: { d: 1 } }, 'Suspended'),
  ]);
  const named = [['g', 'a'], ['g', 'b'], ['g', 'c'], ['d']].map((path) => places.overlaps(path));
  expect(named).toEqual([false, true, true, true]);
});

test.each([
  ['a setting', LEAF, 'a', true],
  ['of a profile that keeps all', profileOf('p', { onRemove: 'Keep' }), 'a', false],
  ['preserved by a pattern', profileOf('p', { preserve: ['a*'] }), 'abc', false],
  ['inside a preserved one', profileOf('p', { preserve: ['a'] }), 'a/b/c', false],
  ['below a preserved one', profileOf('p', { preserve: ['a/b'] }), 'a/b/c', false],
  ['denied', profileOf('p', { deny: ['a'] }), 'a', false],
])('may be removed: %s', (_sentence, profile, name, want) => {
  expect(isRemovable(profile, name)).toBe(want);
});
