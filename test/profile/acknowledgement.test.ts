import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Twin } from '../../src/model/twin.ts';
import { forgottenSettings, readAcknowledgement, SILENCE_MS } from '../../src/profile/acknowledgement.ts';
import { encodeSettings } from '../../src/profile/encode.ts';
import { builtin, profileOf } from './fixture.ts';

const WRITTEN = '2026-11-24T10:00:00Z';
const LATER = '2026-11-24T10:00:01Z';
const EARLIER = '2026-11-24T09:59:59Z';
const SOON_MS = Date.parse(WRITTEN) + 60_000;
const LONG_AFTER_MS = Date.parse(WRITTEN) + SILENCE_MS + 1;

interface Told {
  readonly reported?: JsonObject;
  readonly desiredMetadata?: JsonObject;
  readonly connected?: boolean;
  readonly nowMs?: number;
}

function read(name: string, settings: JsonObject, { reported = {}, desiredMetadata = {}, ...told }: Told) {
  const profile = name === 'own-mirror' ? MIRROR : name === 'own-pnp' ? PNP : builtin(name);
  const twin: Twin = {
    deviceId: 'd1',
    moduleId: profile.moduleId,
    etag: 'AAAAAAAAAAM=',
    connectionState: told.connected === false ? 'Disconnected' : 'Connected',
    properties: { desired: { $metadata: desiredMetadata, $version: 7 }, reported },
  };
  const { state, keys, detail } = readAcknowledgement(
    profile,
    encodeSettings(profile, settings),
    twin,
    told.nowMs ?? SOON_MS,
  );
  return [state, ...keys, ...(detail === undefined ? [] : [`(${detail})`])].join(' ');
}

const MIRROR = profileOf({ section: '/guard', acknowledgement: { type: 'Mirror' } });
const PNP = profileOf({ extends: 'generic-pnp' });

describe('legacy agents mirror the configuration they run with', () => {
  const SECTION = builtin('defender-legacy').section[0] as string;
  const SETTINGS = { eventPriorityLogin: 'High', snapshotFrequency: 'P7D' };
  const mirror = (at: string, values: Record<string, Json>): JsonObject => ({
    [SECTION]: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }])),
    $metadata: { $lastUpdated: at, [SECTION]: { $lastUpdated: at } },
  });
  const desiredMetadata = { $lastUpdated: WRITTEN, [SECTION]: { $lastUpdated: WRITTEN } };
  const SAME = { eventPriorityLogin: 'High', snapshotFrequency: 'P7D' };

  test.each<[sentence: string, told: Told, want: string]>([
    ['the same, at the same moment', { reported: mirror(WRITTEN, SAME) }, 'Applied'],
    [
      'C: lower case and weeks',
      { reported: mirror(LATER, { eventPriorityLogin: 'high', snapshotFrequency: 'P1W' }) },
      'Applied',
    ],
    [
      'values the manifests do not name do not matter',
      { reported: mirror(LATER, { ...SAME, eventPriorityOSBaseline: 'Off' }) },
      'Applied',
    ],
    [
      'C: newer, with the old values',
      { reported: mirror(LATER, { ...SAME, eventPriorityLogin: 'low' }) },
      'Rejected eventPriorityLogin',
    ],
    [
      'a setting this flavour does not report',
      { reported: mirror(LATER, { eventPriorityLogin: 'High' }) },
      'Unsupported snapshotFrequency',
    ],
    [
      'refused and unknown: the refusal is reported',
      { reported: mirror(LATER, { eventPriorityLogin: 'Off' }) },
      'Rejected eventPriorityLogin',
    ],
    ['older than the write, and right', { reported: mirror(EARLIER, SAME) }, 'Written'],
    [
      'older, long after, while connected',
      { reported: mirror(EARLIER, SAME), nowMs: LONG_AFTER_MS },
      'NotAcknowledged',
    ],
    [
      'older, long after, not connected',
      { reported: mirror(EARLIER, SAME), nowMs: LONG_AFTER_MS, connected: false },
      'Unreachable',
    ],
    ['older, not connected', { reported: mirror(EARLIER, SAME), connected: false }, 'Unreachable'],
    ['never reported', {}, 'Written'],
    ['never reported, long after', { nowMs: LONG_AFTER_MS }, 'NotAcknowledged'],
    ['applied, and gone since', { reported: mirror(LATER, SAME), connected: false }, 'Applied'],
  ])('%s: %s', (_sentence, told, want) => {
    expect(read('defender-legacy', SETTINGS, { desiredMetadata, ...told })).toBe(want);
  });

  test.each<[written: string, reported: string, want: string]>([
    ['2026-11-24T10:00:00.45Z', '2026-11-24T10:00:00.5Z', 'Applied'],
    ['2026-11-24T10:00:00.5Z', '2026-11-24T10:00:00.45Z', 'Written'],
    ['2026-11-24T10:00:00Z', '2026-11-24T10:00:00.0000001Z', 'Applied'],
    ['2026-11-24T10:00:00.1Z', '2026-11-24T10:00:00Z', 'Written'],
    ['2026-11-24T10:00:00.10Z', '2026-11-24T10:00:00.1Z', 'Applied'],
    ['2026-11-24T09:59:59.9999999Z', '2026-11-24T10:00:00Z', 'Applied'],
    [WRITTEN, 'yesterday', 'Written'],
  ])('the hub trims zeros: written %s, reported %s', (written, at, want) => {
    const metadata = { [SECTION]: { $lastUpdated: written } };
    expect(read('defender-legacy', SETTINGS, { desiredMetadata: metadata, reported: mirror(at, SAME) })).toBe(want);
  });

  test('an agent of one’s own may say why in "lastError"', () => {
    const metadata = { guard: { $lastUpdated: WRITTEN } };
    const reported = {
      guard: { usbPolicy: 'allow', lastError: 'usbPolicy: unknown' },
      $metadata: { guard: { $lastUpdated: LATER } },
    };
    const told = { desiredMetadata: metadata, reported };
    expect(read('own-mirror', { usbPolicy: 'audit' }, told)).toBe('Rejected usbPolicy (usbPolicy: unknown)');
    // The value is a leftover: reports are merged, and a restarted agent may not use it.
    expect(read('own-mirror', { usbPolicy: 'allow' }, told)).toBe('Rejected (usbPolicy: unknown)');
  });
});

