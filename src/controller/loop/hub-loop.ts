// The loop of one hub: carries out what its machine asks for. A failure here concerns no other hub.
import type { Declared, DeclaredHub, Mode } from '../../model/declared.ts';
import { HubError, invariant } from '../../model/errors.ts';
import { activeAt, nextExpiryMs } from '../../model/expiry.ts';
import { createPlanner } from '../../plan/planner.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { ResyncPace } from '../budget/resync-pace.ts';
import { createHubMemory, rulesOf, type HubMemory, type Rules } from '../context/hub-context.ts';
import type { WritePermit } from '../lease/write-permit.ts';
import { LIST_EMPTY_MESSAGE } from '../pass/list-fleet.ts';
import { queuePass } from '../pass/queue-pass.ts';
import { abortable } from '../queue/abortable.ts';
import { backoffMs } from '../queue/backoff.ts';
import { RETRY, type Outcome } from '../queue/outcome.ts';
import { BUG_MESSAGE, recover, reportBug } from '../queue/recover.ts';
import { sampledLog, type SampledLog } from '../queue/sampled-log.ts';
import { WorkQueue, type Priority } from '../queue/work-queue.ts';
import { GuardHistory } from '../status/guard-history.ts';
import { setDeviceGauges } from '../status/device-gauges.ts';
import type { HubStatus } from '../status/status.ts';
import { HubReporter } from '../status/hub-reporter.ts';
import { TwinWarnings } from '../status/twin-warnings.ts';
import { connectHub, type ConnectedHub, type HubLoopOptions } from './connect-hub.ts';
import { initialState, transition, type HubEffect, type HubInput, type HubState } from './hub-machine.ts';
import { hubStatus } from './hub-status.ts';
import { HubWorker, stopped } from './hub-worker.ts';

/** Passes of several hubs and installations must not coincide. */
const RESYNC_JITTER = 0.1;
const STOP_GRACE_MS = 10_000;
/** Change events may leave the queue idle many times a second: a summary once a second is enough. */
const SUMMARY_PAUSE_MS = 1_000;

export class HubLoop {
  readonly #options: HubLoopOptions;
  readonly #log: SampledLog;
  readonly #memory: HubMemory;
  readonly #guards: GuardHistory;
  readonly #reporter: HubReporter;
  readonly #queue: WorkQueue;
  readonly #worker = new HubWorker();
  readonly #pace: ResyncPace;
  /** Ends turns, which only read; `#worker` ends work, which may be writing. */
  readonly #turns = new AbortController();
  readonly #firstTurn = Promise.withResolvers<void>();
  #hub: DeclaredHub;
  #declared: Declared;
  #state: HubState;
  #connected: ConnectedHub | undefined;
  /** The step of the turn that runs now, or the last one. Never rejects. */
  #step: Promise<void> = Promise.resolve();
  #lastResync: HubStatus['lastResync'];
  #cancelRest: (() => void) | undefined;
  #cancelSummary: (() => void) | undefined;

  /** Starts at once. */
  constructor(hub: DeclaredHub, declared: Declared, options: HubLoopOptions) {
    const { clock, random, metrics, recorder, concurrency } = options;
    this.#hub = hub;
    this.#declared = declared;
    this.#options = options;
    this.#log = sampledLog(options.log.child({ hub: hub.name }), clock);
    this.#reporter = new HubReporter(hub.name, this.#log, recorder);
    this.#memory = createHubMemory((key, state) => warnings.update(key, state));
    const warnings = new TwinWarnings(hub.name, recorder, this.#memory.twins);
    this.#guards = new GuardHistory({ hubName: hub.name, log: this.#log, metrics, recorder });
    this.#pace = new ResyncPace(options.resyncPeriodMs, this.#log);
    this.#queue = new WorkQueue({
      name: hub.name,
      concurrency,
      clock,
      random,
      metrics,
      items: this.#memory.twins.work,
      process: (key) => this.#worker.process(this.#connected, key),
      onBug: (key, error) => {
        reportBug(this.#around, `process ${key}`, error);
        return RETRY;
      },
      onIdle: () => this.#summarizeSoon(),
    });
    this.#state = initialState(declared.revision, this.#nextExpiryMs());
    this.#perform({ kind: 'Connect' });
  }

  get hub(): DeclaredHub {
    return this.#hub;
  }

