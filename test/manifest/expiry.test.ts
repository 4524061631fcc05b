// Exceptions at a given time: their compiled form, conflicts, and ended ones, which are no longer errors.
import { describe, expect, test } from 'vitest';
import { loadedAt } from '../../src/manifest/expiry.ts';
import type { Loaded } from '../../src/manifest/load.ts';
import { document, exception, legacy, load, NOW_MS, stream } from './fixture.ts';

const LOW = 'settings: {eventPriorityLogin: Low}';
const HIGH = 'settings: {eventPriorityLogin: High}';
const PAST = { until: '2026-11-23T17:39:59Z' };
const LYON = { selector: 'matchTags: {site: lyon}' };
const PARIS = { selector: 'matchTags: {site: paris}' };
const OWN = document('AgentProfile', 'own', '{extends: defender-legacy}');

function at(text: string, nowMs = NOW_MS): Loaded {
  return loadedAt(load(text), nowMs);
}

function told({ diagnostics }: Loaded): string[] {
  return diagnostics.filter(({ code }) => code !== 'TW2104').map(({ code, resource }) => `${code} ${resource}`);
}

describe('what contradicts what', () => {
  test.each<[sentence: string, documents: string[], want: string[]]>([
    [
      'nothing: one exception over a configuration',
      [legacy('base', '{eventPriorityLogin: High}'), exception('i1', LOW)],
      [],
    ],
    [
      'two that want different things of the same devices',
      [exception('i1', LOW), exception('i2', HIGH)],
      ['TW1405 SecurityException/i2'],
    ],
    [
      'one for all devices of the other',
      [exception('i2', HIGH, LYON), exception('i1', LOW)],
      ['TW1405 SecurityException/i2'],
    ],
    ['nothing: two that want the same', [exception('i1', LOW), exception('i2', LOW)], []],
    ['nothing: of other devices', [exception('i1', LOW, LYON), exception('i2', HIGH, PARIS)], []],
    [
      'nothing that is proved: of devices that may be the same',
      [exception('i1', LOW, LYON), exception('i2', HIGH, { selector: 'matchTags: {hw: atm}' })],
      [],
    ],
    ['nothing: one suspends', [exception('i1', LOW), exception('i2', 'suspend: true')], []],
    [
      'nothing any more: one has ended',
      [exception('i1', LOW, PAST), exception('i2', HIGH)],
      ['TW2110 SecurityException/i1'],
    ],
    [
      'another profile for the same module',
      [
        legacy('base', '{eventPriorityLogin: High}'),
        OWN,
        exception('i1', LOW, LYON).replace('profile: defender-legacy', 'profile: own'),
      ],
      ['TW1402 SecurityException/i1'],
    ],
    [
      'another profile, for more devices than the configuration',
      [
        legacy('base', '{eventPriorityLogin: High}').replace('matchAll: true', 'matchTags: {a: b}'),
        OWN,
        exception('i1', LOW).replace('profile: defender-legacy', 'profile: own'),
      ],
      ['TW1402 SecurityException/i1'],
    ],
    [
      'a rule that only the exception breaks',
      [legacy('base', '{eventPriorityLogin: High}'), exception('i1', 'settings: {baselineCustomChecksEnabled: true}')],
      ['TW1311 SecurityException/i1'],
    ],
    [
      'nothing any more: it has ended',
      [
        legacy('base', '{eventPriorityLogin: High}'),
        exception('i1', 'settings: {baselineCustomChecksEnabled: true}', PAST),
      ],
      ['TW2110 SecurityException/i1'],
    ],
  ])('%s', (_sentence, documents, want) => {
    const loaded = at(stream(...documents));
    expect(told(loaded)).toEqual(want);
    expect(loaded.declared === undefined).toBe(want.some((line) => line.startsWith('TW1')));
  });

  test('an error while both count becomes a warning when one ends', () => {
    const text = stream(exception('i1', LOW), exception('i2', HIGH, { until: '2027-01-01T00:00:00+01:00' }));
    expect(told(at(text))).toEqual(['TW1405 SecurityException/i2']);
    expect(told(at(text, Date.UTC(2026, 10, 24, 6)))).toEqual(['TW2110 SecurityException/i1']);
    expect(told(at(text, Date.UTC(2026, 11, 31, 22, 59)))).toEqual(['TW2110 SecurityException/i1']);
    expect(told(at(text, Date.UTC(2026, 11, 31, 23)))).toEqual([
      'TW2110 SecurityException/i1',
      'TW2110 SecurityException/i2',
    ]);
  });
});

