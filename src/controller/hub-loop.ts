// The loop of one hub: connect, pass after pass, one queue of work. What goes wrong here concerns no other hub.
import type { Capacity, Declared, DeclaredHub, Mode } from '../model/declared.ts';
import { HubError } from '../model/errors.ts';
import { createPlanner, type Planner } from '../plan/planner.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Random } from '../ports/random.ts';
import type { Recorder } from '../ports/recorder.ts';
import { abortable } from './abortable.ts';
import { Alarm } from './alarm.ts';
import { backoffMs } from './backoff.ts';
import { budgetedHub } from './budget.ts';
import { affordablePeriodMs } from './daily-budget.ts';
import { hubConditions, type Problem } from './conditions.ts';
import { openConnection, type Connect } from './connection.ts';
import { contain } from './contain.ts';
import { FleetView } from './fleet-view.ts';
import { takeRow } from './intake.ts';
import { withCeiling } from './observe-only.ts';
import { classify, RETRY, SETTLED, type Outcome } from './outcome.ts';
import { sampledLog, type SampledLog } from './sampled-log.ts';
import type { HubScope } from './scope.ts';
import type { HubStatus } from './status.ts';
import { LIST_EMPTY_MESSAGE, survey } from './survey.ts';
import { gaugeDevices, tally } from './tally.ts';
import { workOn } from './worker.ts';
import { WorkQueue } from './work-queue.ts';

export interface HubLoopOptions {
  /** The loop closes the hub when it is done with it. */
  readonly connect: Connect;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told of every write. */
  readonly recorder?: Recorder;
  readonly instance: string;
  readonly resyncPeriodMs: number;
  readonly concurrency: number;
}

/** Passes of several hubs and installations must not fall together. */
const RESYNC_JITTER = 0.1;
const STOP_GRACE_MS = 10_000;

export class HubLoop {
  readonly hub: DeclaredHub;
  readonly #options: HubLoopOptions;
  readonly #log: SampledLog;
  readonly #view = new FleetView();
  readonly #queue: WorkQueue;
  readonly #alarm: Alarm;
  /** Ends passes, which only read; `#work` ends what is in flight and may write. */
  readonly #passes = new AbortController();
  readonly #work = new AbortController();
  readonly #firstTurn = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #declared: Declared;
  #connected: { readonly scope: HubScope; readonly mode: Mode } | undefined;
  /** True until a whole pass was made with what is declared now. */
  #isChange = true;
  #isPassing = false;
  #passedRevision: string | undefined;
  #appliedRevision: string | undefined;
  #lastResync: HubStatus['lastResync'];
  #problem: Problem | undefined;
  #failures = 0;
  #capacity: Capacity | undefined;
  /** What the last complete pass cost of the hub's daily messages. */
  #passMessages = 0;
  #isSlowed = false;

