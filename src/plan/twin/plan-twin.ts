// One module twin in, one action out. Pure; the order of the decisions is the order of this file.
import type { Declared, Mode } from '../../model/declared.ts';
import { isObject, mergePatch, type Json, type JsonObject } from '../../model/json.ts';
import type { DeviceFacts, Twin } from '../../model/twin.ts';
import { holdsMatch } from '../../profile/patterns.ts';
import { differencesOf, writes, type ReasonOf, type SettingChange, type TwinAction } from '../../model/action.ts';
import type { Owner } from '../../model/owner.ts';
import { recordReason } from './record-reason.ts';
import { NO_OWNERS, sameOwnership, type Owners } from '../record/owned-entry.ts';
import { causeFrom, diffAbsences, diffDeclared, isAbsent, isMet, type ChangeContext } from './changes.ts';
import { contestsText } from '../record/contest.ts';
import { contestsAfter, isLeftAlone, memoryOfTaken, type CorrectionFacts } from './corrections.ts';
import { findFrozenRule } from './frozen-rules.ts';
import { tooLarge } from './limits.ts';
import { settleOwners, type Ownership } from './ownership.ts';
import { applyChanges, desiredPatch, hasNull, nextVersion, userDesired } from './patch.ts';
import { planNudge } from './plan-nudge.ts';
import { recordMessage, releaseMessage } from '../record/record-message.ts';
import { recordPatch } from '../record/record-write.ts';
import { NO_MEMORY, readRecord, recordHolds, type RecordMemory, type RecordReading } from '../record/record.ts';
import { findNeighbour, type Surroundings } from './other-writers.ts';
import type { Target } from '../target/target.ts';

interface PlanTwinInput {
  readonly declared: Declared;
  readonly instance: string;
  readonly hubMode: Mode;
  readonly target: Target;
  readonly device: DeviceFacts;
  readonly live: Twin | undefined;
  readonly nowMs: number;
  readonly around: Surroundings;
}

/** Whatever is decided, nothing is written on a hub that is only observed. */
export function planTwin(input: PlanTwinInput): TwinAction {
  const action = decide(input);
  if (input.hubMode === 'Enforce' || !writes(action)) return action;
  const { message } = action;
  return { ...about(input), type: 'Observe', reason: 'ModeObserve', observed: differencesOf(action), message };
}

function decide(input: PlanTwinInput): TwinAction {
  const { target, live } = input;
  if (target.hold !== undefined) {
    return { ...about(input), type: 'Hold', reason: target.hold.reason, message: target.hold.message };
  }
  if (live === undefined) return planMissing(input);
  if (isInSync(target, live, input.instance))
    return planSettled(input, live, { ...about(input), type: 'Equal', reason: 'InSync' });
  const record = readRecord(live, input.instance);
  if (record.kind === 'newer') {
    const message = `The record on the twin has version ${record.version}, written by a newer Twinward. Upgrade this one.`;
    return { ...about(input), type: 'Hold', reason: 'RecordNewer', message };
  }
  return planDifferent(input, live, record.kind === 'valid' ? record : undefined);
}

/** What the record says of a twin where it is ours and can be read. */
type ValidRecord = Extract<RecordReading, { kind: 'valid' }>;

/** The common case, decided without allocating: everything is met and the record says exactly that. */
function isInSync(target: Target, live: Twin, instance: string): boolean {
  if (target.hasFrozen) return false;
  const { desired } = live.properties;
  for (const { atom } of target.atoms) if (!isMet(atom, desired)) return false;
  for (const absence of target.absences) if (!isAbsent(absence, desired)) return false;
  return recordHolds(live, instance, target.own);
}

function planMissing(input: PlanTwinInput): TwinAction {
  const { device, target } = input;
  const { layers, whenMissing } = target;
  if (layers.length === 0) return { ...about(input), type: 'Equal', reason: 'InSync' };
  // On a disabled device the service refuses to create one, whoever asks.
  if (whenMissing === 'Create' && device.status === 'enabled')
    return {
      ...about(input),
      type: 'Create',
      reason: 'ModuleMissing',
      needs: BOTH_READS,
      changes: firstSettings(input),
    };
  return { ...about(input), type: whenMissing === 'Skip' ? 'Skip' : 'Wait', reason: 'ModuleMissing' };
}

