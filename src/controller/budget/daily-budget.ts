// Our share of the hub's daily messages: how often the fleet may be compared, and how many hints looked at, without using it up.
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';

export const DAY_MS = 24 * 60 * 60 * 1_000;

/** Messages a day and unit (documentation "IoT Hub quotas and throttling"); a free hub has one unit. */
const DAILY_MESSAGES: Readonly<Record<string, number>> = { '1': 400_000, '2': 6_000_000, '3': 300_000_000 };
const DAILY_MESSAGES_FREE = 8_000;

/** Parts of our share that comparing may take, and looking at hints; the rest is for changes. */
const COMPARING_SHARE = 0.5;
const HINTED_SHARE = 0.25;
/** Part of a day's looks that may be taken at once. */
const HINTED_BURST = 0.25;

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

export interface HintAllowanceOptions {
  readonly hubName: string;
  /** Undefined where nothing limits us. */
  readonly capacity: Capacity | undefined;
  /** As the manifests have it now. */
  readonly budget: () => DeclaredHub['budget'];
  readonly clock: Clock;
  readonly log: Log;
}

/** What looking at hints may take of the hub's daily messages, in any 24 hours. That it is used up is told once. */
export class HintAllowance {
  readonly #options: HintAllowanceOptions;
  #spent = 0;
  /** Spent and not come back yet. */
  #owed = 0;
  #paidAtMs: number;
  #isUsedUp = false;

  constructor(options: HintAllowanceOptions) {
    this.#options = options;
    this.#paidAtMs = options.clock.now();
  }

  /** All that was taken so far. */
  get spent(): number {
    return this.#spent;
  }

  /** From when it was used up until a half of what may be taken at once has come back. */
  get isUsedUp(): boolean {
    this.#pay();
    this.#isUsedUp &&= this.#owed > this.#burst / 2;
    return this.#isUsedUp;
  }

  /** False, and nothing taken, where so much is not left. */
  take(messages: number): boolean {
    this.#pay();
    if (this.#owed + messages > this.#burst) {
      this.#noteUsedUp();
      return false;
    }
    this.charge(messages);
    return true;
  }

  /** What a look cost beyond what was taken for it. */
  charge(messages: number): void {
    this.#spent += messages;
    this.#owed += messages;
  }

  get #perDay(): number {
    const { capacity, budget } = this.#options;
    return capacity === undefined ? Infinity : dailyMessages(capacity) * budget().dailyMessages * HINTED_SHARE;
  }

  get #burst(): number {
    return this.#perDay * HINTED_BURST;
  }

  #pay(): void {
    const nowMs = this.#options.clock.now();
    const days = Math.max(0, nowMs - this.#paidAtMs) / DAY_MS;
    this.#paidAtMs = nowMs;
    if (days > 0) this.#owed = Math.max(0, this.#owed - days * this.#perDay * (1 - HINTED_BURST));
  }

  #noteUsedUp(): void {
    if (this.isUsedUp) return;
    this.#isUsedUp = true;
    const { hubName: hub, log } = this.#options;
    log.warn('Hints wait for the next pass, to stay inside the budget of daily messages', {
      hub,
      messages: Math.floor(this.#perDay),
    });
  }
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
