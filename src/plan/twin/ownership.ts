// Who owns which settings of a twin from now on, and what is removed because its owner no longer declares it.
import { getPath, isObject, liesIn, type Json, type JsonObject } from '../../model/json.ts';
import { EXCEPTION_PRIORITY, type Declared } from '../../model/declared.ts';
import type { Profile } from '../../model/profile.ts';
import { atomName, atomPath } from '../../profile/encode.ts';
import { holdsMatch } from '../../profile/patterns.ts';
import type { SettingChange } from '../../model/action.ts';
import { isAbsent, isMet } from './changes.ts';
import { findRestores, rewind, withUndo, type Rewound } from './exception-end.ts';
import { isRemovable, type Claims } from '../target/layering.ts';
import { PathMap } from '../../model/path-map.ts';
import { isExceptionOwner, type Owner } from '../../model/owner.ts';
import { fateOf, findDeclared, isKeeping, type Fate, type KeepingFate, type RecordedEntry } from './fate.ts';
import { expectedOwners, type Target } from '../target/target.ts';
import { ownedNames, withoutNames, type OwnedEntry, type Owners } from '../record/owned-entry.ts';

/** Its claims are those that may be written: frozen ones are left out. */
export interface Ownership extends Claims {
  /** What an owner that is not in the input keeps to itself, as its priority is unknown: not written, and reported. */
  readonly refused: Claims;
  readonly removals: readonly SettingChange[];
  /** The record's owners after the write. */
  readonly owners: Owners;
  /** Why an owner that decides nothing is kept; undefined where none is. */
  readonly kept: KeepingFate | undefined;
  /** True where membership decided: it must be read directly before anything is written. */
  readonly departed: boolean;
  /** A profile that recorded settings need for their removal and that is gone. */
  readonly unknownProfile: string | undefined;
  /** Profiles for this module through which anything in the record was written. */
  readonly profiles: readonly Profile[];
  /** Everything the record named that is on the twin or declared. */
  readonly recordedPaths: PathMap<RecordedEntry>;
  /** The same by owner. */
  readonly recorded: readonly RecordedEntry[];
}

export function settleOwners(recorded: Owners, target: Target, declared: Declared, desired: JsonObject): Ownership {
  const entries = [...recorded].map(([owner, entry]) => ({
    owner,
    entry,
    fate: fateOf(owner, entry, target, declared),
    paths: recordedPathsOf(entry, target, desired),
  }));
  const recordedPaths = new PathMap<RecordedEntry>();
  for (const entry of entries) for (const path of entry.paths) recordedPaths.set(path, entry);
  const kept = entries.filter(({ fate }) => isKeeping(fate));
  // An exception that goes on and lets go of a setting leaves that as it found it too.
  const ended = entries.filter(({ owner, fate }) => fate === 'ExceptionEnded' || isGoingOn(owner, fate));
  const rewound = rewind({ ended: entries.filter(({ fate }) => fate === 'ExceptionEnded'), declared, desired });
  const isFree = createFreedom(kept, recordedPaths, target, declared, rewound);
  const atoms = filterAll(target.atoms, ({ atom, owner }) => isFree(atom.path, owner));
  const absences = filterAll(target.absences, ({ path, owner }) => isFree(path, owner));
  const claims = { atoms, absences };
  return {
    ...claims,
    refused: refusedOf(claims, target, recordedPaths),
    ...removalsOf(entries, ended, claims, target, declared, desired),
    owners: nextOwners(entries, claims, target, recordedPaths, desired),
    kept: entries.map(({ fate }) => fate).find(isKeeping),
    departed: entries.some(({ fate }) => fate === 'LeftGroup' || fate === 'ExceptionEnded'),
    profiles: [...new Set(entries.flatMap(({ entry }) => declared.profiles.get(entry.profile) ?? []))].filter(
      ({ moduleId }) => moduleId === target.moduleId,
    ),
    recordedPaths,
    recorded: entries,
  };
}

/**
 * True for a place where the owner may write. What the record says is kept is free only for a higher priority. A claim
 * that leaves no trace in the record (a setting kept absent, one written only where it is absent, one whose record was
 * lost) keeps its place as long as live already means it, unless a lower layer is recorded as the owner already.
 */
function createFreedom(
  kept: readonly RecordedEntry[],
  recordedPaths: PathMap<RecordedEntry>,
  target: Target,
  declared: Declared,
  { desired, unknown }: Rewound,
): (path: readonly string[], owner: Owner) => boolean {
  const keptPaths = new PathMap<number>();
  for (const { owner, paths } of kept) {
    const priority = findDeclared(owner, declared)?.priority ?? priorityOfUnknown(owner);
    for (const path of paths) keptPaths.set(path, priority);
  }
  const claims = new PathMap<true>();
  const claim = (path: readonly string[]): void => {
    if (!unknown.overlaps(path)) claims.set(path, true);
  };
  for (const { atom } of target.frozenAtoms) if (isMet(atom, desired)) claim(atom.path);
  for (const absence of target.frozenAbsences) if (isAbsent(absence, desired)) claim(absence.path);
  const priorities = new Map<Owner, number>(
    target.layers.map(({ configuration }) => [configuration.owner, configuration.priority]),
  );
  return (path, owner) => {
    const priority = priorities.get(owner) ?? Number.NEGATIVE_INFINITY;
    if (keptPaths.overlapping(path).some((keptPriority) => keptPriority >= priority)) return false;
    return !claims.overlaps(path) || recordedPaths.overlapping(path).some(({ fate }) => fate === 'Continues');
  };
}