test('an exception comes to what it says', () => {
  const { declared } = at(
    stream(
      exception('i1', `${LOW}, maxDevices: 5, rollout: Immediate`, LYON),
      exception('i0', LOW, { ...PAST, ...LYON }),
    ),
  );
  const { exceptions = [], expired = [] } = declared ?? {};
  expect(expired.map(({ name }) => name)).toEqual(['i0']);
  expect(exceptions).toMatchObject([
    {
      name: 'i1',
      owner: 'SecurityException/i1',
      targets: [{ group: undefined, hubs: ['default'], mode: 'Enforce' }],
      profile: { name: 'defender-legacy' },
      priority: 1_000_001,
      atoms: [{ name: 'eventPriorityLogin', value: { value: 'Low' } }],
      suspend: false,
      maxDevices: 5,
      ownerText: 'soc',
      reason: 'INC-812',
      expiresAtMs: Date.UTC(2026, 10, 24, 6),
      origin: { line: 1 },
    },
  ]);
  expect(exceptions[0]?.atomOrigins.get('eventPriorityLogin')).toMatchObject({ line: 4 });
});

test('an invalid exception is reported whenever it ends', () => {
  expect(told(load(exception('i1', 'settings: {eventPriorityLogn: Low}', PAST)))).toEqual([
    'TW1301 SecurityException/i1',
  ]);
});

test('without exceptions time changes nothing of what is declared', () => {
  const loaded = load(legacy('base', '{eventPriorityLogin: High}'));
  expect(loadedAt(loaded, NOW_MS).declared).toBe(loaded.declared);
});

describe('the end of support', () => {
  const micro = document(
    'SecurityConfiguration',
    'base',
    '{selector: {matchAll: true}, profile: defender-micro-agent, settings: {Process_MessageFrequency: High}}',
  );
  test.each([
    ['before the day', Date.UTC(2027, 4, 31), 'ends on 2027-06-01'],
    ['on the day', Date.UTC(2027, 5, 1, 23, 59), 'ends on 2027-06-01'],
    ['after the day', Date.UTC(2027, 5, 2), 'ended on 2027-06-01'],
  ])('%s', (_when, nowMs, says) => {
    expect(at(micro, nowMs).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `TW2104 Vendor support for the agent of profile "defender-micro-agent" ${says}. One configuration uses it.`,
    ]);
  });

  test('is reported next to errors too', () => {
    const broken = micro.replace('Process_MessageFrequency', 'Process_MessageFrequenc');
    expect(at(broken).diagnostics.map(({ code }) => code)).toEqual(['TW2104', 'TW1301']);
  });

  test('once for each profile, with how many use it', () => {
    const many = Array.from({ length: 50 }, (_, index) => legacy(`c${index}`, '{eventPriorityLogin: High}'));
    expect(at(stream(...many)).diagnostics.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '4 Vendor support for the agent of profile "defender-legacy" ended on 2022-03-01. 50 configurations use it.',
    ]);
  });

  test('of an agent that one’s own contract supports again is on its own day', () => {
    const own = document('AgentProfile', 'own', '{extends: defender-legacy, endOfSupport: "2030-01-01"}');
    const text = stream(own, legacy('c', '{eventPriorityLogin: High}').replace('defender-legacy', 'own'));
    expect(at(text).diagnostics.map(({ message }) => message)).toEqual([
      expect.stringContaining('"own" ends on 2030-01-01.'),
    ]);
  });
});

test('hubs must be named where there are two', () => {
  const hubs = [document('Hub', 'a', '{hostName: a.b}'), document('Hub', 'b', '{hostName: b.b}')];
  expect(told(load(stream(...hubs, exception('i1', LOW))))).toEqual(['TW1207 SecurityException/i1']);
  expect(told(load(stream(...hubs, exception('i1', `${LOW}, hubs: [a]`))))).toEqual([]);
});
