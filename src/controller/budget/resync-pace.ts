// How often the fleet of one hub is compared, inside our share of the hub's daily messages.
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import type { Log } from '../../ports/log.ts';
import { DAY_MS, dailyMessages } from './daily-messages.ts';

/** Part of our share that comparing may spend; hints and changes have the rest. */
const COMPARING_SHARE = 0.5;

/** The period asked for, or a longer one where passes of this cost would spend too much. */
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

/** Follows what passes turn out to cost, and warns each time the pace becomes slower. */
export class ResyncPace {
  /** Undefined where no limit is known. */
  capacity: Capacity | undefined;
  /** What the last complete pass cost of the hub's daily messages. */
  passMessages = 0;
  readonly #askedMs: number;
  readonly #log: Log;
  #isSlowed = false;

  constructor(askedMs: number, log: Log) {
    this.#askedMs = askedMs;
    this.#log = log;
  }

  periodMs(budget: DeclaredHub['budget']): number {
    const periodMs = affordablePeriodMs(this.#askedMs, this.passMessages, this.capacity, budget);
    const isSlower = periodMs > this.#askedMs;
    if (isSlower && !this.#isSlowed) {
      const fields = { seconds: Math.ceil(periodMs / 1_000), messages: this.passMessages };
      this.#log.warn('The fleet is compared less often, to stay inside the budget of daily messages', fields);
    }
    this.#isSlowed = isSlower;
    return periodMs;
  }
}