/** What a module gets that is made now. */
function firstSettings({ declared, target }: PlanTwinInput): readonly SettingChange[] {
  const ownership = settleOwners(NO_OWNERS, target, declared, {});
  return diffDeclared(ownership.atoms, {}, changeContext(target, ownership, NO_OWNERS));
}

function planDifferent(input: PlanTwinInput, live: Twin, record: ValidRecord | undefined): TwinAction {
  const { declared, target, nowMs } = input;
  const recorded = record?.owners;
  const taken = record === undefined ? memoryOfTaken(live, input.around.memory) : undefined;
  const memory = record?.memory ?? taken ?? NO_MEMORY;
  const desired = live.properties.desired;
  const ownership = settleOwners(recorded ?? NO_OWNERS, target, declared, desired);
  if (ownership.unknownProfile !== undefined) {
    const message =
      `Settings written through profile "${ownership.unknownProfile}" are to be removed, but the source no longer ` +
      'holds that profile. Put it back until they are gone.';
    return { ...about(input), type: 'Hold', reason: 'ProfileUnknown', message };
  }
  const context = changeContext(target, ownership, recorded ?? NO_OWNERS);
  const diff = ({ atoms, absences }: Pick<Ownership, 'atoms' | 'absences'>): SettingChange[] => [
    ...diffAbsences(absences, desired, context),
    ...diffDeclared(atoms, desired, context),
  ];
  const wanted = [...ownership.removals, ...diff(ownership)];
  const facts = { contests: memory.contests, owners: ownership.owners, isRecordTaken: taken !== undefined };
  const contested = target.observeOnly ? [] : wanted.filter((change) => isLeftAlone(change, facts, nowMs));
  const changes = contested.length === 0 ? wanted : wanted.filter((change) => !contested.includes(change));
  const refused = diff(ownership.refused);
  const observed = [
    ...diff({ atoms: target.observedAtoms, absences: target.observedAbsences }),
    ...refused,
    ...contested.map((change): SettingChange => ({ ...change, cause: 'Contested' })),
  ];
  const message = asideMessage(refused, contested);
  if (!target.observeOnly && !target.isFrozen) {
    const aside = { observed, message };
    const past = { recorded, memory, facts };
    if (changes.length > 0) return planPatch(input, live, past, ownership, changes, aside);
    const isOwnershipOther = !sameOwnership(recorded ?? NO_OWNERS, ownership.owners) || isOutlived(input, past);
    // Whoever argues by taking the record away would be given it back for ever.
    const isArgued = taken !== undefined && contested.length > 0;
    if (isOwnershipOther && !isArgued) return planRecord(input, live, past, ownership, aside);
  }
  if (contested.length > 0) {
    const words = contestedMessage(refused, contested, memory);
    return planSettled(input, live, {
      ...about(input),
      type: 'Observe',
      reason: 'Contested',
      observed,
      message: words,
    });
  }
  if (message !== undefined && changes.length === 0)
    return { ...about(input), type: 'Keep', reason: 'OutOfInput', observed, message };
  const differences = [...observed, ...changes];
  if (differences.length > 0) {
    return {
      ...about(input),
      type: 'Observe',
      reason: 'ModeObserve',
      observed: differences,
      message: observedMessage(target),
    };
  }
  if (target.layers.some(({ state }) => state !== 'Suspended'))
    return { ...about(input), type: 'Equal', reason: 'InSync' };
  const kept = ownership.kept ?? (target.layers.length > 0 ? 'Suspended' : undefined);
  if (kept === undefined) return { ...about(input), type: 'Equal', reason: 'InSync' };
  const because = kept === 'Suspended' ? target.suspendedBecause : undefined;
  return { ...about(input), type: 'Keep', reason: kept, message: because ?? KEEP_MESSAGES[kept] };
}

