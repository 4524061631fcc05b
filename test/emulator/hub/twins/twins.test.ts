// Twins over the service side: counters, merge rules, concurrency, and deliveries to devices.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../src/model/json.ts';
import { etagCounter } from '../../../../src/model/twin.ts';
import * as arbitrary from '../arbitrary-json.ts';
import { hubWithModule, MODULE, newHub, refusal, START_MS } from '../new-hub.ts';

interface Counters {
  readonly etag: number;
  readonly desired: number;
  readonly reported: number;
  readonly version: number;
}

function counters(twin: JsonObject): Counters {
  const { desired, reported } = twin['properties'] as { desired: JsonObject; reported: JsonObject };
  return {
    etag: Number(etagCounter(twin['etag'] as string)),
    desired: desired['$version'] as number,
    reported: reported['$version'] as number,
    version: twin['version'] as number,
  };
}

function desiredOf(twin: JsonObject): JsonObject {
  const {
    $metadata: _metadata,
    $version: _version,
    ...values
  } = (twin['properties'] as JsonObject)['desired'] as JsonObject;
  return values;
}

describe('a new twin', () => {
  test('of a module has the root fields of real dumps, in their order', () => {
    const { hub } = hubWithModule();
    const at = '2026-11-23T17:40:00Z';
    const section = { $metadata: { $lastUpdated: at }, $version: 1 };
    expect(JSON.stringify(hub.getTwin(MODULE))).toBe(
      JSON.stringify({
        deviceId: 'd',
        moduleId: 'm',
        etag: 'AAAAAAAAAAE=',
        deviceEtag: hub.getModule('d', 'm')['etag'],
        status: 'enabled',
        statusUpdateTime: '0001-01-01T00:00:00Z',
        connectionState: 'Disconnected',
        lastActivityTime: '0001-01-01T00:00:00Z',
        cloudToDeviceMessageCount: 0,
        authenticationType: 'sas',
        x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
        modelId: '',
        version: 2,
        properties: { desired: section, reported: section },
      }),
    );
  });

  test('of a device has its capabilities and scope too', () => {
    const { hub } = newHub();
    hub.createDevice('e', { capabilities: { iotEdge: true }, statusReason: 'spare' });
    const twin = hub.getTwin({ deviceId: 'e' });
    expect(Object.keys(twin).slice(-3)).toEqual(['properties', 'capabilities', 'deviceScope']);
    expect(twin).toMatchObject({ capabilities: { iotEdge: true }, statusReason: 'spare' });
    expect(twin['deviceScope']).toMatch(/^ms-azure-iot-edge:\/\/e-\d{18}$/);
  });
});

