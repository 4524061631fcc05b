// One full pass over a hub and everything that follows from it, to the end: `apply` and `--once`.
import type { Mode } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import type { ModuleRef } from '../../model/twin.ts';
import type { EarlierApproval, GuardDecision } from '../../plan/guard/guards.ts';
import type { Planner } from '../../plan/planner.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { FleetView } from '../twins/fleet-view.ts';
import { untilJudged } from '../pass/guarded.ts';
import { keyOf } from '../../model/twin-key.ts';
import { Ledger, type ApplyResult, type Settled } from './apply-results.ts';
import { withCeiling } from '../../plan/observe-only.ts';
import type { Result } from '../reconcile/reconcile.ts';
import { declaredHubOf, type HubScope } from '../reconcile/hub-context.ts';
import type { FleetCounts } from '../status/status.ts';
import { makePass } from '../pass/pass.ts';
import { LIST_EMPTY_MESSAGE } from '../pass/list-fleet.ts';
import { tally } from '../twins/counts.ts';
import { workOn } from '../reconcile/worker.ts';
import { WorkQueue } from '../queue/work-queue.ts';

export interface ApplyOptions {
  readonly planner: Planner;
  /** In Observe nothing is written, whatever the planner says. */
  readonly mode: Mode;
  /** Wrap it in `budgetedHub` where the hub's capacity is known. Not closed here. */
  readonly hub: Hub;
  readonly hubName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told of every write. */
  readonly recorder?: Recorder;
  /** Ends everything; keys that are not done by then have failed. */
  readonly signal: AbortSignal;
  /** Keys it refuses are neither written nor in the results. */
  readonly select?: (ref: ModuleRef) => boolean;
  readonly onProgress?: (progress: ApplyProgress) => void;
  /** Called once for each key with the last word on it. */
  readonly onSettled?: (settled: Settled) => void;
  /** An approval whose work may be half done, and what to do with one that is good now. */
  readonly earlier?: EarlierApproval | undefined;
  readonly onApproved?: (approved: EarlierApproval) => Promise<void>;
  /** Twins worked on at the same time. */
  readonly concurrency?: number;
  /** Tries of one key before it counts as failed. */
  readonly triesMax?: number;
}

export interface ApplyProgress {
  /** Keys to look at that have their result. */
  readonly done: number;
  /** Keys to look at; grows while the hub is listed. */
  readonly total: number;
}

export type { ApplyResult, Settled } from './apply-results.ts';

export type ApplyOutcome = Result;

export interface ApplyReport {
  /** One each key, in no particular order. */
  readonly results: readonly ApplyResult[];
  readonly outcomes: Readonly<Record<ApplyOutcome, number>>;
  /** The fleet as known at the end. */
  readonly counts: FleetCounts;
  /** Patches and creations that the hub accepted. */
  readonly writes: number;
  readonly durationMs: number;
  /** What was strange in the hub's lists, one sentence each. */
  readonly notes: readonly string[];
  /** Undefined where the hub could not be listed to the end. */
  readonly guards: GuardDecision | undefined;
  /** Why the hub could not be listed to the end; of what was seen before, what no guard limits was still worked on. */
  readonly error?: HubError;
}

const CONCURRENCY = 16;
const TRIES_MAX = 5;

/** Rejects only for bugs: failures of the hub are in the report. */
export async function applyOnce(options: ApplyOptions): Promise<ApplyReport> {
  const { hub, hubName, clock, random, log, metrics, signal, select = () => true } = options;
  const startedAtMs = clock.now();
  const open = withCeiling(options.planner, options.mode);
  const view = new FleetView();
  const scope: HubScope = {
    name: hubName,
    hub,
    open,
    planner: untilJudged({ name: hubName, open }),
    view,
    clock,
    log,
    metrics,
    recorder: options.recorder,
    writes: 0,
  };
  const ledger = new Ledger(options.triesMax ?? TRIES_MAX, options.onSettled);
  const tell = (): void => options.onProgress?.(ledger.progress);
  const queue = new WorkQueue({
    name: hubName,
    concurrency: options.concurrency ?? CONCURRENCY,
    clock,
    random,
    metrics,
    process: async (key) => {
      const outcome = ledger.settle(key, await workOn(scope, key, signal));
      tell();
      return outcome;
    },
  });
  const stop = (): void => void queue.stop();
  signal.addEventListener('abort', stop, { once: true });
  let guards: GuardDecision | undefined;
  const pass = async (): Promise<void> => {
    const end = await makePass(
      scope,
      {
        isChange: true,
        earlier: options.earlier,
        select: ({ ref }) => select(ref),
        onRow: ({ key, planned, twin }, isStarting) => {
          if (isStarting || planned === undefined || view.state(key) === undefined) return;
          // A module that need not exist and does not is no twin.
          if (planned.action.type === 'Skip') return;
          ledger.see(key, planned.action, twin);
        },
        enqueue: (key, priority) => {
          ledger.expect(key);
          queue.add(key, priority);
          tell();
        },
        onRefused: (action) => ledger.see(keyOf(action.deviceId, action.moduleId), action, undefined),
      },
      signal,
    );
    if (end.kind === 'ListEmpty') throw new HubError('Malformed', LIST_EMPTY_MESSAGE);
    guards = end.kind === 'Complete' ? end.guards : undefined;
    const approval = declaredHubOf(scope).approval;
    if (guards?.isApproved !== true || approval === undefined) return;
    const { fingerprint } = approval;
    if (options.earlier?.fingerprint !== fingerprint)
      await options.onApproved?.({ fingerprint, shapes: guards.shapes });
  };
  const error = await failureOf(pass).catch(async (bug: unknown) => {
    await queue.stop();
    throw bug;
  });
  await queue.idle();
  signal.removeEventListener('abort', stop);
  return {
    ...ledger.close(view),
    counts: tally(view).counts,
    writes: scope.writes,
    durationMs: clock.now() - startedAtMs,
    notes: view.unreadable.notes,
    guards,
    ...(error === undefined ? {} : { error }),
  };
}

async function failureOf(run: () => Promise<unknown>): Promise<HubError | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
}
