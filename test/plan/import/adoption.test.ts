// A fleet as few configurations: groups, what they share, who differs.
import { describe, expect, test } from 'vitest';
import { adopt, type AdoptedProfile, type FoundTwin } from '../../../src/plan/import/adoption.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Profile } from '../../../src/model/profile.ts';
import { betterTag, countOutliers } from '../../../src/plan/import/grouping-tags.ts';
import { builtinProfiles } from '../../../src/profile/builtin.ts';
import { deviceOf } from '../fixture.ts';

const micro = builtinProfiles().get('defender-micro-agent') as Profile;

function twin(deviceId: string, tags: JsonObject, desired: JsonObject): FoundTwin {
  return { device: { ...deviceOf(), deviceId, tags }, moduleId: micro.moduleId, desired };
}

function twins(count: number, prefix: string, tags: JsonObject, desired: JsonObject): FoundTwin[] {
  return Array.from({ length: count }, (_, index) => twin(`${prefix}${index}`, tags, desired));
}

const HIGH = { Process_MessageFrequency: 'High' };
const LOW = { Process_MessageFrequency: 'Low' };
const QUIET = { Login_Disabled: true };

/** `common; GROUP settings -unset (alike/twins); ID settings -unset`. */
function shown({ common, groups, outliers }: AdoptedProfile): string[] {
  const text = (settings: ReadonlyMap<string, unknown>, unset: readonly string[] = []): string =>
    [...[...settings].map(([name, value]) => `${name}=${String(value)}`), ...unset.map((name) => `-${name}`)].join(' ');
  return [
    `common ${text(common)}`.trim(),
    ...groups.map(
      ({ group, settings, unset, alike, twins: count }) =>
        `${group.values.map((value) => value ?? 'none').join('/')} ${text(settings, unset)} (${alike}/${count})`,
    ),
    ...outliers.map(({ deviceIds, settings, unset }) => `${deviceIds.join(' ')} ${text(settings, unset)}`),
  ];
}

function adopted(found: readonly FoundTwin[], ...tags: string[]): string[] {
  const [profile] = adopt(found, [micro], tags).profiles;
  return profile === undefined ? [] : shown(profile);
}

