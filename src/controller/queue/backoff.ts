// How long to wait before the next try: exponential with full jitter, so that a fleet never retries in step.
import type { Random } from '../../ports/random.ts';

const BACKOFF_BASE_MS = 1_000;
const BACKOFF_MAX_MS = 5 * 60 * 1_000;
/** IoT Hub's 429 carries no Retry-After and its text says to wait ten seconds. */
const THROTTLED_DELAY_MS = 10_000;

/** `failures` counts from 1. */
export function backoffMs(failures: number, pace: 'Normal' | 'Throttled', random: Random): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, baseOf(pace) * 2 ** (failures - 1));
  const jitter = random.next() * ceiling;
  return pace === 'Throttled' ? THROTTLED_DELAY_MS + jitter : jitter;
}

function baseOf(pace: 'Normal' | 'Throttled'): number {
  return pace === 'Throttled' ? THROTTLED_DELAY_MS : BACKOFF_BASE_MS;
}
