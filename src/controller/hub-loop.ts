// The loop of one hub: connect, pass after pass, one queue of work. What goes wrong here concerns no other hub.
import type { Capacity, Declared, DeclaredHub, Mode } from '../model/declared.ts';
import { HubError } from '../model/errors.ts';
import { activeAt, nextExpiryMs } from '../model/expiry.ts';
import { deepEqual } from '../model/json.ts';
import { suspensionsInForce, type Suspension } from '../model/suspension.ts';
import type { EarlierApproval, GuardDecision } from '../plan/guards.ts';
import { createPlanner, type Planner } from '../plan/planner.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub } from '../ports/hub.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Random } from '../ports/random.ts';
import type { Recorder } from '../ports/recorder.ts';
import { abortable } from './abortable.ts';
import { Alarm } from './alarm.ts';
import { backoffMs } from './backoff.ts';
import { budgetedHub } from './budget.ts';
import { affordablePeriodMs, leaseMs } from './daily-budget.ts';
import { hubConditions, type Problem } from './conditions.ts';
import { openConnection, type Connect } from './connection.ts';
import { contain } from './contain.ts';
import { FleetView } from './fleet-view.ts';
import { untilJudged } from './guarded.ts';
import { fencedHub, Lease } from './lease.ts';
import { withCeiling } from './observe-only.ts';
import { classify, RETRY, SETTLED, type Outcome } from './outcome.ts';
import { makePass, type PassEnd } from './pass.ts';
import { composeSuspensions, readReservedTwin } from './reserved-twin.ts';
import { sampledLog, type SampledLog } from './sampled-log.ts';
import type { HubScope } from './scope.ts';
import type { HubStatus } from './status.ts';
import { LIST_EMPTY_MESSAGE } from './survey.ts';
import { gaugeDevices, tally } from './tally.ts';
import { workOn } from './worker.ts';
import { WorkQueue, type Priority } from './work-queue.ts';

export interface HubLoopOptions {
  /** The loop closes the hub when it is done with it. */
  readonly connect: Connect;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told of every write. */
  readonly recorder?: Recorder;
  /** Who this is, for the lease: user@host and something that no other process has. Without it none is taken. */
  readonly holder?: string | undefined;
  readonly instance: string;
  readonly resyncPeriodMs: number;
  readonly concurrency: number;
}

/** Passes of several hubs and installations must not fall together. */
const RESYNC_JITTER = 0.1;
const STOP_GRACE_MS = 10_000;

interface Connected {
  readonly scope: HubScope;
  readonly mode: Mode;
  /** Not budgeted. */
  readonly hub: Hub;
  /** Undefined where nothing is written, or nobody asked for one. */
  readonly lease: Lease | undefined;
}

export class HubLoop {
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
  #hub: DeclaredHub;
  #declared: Declared;
  #connected: Connected | undefined;
  /** When the next exception ends and everything is decided anew. */
  #expiryMs = Infinity;
  /** In force at the last look. */
  #suspensions: readonly Suspension[] = [];
  #waitingFor: string | undefined;
  #refusal: string | undefined;
  #earlier: EarlierApproval | undefined;
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
    this.#hub = hub;
    this.#options = options;
    this.#log = sampledLog(options.log, clock);
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
      onIdle: () => this.#noteIdle(),
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
      const { scope, mode } = this.#connected;
      scope.open = this.#plannerFor(mode);
      scope.planner = untilJudged(scope.open, this.#hub.name);
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
        waitingFor: this.#waitingFor,
        refusal: this.#refusal,
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
      notes: this.#view.neighbours.notes,
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
    await this.#connected?.lease?.release();
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
    const { lease, scope } = connected;
    if (lease !== undefined && !(await this.#holds(lease, signal))) {
      return { kind: 'RequeueAfter', delayMs: lease.pollMs };
    }
    await this.#readSuspensions(connected, signal);
    return this.#pass(scope);
  }

  #failByBug(): Outcome {
    const message = 'Unexpected failure, a bug in Twinward: the log has more.';
    this.#noteProblem({ reason: 'ListFailed', message, isStalled: false });
    return RETRY;
  }

  /** A holding that is new decides everything anew: meanwhile another may have written. */
  async #holds(lease: Lease, signal: AbortSignal): Promise<boolean> {
    if (lease.isHeld) return true;
    const acquired = await lease.acquire(signal);
    const isHeld = acquired.kind === 'Held';
    const labels = { name: `${this.#hub.name}/${this.#options.instance}` };
    this.#options.metrics.gauge('leader_election_master_status', labels, isHeld ? 1 : 0);
    if (isHeld) {
      if (this.#waitingFor !== undefined) this.#log.info('The lease is ours now', { hub: this.#hub.name });
      this.#waitingFor = undefined;
      this.#isChange = true;
      this.#earlier = lease.twin?.approved ?? this.#earlier;
      return true;
    }
    const { holder, kind, since } = acquired.entry;
    const waitingFor = `${holder} (${kind}), which has had the lease since ${since}`;
    if (waitingFor !== this.#waitingFor) {
      this.#log.info('Waiting for the lease', { hub: this.#hub.name, holder, kind, since });
    }
    this.#waitingFor = waitingFor;
    this.#problem = undefined;
    return false;
  }

