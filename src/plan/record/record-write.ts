// How the record is written: the patch on tags, and what such a write means where nothing else is written.
import type { Declared } from '../../model/declared.ts';
import { isObject, setKey, type Json, type JsonObject } from '../../model/json.ts';
import type { Twin } from '../../model/twin.ts';
import { mergePatchBetween } from '../twin/changes.ts';
import type { Ownership } from '../twin/ownership.ts';
import { RECORD_TAG, composeRecord, rawRecord, type Owners, type RecordMemory } from './record.ts';

export interface RecordContext {
  readonly declared: Declared;
  readonly instance: string;
  readonly nowMs: number;
}

/**
 * The patch on tags that makes the record say who owns what; without owners, and without contests to remember, the record
 * goes, and all of the tag with the last.
 */
export function recordPatch(
  live: Twin,
  owners: Owners,
  memory: RecordMemory,
  { declared, instance, nowMs }: RecordContext,
): JsonObject {
  if (owners.size === 0 && memory.contests.size === 0) return recordRemoval(live, instance);
  const raw = rawRecord(live, instance);
  const record = composeRecord(owners, { revision: declared.revision, nowMs, etag: live.etag, memory });
  const difference = mergePatchBetween(raw, record);
  return difference === undefined ? {} : { [RECORD_TAG]: withKey(instance, difference) };
}

/** The patch on tags that takes the record away, and all of the tag with the last; empty where there is none. */
export function recordRemoval(live: Pick<Twin, 'tags'>, instance: string): JsonObject {
  if (rawRecord(live, instance) === undefined) return {};
  const records = live.tags?.[RECORD_TAG];
  const isLast = isObject(records) && Object.keys(records).length === 1;
  return { [RECORD_TAG]: isLast ? null : withKey(instance, null) };
}

function withKey(key: string, value: Json): JsonObject {
  const object: JsonObject = {};
  setKey(object, key, value);
  return object;
}

/** What a write of the record alone means; `recorded` is undefined where there was none. */
export function recordReason(
  recorded: Owners | undefined,
  { atoms, owners, recordedPaths }: Ownership,
): 'Adopted' | 'OwnerChanged' | 'Released' {
  if (recorded === undefined) return 'Adopted';
  const before = atoms
    .filter(({ atom }) => atom.policy === 'Override')
    .map(({ atom, owner }) => ({ owner, there: recordedPaths.overlapping(atom.path) }));
  if (before.some(({ owner, there }) => there.some((one) => one.owner !== owner))) return 'OwnerChanged';
  if (before.some(({ there }) => there.length === 0)) return 'Adopted';
  const isRespelt = [...owners].some(([owner, { deletionPolicy, profile }]) => {
    const entry = recorded.get(owner);
    return entry !== undefined && (entry.deletionPolicy !== deletionPolicy || entry.profile !== profile);
  });
  return isRespelt ? 'OwnerChanged' : 'Released';
}