/** The priority of an owner that is not in the input may be any, but an exception is above all configurations. */
function priorityOfUnknown(owner: Owner): number {
  return isExceptionOwner(owner) ? Number.POSITIVE_INFINITY : EXCEPTION_PRIORITY - 1;
}

function refusedOf({ atoms, absences }: Claims, target: Target, recordedPaths: PathMap<RecordedEntry>): Claims {
  const isRefused = (path: readonly string[]): boolean =>
    recordedPaths.overlapping(path).some(({ fate }) => fate === 'OutOfInput');
  return {
    atoms: atoms === target.atoms ? [] : target.atoms.filter((one) => !atoms.includes(one) && isRefused(one.atom.path)),
    absences:
      absences === target.absences
        ? []
        : target.absences.filter((one) => !absences.includes(one) && isRefused(one.path)),
  };
}

function removalsOf(
  entries: readonly RecordedEntry[],
  ended: readonly RecordedEntry[],
  { atoms, absences }: Claims,
  target: Target,
  declared: Declared,
  desired: JsonObject,
): Pick<Ownership, 'removals' | 'unknownProfile'> {
  const kept = new PathMap<true>();
  for (const { fate, paths } of entries) if (isKeeping(fate)) for (const path of paths) kept.set(path, true);
  const restores = findRestores({ ended, atoms, absences, kept, target, declared, desired });
  const taken = new PathMap<true>();
  for (const { path } of restores.changes) taken.set(path, true);
  for (const { path } of [...atoms.map(({ atom }) => atom), ...absences]) taken.set(path, true);
  const claimed = [kept, taken, target.named];
  const removals: SettingChange[] = [...restores.changes];
  let { unknownProfile } = restores;
  // Shorter paths first: what lies in something removed needs no removal of its own.
  const candidates = entries
    .flatMap(({ owner, entry, fate, paths }) => paths.map((path) => ({ owner, entry, fate, path })))
    .toSorted((a, b) => a.path.length - b.path.length);
  for (const { owner, entry, fate, path } of candidates) {
    const cause = isGoingOn(owner, fate) ? undefined : removalCause(fate);
    const before = getPath(desired, path);
    if (cause === undefined || before === undefined || claimed.some((places) => places.overlaps(path))) continue;
    const profile = declared.profiles.get(entry.profile);
    if (profile === undefined) {
      unknownProfile = entry.profile;
      continue;
    }
    const name = atomName(path.slice(entry.section.length));
    if (!isRemovable(profile, name)) continue;
    taken.set(path, true);
    const sensitive = holdsMatch(name, before, profile.sensitive);
    removals.push({ name, path, before, after: undefined, owner, cause, sensitive });
  }
  return { removals, unknownProfile };
}

function isGoingOn(owner: Owner, fate: Fate): boolean {
  return fate === 'Continues' && isExceptionOwner(owner);
}

function removalCause(fate: Fate): 'SettingRemoved' | 'LeftGroup' | 'OwnerRemoved' | undefined {
  if (fate === 'Continues') return 'SettingRemoved';
  return fate === 'LeftGroup' || fate === 'OwnerRemoved' ? fate : undefined;
}

/** Hashes are compared with every name on the twin and every name declared, whatever profile wrote them. */
function recordedPathsOf(entry: OwnedEntry, target: Target, desired: JsonObject): readonly string[][] {
  const names = ownedNames(entry.keys, () => {
    const found = new Set(namesIn(getPath(desired, entry.section)));
    for (const { path } of [...target.atoms.map(({ atom }) => atom), ...target.absences]) {
      if (liesIn(entry.section, path)) found.add(atomName(path.slice(entry.section.length)));
    }
    return [...found];
  });
  return names.map((name) => atomPath(entry.section, name));
}

function namesIn(value: Json | undefined, above: readonly string[] = []): string[] {
  if (!isObject(value)) return [];
  return Object.keys(value).flatMap((key) => {
    const path = [...above, key];
    return key.startsWith('$') ? [] : [atomName(path), ...namesIn(value[key], path)];
  });
}

/** Fates of owners whose settings no other writer wrote: there is nothing before an exception to put back. */
const DECIDED: ReadonlySet<Fate> = new Set<Fate>(['Continues', 'LeftGroup', 'OwnerRemoved', 'ExceptionEnded']);

function nextOwners(
  recorded: readonly RecordedEntry[],
  { atoms, absences }: Claims,
  target: Target,
  recordedPaths: PathMap<RecordedEntry>,
  desired: JsonObject,
): Owners {
  const enforced = target.layers.filter(({ state }) => state === 'Enforced');
  const wasDecided = (path: readonly string[]): boolean =>
    recordedPaths.overlapping(path).some(({ fate }) => DECIDED.has(fate));
  const expected = atoms === target.atoms ? target.owners : expectedOwners(enforced, atoms);
  const base = withUndo(expected, atoms, { recorded, wasDecided, desired });
  const kept = recorded.filter(({ fate }) => isKeeping(fate));
  if (kept.length === 0) return base;
  const taken = new PathMap<true>();
  for (const { atom } of atoms) if (atom.policy === 'Override') taken.set(atom.path, true);
  for (const { path } of absences) taken.set(path, true);
  const owners = new Map(base);
  for (const { owner, entry, paths } of kept) {
    const lost = paths.filter((path) => taken.overlaps(path));
    const keys = withoutNames(entry.keys, new Set(lost.map((path) => atomName(path.slice(entry.section.length)))));
    if (keys !== undefined) owners.set(owner, keys === entry.keys ? entry : { ...entry, keys });
  }
  return owners;
}

function filterAll<T>(items: readonly T[], passes: (item: T) => boolean): readonly T[] {
  return items.every(passes) ? items : items.filter(passes);
}
