// What becomes of every owner in the record: it goes on, is frozen, is released, or its settings are removed.
import { getPath, isObject, liesIn, type Json, type JsonObject } from '../../model/json.ts';
import { EXCEPTION_PRIORITY, isException, type Declared, type DeclaredConfiguration } from '../../model/declared.ts';
import type { Profile } from '../../model/profile.ts';
import { atomName, atomPath } from '../../profile/encode.ts';
import { holdsMatch } from '../../profile/patterns.ts';
import type { SettingChange } from '../../model/action.ts';
import { isAbsent, isMet } from './changes.ts';
import { findRestores, rewind, withUndo, type RecordedPlaces, type Rewound } from './exception-end.ts';
import { isRemovable, type DeclaredAbsence, type DeclaredAtom } from '../target/layering.ts';
import { PathMap } from '../../model/path-map.ts';
import { isExceptionOwner, type Owner } from '../../model/owner.ts';
import { ownedNames, withoutNames, type OwnedEntry, type Owners } from '../record/owned-entry.ts';
import { expectedOwners } from '../target/expected-owners.ts';
import type { Target } from '../target/target.ts';

/** What happens to one recorded owner, decided by the first rule that applies. */
export type Fate =
  | 'Continues' // enforced: what it no longer declares is removed
  | 'Suspended' // observed or suspended: everything it owns stays as it is
  | 'LeftGroup' // no longer selects the device, but others manage the module
  | 'Unassigned' // no longer selects the device, and nobody else manages the module
  | 'OutOfInput' // not in this part of the source
  | 'SourceEmpty' // the source holds nothing at all: that is no wish
  | 'ExceptionEnded' // its time is over, it left the source, or the device left it: what it changed is put back
  | 'OwnerRemoved' // left the source; its recorded policy asks for removal
  | 'Released'; // left the source; its settings stay, owned by nobody

type KeepingFate = Extract<Fate, 'Suspended' | 'Unassigned' | 'OutOfInput' | 'SourceEmpty'>;
const KEEPING: ReadonlySet<Fate> = new Set<KeepingFate>(['Suspended', 'Unassigned', 'OutOfInput', 'SourceEmpty']);

export function isKeeping(fate: Fate): fate is KeepingFate {
  return KEEPING.has(fate);
}

/** An owner that the record names at some place. */
export interface RecordedOwner {
  readonly owner: Owner;
  readonly fate: Fate;
}

export interface Ownership {
  /** Declared settings that may be written: frozen ones are left out. */
  readonly atoms: readonly DeclaredAtom[];
  readonly absences: readonly DeclaredAbsence[];
  /** What an owner that is not in the input keeps to itself, its priority being unknown: not written, and told. */
  readonly refused: Refused;
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
  readonly recordedPaths: PathMap<RecordedOwner>;
  /** The same by owner. */
  readonly recorded: readonly RecordedPlaces[];
}

export interface Refused {
  readonly atoms: readonly DeclaredAtom[];
  readonly absences: readonly DeclaredAbsence[];
}

interface RecordedEntry extends RecordedOwner {
  readonly entry: OwnedEntry;
  readonly paths: readonly (readonly string[])[];
}

export function settleOwners(recorded: Owners, target: Target, declared: Declared, desired: JsonObject): Ownership {
  const entries = [...recorded].map(([owner, entry]) => ({
    owner,
    entry,
    fate: fateOf(owner, entry, target, declared),
    paths: recordedPathsOf(entry, target, desired),
  }));
  const recordedPaths = new PathMap<RecordedOwner>();
  for (const { owner, fate, paths } of entries) for (const path of paths) recordedPaths.set(path, { owner, fate });
  const kept = entries.filter(({ fate }) => isKeeping(fate));
  // An exception that goes on and lets go of a setting leaves that as it found it too.
  const ended = entries.filter(({ owner, fate }) => fate === 'ExceptionEnded' || isGoingOn(owner, fate));
  const rewound = rewind({ ended: entries.filter(({ fate }) => fate === 'ExceptionEnded'), declared, desired });
  const isFree = createFreedom(kept, recordedPaths, target, declared, rewound);
  const atoms = filterAll(target.atoms, ({ atom, owner }) => isFree(atom.path, owner));
  const absences = filterAll(target.absences, ({ path, owner }) => isFree(path, owner));
  return {
    atoms,
    absences,
    refused: refusedOf({ atoms, absences }, target, recordedPaths),
    ...removalsOf(entries, ended, { atoms, absences }, target, declared, desired),
    owners: nextOwners(entries, { atoms, absences }, target, recordedPaths, desired),
    kept: entries.map(({ fate }) => fate).find(isKeeping),
    departed: entries.some(({ fate }) => fate === 'LeftGroup' || fate === 'ExceptionEnded'),
    profiles: [...new Set(entries.flatMap(({ entry }) => declared.profiles.get(entry.profile) ?? []))].filter(
      ({ moduleId }) => moduleId === target.moduleId,
    ),
    recordedPaths,
    recorded: entries,
  };
}