  /** Resolves after the first turn, well or badly. */
  get firstTurn(): Promise<void> {
    return this.#firstTurn.promise;
  }

  /** From now on this decides, for queued keys too; every twin is checked again. */
  setDeclared(declared: Declared): void {
    this.#declared = declared;
    this.#hub = declared.hubs.find(({ name }) => name === this.#hub.name) ?? this.#hub;
    this.#dispatch({ kind: 'Declared', revision: declared.revision, expiryMs: this.#nextExpiryMs() });
  }

  requestResync(): void {
    this.#dispatch({ kind: 'Wake' });
  }

  status(): HubStatus {
    return hubStatus({
      hub: this.#hub,
      state: this.#state,
      memory: this.#memory,
      guards: this.#guards,
      connected: this.#connected,
      lastResync: this.#lastResync,
    });
  }

  /** Gives work in flight ten seconds to end, then aborts it. Never rejects; idempotent. */
  async stop(): Promise<void> {
    if (this.#cancelSummary !== undefined) this.#summarize();
    this.#dispatch({ kind: 'Stop' });
    this.#turns.abort();
    this.#firstTurn.resolve();
    const cancel = this.#options.clock.schedule(STOP_GRACE_MS, () => this.#worker.abort());
    await Promise.all([this.#connected?.watch?.stop(), this.#queue.stop(), this.#step]);
    cancel();
    await this.#connected?.permit.end();
    this.#log.reportAllOmitted();
    this.#connected?.context.hub.close();
  }

  #dispatch(input: HubInput): void {
    const { state, effects } = transition(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: HubEffect): void {
    switch (effect.kind) {
      case 'Connect':
        return this.#run('connect', () => this.#connect());
      case 'AcquireLease':
        return this.#run('take the lease', () => this.#acquireLease());
      case 'RecallApproval':
        return this.#guards.recall(this.#connected?.permit.approved);
      case 'ReadSuspensions':
        return this.#run('read suspensions', async () => {
          await this.#connection.permit.readSuspensions(this.#turns.signal);
          return { kind: 'SuspensionsRead' };
        });
      case 'MakePass':
        return this.#run('make a pass', () => this.#makePass(effect.isChange));
      case 'Replan':
        return this.#replan();
      case 'EndTurn':
        this.#firstTurn.resolve();
        return this.#log.reportOmitted();
      case 'Rest':
        return this.#rest(this.#delayAfter(effect.after, effect.failures), effect.untilMs);
      case 'CutRest':
        return this.#cancelRest?.();
      case 'Summarize':
        return this.#summarize();
      case 'ReportProblem':
        return this.#reporter.reportProblem(effect.problem);
      case 'ReportRecovery':
        return this.#reporter.reportRecovery(effect.from);
      case 'ReportApplied':
        return this.#reporter.reportApplied(effect.revision, this.#memory.twins);
    }
  }

  /** Runs one step of a turn and feeds the machine with how it ended. */
  #run(doing: string, step: () => Promise<HubInput>): void {
    const { signal } = this.#turns;
    const attempt = async (): Promise<HubInput> => {
      try {
        return await abortable(step(), signal, stopped);
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        return { kind: 'TurnFailed', error, nowMs: this.#options.clock.now() };
      }
    };
    this.#step = recover(this.#around, doing, attempt).then((input) =>
      this.#dispatch(input ?? { kind: 'TurnBroken', message: BUG_MESSAGE }),
    );
  }

