// The limits of each tier, as documented by Microsoft ("IoT Hub quotas and throttling").
import type { Tier } from '../../model/hub-tier.ts';
import type { OperationClass } from './operations.ts';

export interface Capacity {
  readonly tier: Tier;
  /** At least one; a free hub always has one. */
  readonly units: number;
}

/** Updates by running jobs have their own limit. */
export type ThrottledClass = Exclude<OperationClass, 'statistics'> | 'jobUpdates';

/** For the whole hub; the higher of the two counts. */
interface Limit {
  readonly perUnit: number;
  readonly atLeast?: number;
  readonly seconds: 1 | 60;
}

type Limits = Readonly<Record<ThrottledClass, Limit>>;

const CONFIGURATIONS: Limit = { perUnit: 20, seconds: 60 };

const S1: Limits = {
  identities: { perUnit: 100, seconds: 60 },
  queries: { perUnit: 20, seconds: 60 },
  twinReads: { perUnit: 0, atLeast: 100, seconds: 1 },
  twinUpdates: { perUnit: 0, atLeast: 50, seconds: 1 },
  jobs: { perUnit: 100, seconds: 60 },
  jobUpdates: { perUnit: 0, atLeast: 10, seconds: 1 },
  configurations: CONFIGURATIONS,
};

const LIMITS: Readonly<Record<Tier, Limits>> = {
  F1: S1,
  S1,
  S2: {
    ...S1,
    twinReads: { perUnit: 10, atLeast: 100, seconds: 1 },
    twinUpdates: { perUnit: 5, atLeast: 50, seconds: 1 },
    jobUpdates: { perUnit: 1, atLeast: 10, seconds: 1 },
  },
  S3: {
    identities: { perUnit: 5000, seconds: 60 },
    queries: { perUnit: 1000, seconds: 60 },
    twinReads: { perUnit: 500, seconds: 1 },
    twinUpdates: { perUnit: 250, seconds: 1 },
    jobs: { perUnit: 5000, seconds: 60 },
    jobUpdates: { perUnit: 50, seconds: 1 },
    configurations: CONFIGURATIONS,
  },
};

const DAILY_MESSAGES: Readonly<Record<Tier, number>> = { F1: 8000, S1: 400_000, S2: 6_000_000, S3: 300_000_000 };

const MESSAGE_BYTES = 4096;
const MESSAGE_BYTES_FREE = 512;

/** Operations per second, for the whole hub. */
export function ratePerSecond(capacity: Capacity, operations: ThrottledClass): number {
  const { perUnit, atLeast = 0, seconds } = LIMITS[capacity.tier][operations];
  return Math.max(perUnit * unitsOf(capacity), atLeast) / seconds;
}

/** Messages per UTC day for all metered operations. */
export function dailyMessages(capacity: Capacity): number {
  return DAILY_MESSAGES[capacity.tier] * unitsOf(capacity);
}

/** Each started block of this many bytes is one message. */
export function messageBytes(tier: Tier): number {
  return tier === 'F1' ? MESSAGE_BYTES_FREE : MESSAGE_BYTES;
}

function unitsOf({ tier, units }: Capacity): number {
  return tier === 'F1' ? 1 : Math.max(1, units);
}
