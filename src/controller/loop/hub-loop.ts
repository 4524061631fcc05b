// The loop of one hub: connect, pass after pass, one queue of work. What goes wrong here concerns no other hub.
import type { Declared, DeclaredHub, Mode, SecretRef } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import { activeAt, nextExpiryMs } from '../../model/expiry.ts';
import type { Suspension } from '../../model/suspension.ts';
import { createPlanner, type Planner } from '../../plan/planner.ts';
import type { ChangeFeed } from '../../ports/change-feed.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { abortable } from '../queue/abortable.ts';
import { Alarm } from '../queue/alarm.ts';
import { backoffMs } from '../queue/backoff.ts';
import type { Budgets } from '../budget/hub-budget.ts';
import { ResyncPace } from '../budget/daily-budget.ts';
import { hubConditions, type Problem } from '../status/conditions.ts';
import { openConnection, type Connect } from './connection.ts';
import { contain } from '../queue/recover.ts';
import { FeedLoop } from '../hints/change-watch.ts';
import { FleetView } from '../twins/fleet-view.ts';
import { isUncounted, untilJudged } from '../pass/guarded.ts';
import { GuardMemory } from '../pass/guard-memory.ts';
import { HintIntake } from '../hints/hint-handler.ts';
import { Hints } from '../hints/hints.ts';
import { HubNews } from '../status/write-log.ts';
import { withCeiling } from '../../plan/observe-only.ts';
import { classify, RETRY, SETTLED, type Outcome } from '../queue/outcome.ts';
import { makePass, type PassEnd } from '../pass/pass.ts';
import type { Reconciled } from '../reconcile/reconcile.ts';
import { sampledLog, type SampledLog } from '../queue/sampled-log.ts';
import type { HubScope } from '../reconcile/hub-context.ts';
import type { HubStatus } from '../status/status.ts';
import { LIST_EMPTY_MESSAGE } from '../pass/list-fleet.ts';
import { gaugeDevices, tally } from '../twins/counts.ts';
import { Tenure } from '../lease/write-permit.ts';
import { TwinNews } from '../status/twin-warnings.ts';
import { workOn } from '../reconcile/worker.ts';
import { WorkQueue, type Priority } from '../queue/work-queue.ts';

export interface HubLoopOptions {
  /** The loop closes the hub when it is done with it. */
  readonly connect: Connect;
  /** For hubs that declare change events. Rejects with HubError. Without it they are not listened to. */
  readonly connectFeed?: ((events: SecretRef) => Promise<ChangeFeed>) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told of every write, and of what begins to need a look or is over. */
  readonly recorder?: Recorder;
  /** Who this is, for the lease: user@host and something that no other process has. Without it none is taken. */
  readonly holder?: string | undefined;
  readonly instance: string;
  readonly resyncPeriodMs: number;
  readonly concurrency: number;
  /** Outlive the loop: a hub whose manifest changes gets another. */
  readonly budgets: Budgets;
}

/** Passes of several hubs and installations must not fall together. */
const RESYNC_JITTER = 0.1;
const STOP_GRACE_MS = 10_000;
/** What hints lead to is counted together. */
const TALLY_PAUSE_MS = 1_000;

interface Connected {
  readonly scope: HubScope;
  readonly mode: Mode;
  readonly tenure: Tenure;
  readonly hostName: string | undefined;
  /** Undefined where no change events are declared. */
  readonly intake: HintIntake | undefined;
}

export class HubLoop {
  readonly #options: HubLoopOptions;
  readonly #log: SampledLog;
  readonly #view: FleetView;
  readonly #guards: GuardMemory;
  readonly #news: HubNews;
  readonly #queue: WorkQueue;
  readonly #pace: ResyncPace;
  readonly #alarm: Alarm;
  /** Ends passes, which only read; `#work` ends what is in flight and may write. */
  readonly #passes = new AbortController();
  readonly #work = new AbortController();
  readonly #firstTurn = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #hub: DeclaredHub;
  #declared: Declared;
  #connected: Connected | undefined;
  #feed: FeedLoop | undefined;
  /** When the next exception ends and everything is decided anew. */
  #expiryMs = Infinity;
  /** True until a whole pass was made with what is declared now. */
  #isChange = true;
  #isPassing = false;
  #passedRevision: string | undefined;
  #appliedRevision: string | undefined;
  /** Keys that differ and that no pass has counted. */
  readonly #uncounted = new Set<string>();
  #lastResync: HubStatus['lastResync'];
  #problem: Problem | undefined;
  #failures = 0;
  #cancelTally: (() => void) | undefined;
  #within: { readonly tenure: AbortSignal; readonly both: AbortSignal } | undefined;

