// One pass over a hub and all the work that follows from it, to the end: `apply` and `--once`.
import { heldInstead } from '../../model/action.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import { HubError } from '../../model/errors.ts';
import { refOf } from '../../model/twin-key.ts';
import type { ModuleRef } from '../../model/twin.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import type { Planner } from '../../plan/planner.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { createHubMemory, rulesOf, type HubContext } from '../context/hub-context.ts';
import { LIST_EMPTY_MESSAGE } from '../pass/list-fleet.ts';
import { queuePass } from '../pass/queue-pass.ts';
import { SETTLED } from '../queue/outcome.ts';
import { reportBug } from '../queue/recover.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import { isUncounted, type Result } from '../reconcile/reconcile.ts';
import { workOn } from '../reconcile/worker.ts';
import { fleetCounts, type FleetCounts } from '../status/status.ts';
import { refusedState } from '../twins/twin-state.ts';
import { ApplyResults, type ApplyResult, type Settled } from './apply-results.ts';

export interface ApplyOptions {
  readonly planner: Planner;
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

interface ApplyProgress {
  /** Keys to look at that have their result. */
  readonly done: number;
  /** Keys to look at; grows while the hub is listed. */
  readonly total: number;
}

export type { ApplyResult, Settled } from './apply-results.ts';

export interface ApplyReport {
  /** One each key, in no particular order. */
  readonly results: readonly ApplyResult[];
  readonly outcomes: Readonly<Record<Result, number>>;
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
  const { hub, hubName, clock, random, log, metrics, signal } = options;
  const startedAtMs = clock.now();
  const context: HubContext = {
    ...createHubMemory(),
    name: hubName,
    hub,
    rules: rulesOf(options.planner),
    clock,
    log,
    metrics,
    recorder: options.recorder,
    writes: 0,
    reconciles: 0,
  };
  const { twins } = context;
  const results = new ApplyResults(options.triesMax ?? TRIES_MAX, options.onSettled);
  const notify = (): void => options.onProgress?.(results.progress);
  const queue = new WorkQueue({
    name: hubName,
    concurrency: options.concurrency ?? CONCURRENCY,
    clock,
    random,
    metrics,
    items: twins.work,
    // Reconciles contain their bugs; what is left is one of our own results.
    onBug: (key, error) => {
      reportBug(context, `apply ${key}`, error);
      return SETTLED;
    },
    process: async (key) => {
      const reconciled = await workOn(context, key, signal);
      // No pass follows: what it did not count is held.
      const { action } = reconciled;
      if (isUncounted(action)) twins.setState(key, refusedState(twins.state(key), action?.message));
      const outcome = results.settle(key, reconciled);
      notify();
      return outcome;
    },
  });
  const stop = (): void => void queue.stop();
  signal.addEventListener('abort', stop, { once: true });
  let guards: GuardDecision | undefined;
  const pass = async (): Promise<void> => {
    const end = await queuePass(
      context,
      {
        isChange: true,
        earlier: options.earlier,
        select: ({ ref }) => options.select?.(ref) !== false,
        onRow: ({ key, planned, twin }, isStarting) => {
          if (isStarting || planned === undefined || twins.state(key) === undefined) return;
          // A module that need not exist and does not is no twin.
          if (planned.action.type !== 'Skip') results.add(key, planned.action, twin);
        },
        enqueue: (key, priority) => {
          results.expect(key);
          queue.add(key, priority);
          notify();
        },
        onHeld: (key, { refusedBy, message }) =>
          results.add(key, heldInstead(refOf(key), { reason: 'GuardRefused', refusedBy }, message), undefined),
      },
      signal,
    );
    if (end.kind === 'ListEmpty') throw new HubError('Malformed', LIST_EMPTY_MESSAGE);
    guards = end.kind === 'Complete' ? end.guards : undefined;
    const { approval } = options.planner.hub;
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
    ...results.close(twins),
    counts: fleetCounts(context),
    writes: context.writes,
    durationMs: clock.now() - startedAtMs,
    notes: context.unreadable.notes,
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
