// What reads for hints may spend of the hub's day.
import { expect, test } from 'vitest';
import { HintAllowance } from '../../../src/controller/budget/hint-allowance.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { createLog } from '../fixture.ts';

const MINUTE_MS = 60_000;
const TENTH = { throttle: 0.4, dailyMessages: 0.1 };

test('looking at hints takes a fortieth of the day in any 24 hours, a quarter of that at once', async () => {
  const clock = createTestClock();
  const log = createLog();
  const capacity = { tier: 'S1', units: 1 };
  const allowance = new HintAllowance({ capacity, budget: () => TENTH, clock, log });
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
  const allowance = new HintAllowance({ capacity, budget: () => TENTH, clock, log: createLog() });
  allowance.take(1);
  allowance.charge(4_999);
  await clock.advance(8 * 60 * MINUTE_MS);
  expect(allowance.take(1)).toBe(false);
  await clock.advance(MINUTE_MS);
  expect(allowance.take(1)).toBe(true);
});

test('looking at hints has no limit on a hub without limits', () => {
  const options = { capacity: undefined, budget: () => TENTH, clock: createTestClock() };
  const allowance = new HintAllowance({ ...options, log: createLog() });
  expect([allowance.take(1e9), allowance.take(1e9), allowance.isUsedUp]).toEqual([true, true, false]);
});
