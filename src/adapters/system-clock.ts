// The machine's clock and timers.
import type { Clock } from '../ports/clock.ts';

/** Longer delays overflow Node's timers, which would fire at once. */
const DELAY_MS_MAX = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), DELAY_MS_MAX));
    return () => clearTimeout(timer);
  },
};
