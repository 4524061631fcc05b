// Our share of the hub's throttle: token buckets per class of operation, slower after a 429, slowly faster again.
import { HubError } from '../../model/errors.ts';
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import { mapHub, type Throttle } from '../../ports/map-hub.ts';
import { abortable } from '../queue/abortable.ts';

/** Operations a second that a hub allows. */
export type Rates = Readonly<Record<Throttle, number>>;

/** The same for every tier. */
const CONFIGURATIONS = 20 / 60;

/**
 * IoT Hub's own limits, a hub at a time (documentation "IoT Hub quotas and throttling"): queries and registry
 * operations grow with the units, twin operations of S1 do not. Basic tiers count like S1; they have no twins.
 */
export function rates({ tier, units }: Capacity): Rates {
  const size = tier.slice(-1);
  if (size === '3') {
    return {
      queries: (1_000 / 60) * units,
      twinReads: 500 * units,
      twinWrites: 250 * units,
      registry: (5_000 / 60) * units,
      configurations: CONFIGURATIONS * units,
    };
  }
  const growth = size === '2' ? units : 0;
  return {
    queries: (20 / 60) * units,
    twinReads: Math.max(100, 10 * growth),
    twinWrites: Math.max(50, 5 * growth),
    registry: (100 / 60) * units,
    configurations: CONFIGURATIONS * units,
  };
}

/** Seconds of saved-up rate that may be spent at once, at least one operation: what the hub counts by the minute comes in lumps. */
const BURST_SECONDS = { perSecond: 1, perMinute: 15 } as const;
const SLOWEST_SHARE = 1 / 64;
/** Share of the full rate won back by each success after a 429. */
const RECOVERY_SHARE = 1 / 100;

export class TokenBucket {
  readonly #clock: Clock;
  readonly #fullRate: number;
  readonly #burstSeconds: number;
  /** In the order they came. */
  readonly #waiters = new Set<() => void>();
  #rate: number;
  #tokens: number;
  #filledAtMs: number;
  #cancelTimer: (() => void) | undefined;

  /** `rate` is in operations a second, above zero. */
  constructor(rate: number, clock: Clock, burstSeconds: number = BURST_SECONDS.perSecond) {
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

  /** Resolves when it is the caller's turn, first come first served. Rejects once aborted; that turn is the next one's. */
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

/** What decides how much may be asked of a hub. */
export type Limits = Pick<DeclaredHub, 'capacity' | 'budget'>;

type Buckets = Readonly<Record<Throttle, TokenBucket>>;

/** Undefined without a declared capacity. */
function bucketsFor({ capacity, budget }: Limits, clock: Clock): Buckets | undefined {
  if (capacity === undefined || budget.throttle <= 0) return undefined;
  const full = rates(capacity);
  const { perSecond, perMinute } = BURST_SECONDS;
  const bucket = (rate: number, burst: number): TokenBucket => new TokenBucket(rate * budget.throttle, clock, burst);
  return {
    queries: bucket(full.queries, perMinute),
    twinReads: bucket(full.twinReads, perSecond),
    twinWrites: bucket(full.twinWrites, perSecond),
    registry: bucket(full.registry, perMinute),
    configurations: bucket(full.configurations, perMinute),
  };
}

/** The hub inside its budget; without a declared capacity the hub as it is. */
export function budgetedHub(hub: Hub, limits: Limits, clock: Clock): Hub {
  return within(hub, bucketsFor(limits, clock));
}

/** The budgets of one process: a hub that is connected anew goes on with what was left of its own. */
export class Budgets {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly limits: string; readonly buckets: Buckets | undefined }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** As `budgetedHub`. Other limits than the last time begin afresh. */
  hubWithin(name: string, hub: Hub, { capacity, budget }: Limits): Hub {
    const limits = JSON.stringify([capacity, budget]);
    let known = this.#known.get(name);
    if (known?.limits !== limits) {
      known = { limits, buckets: bucketsFor({ capacity, budget }, this.#clock) };
      this.#known.set(name, known);
    }
    return within(hub, known.buckets);
  }
}

function within(hub: Hub, buckets: Buckets | undefined): Hub {
  if (buckets === undefined) return hub;
  return mapHub(hub, {
    call: ({ throttle, signal }, run) => callWithin(buckets[throttle], signal, run),
    pages: ({ throttle, signal }, _turn, list) => pagesWithin(buckets[throttle], signal, list),
  });
}

/** Waiting comes before the call's own time limit begins. */
async function callWithin<T>(bucket: TokenBucket, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  await bucket.take(signal);
  try {
    const answer = await call();
    bucket.speedUp();
    return answer;
  } catch (error) {
    heed(bucket, error);
    throw error;
  }
}

async function* pagesWithin<T>(
  bucket: TokenBucket,
  signal: AbortSignal,
  list: (turn: () => Promise<void>) => AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    for await (const page of list(() => bucket.take(signal))) {
      bucket.speedUp();
      yield page;
    }
  } catch (error) {
    heed(bucket, error);
    throw error;
  }
}

function heed(bucket: TokenBucket, error: unknown): void {
  if (error instanceof HubError && error.code === 'Throttled') bucket.slowDown();
}