describe('the micro agent gives a verdict on the last change', () => {
  const SETTINGS = { Process_Mode: 3, Login_UsePAM: true };
  const verdict = (state: Json, at: string, fields?: Json): JsonObject => ({
    latest_state: state,
    ...(fields === undefined ? {} : { latest_invalid_fields: fields }),
    $metadata: { $lastUpdated: LATER, latest_state: { $lastUpdated: at } },
  });

  test.each<[sentence: string, told: Told, want: string]>([
    ['success', { reported: verdict('success', WRITTEN) }, 'Applied'],
    ['success, with old fields left over', { reported: verdict('success', LATER, ['Process_Mode']) }, 'Applied'],
    ['success before the write', { reported: verdict('success', EARLIER) }, 'Written'],
    ['failure before the write', { reported: verdict('failed', EARLIER, ['Process_Mode']) }, 'Written'],
    [
      'failure, fields in a list',
      { reported: verdict('failed', LATER, ['Process_Mode']) },
      'Rejected Process_Mode (invalid fields: Process_Mode)',
    ],
    [
      'failure, fields in a text',
      { reported: verdict('failed', LATER, 'Process_Mode, Login_UsePAM') },
      'Rejected Login_UsePAM Process_Mode (invalid fields: Process_Mode, Login_UsePAM)',
    ],
    [
      'failure, fields in an object',
      { reported: verdict('failed', LATER, { Process_Mode: 'range' }) },
      'Rejected Process_Mode (invalid fields: Process_Mode)',
    ],
    [
      'failure by a foreign field',
      { reported: verdict('failed', LATER, ['SBoM_Disabled']) },
      'Rejected (invalid fields: SBoM_Disabled)',
    ],
    ['failure without fields', { reported: verdict('failed', LATER) }, 'Rejected'],
    ['failure, fields of no known shape', { reported: verdict('failed', LATER, 3) }, 'Rejected'],
    ['another word', { reported: verdict('running', LATER) }, 'Written'],
    ['no verdict ever', {}, 'Written'],
    ['no verdict ever, long after', { nowMs: LONG_AFTER_MS }, 'NotAcknowledged'],
    ['no verdict, not connected', { connected: false }, 'Unreachable'],
  ])('%s', (_sentence, told, want) => {
    expect(read('defender-micro-agent', SETTINGS, { desiredMetadata: { $lastUpdated: WRITTEN }, ...told })).toBe(want);
  });
});

