// The documented limits, row by row: operations a second by tier and units, and the messages of a day.
import { describe, expect, test } from 'vitest';
import {
  dailyMessages,
  messageBytes,
  ratePerSecond,
  type ThrottledClass,
} from '../../../src/emulator/throttles/tiers.ts';
import type { Tier } from '../../../src/model/hub-tier.ts';

/** Operations, and the seconds they are for, of hubs with 1, 10 and 30 units. */
const rows: [tier: Tier, operations: ThrottledClass, counts: [number, number, number], seconds: 1 | 60][] = [
  ['S1', 'identities', [100, 1000, 3000], 60],
  ['S2', 'identities', [100, 1000, 3000], 60],
  ['S3', 'identities', [5000, 50_000, 150_000], 60],
  ['S1', 'queries', [20, 200, 600], 60],
  ['S2', 'queries', [20, 200, 600], 60],
  ['S3', 'queries', [1000, 10_000, 30_000], 60],
  ['S1', 'twinReads', [100, 100, 100], 1],
  ['S2', 'twinReads', [100, 100, 300], 1],
  ['S3', 'twinReads', [500, 5000, 15_000], 1],
  ['S1', 'twinUpdates', [50, 50, 50], 1],
  ['S2', 'twinUpdates', [50, 50, 150], 1],
  ['S3', 'twinUpdates', [250, 2500, 7500], 1],
  ['S1', 'jobs', [100, 1000, 3000], 60],
  ['S2', 'jobs', [100, 1000, 3000], 60],
  ['S3', 'jobs', [5000, 50_000, 150_000], 60],
  ['S1', 'jobUpdates', [10, 10, 10], 1],
  ['S2', 'jobUpdates', [10, 10, 30], 1],
  ['S3', 'jobUpdates', [50, 500, 1500], 1],
  ['S1', 'configurations', [20, 200, 600], 60],
  ['S2', 'configurations', [20, 200, 600], 60],
  ['S3', 'configurations', [20, 200, 600], 60],
];

describe('rates', () => {
  test.each(rows)('%s %s: %j in %i s', (tier, operations, counts, seconds) => {
    const rates = [1, 10, 30].map((units) => ratePerSecond({ tier, units }, operations) * seconds);
    expect(rates.map((rate) => Math.round(rate))).toEqual(counts);
  });

  test('every hub has a unit', () => {
    expect(ratePerSecond({ tier: 'S1', units: 0 }, 'queries')).toBe(ratePerSecond({ tier: 'S1', units: 1 }, 'queries'));
  });

  test('a free hub is an S1 of one unit, however many are said', () => {
    for (const [, operations] of rows) {
      const free = ratePerSecond({ tier: 'F1', units: 7 }, operations);
      expect(free).toBe(ratePerSecond({ tier: 'S1', units: 1 }, operations));
    }
  });
});

test.each<[tier: Tier, messages: number, bytes: number]>([
  ['F1', 8000, 512],
  ['S1', 1_200_000, 4096],
  ['S2', 18_000_000, 4096],
  ['S3', 900_000_000, 4096],
])('%s with 3 units has %i messages of %i bytes a day', (tier, messages, bytes) => {
  expect([dailyMessages({ tier, units: 3 }), messageBytes(tier)]).toEqual([messages, bytes]);
});
