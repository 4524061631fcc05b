// Holds a lease over any store: acquires it by compare and swap, renews it in time, stops in time where that fails.
import { HubError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  Acquired,
  Lease,
  LeaseEntry,
  LeaseKind,
  LeaseListener,
  LeaseStore,
  StoredLease,
} from '../../ports/lease.ts';
import type { Log } from '../../ports/log.ts';

interface LeaseOptions {
  readonly store: LeaseStore;
  /** user@host and something that no other process has. */
  readonly holder: string;
  readonly kind: LeaseKind;
  /** Of the source that is written now. */
  readonly revision: () => string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const RENEW_SHARE = 1 / 3;
const STOP_SHARE = 2 / 3;
const RETRY_SHARE = 1 / 12;
const TRIES_MAX = 5;
const RELEASE_MS_MAX = 5_000;

interface Holding {
  readonly since: string;
  readonly ended: AbortController;
  version: string;
  stopAtMs: number;
  renewals: number;
  cancel: () => void;
}

export class HeldLease implements Lease {
  readonly #options: LeaseOptions;
  readonly #listeners: LeaseListener[] = [];
  #holding: Holding | undefined;
  #watched: { readonly version: string; readonly sinceMs: number } | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    const { clock } = this.#options;
    return this.#holding !== undefined && clock.now() < this.#holding.stopAtMs;
  }

  get signal(): AbortSignal {
    return this.#holding?.ended.signal ?? AbortSignal.abort();
  }

  get pollMs(): number {
    return this.#options.ttlMs * RENEW_SHARE;
  }

  watch(listener: LeaseListener): void {
    this.#listeners.push(listener);
  }

  async acquire(signal: AbortSignal, force = false): Promise<Acquired> {
    if (this.isHeld) return { kind: 'Held' };
    this.#end();
    const { clock, store } = this.#options;
    let stored = await store.read(signal);
    for (let tries = 1; ; tries += 1) {
      const { lease, leaseVersion } = stored;
      if (lease !== undefined && !force && !this.#isOurs(stored) && !this.#hasRunOut(lease, leaseVersion)) {
        return { kind: 'Waiting', entry: lease };
      }
      const startedAtMs = clock.now();
      const since = new Date(startedAtMs).toISOString();
      const written = await store.write(this.#entry({ since, renewals: 0 }), leaseVersion, signal);
      if (written.isWritten) {
        this.#watched = undefined;
        this.#hold(written.leaseVersion, since, startedAtMs);
        return { kind: 'Held' };
      }
      if (tries === TRIES_MAX)
        throw new HubError(
          'PreconditionFailed',
          'Could not acquire the lease: other processes changed it at every try.',
        );
      stored = written;
    }
  }

  async renew(signal: AbortSignal): Promise<boolean> {
    const holding = this.#holding;
    if (holding === undefined) return false;
    const { clock, log, store, ttlMs } = this.#options;
    const startedAtMs = clock.now();
    try {
      const entry = this.#entry({ since: holding.since, renewals: holding.renewals + 1 });
      const stored = await store.write(entry, holding.version, signal);
      holding.version = stored.leaseVersion;
      if (!stored.isWritten) {
        // A renewal that landed without an answer is ours too.
        if (this.#isOurs(stored)) return await this.renew(signal);
        this.#lose(
          holding,
          stored.lease === undefined ? 'another process removed it' : `${stored.lease.holder} has it now`,
        );
        return false;
      }
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      if (this.#holding === holding) log.warn('The lease was not renewed', { code: error.code });
      return false;
    }
    holding.renewals += 1;
    holding.stopAtMs = startedAtMs + ttlMs * STOP_SHARE;
    for (const { onRenewed } of this.#listeners) onRenewed?.();
    return true;
  }

  async release(): Promise<void> {
    const holding = this.#holding;
    this.#end();
    if (holding === undefined) return;
    const { clock, log, store } = this.#options;
    const limit = new AbortController();
    const cancel = clock.schedule(RELEASE_MS_MAX, () => limit.abort());
    try {
      const stored = await store.write(undefined, holding.version, limit.signal);
      // A renewal in flight may have landed first.
      if (!stored.isWritten && this.#isOurs(stored)) await store.write(undefined, stored.leaseVersion, limit.signal);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      log.info('The lease was not released and runs out by itself', { why: error.message });
    } finally {
      cancel();
    }
  }

  #isOurs({ lease }: StoredLease): boolean {
    return lease?.holder === this.#options.holder;
  }

  /** By our own clock: the entry did not change for as long as it is good for, while we watched. */
  #hasRunOut({ ttlSeconds }: LeaseEntry, version: string): boolean {
    const nowMs = this.#options.clock.now();
    if (this.#watched?.version !== version) this.#watched = { version, sinceMs: nowMs };
    return nowMs - this.#watched.sinceMs >= ttlSeconds * 1_000;
  }

  #hold(version: string, since: string, startedAtMs: number): void {
    const { ttlMs } = this.#options;
    this.#holding = {
      since,
      version,
      stopAtMs: startedAtMs + ttlMs * STOP_SHARE,
      renewals: 0,
      ended: new AbortController(),
      cancel: () => {},
    };
    this.#schedule(this.#holding, ttlMs * RENEW_SHARE);
  }

  #schedule(holding: Holding, delayMs: number): void {
    holding.cancel();
    holding.cancel = this.#options.clock.schedule(delayMs, () => void this.#keep(holding));
  }

  /** Renews, tries again soon where that fails, and ends the holding in time. Rejects only for bugs. */
  async #keep(holding: Holding): Promise<void> {
    const { clock, ttlMs } = this.#options;
    if (this.#holding !== holding) return;
    if (clock.now() >= holding.stopAtMs) return this.#lose(holding, 'it could not be renewed in time');
    // Ends the holding in time also where the store does not answer at all.
    this.#schedule(holding, holding.stopAtMs - clock.now());
    const isRenewed = await this.renew(holding.ended.signal);
    if (this.#holding !== holding) return;
    const delayMs = isRenewed ? ttlMs * RENEW_SHARE : Math.min(ttlMs * RETRY_SHARE, holding.stopAtMs - clock.now());
    this.#schedule(holding, delayMs);
  }

  #lose(holding: Holding, why: string): void {
    if (this.#holding !== holding) return;
    this.#options.log.warn('The lease is lost; nothing is written until it is held again', { why });
    this.#end();
    for (const { onLost } of this.#listeners) onLost?.(why);
  }

  #end(): void {
    const holding = this.#holding;
    this.#holding = undefined;
    holding?.cancel();
    holding?.ended.abort();
  }

  #entry({ since, renewals }: Pick<LeaseEntry, 'since' | 'renewals'>): LeaseEntry {
    const { clock, holder, kind, revision, ttlMs } = this.#options;
    const at = new Date(clock.now()).toISOString();
    return { holder, kind, revision: revision(), since, at, ttlSeconds: ttlMs / 1_000, renewals };
  }
}
