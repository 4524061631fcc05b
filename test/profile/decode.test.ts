// From a twin back to settings that could be declared.
import { describe, expect, test } from 'vitest';
import { builtinProfiles } from '../../src/profile/builtin.ts';
import { decodeSection } from '../../src/profile/decode.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Profile } from '../../src/model/profile.ts';
import { resolveProfile } from '../../src/profile/resolve.ts';

const HIDDEN = '(sensitive)';
const legacy = builtinProfiles().get('defender-legacy') as Profile;
const micro = builtinProfiles().get('defender-micro-agent') as Profile;
const pnp = builtinProfiles().get('generic-pnp') as Profile;
const guard = resolveProfile(
  'guard',
  { extends: 'generic', moduleId: 'guard', section: '/guard', sensitive: ['badge'], deny: ['fixed'] },
  builtinProfiles().get('generic'),
  undefined,
).profile as Profile;

function wrapped(settings: Record<string, Json>): JsonObject {
  const section = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, { value }]));
  return { [legacy.section[0] ?? '']: section };
}

describe('a section', () => {
  test.each<[sentence: string, profile: Profile, desired: JsonObject, atoms: Record<string, Json>, left: string[]]>([
    ['that is not there says nothing', legacy, {}, {}, []],
    [
      'is taken out of its wrappers',
      legacy,
      wrapped({ eventPriorityLogin: 'High' }),
      { eventPriorityLogin: 'High' },
      [],
    ],
    [
      'spelled by another hand is declared as the profile spells it',
      legacy,
      wrapped({ eventPriorityLogin: 'high' }),
      { eventPriorityLogin: 'High' },
      [],
    ],
    ['keeps what its profile denies', legacy, wrapped({ hubResourceId: '/x' }), {}, ['Denied hubResourceId']],
    [
      'keeps a value that the profile refuses',
      legacy,
      wrapped({ eventPriorityLogin: 'Sometimes', snapshotFrequency: 'PT13H' }),
      { snapshotFrequency: 'PT13H' },
      ['Unfit eventPriorityLogin'],
    ],
    [
      'keeps what is not written as the profile writes',
      legacy,
      { [legacy.section[0] ?? '']: { eventPriorityLogin: 'High' } },
      {},
      ['Unfit eventPriorityLogin'],
    ],
    [
      'at the root keeps what others have there',
      micro,
      { Process_MessageFrequency: 'Low', appTeam: { a: 1 }, $version: 3 },
      { Process_MessageFrequency: 'Low' },
      ['Unfit appTeam'],
    ],
    [
      'gives away no secret, by the profile, by its looks or hidden before',
      guard,
      { guard: { badge: 1, nested: { password: 'p' }, hidden: HIDDEN, fixed: 1, mode: 'a' } },
      { mode: 'a' },
      ['Secret badge', 'Secret nested', 'Secret hidden', 'Denied fixed'],
    ],
    [
      'with settings inside settings is taken apart',
      guard,
      { guard: { a: { b: 1, c: [2] } } },
      { 'a/b': 1, 'a/c': [2] },
      [],
    ],
    ['of components leaves out their marks', pnp, { agent: { __t: 'c', level: 3 } }, { 'agent/level': 3 }, []],
  ])('%s', (_sentence, profile, desired, atoms, left) => {
    const decoded = decodeSection(profile, desired, HIDDEN);
    expect(Object.fromEntries(decoded.atoms.map(({ name, plain }) => [name, plain]))).toEqual(atoms);
    expect(decoded.left.map(({ name, why }) => `${why} ${name}`)).toEqual(left);
  });
});
