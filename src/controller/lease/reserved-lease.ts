// The right to write to a hub, one holder at a time for each installation: kept on the reserved device, by compare and
// swap. No two clocks are compared: who waits watches for changes, who holds counts from its own last renewal.
import { HubError } from '../../model/errors.ts';
import { canonicalJson, type Json, type JsonObject } from '../../model/json.ts';
import { reservedDeviceId, RESERVED_TAG } from '../../model/reserved-device.ts';
import type { Twin } from '../../model/twin.ts';
import { mergePatchBetween } from '../../plan/twin/changes.ts';
import type { EarlierApproval } from '../../plan/guard/guards.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import { mapHub } from '../../ports/map-hub.ts';
import type { Log } from '../../ports/log.ts';
import { composeLease, readReserved, type LeaseEntry, type LeaseKind, type ReservedTwin } from './reserved-twin.ts';
import { orMissing } from '../queue/optional-read.ts';

export interface LeaseOptions {
  /** Not budgeted: a renewal must not queue behind the work that it allows. Not closed here. */
  readonly hub: Hub;
  readonly instance: string;
  /** user@host and something that no other process has. */
  readonly holder: string;
  readonly kind: LeaseKind;
  /** Of what is written now; told to those who wait. */
  readonly revision: () => string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The reserved twin as a renewal found it. */
  readonly onTwin?: (twin: ReservedTwin) => void;
  /** Called once for each holding that ends by itself. */
  readonly onLost?: (why: string) => void;
}

export type Acquired = { readonly kind: 'Held' } | { readonly kind: 'Waiting'; readonly entry: LeaseEntry };

/** A holder renews at a third and stops writing at two thirds, so that the last third covers what is in flight. */
const RENEW_SHARE = 1 / 3;
const STOP_SHARE = 2 / 3;
const RETRY_SHARE = 1 / 12;
const TRIES_MAX = 5;
const RELEASE_MS_MAX = 5_000;
/** Shapes of one approval that are remembered; of a larger one a crash asks for a new word. */
const SHAPES_MAX = 100;