/** What is known of our earlier writes; `recorded` is undefined where there is no record that we can read. */
interface Past {
  readonly recorded: Owners | undefined;
  readonly memory: RecordMemory;
  readonly facts: CorrectionFacts;
}

/** True where a record that held nothing but contests has nothing left to remember. */
function isOutlived({ target, nowMs }: PlanTwinInput, { recorded, facts }: Past): boolean {
  return recorded?.size === 0 && facts.owners.size === 0 && contestsAfter([], facts, target, nowMs).size === 0;
}

/** What goes with a write and does not depend on it. */
type Aside = Pick<TwinAction, 'observed' | 'message'>;

/** The same for all twins alike: what differs from twin to twin is told of those where nothing else is to be done. */
function asideMessage(refused: readonly SettingChange[], contested: readonly SettingChange[]): string | undefined {
  return joined([
    refused.length === 0
      ? undefined
      : `Not written, as owners that are not in this part of the source have it: ${namesText(refused)}. Apply them together.`,
    contested.length === 0
      ? undefined
      : `Left alone, as another writer keeps changing it: ${namesText(contested)}. Find it, or let the setting go.`,
  ]);
}

function contestedMessage(
  refused: readonly SettingChange[],
  contested: readonly SettingChange[],
  { contests }: RecordMemory,
): string | undefined {
  const names = [...new Set(contested.map(({ name }) => name))];
  return joined([asideMessage(refused, []), contestsText(contests, names)]);
}

function namesText(changes: readonly SettingChange[]): string {
  return changes.map(({ name }) => `"${name}"`).join(', ');
}

function joined(texts: readonly (string | undefined)[]): string | undefined {
  const given = texts.filter((text) => text !== undefined);
  return given.length === 0 ? undefined : given.join(' ');
}

/** What a hub only observes is told once, not of each twin. */
function observedMessage({ observedBy }: Target): string | undefined {
  return observedBy === undefined
    ? undefined
    : `The mode of ${observedBy} is Observe; Enforce there lets it be written.`;
}

const KEEP_MESSAGES = {
  Suspended:
    'Every configuration for this module is suspended; what they own stays as it is until their manifests say suspend: false.',
  Unassigned:
    'No configuration selects this device any more; what was written stays, and so does its record. Give it back its tags, or let a configuration select it.',
  OutOfInput:
    'Its owners are not in this part of the source; nothing of theirs is touched. Give the whole source to decide about it.',
  SourceEmpty: 'The source holds no resource at all; that removes nothing. Keep at least the Hub to mean it.',
} as const;

function changeContext(target: Target, { recordedPaths }: Ownership, recorded: Owners): ChangeContext {
  return {
    causeOf(owner, path, isRecorded) {
      const recordedThere = recordedPaths.overlapping(path);
      const history = {
        digest: recorded.get(owner)?.digest,
        owns: recordedThere.some((there) => there.owner === owner),
        followsDeparted: recordedThere.some(({ fate }) => fate === 'LeftGroup'),
        followsException: recordedThere.some(({ fate }) => fate === 'ExceptionEnded'),
      };
      return causeFrom(history, digestOf(target, owner), isRecorded);
    },
    isSensitive: (name, value) => target.profiles.some(({ sensitive }) => holdsMatch(name, value, sensitive)),
  };
}

