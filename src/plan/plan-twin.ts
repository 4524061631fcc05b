// One module twin in, one action out. Pure; the order of the decisions is the order of this file.
import type { Declared } from '../model/declared.ts';
import { isObject, mergePatch, setKey, type Json, type JsonObject } from '../model/json.ts';
import type { Profile } from '../model/profile.ts';
import type { DeviceFacts, Twin } from '../model/twin.ts';
import { matchesPattern } from '../profile/patterns.ts';
import type { ActionReason, ActionType, SettingChange, TwinAction } from './action.ts';
import { causeFrom, diffAbsences, diffDeclared, isAbsent, isMet, mergePatchBetween } from './changes.ts';
import { tooLarge } from './limits.ts';
import { settleOwners, type Ownership } from './ownership.ts';
import { applyChanges, desiredPatch, hasNull } from './patch.ts';
import {
  composeRecord,
  RECORD_TAG,
  rawRecord,
  readRecord,
  recordHolds,
  sameOwnership,
  type OwnedEntry,
} from './record.ts';
import type { Target } from './target.ts';

export interface PlanTwinInput {
  readonly declared: Declared;
  readonly instance: string;
  readonly target: Target;
  readonly device: DeviceFacts;
  readonly live: Twin | undefined;
  readonly nowMs: number;
}

export function planTwin(input: PlanTwinInput): TwinAction {
  const { target, live } = input;
  const isEnforced = target.layers.some((layer) => layer.state === 'Enforced');
  if (target.hold !== undefined && isEnforced) {
    return action(input, 'Hold', target.hold.reason, { message: target.hold.message });
  }
  if (live === undefined) return planMissing(input);
  if (isInSync(target, live, input.instance)) return action(input, 'Equal', 'InSync');
  const record = readRecord(live, input.instance);
  if (record.kind === 'newer') {
    const message = `The record on the twin has version ${record.version}, written by a newer Twinward. Upgrade this one.`;
    return action(input, 'Hold', 'RecordNewer', { message });
  }
  const recorded = record.kind === 'valid' ? record.owners : undefined;
  return planDifferent(input, live, recorded);
}

/** The common case, decided without allocating: everything is met and the record says exactly that. */
function isInSync(target: Target, live: Twin, instance: string): boolean {
  if (target.frozenOwners.size > 0) return false;
  const { desired } = live.properties;
  for (const { atom } of target.atoms) if (!isMet(atom, desired)) return false;
  for (const absence of target.absences) if (!isAbsent(absence, desired)) return false;
  return recordHolds(live, instance, target.own);
}

function planMissing(input: PlanTwinInput): TwinAction {
  const { layers, whenMissing } = input.target;
  if (layers.length === 0) return action(input, 'Equal', 'InSync');
  if (whenMissing === 'Create') return action(input, 'Create', 'ModuleMissing', { needs: BOTH_READS });
  return action(input, whenMissing === 'Skip' ? 'Skip' : 'Wait', 'ModuleMissing');
}

function planDifferent(
  input: PlanTwinInput,
  live: Twin,
  recorded: ReadonlyMap<string, OwnedEntry> | undefined,
): TwinAction {
  const { declared, target } = input;
  const desired = live.properties.desired;
  const ownership = settleOwners(recorded ?? new Map(), target, declared, desired);
  if (ownership.unknownProfile !== undefined) {
    const message =
      `Settings written through profile "${ownership.unknownProfile}" are to be removed, but the source no longer ` +
      'holds that profile. Put it back until they are gone.';
    return action(input, 'Hold', 'ProfileUnknown', { message });
  }
  const causeOf = causeFrom(recorded, (owner) => digestOf(target, owner));
  const isSensitive = (name: string): boolean =>
    target.profiles.some((profile) => matchesPattern(name, profile.sensitive));
  const changes = [
    ...ownership.removals,
    ...diffAbsences(target.absences, desired, causeOf, isSensitive),
    ...diffDeclared(ownership.atoms, desired, causeOf),
  ];
  const observed = [
    ...diffAbsences(target.observedAbsences, desired, causeOf, isSensitive),
    ...diffDeclared(target.observedAtoms, desired, causeOf),
  ];
  if (changes.length > 0) return planPatch(input, live, ownership, changes, observed);
  if (!sameOwnership(recorded ?? new Map(), ownership.owners))
    return planRecord(input, live, ownership, recorded, observed);
  if (observed.length > 0) return action(input, 'Observe', 'ModeObserve', { observed });
  if (ownership.kept !== undefined && target.owners.size === 0) {
    return action(input, 'Keep', ownership.kept, { message: KEEP_MESSAGES[ownership.kept] });
  }
  return action(input, 'Equal', 'InSync');
}