describe('Plug and Play agents acknowledge each property', () => {
  const component = (replies: JsonObject): JsonObject => ({ SecurityBaseline: { __t: 'c', ...replies } });
  const desiredMetadata = {
    $lastUpdated: WRITTEN,
    SecurityBaseline: {
      $lastUpdated: WRITTEN,
      initA: { $lastUpdated: WRITTEN, $lastUpdatedVersion: 5 },
      initB: { $lastUpdated: WRITTEN, $lastUpdatedVersion: 7 },
    },
  };
  const ok = (value: Json, av: number, ac = 200): JsonObject => ({ value, ac, ad: '-', av });

  test.each<[sentence: string, told: Told, want: string]>([
    ['both taken at their versions', { reported: component({ initA: ok('1', 5), initB: ok('2', 7) }) }, 'Applied'],
    ['both taken at a later version', { reported: component({ initA: ok('1', 9), initB: ok('2', 9) }) }, 'Applied'],
    ['another success code', { reported: component({ initA: ok('1', 7, 201), initB: ok('2', 7, 203) }) }, 'Applied'],
    ['an older version', { reported: component({ initA: ok('1', 5), initB: ok('2', 6) }) }, 'Written'],
    [
      'an older version, long after',
      { reported: component({ initA: ok('1', 5), initB: ok('2', 6) }), nowMs: LONG_AFTER_MS },
      'NotAcknowledged',
    ],
    ['an old refusal', { reported: component({ initA: ok('1', 5), initB: ok('2', 6, 400) }) }, 'Written'],
    ['a refusal', { reported: component({ initA: ok('1', 5), initB: ok('2', 7, 400) }) }, 'Rejected initB'],
    [
      'a refusal with words',
      { reported: component({ initA: ok('1', 5), initB: { ...ok('2', 7, 500), ad: 'no such file' } }) },
      'Rejected initB (no such file)',
    ],
    ['a refusal outweighs silence', { reported: component({ initA: ok('1', 5, 404) }) }, 'Rejected initA'],
    ['taken, but another value', { reported: component({ initA: ok('1', 5), initB: ok('3', 7) }) }, 'Rejected initB'],
    [
      'still working on it',
      { reported: component({ initA: ok('1', 5), initB: ok('2', 7, 202) }) },
      'Written initB (the agent is still working on it)',
    ],
    [
      'still working after a long time: it is not silent',
      { reported: component({ initA: ok('1', 5), initB: ok('2', 7, 202) }), nowMs: LONG_AFTER_MS },
      'Written initB (the agent is still working on it)',
    ],
    ['a reply without a code', { reported: component({ initA: ok('1', 5), initB: { value: '2', av: 7 } }) }, 'Written'],
    ['no component ever', {}, 'Written'],
    ['no component, not connected', { connected: false }, 'Unreachable'],
  ])('%s', (_sentence, told, want) => {
    expect(read('osconfig-security-baseline', { initA: '1', initB: '2' }, { desiredMetadata, ...told })).toBe(want);
  });

  test('a component of one’s own', () => {
    const metadata = { $lastUpdated: WRITTEN, pump: { speed: { $lastUpdatedVersion: 7 } } };
    const reported = { pump: { __t: 'c', speed: ok(3, 7) } };
    expect(read('own-pnp', { pump: { speed: 3 } }, { desiredMetadata: metadata, reported })).toBe('Applied');
  });
});

test('an agent that never answers is never more than Written', () => {
  const profile = profileOf({});
  const twin: Twin = {
    deviceId: 'd',
    etag: 'x',
    connectionState: 'Disconnected',
    properties: { desired: {}, reported: { a: 1 } },
  };
  const { state } = readAcknowledgement(profile, encodeSettings(profile, { a: 1 }), twin, LONG_AFTER_MS);
  expect(state).toBe('Written');
});