describe('counters', () => {
  const start = { etag: 1, desired: 1, reported: 1, version: 2 };
  const rows: [sentence: string, body: unknown, want: Counters][] = [
    ['tags alone move the etag', { tags: { a: 1 } }, { ...start, etag: 2, version: 3 }],
    ['empty tags are a write', { tags: {} }, { ...start, etag: 2, version: 3 }],
    [
      'desired moves the etag and its version',
      { properties: { desired: { a: 1 } } },
      { ...start, etag: 2, desired: 2, version: 3 },
    ],
    ['an empty desired is a write', { properties: { desired: {} } }, { ...start, etag: 2, desired: 2, version: 3 }],
    [
      'a null for an absent key is a write',
      { properties: { desired: { a: null } } },
      { ...start, etag: 2, desired: 2, version: 3 },
    ],
    [
      'both at once are one step',
      { tags: { a: 1 }, properties: { desired: { a: 1 } } },
      { ...start, etag: 2, desired: 2, version: 3 },
    ],
    ['nothing writable is no write', {}, start],
    ['sections that are null are no write', { tags: null, properties: { desired: null } }, start],
    ['reported properties are not the service’s', { properties: { reported: { a: 1 } } }, start],
    ['read-only fields are ignored', { etag: 'x', version: 99, status: 'disabled', deviceId: 'other' }, start],
  ];
  test.each(rows)('%s', (_sentence, body, want) => {
    const { hub } = hubWithModule();
    expect(counters(hub.patchTwin(MODULE, body))).toEqual(want);
    expect(counters(hub.getTwin(MODULE))).toEqual(want);
  });

  test('an identical re-send moves etag and version', () => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } });
    expect(counters(hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } }))).toEqual({
      ...start,
      etag: 3,
      desired: 3,
      version: 4,
    });
  });

  test('follow a model over any history', () => {
    const sections = (section: fc.Arbitrary<JsonObject>) => ({ tags: section, desired: section });
    type Step = {
      kind: 'patch' | 'put' | 'report' | 'identity';
      tags?: JsonObject;
      desired?: JsonObject;
      reported?: JsonObject;
    };
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ kind: fc.constant('patch'), ...sections(arbitrary.patch) }, { requiredKeys: ['kind'] }),
      fc.record({ kind: fc.constant('put'), ...sections(arbitrary.section) }),
      fc.record({ kind: fc.constant('report'), reported: arbitrary.patch }),
      fc.record({ kind: fc.constant('identity') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { hub } = hubWithModule();
        const connection = hub.connect(MODULE, () => {});
        let { etag, desired, reported } = start;
        for (const { kind, tags, desired: sent, reported: report } of steps) {
          const body = { ...(tags && { tags }), ...(sent && { properties: { desired: sent } }) };
          if (kind === 'patch') hub.patchTwin(MODULE, body);
          else if (kind === 'put') hub.replaceTwin(MODULE, body);
          else if (kind === 'identity') hub.putModule('d', 'm', {}, '*');
          else connection.report(report ?? {});
          if (kind === 'put' || tags !== undefined || sent !== undefined) etag += 1;
          if (kind === 'put' || sent !== undefined) desired += 1;
          if (kind === 'report') reported += 1;
        }
        expect(counters(hub.getTwin(MODULE))).toEqual({ etag, desired, reported, version: etag + reported });
      }),
    );
  });
});

