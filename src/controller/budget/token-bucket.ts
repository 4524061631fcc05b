// A token bucket: turns at a rate, first come first served; slows down after a 429 and recovers little by little.
import { HubError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { abortable } from '../queue/abortable.ts';

const SLOWEST_SHARE = 1 / 64;
/** Share of the full rate won back by each success after a 429. */
const RECOVERY_SHARE = 1 / 100;

export class TokenBucket {
  readonly #clock: Clock;
  readonly #fullRate: number;
  readonly #burstSeconds: number;
  /** In order of arrival. */
  readonly #waiters = new Set<() => void>();
  #rate: number;
  #tokens: number;
  #filledAtMs: number;
  #cancelTimer: (() => void) | undefined;

  /** `rate` is in operations a second, above zero; `burstSeconds` of it may be saved up, and at least one operation. */
  constructor(rate: number, clock: Clock, burstSeconds = 1) {
    this.#clock = clock;
    this.#fullRate = rate;
    this.#burstSeconds = burstSeconds;
    this.#rate = rate;
    this.#tokens = this.#burst;
    this.#filledAtMs = clock.now();
  }

  /** Operations a second at present. */
  get rate(): number {
    return this.#rate;
  }

  /** Resolves when it is the caller's turn. Rejects with Aborted once the signal is, and leaves the turn to the next caller. */
  async take(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw stopped();
    const turn = Promise.withResolvers<void>();
    this.#waiters.add(turn.resolve);
    this.#serve();
    try {
      await abortable(turn.promise, signal, stopped);
    } finally {
      if (this.#waiters.delete(turn.resolve)) this.#serve();
    }
  }

  slowDown(): void {
    this.#fill();
    this.#rate = Math.max(this.#rate / 2, this.#fullRate * SLOWEST_SHARE);
    this.#tokens = Math.min(this.#tokens, 0);
  }

  speedUp(): void {
    this.#fill();
    this.#rate = Math.min(this.#rate + this.#fullRate * RECOVERY_SHARE, this.#fullRate);
    this.#serve();
  }

  get #burst(): number {
    return Math.max(1, this.#rate * this.#burstSeconds);
  }

  #fill(): void {
    const nowMs = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, nowMs - this.#filledAtMs) / 1_000) * this.#rate);
    this.#filledAtMs = nowMs;
  }

  #serve(): void {
    this.#fill();
    for (const serve of this.#waiters) {
      if (this.#tokens < 1) break;
      this.#tokens -= 1;
      this.#waiters.delete(serve);
      serve();
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#waiters.size === 0) return;
    const delayMs = Math.ceil(((1 - this.#tokens) / this.#rate) * 1_000);
    this.#cancelTimer = this.#clock.schedule(delayMs, () => this.#serve());
  }
}

function stopped(): HubError {
  return new HubError('Aborted', 'Stopped while waiting for a turn at the hub.');
}
