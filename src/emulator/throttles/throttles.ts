// Owns the limits of one hub: a shaper for each class of its tier, and the daily quota.
import type { OperationClass } from './operations.ts';
import { Shaper } from './shaper.ts';
import { type Capacity, dailyMessages, ratePerSecond, type ThrottledClass } from './tiers.ts';

export interface ThrottleSettings extends Capacity {
  /** Seconds' worth of the rate that are taken at once: 60 unless said. The real size is not documented. */
  readonly burstSeconds?: number;
  /** How long a call may wait for its turn: 10 s unless said. The real size is not documented. */
  readonly backlogSeconds?: number;
  /** In place of the tier's. */
  readonly dailyMessages?: number;
  /** Operations a second in place of the tier's, by class. */
  readonly rates?: Partial<Readonly<Record<ThrottledClass, number>>>;
}

/**
 * "For the first minute or two" a hub takes twice its rate at once, say the docs, and one minute is the stricter reading;
 * a refusal asks to wait ten seconds.
 */
const BURST_SECONDS = 60;
const BACKLOG_SECONDS = 10;
/** A slow class takes a few calls at once whatever its rate. */
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

  /** Milliseconds until the turn of a call; undefined where the backlog of its class is full. */
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
