// A clock for commands that pace themselves: short waits are over at once and move it, long ones, the limits of calls, never end.
import { setImmediate as settle } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock.ts';

const SHORT_MS = 20_000;

export function eagerClock(clock: Clock): Clock {
  let aheadMs = 0;
  return {
    now: () => clock.now() + aheadMs,
    schedule(delayMs, callback) {
      if (delayMs >= SHORT_MS) return () => {};
      const dueMs = clock.now() + aheadMs + delayMs;
      let isWanted = true;
      void settle().then(() => {
        if (!isWanted) return;
        aheadMs = Math.max(aheadMs, dueMs - clock.now());
        callback();
      });
      return () => {
        isWanted = false;
      };
    },
  };
}
