// One full pass over a hub and everything that follows from it, to the end: `apply` and `--once`.
import type { HubError } from '../model/errors.ts';
import type { ModuleRef } from '../model/twin.ts';
import type { TwinAction } from '../plan/action.ts';
import type { Planner } from '../plan/planner.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub } from '../ports/hub.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Random } from '../ports/random.ts';
import type { FleetCounts } from './status.ts';
import type { TwinState } from './twin-state.ts';

export interface ApplyOptions {
  readonly planner: Planner;
  readonly hub: Hub;
  readonly hubName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** Keys it refuses are not written and not in the results. */
  readonly select?: (ref: ModuleRef) => boolean;
  readonly onProgress?: (progress: ApplyProgress) => void;
  /** Twins worked on at the same time. */
  readonly concurrency?: number;
  /** Tries of one key before it counts as failed. */
  readonly attemptsMax?: number;
}

export interface ApplyProgress {
  /** Keys to be written that have their result. */
  readonly done: number;
  /** Keys to be written; grows while the hub is listed. */
  readonly total: number;
}

export type ApplyOutcome = 'Written' | 'Recorded' | 'Created' | 'Unchanged' | 'Observed' | 'Held' | 'Failed';

export interface ApplyResult {
  readonly ref: ModuleRef;
  /** What was decided last; for what was written, what was written. */
  readonly action: TwinAction | undefined;
  readonly outcome: ApplyOutcome;
  /** As known at the end. */
  readonly state: TwinState | undefined;
  readonly error?: HubError;
}

export interface ApplyReport {
  /** One each key, in no particular order. */
  readonly results: readonly ApplyResult[];
  readonly outcomes: Readonly<Record<ApplyOutcome, number>>;
  /** The fleet as known at the end. */
  readonly counts: FleetCounts;
  /** Patches and creations that the hub accepted. */
  readonly writes: number;
  readonly durationMs: number;
  /** Why the hub could not be listed to the end; what was seen before was still worked on. */
  readonly error?: HubError;
}

/** Never rejects for failures of the hub: they are in the report. */
export declare function applyOnce(options: ApplyOptions): Promise<ApplyReport>;