function fateOf(owner: Owner, entry: OwnedEntry, target: Target, declared: Declared): Fate {
  if (target.suspends(owner)) return 'Suspended';
  const layer = target.layers.find(({ configuration }) => configuration.owner === owner);
  if (layer !== undefined) return layer.state === 'Enforced' ? 'Continues' : 'Suspended';
  if (declared.expired.some((exception) => exception.owner === owner)) return 'ExceptionEnded';
  const configuration = findDeclared(owner, declared);
  if (configuration !== undefined) {
    if (!isException(configuration) && (configuration.suspend || configuration.mode === 'Observe')) return 'Suspended';
    // An exception manages nothing for long: it is no heir of what a configuration leaves behind.
    const isManaged = target.layers.some((one) => one.state === 'Enforced' && !isException(one.configuration));
    // A device without any tag most likely lost them to somebody's mistake: that is no reason to remove anything.
    const mayComeBack = target.tagless && looksAtTags(configuration);
    if (!isManaged || mayComeBack) return 'Unassigned';
    return isException(configuration) ? 'ExceptionEnded' : 'LeftGroup';
  }
  if (declared.partial) return 'OutOfInput';
  if (isEmptySource(declared)) return 'SourceEmpty';
  if (isExceptionOwner(owner)) return 'ExceptionEnded';
  return entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released';
}

function findDeclared(owner: Owner, { configurations, exceptions }: Declared): DeclaredConfiguration | undefined {
  const isIt = (candidate: DeclaredConfiguration): boolean => candidate.owner === owner;
  return isExceptionOwner(owner) ? exceptions.find(isIt) : configurations.find(isIt);
}

function looksAtTags({ targets }: DeclaredConfiguration): boolean {
  return targets.some(({ selector }) => selector.requirements.some(({ key }) => key.kind === 'tag'));
}

function isEmptySource(declared: Declared): boolean {
  return (
    declared.configurations.length === 0 &&
    declared.exceptions.length === 0 &&
    declared.expired.length === 0 &&
    declared.groups.length === 0 &&
    declared.hubs.every((hub) => hub.origin === undefined)
  );
}

/**
 * True for a place where the owner may write. What the record says is kept is free only for a higher priority. A claim
 * that leaves no trace in the record (a setting kept absent, one written only where it is absent, one whose record was
 * lost) keeps its place as long as live already means it, unless a lower layer is recorded as the owner already.
 */
function createFreedom(
  kept: readonly RecordedEntry[],
  recordedPaths: PathMap<RecordedOwner>,
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

function refusedOf(
  { atoms, absences }: Pick<Ownership, 'atoms' | 'absences'>,
  target: Target,
  recordedPaths: PathMap<RecordedOwner>,
): Refused {
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
  { atoms, absences }: Pick<Ownership, 'atoms' | 'absences'>,
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

/** Hashes are looked for among everything on the twin and everything declared, whatever profile wrote them. */
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

/** Fates of owners whose settings nobody else wrote: there is nothing before an exception to put back. */
const DECIDED: ReadonlySet<Fate> = new Set<Fate>(['Continues', 'LeftGroup', 'OwnerRemoved', 'ExceptionEnded']);

function nextOwners(
  recorded: readonly RecordedEntry[],
  { atoms, absences }: Pick<Ownership, 'atoms' | 'absences'>,
  target: Target,
  recordedPaths: PathMap<RecordedOwner>,
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
