// Owns the one classification of hub failures into what the loop does next.
import { unreachable, type HubError } from '../../model/errors.ts';

/** What one look at one key came to. */
export type Outcome =
  /** Nothing is left to do until something changes. */
  | { readonly kind: 'Settled' }
  /** Look again after a known time. */
  | { readonly kind: 'RequeueAfter'; readonly delayMs: number }
  /** Try again with backoff; `Throttled` waits longer, because the hub said that we are too fast. */
  | { readonly kind: 'Retry'; readonly pace: 'Normal' | 'Throttled' }
  /** Trying again by ourselves can't help: a person, a new revision or the next resync must. */
  | { readonly kind: 'Stalled' };

export const SETTLED: Outcome = { kind: 'Settled' };
export const RETRY: Outcome = { kind: 'Retry', pace: 'Normal' };
const RETRY_THROTTLED: Outcome = { kind: 'Retry', pace: 'Throttled' };
const STALLED: Outcome = { kind: 'Stalled' };

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Asking a moment too early would cost another day. */
const CLOCK_MARGIN_MS = 2 * 60 * 1_000;

export function classify(error: HubError, nowMs: number): Outcome {
  switch (error.code) {
    case 'NotFound': // what we knew has changed: the next list says how
    case 'Aborted': // we are stopping
      return SETTLED;
    case 'PreconditionFailed':
    case 'AlreadyExists':
    case 'Timeout': // a write may have landed: the retry reads first
    case 'Unavailable':
    case 'Malformed': // most often a proxy between us and the hub
      return RETRY;
    case 'Throttled':
      return RETRY_THROTTLED;
    case 'QuotaExceeded':
      return { kind: 'RequeueAfter', delayMs: untilNextUtcDay(nowMs) };
    case 'Unauthorized':
    case 'TooLarge':
    case 'Invalid':
      return STALLED;
    default:
      return unreachable(error.code);
  }
}

/** The daily message quota starts anew at 00:00 UTC (facts: IoT Hub quotas), by the hub's clock. */
function untilNextUtcDay(nowMs: number): number {
  return DAY_MS - (nowMs % DAY_MS) + CLOCK_MARGIN_MS;
}