const KEEP_MESSAGES = {
  Suspended: 'Every configuration that owns settings here is suspended or only observed; they stay as they are.',
  Unassigned: 'No configuration selects this device any more; what was written stays, and so does its record.',
  OutOfInput: 'Its owners are not in this part of the source; nothing of theirs is touched.',
  SourceEmpty: 'The source holds no resource at all; that removes nothing. Keep at least the Hub to mean it.',
} as const;

function planPatch(
  input: PlanTwinInput,
  live: Twin,
  ownership: Ownership,
  changes: readonly SettingChange[],
  observed: readonly SettingChange[],
): TwinAction {
  const profiles = profilesInPlay(input, ownership);
  const desired = live.properties.desired;
  const next = applyChanges(desired, changes, profiles);
  const tags = recordPatch(input, live, ownership.owners);
  const size = tooLarge(asObject(mergePatch(live.tags, tags)), next);
  if (size !== undefined) {
    const message = `The twin would be too large: ${size}. Declare less, or remove what others left on it.`;
    return action(input, 'Hold', 'TwinTooLarge', { message });
  }
  const patch = { tags, properties: { desired: desiredPatch(desired, next, changes, profiles) } };
  const isFirst = changes.some(({ cause }) => cause === 'FirstConfiguration');
  const isSection = profiles.some(({ patchGranularity }) => patchGranularity === 'section');
  return action(input, 'Patch', weightiest(changes), {
    changes,
    observed,
    patch,
    needs: {
      moduleTwin: isFirst || isSection || hasNull(tags) || hasNull(patch.properties.desired),
      deviceTwin: isFirst || ownership.departed,
    },
  });
}

function planRecord(
  input: PlanTwinInput,
  live: Twin,
  ownership: Ownership,
  recorded: ReadonlyMap<string, OwnedEntry> | undefined,
  observed: readonly SettingChange[],
): TwinAction {
  const isKnown = ownership.atoms.some(({ atom }) => ownership.recordedPaths.overlaps(atom.path));
  const reason =
    recorded === undefined ? 'Adopted' : isKnown ? 'OwnerChanged' : ownership.released ? 'Released' : 'Adopted';
  return action(input, 'Record', reason, {
    observed,
    patch: { tags: recordPatch(input, live, ownership.owners) },
    needs: BOTH_READS,
  });
}

/** The patch on tags that makes the record say who owns what; without owners the record goes. */
function recordPatch(input: PlanTwinInput, live: Twin, owners: ReadonlyMap<string, OwnedEntry>): JsonObject {
  const { declared, instance, nowMs } = input;
  const raw = rawRecord(live, instance);
  const entry: JsonObject = {};
  if (owners.size === 0) {
    if (raw !== undefined) setKey(entry, instance, null);
  } else {
    const record = composeRecord(owners, { revision: declared.revision, nowMs, etag: live.etag });
    const difference: Json | undefined = mergePatchBetween(raw, record);
    if (difference !== undefined) setKey(entry, instance, difference);
  }
  return Object.keys(entry).length === 0 ? {} : { [RECORD_TAG]: entry };
}

/** Profiles whose agent will see the patch: those declared here and those through which settings are removed. */
function profilesInPlay({ target }: PlanTwinInput, { removalProfiles }: Ownership): readonly Profile[] {
  const profiles = [...target.profiles, ...removalProfiles];
  return [...new Map(profiles.map((profile) => [profile.name, profile])).values()];
}

const WEIGHTS: readonly ActionReason[] = [
  'OwnerRemoved',
  'LeftGroup',
  'SettingRemoved',
  'ConfigurationChanged',
  'FirstConfiguration',
  'Drift',
];

function weightiest(changes: readonly SettingChange[]): ActionReason {
  return WEIGHTS.find((reason) => changes.some(({ cause }) => cause === reason)) ?? 'Drift';
}

function digestOf(target: Target, owner: string): string | undefined {
  return target.layers.find(({ configuration }) => configuration.owner === owner)?.configuration.digest;
}

function asObject(value: Json): JsonObject {
  return isObject(value) ? value : {};
}

const NO_READS = { moduleTwin: false, deviceTwin: false };
const BOTH_READS = { moduleTwin: true, deviceTwin: true };

function action(
  { target, device, live }: PlanTwinInput,
  type: ActionType,
  reason: ActionReason,
  details: Partial<TwinAction> = {},
): TwinAction {
  return {
    type,
    reason,
    deviceId: device.deviceId,
    moduleId: target.moduleId,
    owners: target.layerOwners,
    etag: live?.etag,
    changes: NONE,
    observed: NONE,
    patch: undefined,
    needs: NO_READS,
    message: undefined,
    ...details,
  };
}

const NONE: readonly SettingChange[] = [];
