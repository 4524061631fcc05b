// The two shortcuts that planning a whole fleet takes: what they find must be what the long way finds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadManifests } from '../../src/manifest/load.ts';
import { invariant } from '../../src/model/errors.ts';
import { cloneJson, type Json, type JsonObject } from '../../src/model/json.ts';
import type { DeviceFacts } from '../../src/model/twin.ts';
import { parseOwner, type Owner } from '../../src/model/owner.ts';
import { composeRecord } from '../../src/plan/record/record-write.ts';
import { composeOwn, sameOwnership, type OwnedEntry, type Owners } from '../../src/plan/record/owned-entry.ts';
import { NO_MEMORY, readRecord, recordHolds } from '../../src/plan/record/record.ts';
import { createSelection, matches } from '../../src/plan/select/selection.ts';

const entry: fc.Arbitrary<OwnedEntry> = fc.record({
  digest: fc.constantFrom('aaaaaaaaaaaa', 'bbbbbbbbbbbb'),
  deletionPolicy: fc.constantFrom('Retain', 'Remove'),
  profile: fc.constantFrom('generic', 'acme-guard'),
  section: fc.constantFrom([], ['guard'], ['a/b', '~']),
  keys: fc
    .uniqueArray(fc.constantFrom('scan', 'usb', 'deep/key', 'x'.repeat(1_600), 'y'.repeat(1_600)), { minLength: 1 })
    .map((names) => ({ names: names.toSorted() })),
});
const owners = fc
  .dictionary(fc.constantFrom('SecurityConfiguration/a', 'SecurityConfiguration/b.c', 'SecurityConfiguration/d'), entry)
  .map((entries): Owners => new Map(Object.entries(entries).map(([owner, one]) => [parseOwner(owner), one])));

function twinWith(record: Json): { tags: JsonObject } {
  return { tags: { twinward: { default: record } } };
}

function recordOf(map: Owners): JsonObject {
  return composeRecord(map, { revision: 'sha256:0123456789abcdef', nowMs: 0, etag: 'AAAAAAAAAAI=', memory: NO_MEMORY });
}

describe('the record as it is spelt', () => {
  test('holds owners exactly where reading it finds the same ownership', () => {
    fc.assert(
      fc.property(owners, owners, (recorded, wanted) => {
        const twin = twinWith(recordOf(recorded));
        const reading = readRecord(twin, 'default');
        invariant(reading.kind === 'valid', 'what we compose we can read');
        const isSame = wanted.size > 0 && sameOwnership(reading.owners, wanted);
        expect(recordHolds(twin, 'default', composeOwn(wanted))).toBe(isSame);
      }),
      { numRuns: 300 },
    );
  });

  const WANTED = new Map<Owner, OwnedEntry>([
    [
      'SecurityConfiguration/a',
      { digest: 'd', deletionPolicy: 'Retain', profile: 'p', section: [], keys: { names: ['scan'] } },
    ],
  ]);
  const own = (change: (entry: JsonObject) => void): Json => {
    const record = cloneJson(recordOf(WANTED));
    change((record['own'] as JsonObject)['SecurityConfiguration/a'] as JsonObject);
    return record;
  };

  test.each<[sentence: string, record: Json, wanted: boolean]>([
    ['another digest does not matter', own((a) => (a['digest'] = 'e')), true],
    ['no digest at all does', own((a) => delete a['digest']), false],
    ['a member more does not matter', own((a) => (a['note'] = 'x')), true],
    ['a newer version does', { ...recordOf(WANTED), v: 2 }, false],
    ['no version does', { own: recordOf(WANTED)['own'] as Json }, false],
    ['a key more does', own((a) => (a['keys'] = ['scan', 'usb'])), false],
    ['an owner more does', { ...recordOf(WANTED), own: { ...(recordOf(WANTED)['own'] as JsonObject), b: {} } }, false],
    ['a text does', 'twinward', false],
  ])('%s', (_sentence, record, wanted) => {
    expect(recordHolds(twinWith(record), 'default', composeOwn(WANTED))).toBe(wanted);
  });
});

describe('the selection of a device', () => {
  const SPECS = [
    'selector: {matchTags: {env: prod}}',
    'selector: {matchTags: {ring: 0}}',
    'selector: {matchTags: {ring: "0"}}',
    'selector: {matchTags: {a.b: true}}',
    'selector: {deviceIds: [d1, d2]}',
    'selector: {matchExpressions: [{key: tags.site, operator: Exists}]}',
    'selector: {matchExpressions: [{key: tags.env, operator: NotIn, values: [prod, lab]}]}',
    'selector: {matchExpressions: [{key: deviceId, operator: NotIn, values: [d2, d3]}]}',
    'selector: {matchExpressions: [{key: status, operator: In, values: [disabled]}]}',
    'selector: {matchExpressions: [{key: capabilities.iotEdge, operator: In, values: [true]}]}',
    'selector: {matchAll: true}',
  ];
  const text = SPECS.map(
    (spec, index) => `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: c${index}}
spec: {profile: defender-micro-agent, ${spec}, priority: ${index}, settings: {Process_Mode: 1}}
`,
  ).join('');
  const files = [{ path: 'all.yaml', bytes: Buffer.from(text) }];
  const { declared } = loadManifests({ revision: 'sha256:0', files, partial: false });
  invariant(declared !== undefined, 'the manifests are good');

  const tagValue = fc.constantFrom<Json>('prod', 'lab', '0', 0, true, null, '', { b: true }, { b: 'true' }, ['prod']);
  const device: fc.Arbitrary<DeviceFacts> = fc.record({
    deviceId: fc.constantFrom('d1', 'd2', 'd3', 'd4', 'true'),
    status: fc.constantFrom('enabled', 'disabled'),
    iotEdge: fc.boolean(),
    tags: fc.dictionary(fc.constantFrom('env', 'ring', 'a', 'site', 'other'), tagValue),
  });

  test('is what each selector says alone, whatever devices were asked about before', () => {
    fc.assert(
      fc.property(fc.array(device, { minLength: 1, maxLength: 40 }), (devices) => {
        const index = createSelection(declared, 'default');
        for (const facts of devices) {
          const { selected, tagless } = index.select(facts);
          const expected = declared.configurations.filter(({ targets }) =>
            targets.some(({ selector }) => matches(selector, facts)),
          );
          expect(selected.map(({ configuration }) => configuration.name)).toEqual(expected.map(({ name }) => name));
          expect(tagless).toBe(Object.keys(facts.tags).length === 0);
        }
      }),
      { numRuns: 200 },
    );
  });
});