  /** Starts at once. */
  constructor(hub: DeclaredHub, declared: Declared, options: HubLoopOptions) {
    const { clock, random, metrics, concurrency } = options;
    this.hub = hub;
    this.#options = options;
    this.#log = sampledLog(options.log, clock);
    this.#declared = declared;
    this.#alarm = new Alarm(clock);
    this.#queue = new WorkQueue({
      name: hub.name,
      concurrency,
      clock,
      random,
      metrics,
      process: (key) => this.#process(key),
      onIdle: () => this.#noteIdle(),
    });
    this.#ended = this.#run();
  }

  /** Resolves after the first turn, well or badly. */
  get firstTurn(): Promise<void> {
    return this.#firstTurn.promise;
  }

  /** From now on this decides, for what is queued too; everything is looked at again. */
  setDeclared(declared: Declared): void {
    this.#declared = declared;
    if (this.#connected !== undefined) this.#connected.scope.planner = this.#plannerFor(this.#connected.mode);
    this.#isChange = true;
    this.#alarm.ring();
  }

  requestResync(): void {
    this.#alarm.ring();
  }

  status(): HubStatus {
    const { counts, failing, held, offenders, moreOffenders } = tally(this.#view);
    const pending = this.#queue.size;
    const { revision } = this.#declared;
    return {
      name: this.hub.name,
      hostName: this.hub.hostName,
      mode: this.#connected?.mode,
      lastAttemptedRevision: revision,
      lastAppliedRevision: this.#appliedRevision,
      conditions: hubConditions({
        problem: this.#problem,
        isApplied: this.#appliedRevision === revision && !this.#isChange,
        pending,
        failing,
        held,
        twins: counts.twins,
        equal: counts.actions.Equal,
      }),
      counts,
      offenders,
      moreOffenders,
      lastResync: this.#lastResync,
      writes: this.#connected?.scope.writes ?? 0,
      pending,
    };
  }

  /** Lets what is in flight end by itself for ten seconds, then aborts it. Never rejects; idempotent. */
  async stop(): Promise<void> {
    this.#passes.abort();
    this.#alarm.ring();
    const cancel = this.#options.clock.schedule(STOP_GRACE_MS, () => this.#work.abort());
    await Promise.all([this.#queue.stop(), this.#ended]);
    cancel();
    this.#log.tellAllOmitted();
    this.#connected?.scope.hub.close();
  }

  async #run(): Promise<void> {
    const around = { name: this.hub.name, log: this.#log, metrics: this.#options.metrics };
    while (!this.#passes.signal.aborted) {
      const outcome = (await contain(around, 'make a pass', () => this.#turn())) ?? this.#failByBug();
      this.#failures = outcome.kind === 'Settled' ? 0 : this.#failures + 1;
      this.#firstTurn.resolve();
      this.#log.tellOmitted();
      await this.#alarm.wait(this.#delayAfter(outcome));
    }
  }

  /** A failure that time alone can't heal waits for the next regular pass. */
  #delayAfter(outcome: Outcome): number {
    const { random, resyncPeriodMs } = this.#options;
    if (outcome.kind === 'RequeueAfter') return outcome.delayMs;
    if (outcome.kind === 'Retry') return backoffMs(this.#failures, outcome.pace, random);
    return this.#affordable(resyncPeriodMs) * (1 + RESYNC_JITTER * random.next());
  }

  #affordable(periodMs: number): number {
    const affordableMs = affordablePeriodMs(periodMs, this.#passMessages, this.#capacity, this.hub.budget);
    const isSlower = affordableMs > periodMs;
    if (isSlower && !this.#isSlowed) {
      const seconds = Math.ceil(affordableMs / 1_000);
      const messages = this.#passMessages;
      const fields = { hub: this.hub.name, seconds, messages };
      this.#log.warn('The fleet is compared less often, to stay inside the budget of daily messages', fields);
    }
    this.#isSlowed = isSlower;
    return affordableMs;
  }

  async #turn(): Promise<Outcome> {
    const { signal } = this.#passes;
    try {
      this.#connected ??= await this.#connect(signal);
      return await abortable(this.#pass(this.#connected.scope), signal, stopped);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      const outcome = classify(error, this.#options.clock.now());
      if (error.code === 'Aborted') return outcome;
      const reason = this.#connected === undefined ? 'ConnectFailed' : 'ListFailed';
      this.#noteProblem({ reason, message: error.message, isStalled: outcome.kind === 'Stalled' });
      return outcome;
    }
  }

  #failByBug(): Outcome {
    const message = 'Unexpected failure, a bug in Twinward: the log has more.';
    this.#noteProblem({ reason: 'ListFailed', message, isStalled: false });
    return RETRY;
  }

  async #connect(signal: AbortSignal): Promise<{ scope: HubScope; mode: Mode }> {
    const { connect, clock, metrics, recorder } = this.#options;
    const log = this.#log;
    const { hub, mode, capacity } = await openConnection(connect, this.hub, signal);
    const within = capacity === undefined ? {} : { tier: capacity.tier, units: capacity.units };
    log.info('Connected', { hub: this.hub.name, mode, ...within });
    this.#capacity = capacity;
    return {
      mode,
      scope: {
        name: this.hub.name,
        hub: budgetedHub(hub, { capacity, budget: this.hub.budget }, clock),
        planner: this.#plannerFor(mode),
        view: this.#view,
        clock,
        log,
        metrics,
        recorder,
        writes: 0,
      },
    };
  }

  #plannerFor(hubMode: Mode): Planner {
    const planner = createPlanner(this.#declared, { hub: this.hub, hubMode, instance: this.#options.instance });
    return withCeiling(planner, hubMode);
  }

  /** The flag falls before the lists are read: a revision that arrives meanwhile raises it for another pass. */
  async #pass(scope: HubScope): Promise<Outcome> {
    const { clock } = this.#options;
    const atMs = clock.now();
    const spentBefore = scope.hub.messagesSpent();
    const { revision } = this.#declared;
    const isChange = this.#isChange;
    this.#isChange = false;
    this.#isPassing = true;
    let started = 0;
    let isComplete = false;
    try {
      const visit: Parameters<typeof survey>[1] = (row) => {
        if (takeRow(scope, this.#queue, row, isChange)) started += 1;
      };
      isComplete = (await survey(scope, visit, this.#passes.signal)) === 'Complete';
    } finally {
      this.#isPassing = false;
      if (!isComplete) {
        this.#isChange ||= isChange;
        this.#noteIdle();
      }
    }
    if (!isComplete) {
      this.#noteProblem({ reason: 'ListEmpty', message: LIST_EMPTY_MESSAGE, isStalled: false });
      return RETRY;
    }
    if (this.#problem !== undefined) scope.log.info('The hub can be listed again', { hub: scope.name });
    this.#problem = undefined;
    this.#lastResync = { atMs, durationMs: clock.now() - atMs };
    this.#passMessages = scope.hub.messagesSpent() - spentBefore;
    this.#passedRevision = revision;
    scope.log.debug('Pass made', { hub: scope.name, revision, started, durationMs: this.#lastResync.durationMs });
    scope.metrics.gauge('twinward_last_sync_timestamp_seconds', { hub: scope.name }, clock.now() / 1_000);
    this.#noteIdle();
    return SETTLED;
  }

  async #process(key: string): Promise<Outcome> {
    if (this.#connected === undefined) return SETTLED;
    const { signal } = this.#work;
    try {
      const { outcome } = await abortable(workOn(this.#connected.scope, key, signal), signal, stopped);
      return outcome;
    } catch (error) {
      // A call that does not even end when it is aborted must not keep us.
      if (!signal.aborted) throw error;
      return SETTLED;
    }
  }

  /**
   * A pass tells when it is made: to count the fleet for each of its rows would take long. A queue that is empty because
   * it was stopped says nothing.
   */
  #noteIdle(): void {
    if (this.#isPassing || this.#passes.signal.aborted) return;
    const { counts, failing, held } = tally(this.#view);
    gaugeDevices(this.#options.metrics, this.hub.name, counts);
    if (this.#queue.size > 0 || this.#passedRevision === this.#appliedRevision) return;
    this.#appliedRevision = this.#passedRevision;
    const { twins } = counts;
    this.#log.info('Revision applied', { hub: this.hub.name, revision: this.#appliedRevision, twins, failing, held });
  }

  /** Told when it begins and when it changes, not at each try. */
  #noteProblem(problem: Problem): void {
    const isNews = problem.reason !== this.#problem?.reason || problem.message !== this.#problem.message;
    this.#problem = problem;
    if (isNews) this.#log.warn('The hub could not be listed', { hub: this.hub.name, ...problem });
  }
}

function stopped(): HubError {
  return new HubError('Aborted', 'Stopped.');
}