test('whatever a device reports, reading it never throws', () => {
  const names = ['defender-legacy', 'defender-micro-agent', 'osconfig-security-baseline'];
  const keys = [
    '$metadata',
    '$lastUpdated',
    'latest_state',
    'latest_invalid_fields',
    'SecurityBaseline',
    'initA',
    'ac',
    'av',
  ];
  const { tree } = fc.letrec<{ tree: JsonObject; leaf: Json }>((tie) => ({
    leaf: fc.oneof({ depthSize: 'small' }, fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json>, tie('tree')),
    tree: fc.dictionary(fc.constantFrom(...keys), tie('leaf'), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...names), tree, tree, (name, reported, desiredMetadata) => {
      expect(read(name, { initA: '1' }, { reported, desiredMetadata })).toMatch(/^[A-Z]/);
    }),
  );
});

describe('a refusal that another writer caused', () => {
  const SECTION = builtin('defender-legacy').section[0] as string;

  /** Foreign settings that are blamed, for `eventPriorityLogin: High` beside them. */
  function blamed(name: string, beside: JsonObject, reported: JsonObject, nowMs = SOON_MS): string[] {
    const profile = builtin(name);
    const isLegacy = name === 'defender-legacy';
    const settings: JsonObject = isLegacy ? { eventPriorityLogin: 'High' } : { Process_CacheSize: 256 };
    const times = { $lastUpdated: WRITTEN, [SECTION]: { $lastUpdated: WRITTEN } };
    const ours: JsonObject = isLegacy ? { eventPriorityLogin: { value: 'High' } } : settings;
    const section = { ...ours, ...beside };
    const twin: Twin = {
      deviceId: 'd1',
      moduleId: profile.moduleId,
      etag: 'AAAAAAAAAAM=',
      connectionState: 'Connected',
      properties: {
        desired: { ...(isLegacy ? { [SECTION]: section } : section), $metadata: times, $version: 7 },
        reported,
      },
    };
    return [...readAcknowledgement(profile, encodeSettings(profile, settings), twin, nowMs).foreign];
  }

  const old: JsonObject = {
    [SECTION]: { eventPriorityLogin: { value: 'low' } },
    $metadata: { [SECTION]: { $lastUpdated: LATER } },
  };

  test.each<[sentence: string, beside: JsonObject, want: string[]]>([
    ['a value of the wrong type', { maxMessageSizeInBytes: { value: 'many' } }, ['maxMessageSizeInBytes']],
    ['one that is not wrapped', { eventPriorityOSBaseline: 'Off' }, ['eventPriorityOSBaseline']],
    ['one that holds nothing', { snapshotFrequency: {} }, ['snapshotFrequency']],
    ['one out of range', { maxMessageSizeInBytes: { value: 1 } }, ['maxMessageSizeInBytes']],
    ['none that is legal', { eventPriorityOSBaseline: { value: 'Off' } }, []],
    ['none that the agent does not know', { theirs: 7, hubResourceId: { value: 'x' } }, []],
  ])('legacy: %s', (_sentence, beside, want) => {
    expect(blamed('defender-legacy', beside, old)).toEqual(want);
  });

  test('legacy: also where the agent says nothing at all, once that is long', () => {
    const beside = { maxMessageSizeInBytes: { value: 'many' } };
    expect(blamed('defender-legacy', beside, {})).toEqual([]);
    expect(blamed('defender-legacy', beside, {}, LONG_AFTER_MS)).toEqual(['maxMessageSizeInBytes']);
  });

  const failed = (fields: Json): JsonObject => ({
    latest_state: 'failed',
    latest_invalid_fields: fields,
    $metadata: { latest_state: { $lastUpdated: LATER } },
  });

  test.each<[sentence: string, fields: Json, want: string[]]>([
    ['fields of others alone', 'Baseline_Disabled', ['Baseline_Disabled']],
    ['ours among them', 'Process_CacheSize,Baseline_Disabled', []],
    ['no field', '', []],
  ])('micro agent: it names %s', (_sentence, fields, want) => {
    expect(blamed('defender-micro-agent', {}, failed(fields))).toEqual(want);
  });
});

describe('settings that an agent forgot', () => {
  const profile = builtin('defender-legacy');
  const SECTION = profile.section[0] as string;
  const settings = { eventPriorityLogin: 'Low', snapshotFrequency: 'P1D', eventPriorityOSBaseline: 'Low' };

  function forgotten(values: Record<string, Json>, reportedAt = LATER, writtenAt = WRITTEN): string[] {
    const reported: JsonObject = {
      [SECTION]: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }])),
      $metadata: { [SECTION]: { $lastUpdated: reportedAt } },
    };
    const desired = { $metadata: { $lastUpdated: writtenAt, [SECTION]: { $lastUpdated: EARLIER } }, $version: 7 };
    const twin = { deviceId: 'd1', etag: '', properties: { desired, reported } };
    return forgottenSettings(profile, encodeSettings(profile, settings), twin);
  }

  test.each<[sentence: string, values: Record<string, Json>, want: string[]]>([
    [
      'are those it reports at their defaults',
      { eventPriorityLogin: 'High', snapshotFrequency: 'P1D' },
      ['eventPriorityLogin'],
    ],
    [
      'in whatever spelling',
      { eventPriorityLogin: 'high', snapshotFrequency: 'PT13H' },
      ['eventPriorityLogin', 'snapshotFrequency'],
    ],
    ['not those it runs with', { eventPriorityLogin: 'low', snapshotFrequency: 'PT24H' }, []],
    ['not those it has some other value for', { eventPriorityLogin: 'Off', snapshotFrequency: 'PT1M' }, []],
    ['not those it does not report', {}, []],
    ['not those whose default is what we want', { eventPriorityOSBaseline: 'Low' }, []],
  ])('%s', (_sentence, values, want) => {
    expect(forgotten(values)).toEqual(want);
  });

  test('are unknown while its report is older than the last write to the module, wherever that was', () => {
    expect(forgotten({ eventPriorityLogin: 'High' }, WRITTEN, LATER)).toEqual([]);
  });
});