  async #connect(): Promise<HubInput> {
    this.#connected = await connectHub(
      {
        ...this.#options,
        log: this.#log,
        declaredHub: this.#hub,
        memory: this.#memory,
        queue: this.#queue,
        rulesFor: (mode, permit) => this.#rulesFor(mode, permit),
        writeRecorder: this.#reporter.counting,
        revision: () => this.#declared.revision,
        onLost: () => this.#dispatch({ kind: 'LeaseLost' }),
        onSuspensions: () => this.#dispatch({ kind: 'SuspensionsChanged', expiryMs: this.#nextExpiryMs() }),
      },
      this.#turns.signal,
    );
    this.#pace.capacity = this.#connected.capacity;
    return { kind: 'Connected' };
  }

  async #acquireLease(): Promise<HubInput> {
    const { permit } = this.#connection;
    const standing = await permit.begin(this.#turns.signal);
    if (standing === 'Waits') return { kind: 'LeaseTaken', pollMs: permit.pollMs };
    return { kind: 'LeaseHeld', isNew: standing === 'New' };
  }

  async #makePass(isChange: boolean): Promise<HubInput> {
    const { context, hints, permit } = this.#connection;
    const { clock } = this.#options;
    const { signal } = this.#turns;
    const atMs = clock.now();
    const spent = (): number => context.hub.messagesSpent() - (hints?.messagesSpent ?? 0);
    const spentBefore = spent();
    const { revision } = this.#state;
    let started = 0;
    const enqueue = (key: string, priority: Priority): void => {
      started += 1;
      hints?.release(key);
      this.#queue.add(key, priority);
    };
    const end = await queuePass(context, { isChange, earlier: this.#guards.earlier, enqueue }, signal);
    if (end.kind === 'ListEmpty') return { kind: 'ListEmpty', message: LIST_EMPTY_MESSAGE };
    if (end.kind === 'Superseded') return { kind: 'PassEnded', end: 'Superseded' };
    hints?.endPass();
    const approved = this.#guards.update(end.guards, this.#hub.approval);
    if (approved !== undefined) await permit.remember(approved, signal);
    this.#lastResync = { atMs, durationMs: clock.now() - atMs };
    this.#pace.passMessages = spent() - spentBefore;
    context.log.debug('Pass made', { revision, started, durationMs: this.#lastResync.durationMs });
    context.metrics.gauge('twinward_last_sync_timestamp_seconds', { hub: context.name }, clock.now() / 1_000);
    return { kind: 'PassEnded', end: 'Complete' };
  }

  #replan(): void {
    if (this.#connected === undefined) return;
    const { context, mode, permit } = this.#connected;
    context.rules = this.#rulesFor(mode, permit);
  }

  #rulesFor(mode: Mode, { suspensions }: WritePermit): Rules {
    const { instance, clock } = this.#options;
    const declared = activeAt(this.#declared, clock.now());
    return rulesOf(createPlanner(declared, { hub: this.#hub, hubMode: mode, instance, suspensions }));
  }

  #nextExpiryMs(): number {
    return nextExpiryMs(this.#declared, this.#options.clock.now()) ?? Infinity;
  }

  /** A failure that time alone can't heal waits for the next regular pass. */
  #delayAfter(after: Outcome, failures: number): number {
    const { random } = this.#options;
    if (after.kind === 'RequeueAfter') return after.delayMs;
    if (after.kind === 'Retry') return backoffMs(failures, after.pace, random);
    return this.#pace.periodMs(this.#hub.budget) * (1 + RESYNC_JITTER * random.next());
  }

  #rest(delayMs: number, untilMs: number): void {
    const { clock } = this.#options;
    this.#cancelRest = clock.schedule(Math.min(delayMs, untilMs - clock.now()), () => {
      this.#dispatch({ kind: 'RestEnded', nowMs: clock.now(), expiryMs: this.#nextExpiryMs() });
    });
  }

  /** Reports at once that a revision is applied. */
  #summarizeSoon(): void {
    const { passedRevision, appliedRevision } = this.#state;
    if (passedRevision !== appliedRevision) return this.#summarize();
    this.#cancelSummary ??= this.#options.clock.schedule(SUMMARY_PAUSE_MS, () => this.#summarize());
  }

  #summarize(): void {
    this.#cancelSummary?.();
    this.#cancelSummary = undefined;
    // A pass reports when it ends, and a queue that was emptied by stopping reports nothing.
    if (this.#state.phase === 'Passing' || this.#state.phase === 'Stopped') return;
    const { twins } = this.#memory;
    setDeviceGauges(this.#options.metrics, this.#hub.name, twins.counts);
    if (this.#queue.size > 0) return;
    this.#reporter.summarize(twins);
    this.#dispatch({ kind: 'QueueIdle', uncounted: twins.uncounted });
  }

  get #connection(): ConnectedHub {
    invariant(this.#connected !== undefined, 'a turn connects first');
    return this.#connected;
  }

  get #around(): { name: string; log: SampledLog; metrics: Metrics } {
    return { name: this.#hub.name, log: this.#log, metrics: this.#options.metrics };
  }
}
