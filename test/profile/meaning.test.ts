import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/model/json.ts';
import type { Atom, Profile } from '../../src/model/profile.ts';
import { encodeSettings } from '../../src/profile/encode.ts';
import { reportsSame, sameMeaning } from '../../src/profile/meaning.ts';
import { builtin, profileOf } from './fixture.ts';

const LEGACY = builtin('defender-legacy');
const MICRO = builtin('defender-micro-agent');

function atomOf(profile: Profile, name: string, value: Json): Atom {
  return encodeSettings(profile, { [name]: value })[0] as Atom;
}

describe('the live desired value means what is declared', () => {
  test.each<[sentence: string, profile: Profile, name: string, declared: Json, live: Json | undefined, want: boolean]>([
    ['the same spelling', LEGACY, 'snapshotFrequency', 'PT13H', { value: 'PT13H' }, true],
    ['another spelling of the duration', LEGACY, 'snapshotFrequency', 'PT1H', { value: 'PT60M' }, true],
    ['months, which both agents take for 30 days', LEGACY, 'snapshotFrequency', 'P30D', { value: 'P1M' }, true],
    ['weeks, which the C# agent refuses', LEGACY, 'snapshotFrequency', 'P7D', { value: 'P1W' }, false],
    ['years, which the C agent does not count', LEGACY, 'snapshotFrequency', 'P365D', { value: 'P1Y' }, false],
    ['a fraction, which the C agent refuses', LEGACY, 'snapshotFrequency', 'PT60S', { value: 'PT60.0S' }, false],
    [
      'an aggregation window in other units',
      LEGACY,
      'aggregationIntervalProcessCreate',
      'P1D',
      { value: 'PT24H' },
      true,
    ],
    ['a priority in another case', LEGACY, 'eventPriorityLogin', 'High', { value: 'high' }, true],
    ['another priority', LEGACY, 'eventPriorityLogin', 'High', { value: 'Low' }, false],
    ['further members of the wrapper', LEGACY, 'eventPriorityLogin', 'High', { value: 'High', note: 'x' }, true],
    ['a number', LEGACY, 'maxMessageSizeInBytes', 8192, { value: 8192 }, true],
    ['a number as text, which the C agent refuses', LEGACY, 'maxMessageSizeInBytes', 8192, { value: '8192' }, false],
    ['a boolean as text', LEGACY, 'baselineCustomChecksEnabled', true, { value: 'true' }, false],
    ['a bare value without its wrapper', LEGACY, 'eventPriorityLogin', 'High', 'High', false],
    ['a wrapper without a value', LEGACY, 'eventPriorityLogin', 'High', {}, false],
    ['nothing, even where the default is the same', LEGACY, 'eventPriorityLogin', 'High', undefined, false],
    ['a list in another order and spacing', MICRO, 'FileSystem_Paths', '/opt,/etc', '/etc, /opt', true],
    ['a list with an item twice', MICRO, 'Baseline_ChecksDisabled', '1.1,2.2', '2.2,1.1,2.2', true],
    ['a list with another item', MICRO, 'FileSystem_Paths', '/opt', '/opt,/etc', false],
    ['an empty list, and none', MICRO, 'FileSystem_Paths', '', undefined, true],
    ['an empty list, and none (groups)', MICRO, 'Baseline_GroupsDisabled', '', undefined, true],
    ['an empty list, where none means eth0', MICRO, 'NetworkActivity_Devices', '', undefined, false],
    ['an empty list, twice, where none means eth0', MICRO, 'NetworkActivity_Devices', '', '', true],
    ['a list, and none', MICRO, 'FileSystem_Paths', '/opt', undefined, false],
    ['intervals with spaces', MICRO, 'CollectorsCore_PriorityIntervals', '30,120,1440', '30, 120, 1440', true],
    ['intervals in another order', MICRO, 'CollectorsCore_PriorityIntervals', '30,120,1440', '120,30,1440', false],
    ['a frequency in another case', MICRO, 'Login_MessageFrequency', 'High', 'high', false],
    ['null', MICRO, 'Login_Disabled', false, null, false],
  ])('%s', (_sentence, profile, name, declared, live, want) => {
    expect(sameMeaning(atomOf(profile, name, declared), live)).toBe(want);
  });
});

describe('the agent reports what is declared, in its own spelling', () => {
  test.each<[sentence: string, name: string, declared: Json, reported: Json, want: boolean]>([
    ['C: weeks', 'snapshotFrequency', 'P7D', { value: 'P1W' }, true],
    ['C: months', 'snapshotFrequency', 'P30D', { value: 'P1M' }, true],
    ['C: lower case', 'eventPriorityLogin', 'High', { value: 'high' }, true],
    ['C#: days', 'snapshotFrequency', 'PT24H', { value: 'P1D' }, true],
    ['C#: hours', 'snapshotFrequency', 'PT60M', { value: 'PT1H' }, true],
    ['another value', 'snapshotFrequency', 'PT60M', { value: 'PT13H' }, false],
    ['a bare value', 'snapshotFrequency', 'PT60M', 'PT1H', false],
  ])('%s', (_sentence, name, declared, reported, want) => {
    expect(reportsSame(atomOf(LEGACY, name, declared), reported)).toBe(want);
  });
});

test('a value always means itself, and nothing but an empty list means nothing', () => {
  const profile = profileOf({
    comparators: (['duration', 'caseInsensitive', 'csvSet', 'csvOrdered'] as const).map((comparator) => ({
      keys: [comparator],
      comparator,
    })),
  });
  const name = fc.constantFrom('duration', 'caseInsensitive', 'csvSet', 'csvOrdered', 'other');
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('PT1H', 'a,b', 'High', '')) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(name, value, (key, json) => {
      for (const atom of encodeSettings(profile, { [key]: json })) {
        expect(sameMeaning(atom, structuredClone(atom.value))).toBe(true);
        const { plain } = atom;
        const isEmptyList = key === 'csvSet' && typeof plain === 'string' && plain.replaceAll(/[,\s]/g, '') === '';
        expect(sameMeaning(atom, undefined)).toBe(isEmptyList);
      }
    }),
  );
});
