// A hub inside its budget: calls and lists wait for their turn, a 429 slows them down, a new connection keeps what is left.
import { describe, expect, test } from 'vitest';
import { budgetedHub, Budgets } from '../../../src/controller/budget/budgeted-hub.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createFleet, MODULE } from '../fixture.ts';

const NEVER = new AbortController().signal;

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
