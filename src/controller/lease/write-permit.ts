// Whether this controller may write to one hub now: holds the lease, and follows the suspensions stored beside it.
import type { Capacity, Mode } from '../../model/declared.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import { deepEqual } from '../../model/json.ts';
import { suspensionsInForce, type Suspension } from '../../model/suspension.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FleetFacts } from '../../ports/fleet-state.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Lease, LeaseEntry } from '../../ports/lease.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { rememberApproval } from './approvals.ts';
import { fencedHub } from './fenced-hub.ts';
import { HeldLease } from './held-lease.ts';
import { leaseMs } from './lease-duration.ts';
import { ReservedStore } from './reserved-store.ts';
import { composeSuspensions } from './reserved-twin.ts';

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
  /** Nothing may be written from now on, until `begin` acquires the lease again. */
  readonly onLost: () => void;
  /** The suspensions in force have changed. */
  readonly onSuspensions: () => void;
}

export class WritePermit {
  readonly #options: WritePermitOptions;
  readonly #store: ReservedStore;
  readonly #lease: Lease | undefined;
  #waitingFor: string | undefined;
  #suspensions: readonly Suspension[] = [];

  constructor(options: WritePermitOptions) {
    this.#options = options;
    this.#store = new ReservedStore(options.hub, options.instance);
    // A hub that is only observed needs no lease.
    this.#lease = options.mode === 'Observe' ? undefined : this.#createLease();
  }

  /** The hub for whoever writes: refuses writes to the fleet while they are not allowed. */
  get fenced(): Hub {
    const { hub } = this.#options;
    return this.#lease === undefined ? hub : fencedHub(hub, () => this.isAllowed);
  }

  get isAllowed(): boolean {
    return this.#lease?.isHeld !== false;
  }

  /** Aborted when writing is no longer allowed; undefined where it always is. */
  get signal(): AbortSignal | undefined {
    return this.#lease?.signal;
  }

  /** The holder that this controller waits for. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** How long to wait before the next try. */
  get pollMs(): number {
    return this.#lease?.pollMs ?? 0;
  }

  /** In force when last read. */
  get suspensions(): readonly Suspension[] {
    return this.#suspensions;
  }

  /** The last approval, as stored when last read. */
  get approved(): EarlierApproval | undefined {
    return this.#store.last?.approved;
  }

  /** `New`: another process may have written meanwhile, so decide everything again. Rejects with HubError. */
  async begin(signal: AbortSignal): Promise<'New' | 'GoesOn' | 'Waits'> {
    if (this.#lease === undefined || this.#lease.isHeld) return 'GoesOn';
    const acquired = await this.#lease.acquire(signal);
    this.#gauge(acquired.kind === 'Held');
    if (acquired.kind === 'Waiting') {
      this.#noteWaiting(acquired.entry);
      return 'Waits';
    }
    if (this.#waitingFor !== undefined) this.#options.log.info('The lease is acquired');
    this.#options.recorder?.record({ hub: this.#options.hubName, reason: 'LeaseAcquired' });
    this.#waitingFor = undefined;
    return 'New';
  }

  /** A holder's own renewals read them; nothing is suspended where nothing is written. Rejects with HubError. */
  async readSuspensions(signal: AbortSignal): Promise<void> {
    if (this.#options.mode === 'Observe') return;
    const known = this.#lease?.isHeld === true ? this.#store.last : undefined;
    this.#take(known ?? (await this.#store.read(signal)));
  }

  /** Never rejects. */
  async remember(approved: EarlierApproval, signal: AbortSignal): Promise<void> {
    if (this.#lease?.isHeld !== true) return;
    this.#take(await rememberApproval(this.#store, approved, this.#options.log, signal));
  }

  /** Never rejects; idempotent. */
  async end(): Promise<void> {
    await this.#lease?.release();
  }

  #createLease(): Lease | undefined {
    const { hubName, holder, capacity, recorder, onLost } = this.#options;
    if (holder === undefined) return undefined;
    const { revision, clock, log } = this.#options;
    const ttlMs = leaseMs(capacity);
    const lease = new HeldLease({ store: this.#store, holder, kind: 'run', revision, ttlMs, clock, log });
    lease.watch({
      onRenewed: () => this.#take(this.#store.last),
      onLost: (why) => {
        this.#gauge(false);
        recorder?.record({ hub: hubName, reason: 'LeaseLost', why });
        onLost();
      },
    });
    return lease;
  }

  #take(facts: FleetFacts | undefined): void {
    if (facts === undefined) return;
    const { clock, log, hubName, recorder, onSuspensions } = this.#options;
    const inForce = suspensionsInForce(facts.suspensions, clock.now());
    if (deepEqual(composeSuspensions(inForce), composeSuspensions(this.#suspensions))) return;
    this.#suspensions = inForce;
    log.warn('Suspensions changed', { inForce: inForce.length });
    recorder?.record({ hub: hubName, reason: 'SuspensionsChanged', suspensions: inForce });
    onSuspensions();
  }

  /** Once for each holder. */
  #noteWaiting({ holder, kind, since }: LeaseEntry): void {
    const { hubName: hub, log, recorder } = this.#options;
    const waitingFor = `${holder} (${kind})`;
    if (waitingFor === this.#waitingFor) return;
    this.#waitingFor = waitingFor;
    log.info('Waiting for the lease', { holder, kind, since });
    recorder?.record({ hub, reason: 'WaitingForLease', holder, kind });
  }

  #gauge(isHeld: boolean): void {
    const { metrics, hubName, instance } = this.#options;
    metrics.gauge('leader_election_master_status', { name: `${hubName}/${instance}` }, isHeld ? 1 : 0);
  }
}
