// One module twin in, one action out: the first of DECISIONS that has an answer. Pure.
import { differencesOf, writes, type TwinAction } from '../../model/action.ts';
import { contestsText } from '../record/contest.ts';
import { sameOwnership, NO_OWNERS } from '../record/owned-entry.ts';
import { recordHolds } from '../record/record.ts';
import { asideMessage, joined } from './aside-message.ts';
import { isAbsent, isMet } from './changes.ts';
import { contestsAfter } from './corrections.ts';
import { unlessForgotten } from './plan-nudge.ts';
import { TwinFacts, type TwinInput } from './twin-facts.ts';
import { patchAction, recordAction } from './write-action.ts';

/** Undefined: it is for the next decision to say. */
type Decision = (facts: TwinFacts) => TwinAction | undefined;

/** In this order. Where none has an answer there is nothing to do. */
const DECISIONS: readonly Decision[] = [
  contradictedManifests,
  missingModule,
  inSync,
  newerRecord,
  unknownProfile,
  changedSettings,
  changedOwners,
  contestedSettings,
  settingsOutOfInput,
  observedSettings,
  keptSettings,
];

/** What is decided for one twin, and on what. */
export interface TwinDecision {
  readonly action: TwinAction;
  readonly facts: TwinFacts;
}

export function decideTwin(input: TwinInput): TwinDecision {
  const facts = new TwinFacts(input);
  return { action: underCeiling(facts, firstAnswer(facts)), facts };
}

function firstAnswer(facts: TwinFacts): TwinAction {
  for (const decide of DECISIONS) {
    const action = decide(facts);
    if (action !== undefined) return action;
  }
  return { ...facts.about, type: 'Equal', reason: 'InSync' };
}

/** Whatever is decided, nothing is written on a hub that is only observed. */
function underCeiling(facts: TwinFacts, action: TwinAction): TwinAction {
  if (facts.input.hubMode === 'Enforce' || !writes(action)) return action;
  const { message } = action;
  return { ...facts.about, type: 'Observe', reason: 'ModeObserve', observed: differencesOf(action), message };
}

function contradictedManifests(facts: TwinFacts): TwinAction | undefined {
  const { hold } = facts.input.target;
  return hold && { ...facts.about, type: 'Hold', ...hold };
}

function missingModule(facts: TwinFacts): TwinAction | undefined {
  const { live, device, target } = facts.input;
  if (live !== undefined) return undefined;
  if (target.layers.length === 0) return { ...facts.about, type: 'Equal', reason: 'InSync' };
  // On a disabled device the service refuses to create one, whatever a configuration asks for.
  if (target.whenMissing === 'Create' && device.status === 'enabled') {
    const { changes } = facts.differences;
    const needs = { moduleTwin: true, deviceTwin: true };
    return { ...facts.about, type: 'Create', reason: 'ModuleMissing', needs, changes };
  }
  return { ...facts.about, type: target.whenMissing === 'Skip' ? 'Skip' : 'Wait', reason: 'ModuleMissing' };
}

/** The common case, decided without allocating: everything is met and the record says exactly that. */
function inSync(facts: TwinFacts): TwinAction | undefined {
  const { target, instance } = facts.input;
  if (target.hasFrozen) return undefined;
  const { desired } = facts;
  for (const { atom } of target.atoms) if (!isMet(atom, desired)) return undefined;
  for (const absence of target.absences) if (!isAbsent(absence, desired)) return undefined;
  if (!recordHolds(facts.live, instance, target.own)) return undefined;
  return unlessForgotten(facts, { ...facts.about, type: 'Equal', reason: 'InSync' });
}

function newerRecord(facts: TwinFacts): TwinAction | undefined {
  if (facts.record.kind !== 'newer') return undefined;
  const message = `The record on the twin has version ${facts.record.version}, written by a newer Twinward. Upgrade this one.`;
  return { ...facts.about, type: 'Hold', reason: 'RecordNewer', message };
}

function unknownProfile(facts: TwinFacts): TwinAction | undefined {
  const { unknownProfile: name } = facts.ownership;
  if (name === undefined) return undefined;
  const message =
    `Settings written through profile "${name}" are to be removed, but the source no longer holds that profile. ` +
    'Put it back until they are gone.';
  return { ...facts.about, type: 'Hold', reason: 'ProfileUnknown', message };
}

function changedSettings(facts: TwinFacts): TwinAction | undefined {
  return mayWrite(facts) && facts.differences.changes.length > 0 ? patchAction(facts) : undefined;
}

function changedOwners(facts: TwinFacts): TwinAction | undefined {
  if (!mayWrite(facts)) return undefined;
  // A writer that argues by taking the record away would be given it back for ever.
  if (facts.isRecordTaken && facts.differences.contested.length > 0) return undefined;
  const isSame = sameOwnership(facts.recorded ?? NO_OWNERS, facts.ownership.owners);
  return isSame && !isOutlived(facts) ? undefined : recordAction(facts);
}

/** True where a record that held nothing but contests has nothing left to remember. */
function isOutlived({ input: { target, nowMs }, recorded, ownership, corrections }: TwinFacts): boolean {
  return (
    recorded?.size === 0 && ownership.owners.size === 0 && contestsAfter([], corrections, target, nowMs).size === 0
  );
}

function mayWrite({ input: { target } }: TwinFacts): boolean {
  return !target.observeOnly && !target.isFrozen;
}

function contestedSettings(facts: TwinFacts): TwinAction | undefined {
  const { contested, refused, observed } = facts.differences;
  if (contested.length === 0) return undefined;
  const names = [...new Set(contested.map(({ name }) => name))];
  const message = joined([asideMessage(refused, []), contestsText(facts.memory.contests, names)]);
  return unlessForgotten(facts, { ...facts.about, type: 'Observe', reason: 'Contested', observed, message });
}

function settingsOutOfInput(facts: TwinFacts): TwinAction | undefined {
  const { changes, refused, contested, observed } = facts.differences;
  if (refused.length === 0 || changes.length > 0) return undefined;
  const message = asideMessage(refused, contested);
  return { ...facts.about, type: 'Keep', reason: 'OutOfInput', observed, message };
}

function observedSettings(facts: TwinFacts): TwinAction | undefined {
  const { changes, observed } = facts.differences;
  const differences = [...observed, ...changes];
  if (differences.length === 0) return undefined;
  const { observedBy } = facts.input.target;
  // That a hub only observes is reported once, not per twin.
  const message = observedBy && `The mode of ${observedBy} is Observe; Enforce there lets it be written.`;
  return { ...facts.about, type: 'Observe', reason: 'ModeObserve', observed: differences, message };
}

/** Where no layer decides anything now. */
function keptSettings(facts: TwinFacts): TwinAction | undefined {
  const { target } = facts.input;
  if (target.layers.some(({ state }) => state !== 'Suspended')) return undefined;
  const kept = facts.ownership.kept ?? (target.layers.length > 0 ? 'Suspended' : undefined);
  if (kept === undefined) return undefined;
  const message = (kept === 'Suspended' ? target.suspendedBecause : undefined) ?? KEEP_MESSAGES[kept];
  return { ...facts.about, type: 'Keep', reason: kept, message };
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
