// Traffic shaping of one class: a burst passes at once, further calls wait, then they are refused.

export interface ShaperOptions {
  readonly ratePerSecond: number;
  /** Operations that pass at once after a pause. */
  readonly burst: number;
  /** Longest wait of a call. */
  readonly backlogMs: number;
}

/**
 * A bucket of `burst` operations, refilled at the rate, that may go into debt: a call's turn comes when its debt is
 * paid, so calls keep their order. In any span of time no more than the burst plus the rate pass.
 */
export class Shaper {
  readonly #msPerOperation: number;
  readonly #burstMs: number;
  readonly #backlogMs: number;
  /** When the bucket is empty: in the future if there is debt. */
  #emptyAt = -Infinity;

  constructor({ ratePerSecond, burst, backlogMs }: ShaperOptions) {
    this.#msPerOperation = 1000 / ratePerSecond;
    this.#burstMs = burst * this.#msPerOperation;
    this.#backlogMs = backlogMs;
  }

  /**
   * Whole milliseconds until the turn of a call that counts as `cost` operations; undefined, without taking any, if the
   * backlog is full.
   */
  reserve(nowMs: number, cost: number): number | undefined {
    const emptyAt = Math.max(this.#emptyAt, nowMs - this.#burstMs) + cost * this.#msPerOperation;
    const waitMs = Math.max(0, emptyAt - nowMs);
    if (waitMs > this.#backlogMs) return undefined;
    this.#emptyAt = emptyAt;
    return Math.ceil(waitMs);
  }
}
