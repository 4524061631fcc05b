// Reactions of the legacy agents to their twin, as read in their sources.
import { describe, expect, test } from 'vitest';
import { getPath, type Json, type JsonObject } from '../../../src/model/json.ts';
import type { Behaviour } from '../../../src/emulator/agents/behaviour.ts';
import { reactAsLegacyC, reactAsLegacyCs } from '../../../src/emulator/agents/legacy.ts';

const SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const AGENTS = [
  ['C#', reactAsLegacyCs],
  ['C', reactAsLegacyC],
] as const;

function told(section: Json): JsonObject {
  return { [SECTION]: section, $version: 2 };
}

function value(plain: Json): JsonObject {
  return { value: plain };
}

/** The agent's report for one setting after a start with it; undefined if it refuses or does not know it. */
function reported(react: Behaviour, name: string, plain: Json): Json | undefined {
  const { report } = react({}, told({ [name]: value(plain) }), 'Change');
  return getPath(report, [SECTION, name, 'value']);
}

describe('spellings', () => {
  const LOW = 'lowPriorityMessageFrequency';
  const LOGIN = 'eventPriorityLogin';
  const CACHE = 'maxLocalCacheSizeInBytes';
  const REFUSED = undefined;
  const rows: readonly (readonly [name: string, plain: Json, cs: Json | undefined, c: Json | undefined])[] = [
    [LOW, 'PT7M', 'PT7M', 'PT7M'],
    [LOW, 'PT60M', 'PT1H', 'PT1H'],
    [LOW, 'PT90M', 'PT1H30M', 'PT1H30M'],
    [LOW, 'PT900S', 'PT15M', 'PT15M'],
    [LOW, 'PT24H', 'P1D', 'P1D'],
    [LOW, 'PT25H', 'P1DT1H', 'P1DT1H'],
    [LOW, 'P7D', 'P7D', 'P1W'],
    [LOW, 'P30D', 'P30D', 'P1M'],
    [LOW, 'P38D', 'P38D', 'P1M1W1D'],
    [LOW, 'P1M', 'P30D', 'P1M'],
    [LOW, 'P1W', REFUSED, 'P1W'],
    [LOW, 'P1Y', 'P365D', REFUSED],
    [LOW, 'P1YT1S', 'P365DT1S', 'PT1S'],
    [LOW, 'PT0.5S', 'PT0.5S', REFUSED],
    [LOW, '-PT5M', '-PT5M', REFUSED],
    [LOW, 'PT0S', 'PT0S', REFUSED],
    [LOW, 'PT4294967S', 'P49DT17H2M47S', 'P1M2W5DT17H2M47S'],
    [LOW, 'PT4294968S', 'P49DT17H2M48S', REFUSED],
    [LOW, 'P', REFUSED, REFUSED],
    [LOW, 'PT', REFUSED, REFUSED],
    [LOW, '5 minutes', REFUSED, REFUSED],
    [LOW, 300, REFUSED, REFUSED],
    [LOGIN, 'High', 'High', 'high'],
    [LOGIN, 'high', 'High', 'high'],
    [LOGIN, 'OFF', 'Off', 'off'],
    [LOGIN, 'Operational', 'Operational', REFUSED],
    [LOGIN, 1, 'Low', REFUSED],
    [LOGIN, 4, REFUSED, REFUSED],
    [LOGIN, 'Medium', REFUSED, REFUSED],
    [CACHE, 8192, 8192, 8192],
    [CACHE, '8192', 8192, REFUSED],
    [CACHE, 8192.9, REFUSED, 8192],
    [CACHE, -1, REFUSED, 4_294_967_295],
    [CACHE, 4_294_967_296, REFUSED, 0],
    ['aggregationEnabledProcessCreate', false, false, false],
    ['aggregationEnabledProcessCreate', 'false', REFUSED, REFUSED],
  ];

  test.each(rows)('%s %j: C# %j, C %j', (name, plain, cs, c) => {
    expect(reported(reactAsLegacyCs, name, plain)).toEqual(cs);
    expect(reported(reactAsLegacyC, name, plain)).toEqual(c);
  });
});

describe('keys that tell the flavours apart', () => {
  const rows: readonly (readonly [name: string, plain: Json, cs: Json | undefined, c: Json | undefined])[] = [
    ['eventPriorityProcessTerminate', 'High', 'High', undefined],
    ['aggregationIntervalProcessTerminate', 'PT2H', 'PT2H', undefined],
    ['eventPriorityConnectedHardware', 'High', 'High', undefined],
    ['eventPriorityConfigurationError', 'High', 'High', undefined],
    ['eventPriorityDroppedEventsStatistics', 'High', 'High', undefined],
    ['eventPriorityMessageStatistics', 'High', 'High', undefined],
    ['hubResourceId', '/subscriptions/x', '/subscriptions/x', undefined],
    ['eventPriorityOperational', 'Low', undefined, 'low'],
    ['eventPriorityNobodyKnows', 'Low', undefined, undefined],
    ['__proto__', 'Low', undefined, undefined],
  ];

  test.each(rows)('%s', (name, plain, cs, c) => {
    expect(reported(reactAsLegacyCs, name, plain)).toEqual(cs);
    expect(reported(reactAsLegacyC, name, plain)).toEqual(c);
  });

  test('defaults differ in the size of the cache', () => {
    const path = [SECTION, 'maxLocalCacheSizeInBytes', 'value'];
    expect(getPath(reactAsLegacyCs(undefined, { $version: 1 }, 'Start').report, path)).toBe(2_560_000);
    expect(getPath(reactAsLegacyC(undefined, { $version: 1 }, 'Start').report, path)).toBe(10_485_760);
  });
});

