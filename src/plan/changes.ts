// Live against declared, setting by setting, by meaning.
import { deepEqual, getKey, getPath, isObject, setKey, type Json, type JsonObject } from '../model/json.ts';
import type { Atom } from '../model/profile.ts';
import { sameMeaning } from '../profile/meaning.ts';
import type { ChangeCause, SettingChange } from './action.ts';
import type { DeclaredAbsence, DeclaredAtom } from './layering.ts';
import type { OwnedEntry } from './record.ts';

/** True where live already means what the setting asks for. */
export function isMet(atom: Atom, desired: JsonObject): boolean {
  const live = getPath(desired, atom.path);
  if (atom.policy === 'IfNotPresent' && live !== undefined) return true;
  return sameMeaning(atom, live);
}

export function isAbsent(absence: DeclaredAbsence, desired: JsonObject): boolean {
  return getPath(desired, absence.path) === undefined;
}

/** Changes that make live mean what is declared. */
export function diffDeclared(
  atoms: readonly DeclaredAtom[],
  desired: JsonObject,
  causeOf: (owner: string) => ChangeCause,
): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const { atom, owner } of atoms) {
    if (isMet(atom, desired)) continue;
    const before = getPath(desired, atom.path);
    changes.push({
      name: atom.name,
      path: atom.path,
      before,
      after: afterOf(atom, before),
      owner,
      cause: causeOf(owner),
      sensitive: atom.sensitive,
    });
  }
  return changes;
}

/** Removals of settings that a configuration wants absent. */
export function diffAbsences(
  absences: readonly DeclaredAbsence[],
  desired: JsonObject,
  causeOf: (owner: string) => ChangeCause,
  isSensitive: (name: string) => boolean,
): SettingChange[] {
  return absences
    .filter((absence) => !isAbsent(absence, desired))
    .map(({ name, path, owner }) => ({
      name,
      path,
      before: getPath(desired, path),
      after: undefined,
      owner,
      cause: causeOf(owner),
      sensitive: isSensitive(name),
    }));
}

/** Members that others put into a live value wrapper are foreign and stay. */
function afterOf(atom: Atom, before: Json | undefined): Json {
  if (!atom.wrapped || !isObject(before) || !isObject(atom.value)) return atom.value;
  return { ...before, ...atom.value };
}

/** Why an owner's setting differs: what the record says of the owner's last write to this twin. */
export function causeFrom(
  recorded: ReadonlyMap<string, OwnedEntry> | undefined,
  digestOf: (owner: string) => string | undefined,
): (owner: string) => ChangeCause {
  return (owner) => {
    const entry = recorded?.get(owner);
    if (entry === undefined) return 'FirstConfiguration';
    return entry.digest === digestOf(owner) ? 'Drift' : 'ConfigurationChanged';
  };
}

/** The smallest merge patch that turns one value into another; undefined where they are equal. */
export function mergePatchBetween(before: Json | undefined, after: Json): Json | undefined {
  if (!isObject(before) || !isObject(after)) return deepEqual(before, after) ? undefined : after;
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) setKey(patch, key, null);
  }
  for (const key of Object.keys(after)) {
    const difference = mergePatchBetween(getKey(before, key), after[key] as Json);
    if (difference !== undefined) setKey(patch, key, difference);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
