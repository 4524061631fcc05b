// The tags of the reserved device: lease, suspensions, last approval. Reads them defensively, as people and newer versions
// write there too.
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import { canonicalJson, getKey, isObject, type Json, type JsonObject } from '../../model/json.ts';
import { RESERVED_TAG } from '../../model/reserved-device.ts';
import type { Suspension } from '../../model/suspension.ts';
import type { Twin } from '../../model/twin.ts';
import type { FleetFacts } from '../../ports/fleet-state.ts';
import type { LeaseEntry, StoredLease } from '../../ports/lease.ts';

export interface ReservedTwin extends StoredLease, FleetFacts {
  /** Empty where the device does not exist. */
  readonly etag: string;
  /** All that is stored, with what only other versions know. */
  readonly raw: JsonObject;
}

/** `twin` is undefined where the device does not exist. */
export function readReserved(twin: Pick<Twin, 'etag' | 'tags'> | undefined): ReservedTwin {
  const found = getKey(twin?.tags ?? {}, RESERVED_TAG);
  const raw = isObject(found) ? found : {};
  const lease = getKey(raw, 'lease');
  return {
    etag: twin?.etag ?? '',
    lease: readLease(lease),
    leaseVersion: lease === undefined ? '' : canonicalJson(lease),
    suspensions: readSuspensions(getKey(raw, 'suspensions')),
    approved: readApproved(getKey(raw, 'approved')),
    raw,
  };
}

const TTL_SECONDS_MAX = 3_600;
const TTL_SECONDS_UNKNOWN = 300;

/** An entry that can't be read is a lease all the same: who waits for it watches it run out. */
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

/** A suspension that can't be read suspends everything: to write on would overrule whoever suspended. */
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
