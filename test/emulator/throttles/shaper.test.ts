// Shaping of one class: first at once, then in turn, then refused; and never more than burst and rate allow.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Shaper } from '../../../src/emulator/throttles/shaper.ts';

const OPTIONS = { ratePerSecond: 10, burst: 5, backlogMs: 300 };

function reserve(shaper: Shaper, nowMs: number, times: number): (number | undefined)[] {
  return Array.from({ length: times }, () => shaper.reserve(nowMs, 1));
}

describe('a shaper', () => {
  test('takes a burst at once, then lets calls wait, then refuses', () => {
    expect(reserve(new Shaper(OPTIONS), 0, 10)).toEqual([0, 0, 0, 0, 0, 100, 200, 300, undefined, undefined]);
  });

  test('takes calls again as the backlog drains, at the rate', () => {
    const shaper = new Shaper(OPTIONS);
    reserve(shaper, 0, 8);
    expect(reserve(shaper, 99, 1)).toEqual([undefined]);
    expect(reserve(shaper, 100, 2)).toEqual([300, undefined]);
    expect(reserve(shaper, 400, 1)).toEqual([100]);
  });

  test('is rested after a while, and no more than that', () => {
    const shaper = new Shaper(OPTIONS);
    reserve(shaper, 0, 8);
    expect(reserve(shaper, 800, 6)).toEqual([0, 0, 0, 0, 0, 100]);
    expect(reserve(shaper, 100_000, 6)).toEqual([0, 0, 0, 0, 0, 100]);
  });

  test('counts a bulk as its entries, and takes nothing for one that it refuses', () => {
    const shaper = new Shaper(OPTIONS);
    expect(shaper.reserve(0, 6)).toBe(100);
    expect(shaper.reserve(0, 3)).toBeUndefined();
    expect(shaper.reserve(0, 2)).toBe(300);
  });
});

describe('whatever is asked', () => {
  const call = fc.record({ afterMs: fc.integer({ min: 0, max: 400 }), cost: fc.integer({ min: 1, max: 6 }) });
  const options = fc.record({
    ratePerSecond: fc.integer({ min: 1, max: 100 }),
    burst: fc.integer({ min: 1, max: 20 }),
    backlogMs: fc.integer({ min: 0, max: 5000 }),
  });

  test('no span of time has more turns than the burst and the rate, turns keep their order, and no call waits too long', () => {
    fc.assert(
      fc.property(options, fc.array(call, { maxLength: 60 }), (options, calls) => {
        const shaper = new Shaper(options);
        const turns: { at: number; cost: number }[] = [];
        let now = 0;
        for (const { afterMs, cost } of calls) {
          now += afterMs;
          const waitMs = shaper.reserve(now, cost);
          if (waitMs === undefined) continue;
          expect(waitMs).toBeLessThanOrEqual(Math.ceil(options.backlogMs));
          turns.push({ at: now + waitMs, cost });
        }
        const perMs = options.ratePerSecond / 1000;
        // A call is not divided: one that counts as more than the burst waits until the bucket has saved enough.
        const atOnce = Math.max(options.burst, ...turns.map(({ cost }) => cost));
        turns.forEach((first, index) => {
          let taken = 0;
          for (const { at, cost } of turns.slice(index)) {
            expect(at).toBeGreaterThanOrEqual(first.at);
            taken += cost;
            // A turn comes on the next whole millisecond: one millisecond of the rate may be early.
            expect(taken).toBeLessThanOrEqual(atOnce + (at - first.at + 1) * perMs + 1e-6);
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  test('a call that comes when the backlog has drained is taken', () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 0, max: 200 }), (options, calls) => {
        const shaper = new Shaper(options);
        for (let index = 0; index < calls; index += 1) shaper.reserve(0, 1);
        expect(shaper.reserve(options.backlogMs + Math.ceil(1000 / options.ratePerSecond), 1)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
