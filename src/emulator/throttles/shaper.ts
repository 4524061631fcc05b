// Traffic shaping of one class: a burst is taken at once, then calls wait their turn, then they are refused.

export interface ShaperOptions {
  readonly ratePerSecond: number;
  /** Operations that are taken at once after a rest. */
  readonly burst: number;
  /** How long a call may have to wait for its turn. */
  readonly backlogMs: number;
}

/**
 * A bucket of `burst` operations, refilled at the rate, that may go into debt: a call's turn comes when its debt is paid,
 * so turns come in the order of asking. No more than the burst and the rate together have their turn in any span of time.
 */
export class Shaper {
  readonly #msPerOperation: number;
  readonly #burstMs: number;
  readonly #backlogMs: number;
  /** When the bucket is empty: in the future where there is debt. */
  #emptyAt = -Infinity;

  constructor({ ratePerSecond, burst, backlogMs }: ShaperOptions) {
    this.#msPerOperation = 1000 / ratePerSecond;
    this.#burstMs = burst * this.#msPerOperation;
    this.#backlogMs = backlogMs;
  }

  /** Whole milliseconds until the turn of a call that counts as `cost` operations; undefined, and nothing taken, where the backlog is full. */
  reserve(nowMs: number, cost: number): number | undefined {
    const emptyAt = Math.max(this.#emptyAt, nowMs - this.#burstMs) + cost * this.#msPerOperation;
    const waitMs = Math.max(0, emptyAt - nowMs);
    if (waitMs > this.#backlogMs) return undefined;
    this.#emptyAt = emptyAt;
    return Math.ceil(waitMs);
  }
}
