// How the record is written: the patch on tags, and the record itself.
import type { Declared } from '../../model/declared.ts';
import { isObject, mergePatchBetween, setKey, type Json, type JsonObject } from '../../model/json.ts';
import { etagCounter, etagOfCounter, type Twin } from '../../model/twin.ts';
import { composeOwn, type Owners } from './owned-entry.ts';
import { composeNudges } from './nudge.ts';
import { composeContests } from './contest.ts';
import { momentText } from '../../model/moment.ts';
import { RECORD_TAG, RECORD_VERSION, rawRecord, type RecordMemory } from './record.ts';

interface RecordContext {
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

/** The patch on tags that removes the record, and all of the tag with the last; empty where there is none. */
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

/** The record as the next write puts it, holding the etag that this very write will produce. */
export function composeRecord(
  owners: Owners,
  facts: {
    readonly revision: string;
    readonly nowMs: number;
    readonly etag: string;
    readonly memory: RecordMemory;
  },
): JsonObject {
  const counter = etagCounter(facts.etag);
  const { contests, nudges, desiredVersion } = facts.memory;
  const contest = composeContests(contests);
  return {
    v: RECORD_VERSION,
    ...(counter === undefined ? {} : { etag: etagOfCounter(counter + 1n) }),
    at: momentText(facts.nowMs),
    rev: shortRevision(facts.revision),
    ...(desiredVersion === undefined ? {} : { desired: desiredVersion }),
    ...(contest === undefined ? {} : { contest }),
    ...(nudges === undefined ? {} : { nudge: composeNudges(nudges) }),
    own: composeOwn(owners),
  };
}

function shortRevision(revision: string): string {
  return revision.replace(/^sha(1|256):/, '').slice(0, 12);
}
