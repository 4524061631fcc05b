// The machine's timers, also for delays that Node's own can not hold.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { systemRandom } from '../../src/adapters/system-random.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 23) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a callback', () => {
  const rows: readonly (readonly [sentence: string, delayMs: number, notBeforeMs: number])[] = [
    ['at once', 0, 0],
    ['at once for the past', -5, 0],
    ['after its delay', 1_000, 1_000],
    ['after the longest delay of a timer', 2_147_483_647, 2_147_483_647],
    ['after a month', 30 * DAY_MS, 30 * DAY_MS],
    ['after a year', 365 * DAY_MS, 365 * DAY_MS],
  ];
  test.each(rows)('comes %s, once', (_sentence, delayMs, notBeforeMs) => {
    const calls: number[] = [];
    const start = systemClock.now();
    systemClock.schedule(delayMs, () => calls.push(systemClock.now() - start));
    vi.advanceTimersByTime(Math.max(0, notBeforeMs - 1));
    expect(calls.filter((atMs) => atMs < notBeforeMs)).toEqual([]);
    vi.advanceTimersByTime(2);
    vi.advanceTimersByTime(400 * DAY_MS);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toBeGreaterThanOrEqual(notBeforeMs);
  });

  test('does not come once cancelled, in any piece of its delay, and cancelling is idempotent', () => {
    const callback = vi.fn<() => void>();
    const cancels = [1_000, 60 * DAY_MS].map((delayMs) => systemClock.schedule(delayMs, callback));
    vi.advanceTimersByTime(999);
    cancels[0]?.();
    vi.advanceTimersByTime(50 * DAY_MS);
    for (const cancel of [...cancels, ...cancels]) cancel();
    vi.advanceTimersByTime(50 * DAY_MS);
    expect(callback).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('random numbers are below one, not below zero, and not the same', () => {
  const numbers = Array.from({ length: 1_000 }, () => systemRandom.next());
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers).size).toBe(1_000);
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
});