  /** Starts at once. */
  constructor(hub: DeclaredHub, declared: Declared, options: HubLoopOptions) {
    const { clock, random, metrics, concurrency } = options;
    this.#hub = hub;
    this.#options = options;
    this.#log = sampledLog(options.log, clock);
    this.#news = new HubNews(hub.name, this.#log);
    const twinNews = new TwinNews(hub.name, options.recorder);
    this.#view = new FleetView((key, state) => twinNews.see(key, state));
    this.#guards = new GuardMemory({ hubName: hub.name, log: this.#log, metrics, recorder: options.recorder });
    this.#pace = new ResyncPace(options.resyncPeriodMs, hub.name, this.#log);
    this.#declared = declared;
    this.#noteExpiry();
    this.#alarm = new Alarm(clock);
    this.#queue = new WorkQueue({
      name: hub.name,
      concurrency,
      clock,
      random,
      metrics,
      process: (key) => this.#process(key),
      onIdle: () => this.#noteIdleSoon(),
    });
    this.#ended = this.#run();
  }

  /** As the manifests have it now. */
  get hub(): DeclaredHub {
    return this.#hub;
  }

  /** Resolves after the first turn, well or badly. */
  get firstTurn(): Promise<void> {
    return this.#firstTurn.promise;
  }

  /** From now on this decides, for what is queued too; everything is looked at again. */
  setDeclared(declared: Declared): void {
    this.#declared = declared;
    this.#hub = declared.hubs.find(({ name }) => name === this.#hub.name) ?? this.#hub;
    this.#replan();
    this.#alarm.ring();
  }

  /** Whatever decides from now on has to see the whole hub first, where guards could refuse what it decides. */
  #replan(): void {
    this.#noteExpiry();
    if (this.#connected !== undefined) {
      const { scope, mode, tenure } = this.#connected;
      scope.open = this.#plannerFor(mode, tenure.suspensions);
      scope.planner = untilJudged(scope);
    }
    this.#isChange = true;
  }

  #noteExpiry(): void {
    this.#expiryMs = nextExpiryMs(this.#declared, this.#options.clock.now()) ?? Infinity;
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
        waitingFor: this.#connected?.tenure.waitingFor,
        refusal: this.#guards.refusal,
        isApplied: this.#appliedRevision === revision && !this.#isChange,
        pending,
        uncounted: this.#uncounted.size,
        failing,
        held,
        twins: counts.twins,
        equal: counts.actions.Equal,
      }),
      counts,
      offenders,
      moreOffenders,
      notes: [
        this.#feed?.problem,
        this.#connected?.intake?.problem,
        this.#guards.idleApproval,
        ...this.#view.notes,
      ].filter((note) => note !== undefined),
      suspensions: this.#connected?.tenure.suspensions ?? [],
      lastResync: this.#lastResync,
      writes: this.#connected?.scope.writes ?? 0,
      pending,
    };
  }

  /** Lets what is in flight end by itself for ten seconds, then aborts it. Never rejects; idempotent. */
  async stop(): Promise<void> {
    if (this.#cancelTally !== undefined) this.#noteIdle();
    this.#passes.abort();
    this.#alarm.ring();
    const cancel = this.#options.clock.schedule(STOP_GRACE_MS, () => this.#work.abort());
    await Promise.all([this.#feed?.stop(), this.#queue.stop(), this.#ended]);
    cancel();
    this.#cancelTally?.();
    await this.#connected?.tenure.end();
    this.#log.tellAllOmitted();
    this.#connected?.scope.hub.close();
  }

  async #run(): Promise<void> {
    const { clock, metrics } = this.#options;
    const around = { name: this.hub.name, log: this.#log, metrics };
    while (!this.#passes.signal.aborted) {
      const outcome = (await contain(around, 'make a pass', () => this.#turn())) ?? this.#failByBug();
      this.#failures = outcome.kind === 'Settled' ? 0 : this.#failures + 1;
      this.#firstTurn.resolve();
      this.#log.tellOmitted();
      await this.#alarm.wait(Math.min(this.#delayAfter(outcome), this.#expiryMs - clock.now()));
      if (this.#expiryMs <= clock.now()) this.#replan();
    }
  }

  /** A failure that time alone can't heal waits for the next regular pass. */
  #delayAfter(outcome: Outcome): number {
    const { random } = this.#options;
    if (outcome.kind === 'RequeueAfter') return outcome.delayMs;
    if (outcome.kind === 'Retry') return backoffMs(this.#failures, outcome.pace, random);
    return this.#pace.periodMs(this.hub.budget) * (1 + RESYNC_JITTER * random.next());
  }

  async #turn(): Promise<Outcome> {
    const { signal } = this.#passes;
    try {
      this.#connected ??= await this.#connect(signal);
      this.#feed ??= this.#followChanges(this.#connected);
      return await abortable(this.#turnOn(this.#connected, signal), signal, stopped);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      const outcome = classify(error, this.#options.clock.now());
      if (error.code === 'Aborted') return outcome;
      const reason = this.#connected === undefined ? 'ConnectFailed' : 'ListFailed';
      this.#noteProblem({ reason, message: error.message, isStalled: outcome.kind === 'Stalled' });
      return outcome;
    }
  }

  async #turnOn(connected: Connected, signal: AbortSignal): Promise<Outcome> {
    const { tenure } = connected;
    const standing = await tenure.begin(signal);
    if (standing === 'Waits') {
      this.#noteListed();
      return { kind: 'RequeueAfter', delayMs: tenure.pollMs };
    }
    if (standing === 'New') {
      this.#isChange = true;
      this.#guards.recall(tenure.approved);
    }
    await tenure.readSuspensions(signal);
    return this.#pass(connected);
  }

  #failByBug(): Outcome {
    const message = 'Unexpected failure, a bug in Twinward: the log has more.';
    this.#noteProblem({ reason: 'ListFailed', message, isStalled: false });
    return RETRY;
  }

  /** What was queued is dropped, and nobody may take that for done. */
  #noteLost(): void {
    this.#passedRevision = undefined;
    this.#isChange = true;
    this.#alarm.ring();
  }

  async #connect(signal: AbortSignal): Promise<Connected> {
    const { connect, clock, metrics, recorder, instance, holder, budgets } = this.#options;
    const log = this.#log;
    const { hub, mode, capacity, hostName = this.hub.hostName } = await openConnection(connect, this.hub, signal);
    const within = capacity === undefined ? {} : { tier: capacity.tier, units: capacity.units };
    log.info('Connected', { hub: this.hub.name, mode, ...within });
    this.#pace.capacity = capacity;
    const tenure = new Tenure({
      hub,
      hubName: this.hub.name,
      mode,
      capacity,
      instance,
      holder,
      revision: () => this.#declared.revision,
      clock,
      log,
      metrics,
      recorder,
      onLost: () => this.#noteLost(),
      onSuspensions: () => {
        this.#replan();
        this.#alarm.ring();
      },
    });
    const open = this.#plannerFor(mode, tenure.suspensions);
    const hints = this.#hub.events === undefined ? undefined : new Hints();
    const scope: HubScope = {
      name: this.hub.name,
      hub: budgets.hubWithin(this.hub.name, tenure.fenced, { capacity, budget: this.hub.budget }),
      open,
      planner: untilJudged({ name: this.hub.name, open, hints }),
      view: this.#view,
      hints,
      clock,
      log,
      metrics,
      recorder: this.#news.hearing(recorder),
      writes: 0,
    };
    const intake = hints && new HintIntake({ scope, hints, queue: this.#queue, capacity });
    return { mode, tenure, hostName, scope, intake };
  }

  #followChanges({ tenure, hostName, intake }: Connected): FeedLoop | undefined {
    const { connectFeed, clock, random, metrics } = this.#options;
    const { events, name: hubName } = this.hub;
    const isEnding = this.#passes.signal.aborted;
    if (events === undefined || connectFeed === undefined || intake === undefined || isEnding) return undefined;
    return new FeedLoop({
      hubName,
      hostName,
      connect: () => connectFeed(events),
      // While another has the lease there is nothing that a pass to come would not see.
      onChange: (change) => {
        if (tenure.isAllowed) intake.take(change);
      },
      clock,
      random,
      log: this.#log,
      metrics,
    });
  }

  #plannerFor(hubMode: Mode, suspensions: readonly Suspension[]): Planner {
    const { instance, clock } = this.#options;
    const declared = activeAt(this.#declared, clock.now());
    const planner = createPlanner(declared, { hub: this.hub, hubMode, instance, suspensions });
    return withCeiling(planner, hubMode);
  }

  /** The flag falls before the lists are read: a revision that arrives meanwhile raises it for another pass. */
  async #pass({ scope, intake }: Connected): Promise<Outcome> {
    const { clock } = this.#options;
    const atMs = clock.now();
    const spent = (): number => scope.hub.messagesSpent() - (intake?.messagesSpent ?? 0);
    const spentBefore = spent();
    const { revision } = this.#declared;
    const isChange = this.#isChange;
    const uncounted = [...this.#uncounted];
    this.#isChange = false;
    this.#isPassing = true;
    let started = 0;
    let end: PassEnd | undefined;
    const enqueue = (key: string, priority: Priority): void => {
      started += 1;
      intake?.release(key);
      this.#queue.add(key, priority);
    };
    try {
      end = await makePass(scope, { isChange, earlier: this.#guards.earlier, enqueue }, this.#passes.signal);
    } finally {
      this.#isPassing = false;
      if (end?.kind !== 'Complete') {
        this.#isChange ||= isChange;
        this.#noteIdle();
      }
    }
    // The revision that came meanwhile has rung for its own pass.
    if (end.kind === 'Superseded') return SETTLED;
    if (end.kind === 'ListEmpty') {
      this.#noteProblem({ reason: 'ListEmpty', message: LIST_EMPTY_MESSAGE, isStalled: false });
      return RETRY;
    }
    for (const key of uncounted) this.#uncounted.delete(key);
    this.#noteListed();
    intake?.endPass();
    const approved = this.#guards.note(end.guards, this.hub.approval);
    if (approved !== undefined) await this.#connected?.tenure.remember(approved, this.#passes.signal);
    this.#lastResync = { atMs, durationMs: clock.now() - atMs };
    this.#pace.passMessages = spent() - spentBefore;
    this.#passedRevision = revision;
    scope.log.debug('Pass made', { hub: scope.name, revision, started, durationMs: this.#lastResync.durationMs });
    scope.metrics.gauge('twinward_last_sync_timestamp_seconds', { hub: scope.name }, clock.now() / 1_000);
    this.#noteIdle();
    return SETTLED;
  }

  async #process(key: string): Promise<Outcome> {
    if (this.#connected === undefined) return SETTLED;
    const { tenure, scope, intake } = this.#connected;
    // The pass after the next beginning looks at every twin again.
    if (!tenure.isAllowed) return SETTLED;
    const signal = this.#signalWithin(tenure);
    try {
      const before = scope.view.state(key);
      const work = (): Promise<Reconciled> => workOn(scope, key, signal);
      const reconciled = await abortable(intake?.look(key, work) ?? work(), signal, stopped);
      if (reconciled !== undefined) this.#uncounted.delete(key);
      if (reconciled?.action !== undefined && isUncounted(reconciled.action)) {
        scope.view.note(key, before);
        this.#uncounted.add(key);
      }
      return reconciled?.outcome ?? SETTLED;
    } catch (error) {
      // A call that does not even end when it is aborted must not keep us.
      if (!signal.aborted) throw error;
      return SETTLED;
    }
  }

  /** One for all work of a tenure: each that is made is remembered by those it is made of. */
  #signalWithin({ signal }: Tenure): AbortSignal {
    if (signal === undefined) return this.#work.signal;
    if (signal !== this.#within?.tenure) {
      this.#within = { tenure: signal, both: AbortSignal.any([this.#work.signal, signal]) };
    }
    return this.#within.both;
  }

  /** That a revision is applied is told at once. Else the queue may be idle after each hint of many. */
  #noteIdleSoon(): void {
    if (this.#passedRevision !== this.#appliedRevision) return this.#noteIdle();
    this.#cancelTally ??= this.#options.clock.schedule(TALLY_PAUSE_MS, () => this.#noteIdle());
  }

  /**
   * A pass tells when it is made: to count the fleet for each of its rows would take long. A queue that is empty because
   * it was stopped says nothing.
   */
  #noteIdle(): void {
    this.#cancelTally?.();
    this.#cancelTally = undefined;
    if (this.#isPassing || this.#passes.signal.aborted) return;
    const tallied = tally(this.#view);
    const { counts, failing, held } = tallied;
    gaugeDevices(this.#options.metrics, this.hub.name, tallied);
    if (this.#queue.size > 0) return;
    this.#news.tell(tallied);
    if (this.#passedRevision === this.#appliedRevision) return;
    if (this.#passedRevision === undefined || this.#uncounted.size > 0) return;
    this.#appliedRevision = this.#passedRevision;
    const { twins } = counts;
    this.#log.info('Revision applied', { hub: this.hub.name, revision: this.#appliedRevision, twins, failing, held });
  }

  /** Told when it begins and when it changes, not at each try. */
  #noteProblem(problem: Problem): void {
    const isNews = problem.reason !== this.#problem?.reason || problem.message !== this.#problem.message;
    this.#problem = problem;
    if (!isNews) return;
    this.#log.warn('The hub could not be listed', { hub: this.hub.name, ...problem });
    const { reason, message } = problem;
    this.#options.recorder?.record({ hub: this.hub.name, type: 'Warning', reason, message });
  }

  #noteListed(): void {
    if (this.#problem === undefined) return;
    this.#log.info('The hub can be listed again', { hub: this.hub.name });
    const message = `${this.#problem.reason} is over.`;
    this.#options.recorder?.record({ hub: this.hub.name, type: 'Normal', reason: 'Recovered', message });
    this.#problem = undefined;
  }
}

function stopped(): HubError {
  return new HubError('Aborted', 'Stopped.');
}
