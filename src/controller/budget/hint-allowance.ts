// What reads for hints may spend of our share of the hub's daily messages.
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { DAY_MS, dailyMessages } from './daily-messages.ts';

/** Part of our share that reads for hints may spend in a day. */
const HINTED_SHARE = 0.25;
/** Part of that which may be spent at once. */
const HINTED_BURST = 0.25;

interface HintAllowanceOptions {
  /** Undefined where no limit is known. */
  readonly capacity: Capacity | undefined;
  /** As the manifests have it now. */
  readonly budget: () => DeclaredHub['budget'];
  readonly clock: Clock;
  readonly log: Log;
}

/** Limits what reads for hints spend in any 24 hours, and warns each time it becomes used up. */
export class HintAllowance {
  readonly #options: HintAllowanceOptions;
  #spent = 0;
  /** Spent and not yet won back by the passing of time. */
  #owed = 0;
  #paidAtMs: number;
  #isUsedUp = false;

  constructor(options: HintAllowanceOptions) {
    this.#options = options;
    this.#paidAtMs = options.clock.now();
  }

  /** In total. */
  get spent(): number {
    return this.#spent;
  }

  /** From when it was used up until half of the burst is won back. */
  get isUsedUp(): boolean {
    this.#pay();
    this.#isUsedUp &&= this.#owed > this.#burst / 2;
    return this.#isUsedUp;
  }

  /** False, with nothing taken, where less is left. */
  take(messages: number): boolean {
    this.#pay();
    if (this.#owed + messages > this.#burst) {
      this.#noteUsedUp();
      return false;
    }
    this.charge(messages);
    return true;
  }

  /** Spends what a read cost beyond what was taken for it, also beyond what is left. */
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
    this.#options.log.warn('Hints wait for the next pass, to stay inside the budget of daily messages', {
      messages: Math.floor(this.#perDay),
    });
  }
}
