// The origin of a setting that no manifest declares and no record of ours owns.
import { expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Profile } from '../../../src/model/profile.ts';
import { placesKnown, whoseOf } from '../../../src/plan/explain/foreign-setting.ts';
import { profileOf, twinOf } from '../fixture.ts';

const OPEN = profileOf('open', { section: ['g'], schema: { properties: { low: { type: 'integer' } } }, deny: ['id*'] });
const CLOSED: Profile = { ...OPEN, name: 'closed', schema: { ...OPEN.schema, additionalProperties: false } };

function recordOf(section: string, keys: object): JsonObject {
  const own = { 'SecurityConfiguration/probe': { digest: '0', deletionPolicy: 'Retain', profile: 'p', section, keys } };
  return { twinward: { lab: { v: 1, own } } } as JsonObject;
}

/** Of `name` in the section `g`, where the twin has 4 for it. */
function whose(
  name: string,
  { profiles = [OPEN], tags = {} }: { profiles?: Profile[]; tags?: JsonObject } = {},
): string {
  const path = ['g', ...name.split('/')];
  const live = { ...twinOf(), tags };
  return whoseOf({ name, path, value: 4, live, instance: 'default', profiles, automatic: [] });
}

test.each<[sentence: string, name: string, given: Parameters<typeof whose>[1], text: string]>([
  ['what could be declared', 'x', {}, 'not ours: nothing declares it; a configuration with profile "open" could'],
  ['what a closed profile has', 'low', { profiles: [CLOSED] }, 'a configuration with profile "closed" could'],
  ['what none has', 'x', { profiles: [CLOSED] }, 'not ours: no profile for the module has such a setting'],
  ['what one of several has', 'x', { profiles: [CLOSED, OPEN] }, 'a configuration with profile "open" could'],
  ['what is denied', 'id7', {}, 'not ours: profile "open" never lets it be declared'],
  ['what another instance has', 'x', { tags: recordOf('/g', ['x']) }, 'instance "lab" of Twinward owns it, by Sec'],
  ['what lies in that', 'x/y', { tags: recordOf('/g', ['x']) }, 'instance "lab" of Twinward owns it'],
  ['what it lies in', 'x', { tags: recordOf('/g', ['x/y']) }, 'instance "lab" of Twinward owns it'],
  ['the same name in another place', 'x', { tags: recordOf('/h', ['x']) }, 'nothing declares it'],
  ['another name', 'x', { tags: recordOf('/g', ['z']) }, 'nothing declares it'],
  ['a record that means nothing', 'x', { tags: { twinward: { lab: 7 } } }, 'nothing declares it'],
  ['our record, of a newer version', 'x', { tags: { twinward: { default: { v: 2 } } } }, 'not known: the record'],
])('%s', (_sentence, name, given, text) => {
  expect(whose(name, given)).toContain(text);
});

test('a profile knows what its schema names and what it denies, wherever its section is', () => {
  const other = { ...OPEN, section: [] };
  expect(placesKnown([OPEN, other], 'low')).toEqual([['g', 'low'], ['low']]);
  expect(placesKnown([OPEN], 'id7')).toEqual([['g', 'id7']]);
  expect(placesKnown([OPEN], 'x')).toEqual([]);
});
