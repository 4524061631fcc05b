// What becomes of one setting of a twin at the next pass, and why: the action on the twin, for that setting.
import type { Declared } from '../../model/declared.ts';
import { liesIn, type Json } from '../../model/json.ts';
import {
  changesOf,
  writes,
  type ActionReason,
  type ChangeCause,
  type SettingChange,
  type TwinAction,
} from '../../model/action.ts';
import { isConfigurationOwner, type Owner } from '../../model/owner.ts';
import { isKeeping, type Fate, type RecordedEntry } from '../twin/fate.ts';
import type { Owners } from '../record/owned-entry.ts';
import { isRemovable } from '../target/layering.ts';
import { type Ownership } from '../twin/ownership.ts';
import type { Target } from '../target/target.ts';

export type Step =
  | 'Written'
  | 'Removed'
  | 'Kept' // it stays as it is, and so does what the record says of it
  | 'Adopted' // it stays as it is, and has another owner from then on
  | 'Released' // it stays as it is, and has no owner from then on
  | 'Refused'; // the twin is held: nothing at all is written

export interface NextStep {
  readonly step: Step;
  /** Of the action or of the change; absent where there is none to give. */
  readonly reason?: ActionReason | ChangeCause;
  readonly because: string;
  /** As it will be in the twin; only where it is written. */
  readonly value?: Json;
}

interface StepInput {
  readonly name: string;
  readonly path: readonly string[];
  readonly live: Json | undefined;
  readonly declared: Declared;
  readonly action: TwinAction;
  readonly target: Pick<Target, 'observedBy'>;
  readonly ownership: Ownership;
  readonly recorded: Owners;
}

/** Undefined where there is nothing to do and nothing to say: it is as declared, or it is absent and no configuration names it. */
export function nextStepOf(input: StepInput): NextStep | undefined {
  const { path, live, action, ownership } = input;
  const isHere = (place: { readonly path: readonly string[] }): boolean => isSamePlace(place.path, path);
  const owner = ownership.recordedPaths.overlapping(path)[0];
  const claim = ownership.atoms.find(({ atom }) => isHere(atom));
  if (action.type === 'Hold') {
    // What a record says that we can't read is not known.
    if (isOurs(input) || action.reason === 'RecordNewer') return refused(action);
    return live === undefined ? undefined : FOREIGN;
  }
  const change = changesOf(action).find(isHere);
  if (change !== undefined) return changed(change);
  const observed = action.observed.find(isHere);
  if (observed !== undefined) return leftAlone(observed, input);
  if (claim !== undefined && claim.atom.policy === 'Override') return passesTo(claim.owner, owner, action);
  if (owner !== undefined) return letGo(owner, input);
  return live === undefined || claim !== undefined ? undefined : FOREIGN;
}

/** One is the other, or lies in it. */
function isSamePlace(a: readonly string[], b: readonly string[]): boolean {
  return liesIn(a, b) || liesIn(b, a);
}

const FOREIGN: NextStep = {
  step: 'Kept',
  because: 'no manifest declares it and our record does not hold it: it is never touched',
};

function isOurs({ path, ownership }: StepInput): boolean {
  const claims = [...ownership.atoms.map(({ atom }) => atom), ...ownership.absences];
  return ownership.recordedPaths.overlaps(path) || claims.some((claim) => isSamePlace(claim.path, path));
}

function refused({ reason }: TwinAction): NextStep {
  return { step: 'Refused', reason, because: 'nothing is written to the twin until a person has decided' };
}

function changed({ after, cause, owner, before }: SettingChange): NextStep {
  const why: Readonly<Record<ChangeCause, string>> = {
    FirstConfiguration: `${owner} writes here for the first time`,
    ConfigurationChanged: 'the manifests changed since the last write',
    Drift: `another writer ${before === undefined ? 'removed' : 'changed'} it`,
    SettingRemoved: `${owner} no longer declares it`,
    OwnerRemoved: `${owner} left the manifests, and asked for removal`,
    LeftGroup: `${owner} no longer selects the device`,
    ExceptionEnded: `${owner} is over, and puts back what was there before`,
    Contested: 'another writer keeps changing it',
  };
  const isPutBack = cause === 'ExceptionEnded' && isConfigurationOwner(owner);
  const because = isPutBack ? `an exception is over, and ${owner} decides again` : why[cause];
  const by = cause === 'LeftGroup' && after !== undefined ? `${owner} takes it over` : because;
  if (after === undefined) return { step: 'Removed', reason: cause, because: by };
  return { step: 'Written', reason: cause, because: by, value: after };
}

function leftAlone({ cause }: SettingChange, { action: { type, reason }, target }: StepInput): NextStep {
  if (cause === 'Contested') return { step: 'Kept', reason: cause, because: 'another writer keeps changing it' };
  if (type === 'Keep' && reason === 'OutOfInput') {
    return { step: 'Kept', reason, because: 'an owner that is not in this part of the source has it' };
  }
  const whose = target.observedBy ?? 'the Hub';
  return { step: 'Kept', reason: 'ModeObserve', because: `it differs, and the mode of ${whose} is Observe` };
}

/** It means what is declared already: at most the record has to say whose it is. */
function passesTo(winner: string, recorded: RecordedEntry | undefined, action: TwinAction): NextStep | undefined {
  if (recorded?.owner === winner || !writes(action)) return undefined;
  const reason = recorded === undefined ? 'Adopted' : 'OwnerChanged';
  return { step: 'Adopted', reason, because: `it means what is declared, and is ${winner}'s from then on` };
}

function letGo({ owner, fate }: RecordedEntry, input: StepInput): NextStep {
  // Where all of the module is left as it is, the action knows who stopped it.
  const { type, message = whyLeft(owner, fate) } = input.action;
  if (isKeeping(fate)) return { step: 'Kept', reason: fate, because: type === 'Keep' ? message : whyLeft(owner, fate) };
  const because = `${whyLeft(owner, fate)}${whyNotRemoved(owner, fate, input)}`;
  if (!writes(input.action)) return { step: 'Kept', because: `${because}; nothing is written here now` };
  return { step: 'Released', reason: 'Released', because };
}

function whyLeft(owner: Owner, fate: Fate): string {
  const why: Readonly<Record<Fate, string>> = {
    Continues: `${owner} no longer writes it`,
    LeftGroup: `${owner} no longer selects the device`,
    OwnerRemoved: `${owner} left the manifests, and asked for removal`,
    Released: `${owner} left the manifests with deletionPolicy Retain`,
    ExceptionEnded: `${owner} is over`,
    Suspended: `${owner} is suspended or only observes: what it owns stays`,
    Unassigned: `${owner} no longer selects the device, and no other configuration manages the module`,
    OutOfInput: `${owner} is not in this part of the source`,
    SourceEmpty: 'the source holds no resource at all, and that removes nothing',
  };
  return why[fate];
}

/** Why a setting that is let go of, and that policies would have removed, stays on the twin. */
function whyNotRemoved(owner: Owner, fate: Fate, { name, live, declared, recorded }: StepInput): string {
  if (live === undefined) return '; it is not on the twin';
  if (fate === 'Released' || fate === 'ExceptionEnded') return '';
  const profileName = recorded.get(owner)?.profile ?? '';
  const profile = declared.profiles.get(profileName);
  if (profile !== undefined && !isRemovable(profile, name)) return `; profile ${profileName} never removes it`;
  return '; another configuration names it without writing it, so it stays';
}
