// A hub inside our share of its throttle: one token bucket for each of IoT Hub's limits.
import { HubError } from '../../model/errors.ts';
import type { DeclaredHub } from '../../model/declared.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import { mapHub, type Throttle } from '../../ports/map-hub.ts';
import { rates } from './rates.ts';
import { TokenBucket } from './token-bucket.ts';

/** Seconds of rate that may be saved up, for limits that the hub counts by the second and by the minute. */
const BURST_SECONDS = { perSecond: 1, perMinute: 15 } as const;

type Limits = Pick<DeclaredHub, 'capacity' | 'budget'>;

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

/** Without a declared capacity the hub as it is. */
export function budgetedHub(hub: Hub, limits: Limits, clock: Clock): Hub {
  return within(hub, bucketsFor(limits, clock));
}

/** The budgets of one process: a hub that is connected again continues with what was left of its budget. */
export class Budgets {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly limits: string; readonly buckets: Buckets | undefined }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** As `budgetedHub`; a hub whose limits have changed begins with a full budget. */
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

/** Waits before the call's own time limit begins. */
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