describe('merging', () => {
  const rows: [sentence: string, before: JsonObject, patch: JsonObject, want: JsonObject][] = [
    ['objects merge', { a: { b: 1 } }, { a: { c: 2 } }, { a: { b: 1, c: 2 } }],
    ['null removes', { a: 1, b: 2 }, { a: null }, { b: 2 }],
    ['the last leaf leaves an empty object', { a: { b: 1 } }, { a: { b: null } }, { a: {} }],
    ['an empty object persists', {}, { a: {} }, { a: {} }],
    ['arrays are replaced whole', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['a scalar replaces an object', { a: { b: 1 } }, { a: 1 }, { a: 1 }],
    ['an object replaces a scalar', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['a null for an absent key keeps its siblings', { a: { b: 1 } }, { a: { c: null } }, { a: { b: 1 } }],
    ['keys differ by case', { a: 1 }, { A: 2 }, { a: 1, A: 2 }],
    ['the hub’s own keys in desired are ignored', { a: 1 }, { b: 2, $metadata: {}, $version: 9 }, { a: 1, b: 2 }],
  ];
  test.each(rows)('%s', (_sentence, before, patch, want) => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { properties: { desired: before } });
    expect(desiredOf(hub.patchTwin(MODULE, { properties: { desired: patch } }))).toEqual(want);
  });

  test('tags are absent when empty', () => {
    const { hub } = hubWithModule();
    expect(hub.patchTwin(MODULE, { tags: { a: 1 } })['tags']).toEqual({ a: 1 });
    expect('tags' in hub.patchTwin(MODULE, { tags: { a: null } })).toBe(false);
  });

  test('a replacement removes what it does not send', () => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { tags: { a: 1 }, properties: { desired: { a: 1 } } });
    const twin = hub.replaceTwin(MODULE, { properties: { desired: { b: 2 } } });
    expect(desiredOf(twin)).toEqual({ b: 2 });
    expect('tags' in twin).toBe(false);
  });

  test('a whole twin as read can be sent back', () => {
    const { hub } = hubWithModule();
    const twin = hub.patchTwin(MODULE, { tags: { t: 1 }, properties: { desired: { a: { b: 1 } } } });
    const again = hub.replaceTwin(MODULE, twin);
    expect(again['tags']).toEqual({ t: 1 });
    expect(desiredOf(again)).toEqual({ a: { b: 1 } });
  });

  test('what the caller does with a body afterwards changes nothing', () => {
    const { hub } = hubWithModule();
    const body = { tags: { a: { b: 1 } }, properties: { desired: { a: { b: [1] } } } };
    hub.replaceTwin(MODULE, body);
    body.tags.a.b = 2;
    body.properties.desired.a.b.push(2);
    expect(hub.getTwin(MODULE)).toMatchObject({ tags: { a: { b: 1 } }, properties: { desired: { a: { b: [1] } } } });
  });

  test('hostile keys are keys', () => {
    const { hub } = hubWithModule();
    const body = JSON.parse('{"properties":{"desired":{"__proto__":{"polluted":1},"constructor":{"a":1}}}}');
    const text = JSON.stringify(hub.patchTwin(MODULE, body));
    expect(text).toContain('"__proto__":{"polluted":1}');
    expect(text).toContain('"__proto__":{"$lastUpdated"');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('If-Match', () => {
  const write = ['patchTwin', 'replaceTwin'] as const;
  const accepted = [undefined, '*', '"*"', '"AAAAAAAAAAE="', 'W/"AAAAAAAAAAE="', 'AAAAAAAAAAE='];
  test.each(accepted)('%j is accepted', (ifMatch) => {
    for (const method of write) {
      expect(counters(hubWithModule().hub[method](MODULE, { tags: { a: 1 } }, ifMatch)).etag).toBe(2);
    }
  });

  const refused = ['"AAAAAAAAAAI="', 'AAAAAAAAAAI=', '"AAAAAAAAAAE"', '"AAAAAAAAAAE=", "AAAAAAAAAAI="', ''];
  test.each(refused)('%j is refused', (ifMatch) => {
    const text = 'PreconditionFailed, ETag may be invalid.';
    for (const method of write) {
      const { hub } = hubWithModule();
      const error = refusal(() => hub[method](MODULE, { tags: { a: 1 } }, ifMatch));
      expect(error).toEqual({ status: 412, code: 'PreconditionFailed', number: 412001, text, envelope: 1 });
      expect(counters(hub.getTwin(MODULE)).etag).toBe(1);
    }
  });

  test('a report leaves the etag good', () => {
    const { hub } = hubWithModule();
    const etag = hub.getTwin(MODULE)['etag'] as string;
    hub.connect(MODULE, () => {}).report({ a: 1 });
    expect(counters(hub.patchTwin(MODULE, { tags: { a: 1 } }, `"${etag}"`)).etag).toBe(2);
  });
});

test('a missing twin is its device’s DeviceNotFound, for modules too', () => {
  const { hub } = hubWithModule();
  const want = { status: 404, code: 'DeviceNotFound', number: 404001, envelope: 1 };
  expect(refusal(() => hub.getTwin({ deviceId: 'none' }))).toEqual({ ...want, text: 'none' });
  expect(refusal(() => hub.getTwin({ deviceId: 'd', moduleId: 'none' }))).toEqual({ ...want, text: 'd' });
  expect(refusal(() => hub.patchTwin({ deviceId: 'd', moduleId: 'none' }, {}))).toEqual({ ...want, text: 'd' });
  expect(refusal(() => hub.replaceTwin({ deviceId: 'none', moduleId: 'm' }, {}))).toEqual({ ...want, text: 'none' });
});

test('deviceEtag follows the identity, and the twin’s etag does not', () => {
  const { hub } = hubWithModule();
  const before = hub.getTwin(MODULE);
  const identity = hub.putModule('d', 'm', {}, '*');
  const twin = hub.getTwin(MODULE);
  expect(twin['deviceEtag']).toBe(identity['etag']);
  expect(twin['deviceEtag']).not.toBe(before['deviceEtag']);
  expect(twin['etag']).toBe(before['etag']);
});

test('times have no trailing zeros', () => {
  const { hub, time } = hubWithModule();
  const stampAfter = (ms: number) => {
    time.now = START_MS + ms;
    const twin = hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } });
    return ((twin['properties'] as JsonObject)['desired'] as { $metadata: { $lastUpdated: string } }).$metadata
      .$lastUpdated;
  };
  expect([0, 500, 120, 7, 20_000].map(stampAfter)).toEqual([
    '2026-11-23T17:40:00Z',
    '2026-11-23T17:40:00.5Z',
    '2026-11-23T17:40:00.12Z',
    '2026-11-23T17:40:00.007Z',
    '2026-11-23T17:40:20Z',
  ]);
});
