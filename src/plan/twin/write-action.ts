// The actions that write to a twin, each with its patch; a hold where the twin may not or can not take it.
import type { HoldAction, PatchAction, ReasonOf, RecordAction, SettingChange } from '../../model/action.ts';
import { isObject, mergePatch, type Json, type JsonObject } from '../../model/json.ts';
import { NO_OWNERS } from '../record/owned-entry.ts';
import { recordMessage, releaseMessage } from '../record/record-message.ts';
import { recordPatch } from '../record/record-write.ts';
import { asideMessage, joined } from './aside-message.ts';
import { contestsAfter } from './corrections.ts';
import { findFrozenRule } from './frozen-rules.ts';
import { tooLarge } from './limits.ts';
import { findOtherWriter } from './other-writers.ts';
import { applyChanges, desiredPatch, hasNull, nextVersion, userDesired } from './patch.ts';
import { recordReason } from './record-reason.ts';
import type { TwinFacts } from './twin-facts.ts';

export const BOTH_READS = { moduleTwin: true, deviceTwin: true };

/** Writes the changes, and the record with them. */
export function patchAction(facts: TwinFacts): PatchAction | HoldAction {
  const { input, live, desired, memory, ownership, corrections } = facts;
  const { target, others, nowMs } = input;
  const { changes, refused, contested, observed } = facts.differences;
  const recorded = facts.recorded ?? NO_OWNERS;
  const profiles = [...new Set([...target.profiles, ...ownership.profiles])];
  const next = applyChanges(desired, changes, profiles);
  const refusal =
    findOtherWriter(others, live, changes) ??
    (target.hasFrozen ? findFrozenRule(profiles, ownership, next) : undefined);
  if (refusal !== undefined) return { ...facts.about, type: 'Hold', ...refusal };
  const contests = contestsAfter(changes, corrections, target, nowMs);
  const tags = recordPatch(live, ownership.owners, { ...memory, contests, desiredVersion: nextVersion(live) }, input);
  const size = tooLarge(asObject(mergePatch(live.tags, tags)), next);
  if (size !== undefined) return holdTooLarge(facts, size);
  const patch = { tags, properties: { desired: desiredPatch(desired, next, changes, profiles) } };
  const joins = [...ownership.owners.keys()].some((owner) => !recorded.has(owner));
  const isFirst = joins || changes.some(({ cause }) => cause === 'FirstConfiguration');
  const isSection = profiles.some(({ patchGranularity }) => patchGranularity === 'section');
  const isMembership = isFirst || ownership.departed;
  return {
    ...facts.about,
    type: 'Patch',
    reason: weightiest(changes),
    etag: live.etag,
    observed,
    message: joined([releaseMessage(recorded, ownership.owners, changes), asideMessage(refused, contested)]),
    changes,
    patch,
    needs: {
      moduleTwin: isMembership || isSection || hasNull(tags) || hasNull(patch.properties.desired),
      deviceTwin: isMembership,
    },
  };
}

/** Writes the record alone. */
export function recordAction(facts: TwinFacts): RecordAction | HoldAction {
  const { input, live, desired, recorded, memory, ownership, corrections } = facts;
  const { refused, contested, observed } = facts.differences;
  const refusal = findOtherWriter(input.others, live, []);
  if (refusal !== undefined) return { ...facts.about, type: 'Hold', ...refusal };
  const contests = contestsAfter([], corrections, input.target, input.nowMs);
  const tags = recordPatch(live, ownership.owners, { ...memory, contests }, input);
  const size = tooLarge(asObject(mergePatch(live.tags, tags)), userDesired(desired));
  if (size !== undefined) return holdTooLarge(facts, size);
  return {
    ...facts.about,
    type: 'Record',
    reason: recordReason(recorded, ownership),
    etag: live.etag,
    observed,
    message: joined([recordMessage(recorded ?? NO_OWNERS, ownership.owners), asideMessage(refused, contested)]),
    patch: { tags },
    needs: BOTH_READS,
  };
}

function holdTooLarge(facts: TwinFacts, size: string): HoldAction {
  const message = `The twin would be too large: ${size}. Declare less, or remove what others left on it.`;
  return { ...facts.about, type: 'Hold', reason: 'TwinTooLarge', message };
}

const WEIGHTS = [
  'OwnerRemoved',
  'LeftGroup',
  'SettingRemoved',
  'ExceptionEnded',
  'ConfigurationChanged',
  'FirstConfiguration',
  'Drift',
] as const;

function weightiest(changes: readonly SettingChange[]): ReasonOf<'Patch'> {
  return WEIGHTS.find((reason) => changes.some(({ cause }) => cause === reason)) ?? 'Drift';
}

function asObject(value: Json): JsonObject {
  return isObject(value) ? value : {};
}
