import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { budgetedHub, Budgets, TokenBucket } from '../../../src/controller/budget/hub-budget.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';
import { createFleet, MODULE } from '../fixture.ts';

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

describe('a hub inside its budget', () => {
  const S1 = { capacity: { tier: 'S1', units: 1 }, budget: { throttle: 0.5, dailyMessages: 0.5 } };

  test('is as it was where nothing is known about its capacity', () => {
    const { hub, clock } = createFleet(1);
    expect(budgetedHub(hub, { ...S1, capacity: undefined }, clock)).toBe(hub);
  });

  test.each([
    { tier: 'S1', units: 1, reads: 50, writes: 25 },
    { tier: 'S1', units: 4, reads: 50, writes: 25 },
    { tier: 'S2', units: 20, reads: 100, writes: 50 },
    { tier: 'S3', units: 1, reads: 250, writes: 125 },
  ])('of $units $tier reads $reads twins a second and writes $writes, whatever the burst', async (row) => {
    const fleet = createFleet(1);
    const hub = budgetedHub(fleet.hub, { ...S1, capacity: row }, fleet.clock);
    const { etag } = await fleet.hub.getModuleTwin({ deviceId: 'd1', moduleId: MODULE }, NEVER);
    const ref = { deviceId: 'd1', moduleId: MODULE };
    const counts = { reads: 0, writes: 0 };
    for (let index = 0; index < row.reads * 3; index += 1) {
      void hub.getModuleTwin(ref, NEVER).then(() => (counts.reads += 1));
    }
    // The first writes the twin; each other is refused, which costs a turn as well.
    for (let index = 0; index < row.writes * 3; index += 1) {
      void hub
        .patchModuleTwin(ref, { tags: { index } }, etag, NEVER)
        .catch(() => {})
        .finally(() => (counts.writes += 1));
    }
    await fleet.clock.flush();
    expect(counts).toEqual({ reads: row.reads, writes: row.writes });
    await fleet.clock.advance(1_000);
    expect(counts).toEqual({ reads: 2 * row.reads, writes: 2 * row.writes });
  });

  test('queries come in lumps that the minute allows, and are a budget of their own', async () => {
    const fleet = createFleet(3);
    const hub = budgetedHub(fleet.hub, S1, fleet.clock);
    let pages = 0;
    const read = async (): Promise<void> => {
      for await (const page of hub.listDevices(NEVER)) pages += page.length > 0 ? 1 : 0;
    };
    for (let index = 0; index < 30; index += 1) void read();
    await fleet.clock.flush();
    const saved = pages;
    expect(saved).toBeLessThanOrEqual(2);
    await hub.getModuleTwin({ deviceId: 'd1', moduleId: MODULE }, NEVER);
    await fleet.clock.advance(60_000);
    expect(pages - saved).toBeLessThanOrEqual(11);
    await fleet.clock.advance(10 * 60_000);
    expect(pages).toBe(30);
  });

  test('a hub that is connected anew goes on with what is left, unless it may do something else now', async () => {
    const fleet = createFleet(3);
    const budgets = new Budgets(fleet.clock);
    const pagesAtOnce = async (name: string, limits: Parameters<typeof budgetedHub>[1]): Promise<number> => {
      const hub = budgets.hubWithin(name, fleet.hub, limits);
      const abort = new AbortController();
      let pages = 0;
      const read = async (): Promise<void> => {
        for await (const _page of hub.listDevices(abort.signal)) pages += 1;
      };
      const reading = Array.from({ length: 5 }, () => read().catch(() => {}));
      await fleet.clock.flush();
      abort.abort();
      await Promise.all(reading);
      return pages;
    };
    expect(await pagesAtOnce('a', S1)).toBe(2);
    expect(await pagesAtOnce('a', S1)).toBe(0);
    expect(await pagesAtOnce('b', S1)).toBe(2);
    expect(await pagesAtOnce('a', { ...S1, capacity: { tier: 'S1', units: 2 } })).toBe(5);
    expect(await pagesAtOnce('c', { ...S1, capacity: undefined })).toBe(5);
  });

  test('the end of a list takes no turn: two lists of one page are had at once', async () => {
    const fleet = createFleet(3);
    const hub = budgetedHub(fleet.hub, S1, fleet.clock);
    let rows = 0;
    const read = async (): Promise<void> => {
      for await (const page of hub.listDevices(NEVER)) rows += page.length;
      for await (const page of hub.listModuleTwins([MODULE], NEVER)) rows += page.length;
    };
    const reading = read();
    await fleet.clock.flush();
    expect(rows).toBe(6);
    await reading;
  });

  test('a list that is refused makes the next slower', async () => {
    const fleet = createFleet(3);
    let isRefusing = true;
    const refusing: Hub = {
      ...fleet.hub,
      async *listDevices(signal, options) {
        for await (const page of fleet.hub.listDevices(signal, options)) {
          if (isRefusing) throw new HubError('Throttled', 'too fast');
          yield page;
        }
      },
    };
    const hub = budgetedHub(refusing, S1, fleet.clock);
    await expect(Array.fromAsync(hub.listDevices(NEVER))).rejects.toMatchObject({ code: 'Throttled' });
    isRefusing = false;
    const pages = Array.fromAsync(hub.listDevices(NEVER));
    let isRead = false;
    void pages.then(() => (isRead = true));
    await fleet.clock.advance(10_000);
    expect(isRead).toBe(false);
    await fleet.clock.advance(60_000);
    expect(await pages).toHaveLength(1);
  });

  test('goes slower after it was refused and faster again after it was not', async () => {
    const fleet = createFleet(1);
    let refusals = 1;
    const refusing: Hub = {
      ...fleet.hub,
      getDeviceTwin(deviceId, signal) {
        if ((refusals -= 1) >= 0) return Promise.reject(new HubError('Throttled', 'too fast'));
        return fleet.hub.getDeviceTwin(deviceId, signal);
      },
    };
    const hub = budgetedHub(refusing, S1, fleet.clock);
    await expect(hub.getDeviceTwin('d1', NEVER)).rejects.toMatchObject({ code: 'Throttled' });
    let done = 0;
    for (let index = 0; index < 100; index += 1) void hub.getDeviceTwin('d1', NEVER).then(() => (done += 1));
    await fleet.clock.advance(1_000);
    expect(done).toBeGreaterThanOrEqual(25);
    expect(done).toBeLessThan(40);
    await fleet.clock.advance(3_000);
    expect(done).toBe(100);
  });

  test('other failures do not slow it down', async () => {
    const fleet = createFleet(1);
    const hub = budgetedHub(fleet.hub, S1, fleet.clock);
    await expect(hub.getDeviceTwin('nobody', NEVER)).rejects.toMatchObject({ code: 'NotFound' });
    let done = 0;
    for (let index = 0; index < 100; index += 1) void hub.getDeviceTwin('d1', NEVER).then(() => (done += 1));
    await fleet.clock.advance(1_100);
    expect(done).toBe(100);
  });
});
