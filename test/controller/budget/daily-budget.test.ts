import { expect, test } from 'vitest';
import type { Connection } from '../../../src/controller/loop/connection.ts';
import { affordablePeriodMs, dailyMessages, HintAllowance } from '../../../src/controller/budget/daily-budget.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { createFleet, createLog, manifests, PROD, startOn } from '../fixture.ts';

const MINUTE_MS = 60_000;
const TENTH = { throttle: 0.4, dailyMessages: 0.1 };

test.each([
  { tier: 'F1', units: 1, messages: 8_000 },
  { tier: 'S1', units: 1, messages: 400_000 },
  { tier: 'S1', units: 2, messages: 800_000 },
  { tier: 'S2', units: 1, messages: 6_000_000 },
  { tier: 'S3', units: 1, messages: 300_000_000 },
])('a hub of $units $tier has $messages messages a day', ({ tier, units, messages }) => {
  expect(dailyMessages({ tier, units })).toBe(messages);
});

test.each([
  { fleet: 'a small fleet', messages: 10, capacity: { tier: 'S1', units: 1 }, minutes: 5 },
  // 5,700 of 20,000 a day that comparing may use: 3.5 passes.
  { fleet: '11,400 twins of 2 KB on S1', messages: 5_700, capacity: { tier: 'S1', units: 1 }, minutes: 410.4 },
  { fleet: 'the same on S3', messages: 5_700, capacity: { tier: 'S3', units: 1 }, minutes: 5 },
  { fleet: 'any fleet on a hub without limits', messages: 1e9, capacity: undefined, minutes: 5 },
  { fleet: 'a pass that cost nothing', messages: 0, capacity: { tier: 'F1', units: 1 }, minutes: 5 },
])('$fleet is compared every $minutes minutes', ({ messages, capacity, minutes }) => {
  expect(affordablePeriodMs(5 * MINUTE_MS, messages, capacity, TENTH) / MINUTE_MS).toBeCloseTo(minutes);
});

test('passes that would use up the daily messages become rarer, and that is said once', async () => {
  const fleet = createFleet(3);
  let spent = 0;
  let lists = 0;
  const hub: Hub = {
    ...fleet.hub,
    listDevices(signal) {
      lists += 1;
      spent += 100;
      return fleet.hub.listDevices(signal);
    },
    messagesSpent: () => spent,
  };
  const connect = async (): Promise<Connection> => ({ hub, mode: 'Enforce', capacity: { tier: 'F1', units: 1 } });
  const { controller, log } = await startOn(fleet, manifests({ base: `${PROD}, settings: {scan: PT1H}` }), { connect });
  await fleet.clock.advance(60_000);
  lists = 0;
  // 100 of the 400 messages a day that comparing may use: four passes a day.
  await fleet.clock.advance(24 * 60 * MINUTE_MS);
  expect(lists).toBeGreaterThanOrEqual(3);
  expect(lists).toBeLessThanOrEqual(4);
  expect(log.lines.filter(({ message }) => message.startsWith('The fleet is compared less often'))).toHaveLength(1);
  await controller.stop();
});

test('looking at hints takes a fortieth of the day in any 24 hours, a quarter of that at once', async () => {
  const clock = createTestClock();
  const log = createLog();
  const capacity = { tier: 'S1', units: 1 };
  const allowance = new HintAllowance({ hubName: 'dev', capacity, budget: () => TENTH, clock, log });
  expect([allowance.take(2_500), allowance.take(1), allowance.isUsedUp]).toEqual([true, false, true]);
  let taken = 2_500;
  for (let minute = 1; minute <= 24 * 60; minute += 1) {
    await clock.advance(MINUTE_MS);
    while (allowance.take(5)) taken += 5;
  }
  expect(taken).toBeGreaterThan(9_990);
  expect(taken).toBeLessThanOrEqual(10_000);
  expect([allowance.spent, log.lines.length]).toEqual([taken, 1]);
});

test('what a look cost beyond what was taken for it is paid back first', async () => {
  const clock = createTestClock();
  const capacity = { tier: 'S1', units: 1 };
  const allowance = new HintAllowance({ hubName: 'dev', capacity, budget: () => TENTH, clock, log: createLog() });
  allowance.take(1);
  allowance.charge(4_999);
  await clock.advance(8 * 60 * MINUTE_MS);
  expect(allowance.take(1)).toBe(false);
  await clock.advance(MINUTE_MS);
  expect(allowance.take(1)).toBe(true);
});

test('looking at hints has no limit on a hub without limits', () => {
  const options = { hubName: 'dev', capacity: undefined, budget: () => TENTH, clock: createTestClock() };
  const allowance = new HintAllowance({ ...options, log: createLog() });
  expect([allowance.take(1e9), allowance.take(1e9), allowance.isUsedUp]).toEqual([true, true, false]);
});
