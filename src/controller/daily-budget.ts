// Our share of the hub's daily messages: how often the fleet may be compared without using it up.
import type { Capacity, DeclaredHub } from '../model/declared.ts';
import type { Log } from '../ports/log.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Messages a day and unit (documentation "IoT Hub quotas and throttling"); a free hub has one unit. */
const DAILY_MESSAGES: Readonly<Record<string, number>> = { '1': 400_000, '2': 6_000_000, '3': 300_000_000 };
const DAILY_MESSAGES_FREE = 8_000;

/** Part of our share that comparing may take; the rest is for changes. */
const COMPARING_SHARE = 0.5;

/** What the hub allows in a day, for everybody. */
export function dailyMessages({ tier, units }: Capacity): number {
  if (tier.startsWith('F')) return DAILY_MESSAGES_FREE;
  return (DAILY_MESSAGES[tier.slice(-1)] ?? DAILY_MESSAGES_FREE) * units;
}

/** The period asked for, or the longer one that passes of this cost leave. */
export function affordablePeriodMs(
  periodMs: number,
  passMessages: number,
  capacity: Capacity | undefined,
  { dailyMessages: share }: DeclaredHub['budget'],
): number {
  if (capacity === undefined || passMessages <= 0) return periodMs;
  const allowance = dailyMessages(capacity) * share * COMPARING_SHARE;
  return Math.max(periodMs, (passMessages / allowance) * DAY_MS);
}

const LEASE_MS_MIN = 90_000;
/** A holder renews three times while it is good, each time for one message. */
const RENEWALS = 3;
const LEASE_SHARE = 0.05;

/** How long a lease is good for: on a small hub longer, so that renewing takes little of the day. */
export function leaseMs(capacity: Capacity | undefined): number {
  if (capacity === undefined) return LEASE_MS_MIN;
  return Math.max(LEASE_MS_MIN, (RENEWALS * DAY_MS) / (dailyMessages(capacity) * LEASE_SHARE));
}

/** How often one hub is compared, as its passes turn out to cost; a pace that had to become slower is told once. */
export class ResyncPace {
  /** Undefined where nothing limits us. */
  capacity: Capacity | undefined;
  /** What the last complete pass cost of the hub's daily messages. */
  passMessages = 0;
  readonly #askedMs: number;
  readonly #hubName: string;
  readonly #log: Log;
  #isSlowed = false;

  constructor(askedMs: number, hubName: string, log: Log) {
    this.#askedMs = askedMs;
    this.#hubName = hubName;
    this.#log = log;
  }

  periodMs(budget: DeclaredHub['budget']): number {
    const periodMs = affordablePeriodMs(this.#askedMs, this.passMessages, this.capacity, budget);
    const isSlower = periodMs > this.#askedMs;
    if (isSlower && !this.#isSlowed) {
      const fields = { hub: this.#hubName, seconds: Math.ceil(periodMs / 1_000), messages: this.passMessages };
      this.#log.warn('The fleet is compared less often, to stay inside the budget of daily messages', fields);
    }
    this.#isSlowed = isSlower;
    return periodMs;
  }
}