describe.each(AGENTS)('the section trap in %s', (_name, react) => {
  const full = told({ eventPriorityLogin: value('Low'), snapshotFrequency: value('PT2H') });
  const { state } = react(undefined, full, 'Start');

  test('a patch of one setting puts the others back to their defaults', () => {
    const next = react(state, told({ eventPriorityLogin: value('Off') }), 'Change');
    expect(String(next.state?.['eventPriorityLogin']).toLowerCase()).toBe('off');
    expect(next.state?.['snapshotFrequency']).toBe('PT13H');
    expect(getPath(next.report, [SECTION, 'snapshotFrequency', 'value'])).toBe('PT13H');
  });

  test('so does a patch of something else altogether', () => {
    const next = react(state, { appTeam: { theme: 'dark' }, $version: 3 }, 'Change');
    expect(String(next.state?.['eventPriorityLogin']).toLowerCase()).toBe('high');
    expect(next.state?.['snapshotFrequency']).toBe('PT13H');
  });

  test('and the removal of the section', () => {
    expect(react(state, told(null), 'Change').state).toEqual(react(undefined, { $version: 1 }, 'Start').state);
  });

  test('a null setting is a missing one', () => {
    expect(react(state, told({ eventPriorityLogin: null }), 'Change').state).toEqual(
      react(state, told({}), 'Change').state,
    );
  });

  test('the mirror is the whole configuration, so that the whole section leaves it alone', () => {
    const again = react(state, full, 'Change');
    expect(again.state).toEqual(state);
    expect(Object.keys(getPath(again.report, [SECTION]) as JsonObject).length).toBeGreaterThan(15);
  });

  test('texts without a value are left out, so that an older report of them stays', () => {
    const named = react(state, told({ baselineCustomChecksFilePath: value('/a.xml') }), 'Change');
    expect(getPath(named.report, [SECTION, 'baselineCustomChecksFilePath', 'value'])).toBe('/a.xml');
    const removed = react(named.state, told({}), 'Change');
    expect(Object.hasOwn(getPath(removed.report, [SECTION]) as JsonObject, 'baselineCustomChecksFilePath')).toBe(false);
  });
});

describe('one bad value refuses the whole update', () => {
  const bad: readonly (readonly [what: string, section: Json])[] = [
    ['a value that does not parse', { eventPriorityLogin: value('Off'), snapshotFrequency: value('soon') }],
    ['a bare value', { eventPriorityLogin: value('Off'), snapshotFrequency: 'PT2H' }],
    ['a wrapper without value', { eventPriorityLogin: value('Off'), snapshotFrequency: {} }],
    ['a null in the wrapper', { eventPriorityLogin: value('Off'), snapshotFrequency: value(null) }],
    ['a section that is no object', 'all'],
  ];

  test.each(bad)('%s: C# keeps the old ones and says nothing', (_what, section) => {
    const { state } = reactAsLegacyCs(undefined, told({ snapshotFrequency: value('PT2H') }), 'Start');
    expect(reactAsLegacyCs(state, told(section), 'Change')).toEqual({ state });
  });

  test.each(bad)('%s: C keeps the old ones and reports them again', (_what, section) => {
    const before = reactAsLegacyC(undefined, told({ snapshotFrequency: value('PT2H') }), 'Start');
    expect(reactAsLegacyC(before.state, told(section), 'Change')).toEqual(before);
  });

  test.each(bad)('%s at the start: C# does not start, not even for a good change', (_what, section) => {
    const start = reactAsLegacyCs(undefined, told(section), 'Start');
    expect(start).toEqual({ state: undefined });
    expect(reactAsLegacyCs(start.state, told({}), 'Change')).toEqual({ state: undefined });
  });

  test.each(bad)('%s at the start: C runs with the defaults and reports them', (_what, section) => {
    expect(reactAsLegacyC(undefined, told(section), 'Start')).toEqual(reactAsLegacyC(undefined, told({}), 'Start'));
  });
});

test('back after a while, C reads the whole twin and C# does not', () => {
  const { state } = reactAsLegacyCs(undefined, told({}), 'Start');
  const missed = told({ eventPriorityLogin: value('Off') });
  expect(reactAsLegacyCs(state, missed, 'Reconnect')).toEqual({ state });
  expect(reactAsLegacyC(state, missed, 'Reconnect').state?.['eventPriorityLogin']).toBe('off');
});
