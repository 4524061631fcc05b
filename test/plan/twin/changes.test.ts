// Live against declared, setting by setting.
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import type { Profile } from '../../../src/model/profile.ts';
import { configurationOwner } from '../../../src/model/owner.ts';
import { causeFrom, diffClaims, isMet, type ChangeContext } from '../../../src/plan/twin/changes.ts';
import { encodeSettings } from '../../../src/profile/encode.ts';
import { profileOf, ROOT, WRAPPED } from '../fixture.ts';

const OWNER = configurationOwner('o');
type OwnerHistory = Parameters<typeof causeFrom>[0];

const CONTEXT: ChangeContext = { causeOf: () => 'Drift', isSensitive: () => false };

function difference(profile: Profile, declared: Json, live: Json | undefined) {
  const atoms = encodeSettings(profile, { a: declared }).map((atom) => ({ atom, owner: OWNER }));
  const section = live === undefined ? {} : { a: live };
  const desired = profile.section.length === 0 ? section : { [profile.section[0] as string]: section };
  return diffClaims({ atoms, absences: [] }, desired, CONTEXT).map(({ before, after }) => [before, after]);
}

describe('a setting', () => {
  test.each<[sentence: string, declared: Json, live: Json | undefined, want: Json[]]>([
    ['that is there', 1, 1, []],
    ['that differs', 1, 2, [[2, 1]]],
    ['with members more is another', { x: 1 }, { x: 1, y: 1 }, [[{ x: 1, y: 1 }, { x: 1 }]]],
    ['with its members in another order is the same', { x: 1, y: 1 }, { y: 1, x: 1 }, []],
    [
      'with items in another order is another',
      [1, 2],
      [2, 1],
      [
        [
          [2, 1],
          [1, 2],
        ],
      ],
    ],
    ['false is not absent', false, undefined, [[undefined, false]] as unknown as Json[]],
    ['0 is not "0"', 0, '0', [['0', 0]]],
  ])('%s', (_sentence, declared, live, want) => {
    expect(difference(ROOT, declared, live)).toEqual(want);
  });
});

describe('a wrapped setting', () => {
  test.each<[sentence: string, declared: Json, live: Json | undefined, want: Json[]]>([
    ['that is there', 1, { value: 1 }, []],
    ['with foreign members is the same', 1, { value: 1, note: 'x' }, []],
    [
      'that differs keeps foreign members',
      1,
      { value: 2, note: 'x' },
      [
        [
          { value: 2, note: 'x' },
          { value: 1, note: 'x' },
        ],
      ],
    ],
    ['without its value is none', 1, { note: 'x' }, [[{ note: 'x' }, { value: 1, note: 'x' }]]],
    ['bare is none', 1, 1, [[1, { value: 1 }]]],
    ['in a list is none', 1, [{ value: 1 }], [[[{ value: 1 }], { value: 1 }]]],
  ])('%s', (_sentence, declared, live, want) => {
    expect(difference(WRAPPED, declared, live)).toEqual(want);
  });
});

describe('a setting written only where there is none', () => {
  const [atom] = encodeSettings(ROOT, { a: 1 }, new Map([['a', 'IfNotPresent']]));
  test.each<[live: Json, want: boolean]>([
    [{}, false],
    [{ a: 2 }, true],
    [{ a: false }, true],
    [{ a: {} }, true],
  ])('%j is met: %s', (live, want) => {
    expect(isMet(atom as NonNullable<typeof atom>, live as never)).toBe(want);
  });
});

test('what is to be absent is a removal of all that is there', () => {
  const absences = ['a', 'b'].map((name) => ({ name, path: ['g', name], owner: OWNER }));
  const changes = diffClaims({ atoms: [], absences }, { g: { a: { x: 1 } } }, CONTEXT);
  expect(changes).toEqual([
    { name: 'a', path: ['g', 'a'], before: { x: 1 }, after: undefined, owner: OWNER, cause: 'Drift', sensitive: false },
  ]);
});

test('a setting is sensitive for what is declared and for what is live', () => {
  const profile = profileOf('p', { ownershipAtom: 'Setting', sensitive: ['a/token', 'b'] });
  const atoms = encodeSettings(profile, { a: { url: 'u' }, b: 1, c: 1 }).map((atom) => ({ atom, owner: OWNER }));
  const isSensitive: ChangeContext['isSensitive'] = (name, value) =>
    name === 'a' && JSON.stringify(value).includes('token');
  const changes = diffClaims({ atoms, absences: [] }, { a: { token: 't' } }, { ...CONTEXT, isSensitive });
  expect(changes.map(({ name, sensitive }) => [name, sensitive])).toEqual([
    ['a', true],
    ['b', true],
    ['c', false],
  ]);
});

describe('the cause of a change', () => {
  const history = (fields: Partial<OwnerHistory>): OwnerHistory => ({
    digest: 'd',
    owns: false,
    followsDeparted: false,
    followsException: false,
    ...fields,
  });
  test.each<[sentence: string, history: OwnerHistory, digest: string, isRecorded: boolean, want: string]>([
    [
      'its owner never wrote here',
      history({ digest: undefined, followsDeparted: true }),
      'd',
      true,
      'FirstConfiguration',
    ],
    ['its owner changed', history({ digest: 'c', owns: true }), 'd', true, 'ConfigurationChanged'],
    ['its owner wrote it and is the same', history({ owns: true }), 'd', true, 'Drift'],
    ['it was that of one that left the group', history({ followsDeparted: true }), 'd', true, 'LeftGroup'],
    [
      'it was that of an exception',
      history({ digest: undefined, followsException: true }),
      'd',
      true,
      'ExceptionEnded',
    ],
    ['its owner is the same and did not have it', history({}), 'd', true, 'ConfigurationChanged'],
    ['its owner is the same and would not show in the record', history({}), 'd', false, 'Drift'],
  ])('%s', (_sentence, given, digest, isRecorded, want) => {
    expect(causeFrom(given, digest, isRecorded)).toBe(want);
  });
});
