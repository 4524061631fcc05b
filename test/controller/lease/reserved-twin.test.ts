// What the reserved device's twin says, whoever wrote it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeLease, composeSuspensions, readReserved } from '../../../src/controller/lease/reserved-twin.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { isReserved } from '../../../src/model/reserved-device.ts';
import { suspensionsInForce, type Suspension } from '../../../src/model/suspension.ts';

const etag = 'AAAAAAAAAAE=';
const read = (twinward: unknown) => readReserved({ etag, tags: { twinward } as JsonObject });

const facts = { who: fc.string(), reason: fc.string() };
const untilMs = fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 }), { nil: undefined });
const suspension: fc.Arbitrary<Suspension> = fc.oneof(
  fc.record({ scope: fc.constant('All' as const), ...facts, untilMs }),
  fc.record({
    scope: fc.constantFrom('Configuration' as const, 'Device' as const),
    name: fc.string(),
    ...facts,
    untilMs,
  }),
);

test('suspensions are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(suspension), (suspensions) => {
      expect(read({ suspensions: composeSuspensions(suspensions) }).suspensions).toEqual(suspensions);
    }),
    { numRuns: 100 },
  );
});

test('a lease is read as it was written', () => {
  const lease = { holder: 'a@b/1', kind: 'run', revision: 'r', since: 's', at: 't', ttlSeconds: 90, renewals: 7 };
  expect(read({ lease: composeLease(lease) }).lease).toEqual(lease);
});

describe('what nobody of ours wrote', () => {
  test.each([
    ['nothing', undefined, 0],
    ['an empty list', [], 0],
    ['a text', 'all', 1],
    ['a newer scope', [{ scope: 'Group', name: 'x', who: 'a', reason: 'b' }], 1],
    ['a device without a name', [{ scope: 'Device', who: 'a', reason: 'b' }], 1],
    ['a time that is none', [{ scope: 'All', who: 'a', reason: 'b', until: 'soon' }], 1],
    ['a number for a time', [{ scope: 'All', who: 'a', reason: 'b', until: 5 }], 1],
  ])('%s suspends everything or nothing', (_sentence, suspensions, count) => {
    const found = read(suspensions === undefined ? {} : { suspensions }).suspensions;
    expect(found).toHaveLength(count);
    for (const one of found) expect(one).toMatchObject({ scope: 'All', untilMs: undefined });
  });

  test('never fails to be read', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { lease, suspensions, approved } = read(value);
        expect(suspensionsInForce(suspensions, 0).length).toBeLessThanOrEqual(suspensions.length);
        expect(lease?.ttlSeconds ?? 1).toBeGreaterThan(0);
        expect(typeof (approved?.fingerprint ?? '')).toBe('string');
      }),
      { numRuns: 200 },
    );
  });

  test.each([0, -5, 1e9])('a lease that is good for %d seconds is waited for within bounds', (ttl) => {
    const { ttlSeconds = 0 } = read({ lease: { ttl } }).lease ?? {};
    expect(ttlSeconds).toBeGreaterThanOrEqual(300);
    expect(ttlSeconds).toBeLessThanOrEqual(3_600);
  });
});

test.each([
  ['twinward-default', 'disabled', {}, true],
  ['twinward-other', 'disabled', {}, true],
  ['twinward-default', 'enabled', { twinward: { lease: {} } }, true],
  ['twinward-gateway', 'enabled', { site: 'lyon' }, false],
  ['atm-1', 'disabled', { twinward: {} }, false],
])('%s, %s, with %j is reserved: %s', (deviceId, status, tags, expected) => {
  expect(isReserved({ deviceId, status, tags })).toBe(expected);
});
