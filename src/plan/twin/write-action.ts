// The actions that write to a twin, each with its patch; a hold where it may not be written or would be too large.
import type { HoldAction, PatchAction, ReasonOf, RecordAction, SettingChange } from '../../model/action.ts';
import { hasNull, mergePatch } from '../../model/json.ts';
import type { Ownership } from './ownership.ts';
import { NO_OWNERS, type Owners } from '../record/owned-entry.ts';
import { recordMessage, releaseMessage } from '../record/record-message.ts';
import { recordPatch } from '../record/record-write.ts';
import { asideMessage, joined } from './aside-message.ts';
import { contestsAfter } from './corrections.ts';
import { findFrozenRule } from './frozen-rules.ts';
import { tooLarge } from '../../model/twin-size.ts';
import { nextVersion, userDesired } from '../../model/twin.ts';
import { findOtherWriter } from './other-writers.ts';
import { applyChanges, desiredPatch } from './patch.ts';
import type { TwinFacts } from './twin-facts.ts';

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
  const size = tooLarge(mergePatch(live.tags, tags), next);
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
  const size = tooLarge(mergePatch(live.tags, tags), userDesired(desired));
  if (size !== undefined) return holdTooLarge(facts, size);
  return {
    ...facts.about,
    type: 'Record',
    reason: recordReason(recorded, ownership),
    etag: live.etag,
    observed,
    message: joined([recordMessage(recorded ?? NO_OWNERS, ownership.owners), asideMessage(refused, contested)]),
    patch: { tags },
    needs: { moduleTwin: true, deviceTwin: true },
  };
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
