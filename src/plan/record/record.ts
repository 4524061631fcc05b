// The record on the twin: who owns which settings, kept in module-twin tags and written in the same patch as they are.
import { getKey, isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Owner } from '../../model/owner.ts';
import type { Twin } from '../../model/twin.ts';
import { ownerOfKey, readOwn, sameOwn, type Owners } from './owned-entry.ts';
import { NO_CONTESTS, readContests, type Contests } from './contest.ts';
import { readNudges, type Nudges } from './nudge.ts';

export const RECORD_TAG = 'twinward';
export const RECORD_VERSION = 1;

export type RecordReading =
  | { readonly kind: 'absent' }
  /** Written by a newer Twinward: it may mean what we can't know. */
  | { readonly kind: 'newer'; readonly version: number }
  /** Not a record we could have written: adopt again from what means the same, remove nothing. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'valid'; readonly owners: Owners; readonly memory: RecordMemory };

/** What a record remembers besides ownership. It is written with something else, never for its own sake. */
export interface RecordMemory {
  readonly contests: Contests;
  readonly nudges: Nudges | undefined;
  /** `$version` of the desired properties after our own last write to them; undefined where we never wrote any. */
  readonly desiredVersion: number | undefined;
}

export const NO_MEMORY: RecordMemory = { contests: NO_CONTESTS, nudges: undefined, desiredVersion: undefined };

const ABSENT: RecordReading = { kind: 'absent' };
const DAMAGED: RecordReading = { kind: 'damaged' };

/** A twin, or a patch of one. */
interface Tagged {
  readonly tags?: JsonObject | undefined;
}

/** The record's raw value, whatever it is. */
export function rawRecord(twin: Tagged, instance: string): Json | undefined {
  return getKey(recordsOf(twin), instance);
}

/** Installations that have a record on the twin, in no particular order. */
export function recordedInstances(twin: Tagged): readonly string[] {
  return Object.keys(recordsOf(twin));
}

function recordsOf({ tags }: Tagged): JsonObject {
  const records = tags === undefined ? undefined : getKey(tags, RECORD_TAG);
  return isObject(records) ? records : {};
}

/** The owners in a record, whatever else it holds; none where it is not a record. */
export function recordedOwners(twin: Pick<Twin, 'tags'>, instance: string): readonly Owner[] {
  const raw = rawRecord(twin, instance);
  const own = isObject(raw) ? getKey(raw, 'own') : undefined;
  return isObject(own) ? Object.keys(own).map(ownerOfKey) : [];
}

/** What the record says that its own write makes of the twin's etag; undefined where it says nothing. */
export function recordedEtag(twin: Tagged, instance: string): string | undefined {
  const raw = rawRecord(twin, instance);
  const etag = isObject(raw) ? getKey(raw, 'etag') : undefined;
  return typeof etag === 'string' ? etag : undefined;
}

export function readRecord(twin: Pick<Twin, 'tags'>, instance: string): RecordReading {
  const raw = rawRecord(twin, instance);
  if (raw === undefined) return ABSENT;
  if (!isObject(raw)) return DAMAGED;
  const version = getKey(raw, 'v');
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return DAMAGED;
  if (version > RECORD_VERSION) return { kind: 'newer', version };
  const own = getKey(raw, 'own');
  if (!isObject(own)) return DAMAGED;
  const owners = readOwn(own);
  return owners === undefined ? DAMAGED : { kind: 'valid', owners, memory: readMemory(raw) };
}

/** What is damaged here is forgotten; who owns what does not hang on it. */
function readMemory(raw: JsonObject): RecordMemory {
  const { contest, nudge, desired } = raw;
  return {
    contests: readContests(contest),
    nudges: readNudges(nudge),
    desiredVersion: typeof desired === 'number' ? desired : undefined,
  };
}

/**
 * True where the record on a twin is one of ours and its owners are spelt exactly like these, digests aside: the common
 * case, decided without reading the record. Where it is false, `readRecord` and `sameOwnership` decide.
 */
export function recordHolds(twin: Pick<Twin, 'tags'>, instance: string, own: JsonObject): boolean {
  const raw = rawRecord(twin, instance);
  if (!isObject(raw) || getKey(raw, 'v') !== RECORD_VERSION) return false;
  const live = getKey(raw, 'own');
  // A record without owners only remembers something: whether it still has to is not for here.
  return isObject(live) && sameOwn(own, live) && Object.keys(own).length > 0;
}
