// The smallest patch that is safe for the agent.
import { describe, expect, test } from 'vitest';
import { hasNull, mergePatch, mergePatchBetween, type Json, type JsonObject } from '../../../src/model/json.ts';
import type { Profile } from '../../../src/model/profile.ts';
import type { SettingChange } from '../../../src/model/action.ts';
import { userDesired } from '../../../src/model/twin.ts';
import { applyChanges, desiredPatch } from '../../../src/plan/twin/patch.ts';
import { LEAF, PNP, ROOT, WRAPPED } from '../fixture.ts';

function change(path: string, after: Json | undefined): SettingChange {
  return {
    name: path,
    path: path.split('/'),
    before: undefined,
    after,
    owner: 'SecurityConfiguration/x',
    cause: 'Drift',
    sensitive: false,
  };
}

const HUB_KEYS = { $metadata: { a: {} }, $version: 3 };

describe('the patch', () => {
  test.each<[sentence: string, desired: JsonObject, changes: SettingChange[], profiles: Profile[], patch: Json]>([
    ['of leaves holds them alone', { g: { a: 1, b: 1 } }, [change('g/a', 2)], [LEAF], { g: { a: 2 } }],
    ['of what is new makes the way to it', {}, [change('g/a/b', 2)], [LEAF], { g: { a: { b: 2 } } }],
    ['removes with null', { g: { a: 1, b: 1 } }, [change('g/a', undefined)], [LEAF], { g: { a: null } }],
    [
      'of an object holds what differs inside it',
      { g: { o: { x: 1, y: 1, z: [1] } } },
      [change('g/o', { x: 1, y: 2, z: [1] })],
      [LEAF],
      { g: { o: { y: 2 } } },
    ],
    [
      'of an object that loses members',
      { g: { o: { x: 1, y: 1 } } },
      [change('g/o', { x: 1 })],
      [LEAF],
      { g: { o: { y: null } } },
    ],
    [
      'of an object that takes the place of a text',
      { g: { o: 'x' } },
      [change('g/o', { x: 1 })],
      [LEAF],
      { g: { o: { x: 1 } } },
    ],
    [
      'of a text that takes the place of an object',
      { g: { o: { x: 1 } } },
      [change('g/o', 'x')],
      [LEAF],
      { g: { o: 'x' } },
    ],
    [
      'of a section is the section as it will be',
      { w: { a: 1, b: 1, foreign: [1] }, near: 1 },
      [change('w/a', 2)],
      [WRAPPED],
      { w: { a: 2, b: 1, foreign: [1] } },
    ],
    [
      'of a section nulls what goes, at any depth',
      { w: { a: { x: 1, y: 1 }, b: 1 } },
      [change('w/a', { x: 1 }), change('w/b', undefined)],
      [WRAPPED],
      { w: { a: { x: 1, y: null }, b: null } },
    ],
    ['of the last setting of a section', { w: { a: 1 } }, [change('w/a', undefined)], [WRAPPED], { w: { a: null } }],
    ['of a section that does not exist yet', {}, [change('w/a', 1)], [WRAPPED], { w: { a: 1 } }],
    ['leaves a section out that does not exist', { g: { a: 1 } }, [change('g/a', 2)], [LEAF, WRAPPED], { g: { a: 2 } }],
    [
      'of the root is all of it',
      { a: 1, b: { c: 1 }, gone: 1 },
      [change('a', 2), change('gone', undefined)],
      [ROOT],
      { a: 2, b: { c: 1 }, gone: null },
    ],
    [
      'marks components',
      { C: { a: 1 } },
      [change('C/a', 2), change('D/b', 1), change('p', 1)],
      [PNP],
      {
        C: { __t: 'c', a: 2 },
        D: { __t: 'c', b: 1 },
        p: 1,
      },
    ],
    [
      'marks components that lose a property',
      { C: { __t: 'c', a: 1 } },
      [change('C/a', undefined)],
      [PNP],
      { C: { __t: 'c', a: null } },
    ],
    ['marks no component that goes whole', { C: { __t: 'c', a: 1 } }, [change('C', undefined)], [PNP], { C: null }],
  ])('%s', (_sentence, desired, changes, profiles, want) => {
    const live = { ...desired, ...HUB_KEYS };
    const next = applyChanges(live, changes, profiles);
    const patch = desiredPatch(live, next, changes, profiles);
    expect(patch).toEqual(want);
    expect(mergePatch(desired, patch)).toEqual(next);
    expect(live).toEqual({ ...desired, ...HUB_KEYS });
  });
});

test('what the hub adds is not the user’s', () => {
  const desired = JSON.parse('{"a": 1, "$version": 2, "$metadata": {}, "__proto__": {"x": 1}}') as JsonObject;
  expect(userDesired(desired)).toEqual(JSON.parse('{"a": 1, "__proto__": {"x": 1}}'));
});

test.each<[value: Json | undefined, want: boolean]>([
  [undefined, false],
  [null, true],
  [{ a: { b: null } }, true],
  [{ a: { b: 0, c: '', d: false } }, false],
  [{ a: [null] }, false],
])('%j holds a removal: %s', (value, want) => {
  expect(hasNull(value)).toBe(want);
});

test.each<[before: Json | undefined, after: Json, want: Json | undefined]>([
  [1, 1, undefined],
  [1, 2, 2],
  [undefined, { a: 1 }, { a: 1 }],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, undefined],
  [{ a: 1, b: 2 }, { a: 1 }, { b: null }],
  [{ a: { b: 1, c: 1 } }, { a: { b: 2, c: 1 } }, { a: { b: 2 } }],
  [
    [1, 2],
    [1, 3],
    [1, 3],
  ],
  [[1, 2], { a: 1 }, { a: 1 }],
  [{ a: {} }, { a: {} }, undefined],
])('from %j to %j: %j', (before, after, want) => {
  expect(mergePatchBetween(before, after)).toEqual(want);
});
