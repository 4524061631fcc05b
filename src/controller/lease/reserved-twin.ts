// What the twin of the reserved device says: who may write, what is suspended, what was approved. Read with suspicion:
// people and newer versions write there too.
import { getKey, isObject, type Json, type JsonObject } from '../../model/json.ts';
import { reservedDeviceId, RESERVED_TAG } from '../../model/reserved-device.ts';
import type { Suspension } from '../../model/suspension.ts';
import type { Twin } from '../../model/twin.ts';
import type { EarlierApproval } from '../../plan/guard/guards.ts';
import type { Hub } from '../../ports/hub.ts';
import { orMissing } from '../queue/optional-read.ts';

export type LeaseKind = 'run' | 'apply' | 'uninstall';

/** One holding of the lease. Whoever waits compares it with what it saw before, by its own clock. */
export interface LeaseEntry {
  /** user@host and something that no other process has. */
  readonly holder: string;
  readonly kind: string;
  readonly revision: string;
  /** ISO 8601, by the holder's clock; for people. */
  readonly since: string;
  /** The last renewal, likewise. */
  readonly at: string;
  readonly ttlSeconds: number;
  /** Grows with each renewal. */
  readonly renewals: number;
}

export interface ReservedTwin {
  readonly etag: string;
  readonly lease: LeaseEntry | undefined;
  readonly suspensions: readonly Suspension[];
  readonly approved: EarlierApproval | undefined;
  /** As it stands there, for the difference to what is to stand there. */
  readonly raw: JsonObject;
}

/** Undefined where there is no such device. */
export async function readReservedTwin(
  hub: Hub,
  instance: string,
  signal: AbortSignal,
): Promise<ReservedTwin | undefined> {
  const twin = await orMissing(hub.getDeviceTwin(reservedDeviceId(instance), signal));
  return twin === undefined ? undefined : readReserved(twin);
}

export function readReserved({ etag, tags }: Pick<Twin, 'etag' | 'tags'>): ReservedTwin {
  const found = tags === undefined ? undefined : getKey(tags, RESERVED_TAG);
  const raw = isObject(found) ? found : {};
  return {
    etag,
    lease: readLease(getKey(raw, 'lease')),
    suspensions: readSuspensions(getKey(raw, 'suspensions')),
    approved: readApproved(getKey(raw, 'approved')),
    raw,
  };
}

const TTL_SECONDS_MAX = 3_600;
const TTL_SECONDS_UNKNOWN = 300;

/** What can't be read is somebody's all the same: it is waited for until it has not changed for long. */
function readLease(raw: Json | undefined): LeaseEntry | undefined {
  if (raw === undefined) return undefined;
  const { holder, kind, revision, since, at, ttl, n } = isObject(raw) ? raw : {};
  return {
    holder: textOf(holder),
    kind: textOf(kind),
    revision: textOf(revision),
    since: textOf(since),
    at: textOf(at),
    ttlSeconds: typeof ttl === 'number' && ttl > 0 ? Math.min(ttl, TTL_SECONDS_MAX) : TTL_SECONDS_UNKNOWN,
    renewals: typeof n === 'number' ? n : 0,
  };
}

export function composeLease({ holder, kind, revision, since, at, ttlSeconds, renewals }: LeaseEntry): JsonObject {
  return { holder, kind, revision, since, at, ttl: ttlSeconds, n: renewals };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : 'unknown';
}

/** One that can't be read stops everything: to write on would be to overrule whoever suspended. */
function readSuspensions(raw: Json | undefined): readonly Suspension[] {
  if (raw === undefined) return [];
  return Array.isArray(raw) ? raw.map((item) => readSuspension(item) ?? UNREADABLE) : [UNREADABLE];
}

const UNREADABLE: Suspension = {
  scope: 'All',
  who: 'unknown',
  reason: 'a suspension that this version can not read',
  untilMs: undefined,
};

function readSuspension(raw: Json): Suspension | undefined {
  if (!isObject(raw)) return undefined;
  const { scope, name, who, reason, until } = raw;
  const untilMs = typeof until === 'string' ? Date.parse(until) : undefined;
  if (untilMs !== undefined ? Number.isNaN(untilMs) : until !== undefined) return undefined;
  const facts = { who: textOf(who), reason: textOf(reason), untilMs };
  if (scope === 'All') return { scope, ...facts };
  if ((scope !== 'Configuration' && scope !== 'Device') || typeof name !== 'string') return undefined;
  return { scope, name, ...facts };
}

export function composeSuspensions(suspensions: readonly Suspension[]): Json {
  return suspensions.map(({ who, reason, untilMs, ...what }): Json => {
    const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
    return { ...what, who, reason, ...until };
  });
}

function readApproved(raw: Json | undefined): EarlierApproval | undefined {
  const { fingerprint, shapes } = isObject(raw) ? raw : {};
  if (typeof fingerprint !== 'string' || !Array.isArray(shapes)) return undefined;
  return { fingerprint, shapes: shapes.filter((shape) => typeof shape === 'string') };
}
