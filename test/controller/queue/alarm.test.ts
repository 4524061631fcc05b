import { describe, expect, test } from 'vitest';
import { Alarm } from '../../../src/controller/queue/alarm.ts';
import { createTestClock } from '../../support/test-clock.ts';

/** Waits, and notes when it was over. */
function waitFor(alarm: Alarm, delayMs: number): { readonly isOver: () => boolean } {
  let isOver = false;
  void alarm.wait(delayMs).then(() => (isOver = true));
  return { isOver: () => isOver };
}

describe('an alarm', () => {
  test('ends the wait after its time and not before', async () => {
    const clock = createTestClock();
    const wait = waitFor(new Alarm(clock), 1_000);
    await clock.advance(999);
    expect(wait.isOver()).toBe(false);
    await clock.advance(1);
    expect(wait.isOver()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('cuts the wait short and leaves no timer behind', async () => {
    const clock = createTestClock();
    const alarm = new Alarm(clock);
    const wait = waitFor(alarm, 1_000);
    alarm.ring();
    await clock.flush();
    expect(wait.isOver()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('that rang while nobody waited ends the next wait at once, and that one only', async () => {
    const clock = createTestClock();
    const alarm = new Alarm(clock);
    alarm.ring();
    alarm.ring();
    const first = waitFor(alarm, 1_000);
    await clock.flush();
    expect(first.isOver()).toBe(true);
    const second = waitFor(alarm, 1_000);
    await clock.flush();
    expect(second.isOver()).toBe(false);
  });
});
