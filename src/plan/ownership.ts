// What becomes of every owner in the record: it goes on, is frozen, is released, or its settings are removed.
import { getPath, isObject, type JsonObject } from '../model/json.ts';
import type { Declared } from '../model/declared.ts';
import type { Profile } from '../model/profile.ts';
import { atomName, atomPath, liveAtomNames } from '../profile/encode.ts';
import { matchesPattern } from '../profile/patterns.ts';
import type { SettingChange } from './action.ts';
import type { DeclaredAtom } from './layering.ts';
import { PathMap } from './path-map.ts';
import { expectedOwners, ownedNames, type OwnedEntry } from './record.ts';
import type { Target } from './target.ts';

/** What happens to one recorded owner, decided by the first rule that applies. */
type Fate =
  | 'Continues' // enforced: what it no longer declares is removed
  | 'Suspended' // observed or suspended: everything it owns stays as it is
  | 'LeftGroup' // no longer selects the device, but others manage the module
  | 'Unassigned' // no longer selects the device, and nobody else manages the module
  | 'OutOfInput' // not in this part of the source
  | 'SourceEmpty' // the source holds nothing at all: that is no wish
  | 'OwnerRemoved' // left the source; its recorded policy asks for removal
  | 'Released'; // left the source; its settings stay, owned by nobody

const KEEPING: ReadonlySet<Fate> = new Set(['Suspended', 'Unassigned', 'OutOfInput', 'SourceEmpty']);

export interface Ownership {
  /** Declared settings that may be written: frozen ones are left out. */
  readonly atoms: readonly DeclaredAtom[];
  readonly removals: readonly SettingChange[];
  /** The record's owners after the write. */
  readonly owners: ReadonlyMap<string, OwnedEntry>;
  /** Why an owner that decides nothing is kept; undefined where none is. */
  readonly kept: Extract<Fate, 'Suspended' | 'Unassigned' | 'OutOfInput' | 'SourceEmpty'> | undefined;
  /** True where an owner drops out of the record and its settings stay. */
  readonly released: boolean;
  /** True where membership decided: it must be read directly before anything is removed. */
  readonly departed: boolean;
  /** A profile that recorded settings need for their removal and that is gone. */
  readonly unknownProfile: string | undefined;
  /** Profiles through which the settings to remove were written. */
  readonly removalProfiles: readonly Profile[];
  /** Everything the record named. */
  readonly recordedPaths: PathMap<true>;
}

export function settleOwners(
  recorded: ReadonlyMap<string, OwnedEntry>,
  target: Target,
  declared: Declared,
  desired: JsonObject,
): Ownership {
  const context = { target, declared, desired, isEmpty: isEmptySource(declared) };
  const fates = [...recorded].map(([owner, entry]) => ({ owner, entry, fate: fateOf(owner, entry, context) }));
  const keptFates = fates.filter(({ fate }) => KEEPING.has(fate));
  const keptPaths = new PathMap<true>();
  for (const { entry } of keptFates) {
    for (const path of recordedPathsOf(entry, declared, desired)) keptPaths.set(path, true);
  }
  const atoms = keptPaths.isEmpty ? target.atoms : target.atoms.filter(({ atom }) => !keptPaths.overlaps(atom.path));
  const claimed = new PathMap<true>();
  for (const { path } of [...atoms.map(({ atom }) => atom), ...target.absences]) claimed.set(path, true);

  const recordedPaths = new PathMap<true>();
  const removals: SettingChange[] = [];
  const removalProfiles = new Set<Profile>();
  let unknownProfile: string | undefined;
  for (const { owner, entry, fate } of fates) {
    const profile = declared.profiles.get(entry.profile);
    const cause = removalCause(fate);
    for (const path of recordedPathsOf(entry, declared, desired)) {
      recordedPaths.set(path, true);
      const before = getPath(desired, path);
      if (cause === undefined || before === undefined || claimed.overlaps(path) || keptPaths.overlaps(path)) continue;
      if (profile === undefined) unknownProfile = entry.profile;
      const name = atomName(path.slice(entry.section.length));
      if (profile === undefined || !isRemovable(profile, name)) continue;
      removalProfiles.add(profile);
      removals.push({
        name,
        path,
        before,
        after: undefined,
        owner,
        cause,
        sensitive: matchesPattern(name, profile.sensitive),
      });
    }
  }
  return {
    atoms,
    removals,
    owners: nextOwners(target, atoms, keptFates),
    kept: keptFates.map(({ fate }) => fate)[0] as Ownership['kept'],
    released: fates.some(({ fate }) => fate === 'Released'),
    departed: fates.some(({ fate }) => fate === 'LeftGroup'),
    unknownProfile,
    removalProfiles: [...removalProfiles],
    recordedPaths,
  };
}

function fateOf(
  owner: string,
  entry: OwnedEntry,
  { target, declared, isEmpty }: { target: Target; declared: Declared; isEmpty: boolean },
): Fate {
  const layer = target.layers.find(({ configuration }) => configuration.owner === owner);
  if (layer !== undefined) return layer.state === 'Enforced' ? 'Continues' : 'Suspended';
  if (declared.configurations.some((configuration) => configuration.owner === owner)) {
    const isManaged = target.layers.some(({ state }) => state === 'Enforced');
    // A device without any tag most likely lost them to somebody's mistake: that is no reason to remove anything.
    return isManaged && !target.tagless ? 'LeftGroup' : 'Unassigned';
  }
  if (declared.partial) return 'OutOfInput';
  if (isEmpty) return 'SourceEmpty';
  return entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released';
}

function isEmptySource(declared: Declared): boolean {
  return (
    declared.configurations.length === 0 &&
    declared.groups.length === 0 &&
    declared.hubs.every((hub) => hub.origin === undefined)
  );
}

function removalCause(fate: Fate): 'SettingRemoved' | 'LeftGroup' | 'OwnerRemoved' | undefined {
  if (fate === 'Continues') return 'SettingRemoved';
  return fate === 'LeftGroup' || fate === 'OwnerRemoved' ? fate : undefined;
}

function recordedPathsOf(entry: OwnedEntry, declared: Declared, desired: JsonObject): readonly string[][] {
  const names = ownedNames(entry.keys, () => {
    const profile = declared.profiles.get(entry.profile);
    const section = getPath(desired, entry.section);
    return profile !== undefined && isObject(section) ? liveAtomNames(profile, section) : [];
  });
  return names.map((name) => atomPath(entry.section, name));
}

function isRemovable(profile: Profile, name: string): boolean {
  if (profile.onRemove === 'Keep') return false;
  return !matchesPattern(name, [...profile.preserve, ...profile.deny]);
}

function nextOwners(
  target: Target,
  atoms: readonly DeclaredAtom[],
  kept: readonly { owner: string; entry: OwnedEntry }[],
): ReadonlyMap<string, OwnedEntry> {
  const enforced = target.layers.filter(({ state }) => state === 'Enforced');
  const base = atoms === target.atoms ? target.owners : expectedOwners(enforced, atoms);
  if (kept.length === 0) return base;
  return new Map([...base, ...kept.map(({ owner, entry }) => [owner, entry] as const)]);
}
