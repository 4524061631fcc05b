// Live against declared, setting by setting, by meaning.
import { getPath, isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Atom } from '../../model/profile.ts';
import { sameMeaning } from '../../profile/meaning.ts';
import type { ChangeCause, SettingChange } from '../../model/action.ts';
import type { Owner } from '../../model/owner.ts';
import type { Claims, DeclaredAbsence } from '../target/layering.ts';

/** True where live already means what the setting asks for. */
export function isMet(atom: Atom, desired: JsonObject): boolean {
  const live = getPath(desired, atom.path);
  if (atom.policy === 'IfNotPresent' && live !== undefined) return true;
  return sameMeaning(atom, live);
}

export function isAbsent(absence: DeclaredAbsence, desired: JsonObject): boolean {
  return getPath(desired, absence.path) === undefined;
}

/** What both kinds of differences need to know of the twin's history and of secrets. */
export interface ChangeContext {
  /** Why the owner's setting at this path differs. `isRecorded` is false for claims that leave no trace in the record. */
  readonly causeOf: (owner: Owner, path: readonly string[], isRecorded: boolean) => ChangeCause;
  /** True where the value of that setting must not be printed. */
  readonly isSensitive: (name: string, value: Json | undefined) => boolean;
}

/** Changes that make live mean what is claimed, removals first. */
export function diffClaims(
  { atoms, absences }: Claims,
  desired: JsonObject,
  { causeOf, isSensitive }: ChangeContext,
): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const absence of absences) {
    if (isAbsent(absence, desired)) continue;
    const { name, path, owner } = absence;
    const before = getPath(desired, path);
    const cause = causeOf(owner, path, false);
    changes.push({ name, path, before, after: undefined, owner, cause, sensitive: isSensitive(name, before) });
  }
  for (const { atom, owner } of atoms) {
    if (isMet(atom, desired)) continue;
    const { name, path } = atom;
    const before = getPath(desired, path);
    const cause = causeOf(owner, path, atom.policy === 'Override');
    const sensitive = atom.sensitive || isSensitive(name, before);
    changes.push({ name, path, before, after: afterOf(atom, before), owner, cause, sensitive });
  }
  return changes;
}

/** Members that others put into a live value wrapper are foreign and stay. */
export function afterOf(atom: Atom, before: Json | undefined): Json {
  if (!atom.wrapped || !isObject(before) || !isObject(atom.value)) return atom.value;
  return { ...before, ...atom.value };
}

/** What the record of one twin says about an owner there. */
interface OwnerHistory {
  /** Of the owner's last write to this twin; undefined where there was none. */
  readonly digest: string | undefined;
  /** True where the record names it at that place. */
  readonly owns: boolean;
  /** True where the record names another owner there, which no longer selects the device. */
  readonly followsDeparted: boolean;
  /** True where the record names an exception there that has ended. */
  readonly followsException: boolean;
}

/** `digest` is what the owner declares now. */
export function causeFrom(history: OwnerHistory, digest: string | undefined, isRecorded: boolean): ChangeCause {
  if (history.followsException) return 'ExceptionEnded';
  if (history.digest === undefined) return 'FirstConfiguration';
  if (history.digest !== digest) return 'ConfigurationChanged';
  if (history.owns) return 'Drift';
  if (history.followsDeparted) return 'LeftGroup';
  // It owned other settings here and not this one: other layers must have changed, unless it never shows in the record.
  return isRecorded ? 'ConfigurationChanged' : 'Drift';
}