describe('a fleet is described by', () => {
  test.each<[sentence: string, found: FoundTwin[], tags: string[], want: string[]]>([
    ['nothing where there is none', [], ['hw'], []],
    ['one group where all are alike', twins(3, 'a', {}, HIGH), [], ['common', ' Process_MessageFrequency=High (3/3)']],
    [
      'what most of a group have, and those who differ',
      [...twins(3, 'a', { hw: 'atm' }, HIGH), twin('b', { hw: 'atm' }, LOW), twin('c', { hw: 'atm' }, {})],
      ['hw'],
      [
        'common',
        'atm Process_MessageFrequency=High (3/5)',
        'b Process_MessageFrequency=Low',
        'c -Process_MessageFrequency',
      ],
    ],
    [
      'what groups share, said once, and what each has beside it',
      [
        ...twins(2, 'a', { hw: 'atm' }, { ...HIGH, ...QUIET }),
        ...twins(2, 'g', { hw: 'gate' }, HIGH),
        ...twins(2, 'k', { hw: 'kiosk' }, HIGH),
      ],
      ['hw'],
      ['common Process_MessageFrequency=High', 'atm Login_Disabled=true (2/2)', 'gate  (2/2)', 'kiosk  (2/2)'],
    ],
    [
      'what most groups share, whatever its text',
      [...twins(1, 'a', { hw: 'atm' }, HIGH), ...['gate', 'kiosk', 'pump'].flatMap((hw) => twins(1, hw, { hw }, LOW))],
      ['hw'],
      [
        'common Process_MessageFrequency=Low',
        'atm Process_MessageFrequency=High (1/1)',
        'gate  (1/1)',
        'kiosk  (1/1)',
        'pump  (1/1)',
      ],
    ],
    [
      'outliers by the first of their devices where there are as many',
      [...twins(3, 'a', {}, HIGH), twin('y', {}, QUIET), twin('x', {}, {}), twin('z', {}, LOW)],
      [],
      [
        'common',
        ' Process_MessageFrequency=High (3/6)',
        'x -Process_MessageFrequency',
        'y Login_Disabled=true -Process_MessageFrequency',
        'z Process_MessageFrequency=Low',
      ],
    ],
    [
      'what groups share, whatever group has nothing at all',
      [
        ...twins(2, 'a', { hw: 'atm' }, HIGH),
        ...twins(2, 'g', { hw: 'gate' }, HIGH),
        ...twins(2, 'k', { hw: 'kiosk' }, {}),
      ],
      ['hw'],
      ['common Process_MessageFrequency=High', 'atm  (2/2)', 'gate  (2/2)', 'kiosk  (2/2)'],
    ],
    [
      'nothing in common where saying so would be longer',
      [...twins(2, 'a', { hw: 'atm' }, HIGH), ...twins(2, 'g', { hw: 'gate' }, LOW)],
      ['hw'],
      ['common', 'atm Process_MessageFrequency=High (2/2)', 'gate Process_MessageFrequency=Low (2/2)'],
    ],
    [
      'devices without the tag as a group of their own, apart from those with its text',
      [twin('a', {}, HIGH), twin('b', { hw: 1 }, LOW), twin('c', { hw: '1' }, QUIET)],
      ['hw'],
      [
        'common',
        '1 Login_Disabled=true (1/1)',
        '1 Process_MessageFrequency=Low (1/1)',
        'none Process_MessageFrequency=High (1/1)',
      ],
    ],
    [
      'outliers of several groups as one where they differ alike',
      [
        ...twins(2, 'a', { hw: 'atm' }, HIGH),
        ...twins(2, 'g', { hw: 'gate' }, HIGH),
        twin('x', { hw: 'atm' }, LOW),
        twin('y', { hw: 'gate' }, LOW),
      ],
      ['hw'],
      ['common Process_MessageFrequency=High', 'atm  (2/3)', 'gate  (2/3)', 'x y Process_MessageFrequency=Low'],
    ],
  ])('%s', (_sentence, found, tags, want) => {
    expect(adopted(found, ...tags)).toEqual(want);
  });
});

test('spellings that mean the same are one variant, in the most common spelling', () => {
  const spelled = (lists: string): JsonObject => ({ NetworkActivity_Devices: lists });
  const found = [...twins(2, 'a', {}, spelled('eth1,eth0')), twin('b', {}, spelled('eth0, eth1'))];
  const [profile] = adopt(found, [micro], []).profiles;
  expect(profile).toMatchObject({ variants: 1, outliers: [] });
  expect(profile?.groups[0]?.settings.get('NetworkActivity_Devices')).toBe('eth1,eth0');
});

test('devices that are left out are in no layer, and their group says so', () => {
  const found = [...twins(2, 'a', {}, HIGH), twin('odd', {}, LOW)];
  const adoption = adopt(found, [micro], [], new Set(['odd']));
  expect(adoption.groups.map(({ leftOut }) => leftOut)).toEqual([['odd']]);
  expect(countOutliers(adoption)).toBe(0);
});

describe('another tag to group by', () => {
  const found = ['prod', 'test'].flatMap((env) =>
    twins(4, env, { hw: 'atm', env, name: `${env}-1` }, env === 'prod' ? HIGH : LOW),
  );

  test('is named where it halves the outliers', () => {
    const adoption = adopt(found, [micro], ['hw']);
    expect(betterTag(found, [micro], adoption, countOutliers(adoption))).toEqual({ tag: 'env', outliers: 0 });
  });

  test('is not where none does, or where it would name devices one by one', () => {
    const mixed = ['a', 'b', 'c'].map((name) => twin(name, { name }, name === 'a' ? HIGH : LOW));
    const adoption = adopt(mixed, [micro], []);
    expect(countOutliers(adoption)).toBe(1);
    expect(betterTag(mixed, [micro], adoption, 1)).toBeUndefined();
    expect(betterTag(twins(8, 'a', {}, HIGH), [micro], adoption, 5)).toBeUndefined();
  });
});
