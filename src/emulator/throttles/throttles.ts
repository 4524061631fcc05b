// The limits of one hub: a shaper for each class of its tier, and the daily quota.
import type { OperationClass } from './operations.ts';
import { Shaper } from './shaper.ts';
import { type Capacity, dailyMessages, ratePerSecond, type ThrottledClass } from './tiers.ts';

export interface ThrottleSettings extends Capacity {
  /** Seconds' worth of the rate that pass at once: 60 by default. The real size is not documented. */
  readonly burstSeconds?: number;
  /** Longest wait of a call: 10 s by default. The real limit is not documented. */
  readonly backlogSeconds?: number;
  /** Overrides the tier's. */
  readonly dailyMessages?: number;
  /** Operations per second by class, overriding the tier's. */
  readonly rates?: Partial<Readonly<Record<ThrottledClass, number>>>;
}

/**
 * The docs say that "for the first minute or two" a hub accepts twice its rate; one minute is the stricter reading. A
 * refusal asks to wait ten seconds.
 */
const BURST_SECONDS = 60;
const BACKLOG_SECONDS = 10;
/** A slow class passes at least one call at once. */
const BURST_MIN = 1;

export class Throttles {
  readonly settings: ThrottleSettings;
  readonly #shapers = new Map<ThrottledClass, Shaper>();

  constructor(settings: ThrottleSettings) {
    this.settings = settings;
  }

  get dailyMessages(): number {
    return this.settings.dailyMessages ?? dailyMessages(this.settings);
  }

  /** Milliseconds until the turn of a call; undefined if the backlog of its class is full. */
  reserve(operations: OperationClass | 'jobUpdates', nowMs: number, cost: number): number | undefined {
    return operations === 'statistics' ? 0 : this.#shaperOf(operations).reserve(nowMs, cost);
  }

  #shaperOf(operations: ThrottledClass): Shaper {
    const known = this.#shapers.get(operations);
    if (known !== undefined) return known;
    const { burstSeconds = BURST_SECONDS, backlogSeconds = BACKLOG_SECONDS, rates } = this.settings;
    const rate = rates?.[operations] ?? ratePerSecond(this.settings, operations);
    const shaper = new Shaper({
      ratePerSecond: rate,
      burst: Math.max(BURST_MIN, rate * burstSeconds),
      backlogMs: backlogSeconds * 1000,
    });
    this.#shapers.set(operations, shaper);
    return shaper;
  }
}