export class Lease {
  readonly #options: LeaseOptions;
  #holding: Holding | undefined;
  #watched: { readonly text: string; readonly sinceMs: number } | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    const { clock } = this.#options;
    return this.#holding !== undefined && clock.now() < this.#holding.stopAtMs;
  }

  /** Fires when the present holding ends; fired already where there is none. */
  get signal(): AbortSignal {
    return this.#holding?.ended.signal ?? AbortSignal.abort();
  }

  /** As last read or written while holding. */
  get twin(): ReservedTwin | undefined {
    return this.#holding?.twin;
  }

  /** How often to try again while somebody else holds it. */
  get pollMs(): number {
    return this.#options.ttlMs * RENEW_SHARE;
  }

  /**
   * Takes the lease where nobody has it, or where it did not change for as long as it was good for while we watched, or,
   * with `force`, from whoever has it. Rejects with HubError.
   */
  async acquire(signal: AbortSignal, force = false): Promise<Acquired> {
    if (this.isHeld) return { kind: 'Held' };
    this.#end();
    const { clock, hub, instance, holder } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const twin = readReserved(await openReserved(hub, instance, signal));
      const { lease } = twin;
      const isFree = lease === undefined || lease.holder === holder || force || this.#hasRunOut(lease);
      if (!isFree) return { kind: 'Waiting', entry: lease };
      const startedAtMs = clock.now();
      const since = new Date(startedAtMs).toISOString();
      try {
        const taken = await this.#write(twin, this.#entry({ since, renewals: 0 }), signal);
        this.#watched = undefined;
        this.#hold(taken, since, startedAtMs);
        return { kind: 'Held' };
      } catch (error) {
        // Somebody was faster: the next read says who, or that it was about something else.
        if (!isMoved(error) || tries === TRIES_MAX) throw error;
      }
    }
  }

  /** Remembers on the hub what was approved, for whoever goes on after a crash. Never rejects: it is only a help. */
  async remember(approved: EarlierApproval, signal: AbortSignal): Promise<void> {
    const holding = this.#holding;
    if (holding === undefined || approved.shapes.length > SHAPES_MAX) return;
    await this.#renew(holding, signal, { approved: { ...approved, shapes: [...approved.shapes] } });
  }

  /** Gives the lease back, so that the next need not wait. Never rejects; idempotent. */
  async release(): Promise<void> {
    const holding = this.#holding;
    this.#end();
    if (holding === undefined) return;
    const limit = new AbortController();
    const cancel = this.#options.clock.schedule(RELEASE_MS_MAX, () => limit.abort());
    try {
      await this.#write(holding.twin, undefined, limit.signal);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#options.log.info('The lease was not given back; it runs out by itself', { why: error.message });
    } finally {
      cancel();
    }
  }

  #hasRunOut(lease: LeaseEntry): boolean {
    const text = canonicalJson(composeLease(lease));
    const nowMs = this.#options.clock.now();
    if (this.#watched?.text !== text) this.#watched = { text, sinceMs: nowMs };
    return nowMs - this.#watched.sinceMs >= lease.ttlSeconds * 1_000;
  }

  #hold(twin: ReservedTwin, since: string, startedAtMs: number): void {
    const { ttlMs } = this.#options;
    this.#holding = {
      since,
      twin,
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

  /** One renewal, or another try soon, or the end. Never rejects for the world's failures. */
  async #keep(holding: Holding): Promise<void> {
    const { clock, ttlMs } = this.#options;
    if (this.#holding !== holding) return;
    if (clock.now() >= holding.stopAtMs) return this.#lose(holding, 'it could not be renewed in time');
    // The holding ends on time also where the hub does not answer at all.
    this.#schedule(holding, holding.stopAtMs - clock.now());
    const isRenewed = await this.#renew(holding, holding.ended.signal);
    if (this.#holding !== holding) return;
    const delayMs = isRenewed ? ttlMs * RENEW_SHARE : Math.min(ttlMs * RETRY_SHARE, holding.stopAtMs - clock.now());
    this.#schedule(holding, delayMs);
  }

  /** False where another try may do. */
  async #renew(holding: Holding, signal: AbortSignal, extras: JsonObject = {}): Promise<boolean> {
    const { clock, ttlMs, log, onTwin } = this.#options;
    const startedAtMs = clock.now();
    try {
      const entry = this.#entry({ since: holding.since, renewals: holding.renewals + 1 });
      holding.twin = await this.#write(holding.twin, entry, signal, extras);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      if (isMoved(error) && (await this.#isStillOurs(holding, signal))) return this.#renew(holding, signal, extras);
      if (this.#holding === holding) log.warn('The lease was not renewed', { code: error.code });
      return false;
    }
    holding.renewals += 1;
    holding.stopAtMs = startedAtMs + ttlMs * STOP_SHARE;
    onTwin?.(holding.twin);
    return true;
  }

  /** The etag moves when somebody suspends, too. */
  async #isStillOurs(holding: Holding, signal: AbortSignal): Promise<boolean> {
    const { hub, instance, holder } = this.#options;
    try {
      const twin = readReserved(await hub.getDeviceTwin(reservedDeviceId(instance), signal));
      holding.twin = twin;
      if (twin.lease?.holder === holder) return this.#holding === holding;
      this.#lose(holding, twin.lease === undefined ? 'somebody removed it' : `${twin.lease.holder} has it now`);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      if (error.code === 'NotFound') this.#lose(holding, 'the device that it is kept on is gone');
    }
    return false;
  }

  #lose(holding: Holding, why: string): void {
    if (this.#holding !== holding) return;
    this.#options.log.warn('The lease is lost; nothing is written until it is held again', { why });
    this.#end();
    this.#options.onLost?.(why);
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

  async #write(
    { raw, etag }: ReservedTwin,
    entry: LeaseEntry | undefined,
    signal: AbortSignal,
    extras: JsonObject = {},
  ): Promise<ReservedTwin> {
    const { lease: _, ...rest } = raw;
    const next: JsonObject = { ...rest, ...extras, ...(entry === undefined ? {} : { lease: composeLease(entry) }) };
    const patch: Json = mergePatchBetween(raw, next) ?? {};
    const { hub, instance } = this.#options;
    return readReserved(await hub.patchDeviceTwin(reservedDeviceId(instance), { [RESERVED_TAG]: patch }, etag, signal));
  }
}

/** The twin of the reserved device, which is made where it is missing. */
export async function openReserved(hub: Hub, instance: string, signal: AbortSignal): Promise<Twin> {
  const deviceId = reservedDeviceId(instance);
  const twin = await orMissing(hub.getDeviceTwin(deviceId, signal));
  if (twin !== undefined) return twin;
  try {
    const statusReason = 'Reserved by Twinward for its lease and suspensions; it is no device.';
    await hub.createDevice(deviceId, { status: 'disabled', statusReason }, signal);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    if (error.code !== 'AlreadyExists') throw explainCreation(error, deviceId);
  }
  return hub.getDeviceTwin(deviceId, signal);
}

/** Nothing else that every installation does needs to write the registry. */
function explainCreation(error: HubError, deviceId: string): HubError {
  if (error.code !== 'Unauthorized') return error;
  const hint = `The lease is kept on the device "${deviceId}": let the credential create it, or create it yourself, disabled.`;
  return new HubError(error.code, `${error.message} ${hint}`, { serviceCode: error.serviceCode, cause: error });
}

interface Holding {
  readonly since: string;
  readonly ended: AbortController;
  twin: ReservedTwin;
  stopAtMs: number;
  renewals: number;
  cancel: () => void;
}

function isMoved(error: unknown): boolean {
  return error instanceof HubError && error.code === 'PreconditionFailed';
}

/** The hub for whoever writes under a lease: refuses writes to the fleet at the last moment where the lease is not held. */
export function fencedHub(hub: Hub, isAllowed: () => boolean): Hub {
  return mapHub(hub, {
    call: ({ writesTo }, run) => (writesTo !== 'fleet' || isAllowed() ? run() : refuse()),
  });
}

function refuse(): Promise<never> {
  return Promise.reject(new HubError('Aborted', 'The lease is not held: another controller may be writing.'));
}
