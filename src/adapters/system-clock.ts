// The machine's clock and timers.
import type { Clock } from '../ports/clock.ts';

/** Longer delays overflow Node's timers, which would fire at once: wait for them in pieces. */
const TIMER_MS_MAX = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer = setTimeout(
        () => (leftMs > TIMER_MS_MAX ? wait(leftMs - TIMER_MS_MAX) : callback()),
        Math.min(Math.max(0, leftMs), TIMER_MS_MAX),
      );
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
