// How long a lease is good for: longer on a small hub, so that renewals take little of its daily messages.
import type { Capacity } from '../../model/declared.ts';
import { DAY_MS, dailyMessages } from '../budget/daily-messages.ts';

const LEASE_MS_MIN = 90_000;
/** Messages that a holder spends while a lease is good: one for each renewal. */
const RENEWALS = 3;
const LEASE_SHARE = 0.05;

export function leaseMs(capacity: Capacity | undefined): number {
  if (capacity === undefined) return LEASE_MS_MIN;
  return Math.max(LEASE_MS_MIN, (RENEWALS * DAY_MS) / (dailyMessages(capacity) * LEASE_SHARE));
}
