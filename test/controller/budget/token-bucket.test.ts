// A token bucket: its pace, its burst, its order, and what a 429 does to it.
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { TokenBucket } from '../../../src/controller/budget/token-bucket.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';

const NEVER = new AbortController().signal;

/** Asks for so many turns and notes when each came, in seconds. */
function takeMany(bucket: TokenBucket, clock: TestClock, count: number): number[] {
  const startedAtMs = clock.now();
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    void bucket.take(NEVER).then(() => times.push((clock.now() - startedAtMs) / 1_000));
  }
  return times;
}

describe('a token bucket', () => {
  test('spends what it saved at once and then keeps its pace', async () => {
    const clock = createTestClock();
    const times = takeMany(new TokenBucket(2, clock), clock, 6);
    await clock.advance(10_000);
    expect(times).toEqual([0, 0, 0.5, 1, 1.5, 2]);
    expect(clock.pending).toBe(0);
  });

  test('serves those who came first first', async () => {
    const clock = createTestClock();
    const bucket = new TokenBucket(1, clock);
    const order: number[] = [];
    for (let index = 0; index < 5; index += 1) void bucket.take(NEVER).then(() => order.push(index));
    await clock.advance(10_000);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  test('in no stretch of time gives more turns than burst and rate allow', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.1, max: 40, noNaN: true }),
        fc.constantFrom(1, 15),
        fc.array(fc.record({ afterMs: fc.nat({ max: 4_000 }), turns: fc.nat({ max: 30 }) }), { maxLength: 8 }),
        async (rate, burstSeconds, arrivals) => {
          const clock = createTestClock();
          const bucket = new TokenBucket(rate, clock, burstSeconds);
          const times: number[] = [];
          let wanted = 0;
          for (const { afterMs, turns } of arrivals) {
            await clock.advance(afterMs);
            wanted += turns;
            for (let index = 0; index < turns; index += 1) {
              void bucket.take(NEVER).then(() => times.push(clock.now() / 1_000));
            }
          }
          await clock.advance(((wanted + 1) / rate) * 1_000 + 1_000);
          expect(times).toHaveLength(wanted);
          const burst = Math.max(1, rate * burstSeconds);
          for (let from = 0; from < times.length; from += 1) {
            for (let to = from; to < times.length; to += 1) {
              const seconds = (times[to] ?? 0) - (times[from] ?? 0);
              expect(to - from + 1).toBeLessThanOrEqual(burst + rate * seconds + 1e-3 * rate + 1e-6);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('halves its pace, down to a limit, and wins it back little by little', async () => {
    const clock = createTestClock();
    const bucket = new TokenBucket(8, clock);
    bucket.slowDown();
    expect(bucket.rate).toBe(4);
    for (let count = 0; count < 20; count += 1) bucket.slowDown();
    expect(bucket.rate).toBe(8 / 64);
    for (let count = 0; count < 50; count += 1) bucket.speedUp();
    expect(bucket.rate).toBeCloseTo(8 / 64 + 4);
    for (let count = 0; count < 100; count += 1) bucket.speedUp();
    expect(bucket.rate).toBe(8);
  });

  test('spends nothing of what it saved right after it was told to slow down', async () => {
    const clock = createTestClock();
    const bucket = new TokenBucket(10, clock);
    bucket.slowDown();
    const times = takeMany(bucket, clock, 2);
    await clock.advance(1_000);
    expect(times).toEqual([0.2, 0.4]);
  });

  test('those who wait gain from a pace that was won back', async () => {
    const clock = createTestClock();
    const bucket = new TokenBucket(1, clock);
    for (let count = 0; count < 10; count += 1) bucket.slowDown();
    const times = takeMany(bucket, clock, 1);
    await clock.flush();
    for (let count = 0; count < 100; count += 1) bucket.speedUp();
    await clock.advance(1_000);
    expect(times).toEqual([1]);
  });

  test('one who stops waiting leaves the turn to the next, and no timer behind', async () => {
    const clock = createTestClock();
    const bucket = new TokenBucket(1, clock);
    await bucket.take(NEVER);
    const controller = new AbortController();
    const gone = bucket.take(controller.signal);
    const times = takeMany(bucket, clock, 1);
    controller.abort();
    await expect(gone).rejects.toMatchObject({ code: 'Aborted' });
    await clock.advance(1_000);
    expect(times).toEqual([1]);
    await expect(bucket.take(controller.signal)).rejects.toMatchObject({ code: 'Aborted' });

    const last = new AbortController();
    const alone = bucket.take(last.signal);
    last.abort();
    await expect(alone).rejects.toMatchObject({ code: 'Aborted' });
    expect(clock.pending).toBe(0);
  });
});