  #noteLost(): void {
    const labels = { name: `${this.#hub.name}/${this.#options.instance}` };
    this.#options.metrics.gauge('leader_election_master_status', labels, 0);
    // What was queued is dropped, and nobody may take that for done.
    this.#passedRevision = undefined;
    this.#isChange = true;
    this.#alarm.ring();
  }

  /** Where nothing is written, nothing need be suspended. */
  async #readSuspensions({ mode, hub, lease }: Connected, signal: AbortSignal): Promise<void> {
    if (mode === 'Observe') return;
    const { clock, instance } = this.#options;
    const twin = lease?.twin ?? (await readReservedTwin(hub, instance, signal));
    this.#takeSuspensions(suspensionsInForce(twin?.suspensions ?? [], clock.now()));
  }

  #takeSuspensions(suspensions: readonly Suspension[]): void {
    if (deepEqual(composeSuspensions(suspensions), composeSuspensions(this.#suspensions))) return;
    this.#suspensions = suspensions;
    this.#log.warn('Suspensions changed', { hub: this.#hub.name, inForce: suspensions.length });
    this.#replan();
    this.#alarm.ring();
  }

  async #connect(signal: AbortSignal): Promise<Connected> {
    const { connect, clock, metrics, recorder } = this.#options;
    const log = this.#log;
    const { hub, mode, capacity } = await openConnection(connect, this.hub, signal);
    const within = capacity === undefined ? {} : { tier: capacity.tier, units: capacity.units };
    log.info('Connected', { hub: this.hub.name, mode, ...within });
    this.#capacity = capacity;
    const lease = this.#leaseOn(hub, mode, capacity);
    const fenced = lease === undefined ? hub : fencedHub(hub, () => lease.isHeld);
    const open = this.#plannerFor(mode);
    return {
      mode,
      hub,
      lease,
      scope: {
        name: this.hub.name,
        hub: budgetedHub(fenced, { capacity, budget: this.hub.budget }, clock),
        open,
        planner: untilJudged(open, this.hub.name),
        view: this.#view,
        clock,
        log,
        metrics,
        recorder,
        writes: 0,
      },
    };
  }

  #leaseOn(hub: Hub, mode: Mode, capacity: Capacity | undefined): Lease | undefined {
    const { holder, instance, clock } = this.#options;
    if (holder === undefined || mode === 'Observe') return undefined;
    return new Lease({
      hub,
      instance,
      holder,
      kind: 'run',
      revision: () => this.#declared.revision,
      ttlMs: leaseMs(capacity),
      clock,
      log: this.#log,
      onTwin: ({ suspensions }) => this.#takeSuspensions(suspensionsInForce(suspensions, clock.now())),
      onLost: () => this.#noteLost(),
    });
  }

  #plannerFor(hubMode: Mode): Planner {
    const { instance, clock } = this.#options;
    const suspensions = this.#suspensions;
    const declared = activeAt(this.#declared, clock.now());
    const planner = createPlanner(declared, { hub: this.hub, hubMode, instance, suspensions });
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
    let end: PassEnd | undefined;
    const enqueue = (key: string, priority: Priority): void => {
      started += 1;
      this.#queue.add(key, priority);
    };
    try {
      end = await makePass(scope, { isChange, earlier: this.#earlier, enqueue }, this.#passes.signal);
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
    if (this.#problem !== undefined) scope.log.info('The hub can be listed again', { hub: scope.name });
    this.#problem = undefined;
    await this.#noteGuards(end.guards);
    this.#lastResync = { atMs, durationMs: clock.now() - atMs };
    this.#passMessages = scope.hub.messagesSpent() - spentBefore;
    this.#passedRevision = revision;
    scope.log.debug('Pass made', { hub: scope.name, revision, started, durationMs: this.#lastResync.durationMs });
    scope.metrics.gauge('twinward_last_sync_timestamp_seconds', { hub: scope.name }, clock.now() / 1_000);
    this.#noteIdle();
    return SETTLED;
  }

  /** Told when it begins and when it changes. */
  async #noteGuards({ message, refusedBy, isApproved, shapes }: GuardDecision): Promise<void> {
    const { approval } = this.#hub;
    for (const guard of isApproved ? [] : refusedBy) {
      this.#options.metrics.count('twinward_guard_refusals_total', { hub: this.#hub.name, guard });
    }
    if (message !== undefined && message !== this.#refusal) {
      this.#log.warn('The guards refuse a change', { hub: this.#hub.name, message });
    }
    this.#refusal = message;
    if (!isApproved || approval === undefined || this.#earlier?.fingerprint === approval.fingerprint) return;
    this.#log.info('A change is approved that the guards refuse', { hub: this.#hub.name, ...approval });
    this.#earlier = { fingerprint: approval.fingerprint, shapes };
    await this.#connected?.lease?.remember(this.#earlier, this.#passes.signal);
  }

  async #process(key: string): Promise<Outcome> {
    if (this.#connected === undefined) return SETTLED;
    const { lease } = this.#connected;
    // The pass after the next holding looks at every twin again.
    if (lease?.isHeld === false) return SETTLED;
    const signal = lease === undefined ? this.#work.signal : AbortSignal.any([this.#work.signal, lease.signal]);
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
    if (this.#passedRevision === undefined) return;
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
