// Whether this controller may write to one hub now: the lease, and the suspensions that lie beside it.
import type { Capacity, Mode } from '../../model/declared.ts';
import { deepEqual } from '../../model/json.ts';
import { suspensionsInForce, type Suspension } from '../../model/suspension.ts';
import type { EarlierApproval } from '../../plan/guard/guards.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { leaseMs } from '../budget/daily-budget.ts';
import { fencedHub, Lease } from './reserved-lease.ts';
import { composeSuspensions, readReservedTwin, type LeaseEntry } from './reserved-twin.ts';

export interface WritePermitOptions {
  /** Not budgeted, not closed here. */
  readonly hub: Hub;
  readonly hubName: string;
  readonly mode: Mode;
  readonly capacity: Capacity | undefined;
  readonly instance: string;
  /** Undefined: no lease is taken. */
  readonly holder: string | undefined;
  readonly revision: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder: Recorder | undefined;
  /** Nothing may be written from now on, until `begin` says so again. */
  readonly onLost: () => void;
  /** Others are in force now. */
  readonly onSuspensions: () => void;
}

export class WritePermit {
  readonly #options: WritePermitOptions;
  readonly #lease: Lease | undefined;
  #waitingFor: string | undefined;
  #suspensions: readonly Suspension[] = [];

  constructor(options: WritePermitOptions) {
    this.#options = options;
    // What is only observed is nobody's to write to, and has no lease.
    this.#lease = options.mode === 'Observe' ? undefined : this.#createLease();
  }

  /** The hub for whoever writes: nothing gets through that is not allowed. */
  get fenced(): Hub {
    const { hub } = this.#options;
    return this.#lease === undefined ? hub : fencedHub(hub, () => this.isAllowed);
  }

  get isAllowed(): boolean {
    return this.#lease?.isHeld !== false;
  }

  /** Fires when writing is no longer allowed; undefined where that can't be. */
  get signal(): AbortSignal | undefined {
    return this.#lease?.signal;
  }

  /** Who has the lease that this one waits for. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** How long to wait until the next try. */
  get pollMs(): number {
    return this.#lease?.pollMs ?? 0;
  }

  /** In force at the last look. */
  get suspensions(): readonly Suspension[] {
    return this.#suspensions;
  }

  /** What was approved before, as the hub remembers it. */
  get approved(): EarlierApproval | undefined {
    return this.#lease?.twin?.approved;
  }

  /** `New`: meanwhile another may have written, so everything is to be decided anew. Rejects with HubError. */
  async begin(signal: AbortSignal): Promise<'New' | 'GoesOn' | 'Waits'> {
    if (this.#lease === undefined || this.#lease.isHeld) return 'GoesOn';
    const acquired = await this.#lease.acquire(signal);
    this.#gauge(acquired.kind === 'Held');
    if (acquired.kind === 'Waiting') {
      this.#noteWaiting(acquired.entry);
      return 'Waits';
    }
    if (this.#waitingFor !== undefined) this.#options.log.info('The lease is ours now', { hub: this.#options.hubName });
    this.#options.recorder?.record({ hub: this.#options.hubName, reason: 'LeaseAcquired' });
    this.#waitingFor = undefined;
    return 'New';
  }

  /** Where nothing is written, nothing need be suspended. Rejects with HubError. */
  async readSuspensions(signal: AbortSignal): Promise<void> {
    const { hub, instance, mode } = this.#options;
    if (mode === 'Observe') return;
    const twin = this.#lease?.twin ?? (await readReservedTwin(hub, instance, signal));
    this.#take(twin?.suspensions ?? []);
  }

  /** Never rejects. */
  async remember(approved: EarlierApproval, signal: AbortSignal): Promise<void> {
    await this.#lease?.remember(approved, signal);
  }

  /** Never rejects; idempotent. */
  async end(): Promise<void> {
    await this.#lease?.release();
  }

  #createLease(): Lease | undefined {
    const { hub, hubName, instance, holder, revision, capacity, clock, log, recorder, onLost } = this.#options;
    if (holder === undefined) return undefined;
    return new Lease({
      hub,
      instance,
      holder,
      kind: 'run',
      revision,
      ttlMs: leaseMs(capacity),
      clock,
      log,
      onTwin: ({ suspensions }) => this.#take(suspensions),
      onLost: (why) => {
        this.#gauge(false);
        recorder?.record({ hub: hubName, reason: 'LeaseLost', why });
        onLost();
      },
    });
  }

  #take(all: readonly Suspension[]): void {
    const { clock, log, hubName, recorder, onSuspensions } = this.#options;
    const inForce = suspensionsInForce(all, clock.now());
    if (deepEqual(composeSuspensions(inForce), composeSuspensions(this.#suspensions))) return;
    this.#suspensions = inForce;
    log.warn('Suspensions changed', { hub: hubName, inForce: inForce.length });
    recorder?.record({ hub: hubName, reason: 'SuspensionsChanged', suspensions: inForce });
    onSuspensions();
  }

  /** Records the beginning of the wait, and each other holder. */
  #noteWaiting({ holder, kind, since }: LeaseEntry): void {
    const { hubName: hub, log, recorder } = this.#options;
    const waitingFor = `${holder} (${kind})`;
    if (waitingFor === this.#waitingFor) return;
    this.#waitingFor = waitingFor;
    log.info('Waiting for the lease', { hub, holder, kind, since });
    recorder?.record({ hub, reason: 'WaitingForLease', holder, kind });
  }

  #gauge(isHeld: boolean): void {
    const { metrics, hubName, instance } = this.#options;
    metrics.gauge('leader_election_master_status', { name: `${hubName}/${instance}` }, isHeld ? 1 : 0);
  }
}