function planPatch(
  input: PlanTwinInput,
  live: Twin,
  { recorded = NO_OWNERS, memory, facts }: Past,
  ownership: Ownership,
  changes: readonly SettingChange[],
  aside: Aside,
): TwinAction {
  const profiles = [...new Set([...input.target.profiles, ...ownership.profiles])];
  const desired = live.properties.desired;
  const next = applyChanges(desired, changes, profiles);
  const neighbour = findNeighbour(input.around, live, changes);
  if (neighbour !== undefined)
    return { ...about(input), type: 'Hold', reason: neighbour.reason, message: neighbour.message };
  const broken = input.target.hasFrozen ? findFrozenRule(profiles, ownership, next) : undefined;
  if (broken !== undefined) return { ...about(input), type: 'Hold', reason: broken.reason, message: broken.message };
  const contests = contestsAfter(changes, facts, input.target, input.nowMs);
  const tags = recordPatch(live, ownership.owners, { ...memory, contests, desiredVersion: nextVersion(live) }, input);
  const size = tooLarge(asObject(mergePatch(live.tags, tags)), next);
  if (size !== undefined) return holdTooLarge(input, size);
  const patch = { tags, properties: { desired: desiredPatch(desired, next, changes, profiles) } };
  const joins = [...ownership.owners.keys()].some((owner) => !recorded.has(owner));
  const isFirst = joins || changes.some(({ cause }) => cause === 'FirstConfiguration');
  const isSection = profiles.some(({ patchGranularity }) => patchGranularity === 'section');
  const isMembership = isFirst || ownership.departed;
  return {
    ...about(input),
    ...aside,
    type: 'Patch',
    reason: weightiest(changes),
    etag: live.etag,
    message: joined([releaseMessage(recorded, ownership.owners, changes), aside.message]),
    changes,
    patch,
    needs: {
      moduleTwin: isMembership || isSection || hasNull(tags) || hasNull(patch.properties.desired),
      deviceTwin: isMembership,
    },
  };
}

function planRecord(
  input: PlanTwinInput,
  live: Twin,
  { recorded, memory, facts }: Past,
  ownership: Ownership,
  aside: Aside,
): TwinAction {
  const neighbour = findNeighbour(input.around, live, []);
  if (neighbour !== undefined)
    return { ...about(input), type: 'Hold', reason: neighbour.reason, message: neighbour.message };
  const contests = contestsAfter([], facts, input.target, input.nowMs);
  const tags = recordPatch(live, ownership.owners, { ...memory, contests }, input);
  const size = tooLarge(asObject(mergePatch(live.tags, tags)), userDesired(live.properties.desired));
  if (size !== undefined) return holdTooLarge(input, size);
  return {
    ...about(input),
    ...aside,
    type: 'Record',
    reason: recordReason(recorded, ownership),
    etag: live.etag,
    message: joined([recordMessage(recorded ?? NO_OWNERS, ownership.owners), aside.message]),
    patch: { tags },
    needs: BOTH_READS,
  };
}

/** What is decided otherwise, unless an agent forgot what it was sent. */
function planSettled(input: PlanTwinInput, live: Twin, otherwise: TwinAction): TwinAction {
  const nudge = planNudge(live, input.target, input);
  if (nudge === undefined) return otherwise;
  if (nudge.patch === undefined) return { ...otherwise, message: joined([otherwise.message, nudge.message]) };
  const { patch, message } = nudge;
  const needs = { moduleTwin: true, deviceTwin: false };
  return { ...about(input), type: 'Patch', reason: 'Nudge', etag: live.etag, changes: NONE, patch, message, needs };
}

function holdTooLarge(input: PlanTwinInput, size: string): TwinAction {
  const message = `The twin would be too large: ${size}. Declare less, or remove what others left on it.`;
  return { ...about(input), type: 'Hold', reason: 'TwinTooLarge', message };
}

const WEIGHTS: readonly Exclude<ReasonOf<'Patch'>, 'Nudge'>[] = [
  'OwnerRemoved',
  'LeftGroup',
  'SettingRemoved',
  'ExceptionEnded',
  'ConfigurationChanged',
  'FirstConfiguration',
  'Drift',
];

function weightiest(changes: readonly SettingChange[]): ReasonOf<'Patch'> {
  return WEIGHTS.find((reason) => changes.some(({ cause }) => cause === reason)) ?? 'Drift';
}

function digestOf(target: Target, owner: Owner): string | undefined {
  return target.layers.find(({ configuration }) => configuration.owner === owner)?.configuration.digest;
}

function asObject(value: Json): JsonObject {
  return isObject(value) ? value : {};
}

const BOTH_READS = { moduleTwin: true, deviceTwin: true };

/** What every action says of its twin. */
function about({ target, device }: PlanTwinInput) {
  return {
    deviceId: device.deviceId,
    moduleId: target.moduleId,
    owners: target.layerOwners,
    observed: NONE,
    message: undefined,
  };
}

const NONE: readonly SettingChange[] = [];
