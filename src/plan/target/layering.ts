// Layers to one answer a key: higher priority wins, absent never equals declared, equal priority with other values conflicts.
import { deepEqual } from '../../model/json.ts';
import type { Atom, Profile } from '../../model/profile.ts';
import { atomPath } from '../../profile/encode.ts';
import { matchesPattern } from '../../profile/patterns.ts';
import { PathMap } from '../../model/path-map.ts';
import type { Owner } from '../../model/owner.ts';
import type { DeclaredConfiguration } from '../../model/declared.ts';
import type { Selector } from '../../model/selector.ts';

type LayerState = 'Enforced' | 'Observed' | 'Suspended';

/** Lists of layers have the higher priority first, then go by name. */
export interface Layer {
  readonly configuration: DeclaredConfiguration;
  readonly group: string | undefined;
  /** The way in that the device took. */
  readonly selector: Selector;
  readonly state: LayerState;
  /** Whose mode is Observe, where it is observed: `the Hub`, `group "lab"`, or its own owner. */
  readonly observedBy?: string;
  /** Where that is not its own manifest's word. */
  readonly suspendedBy?: SuspendingWord;
}

export interface SuspendingWord {
  /** Who suspended it and why. */
  readonly because: string;
  /** The same with what ends it. */
  readonly message: string;
}

/** A setting and the owner whose value won. */
export interface DeclaredAtom {
  readonly atom: Atom;
  readonly owner: Owner;
}

/** A setting by its place on a twin: two profiles may use one name for two places. */
export interface Place {
  readonly name: string;
  /** Keys from `properties.desired`. */
  readonly path: readonly string[];
}

/** A setting that its winning owner wants absent, and that may be removed. */
export interface DeclaredAbsence extends Place {
  readonly owner: Owner;
}

/** Two configurations of equal priority that want different things of one setting. */
export interface Conflict {
  readonly name: string;
  readonly owners: readonly [Owner, Owner];
}

/** What owners claim of a twin. */
export interface Claims {
  readonly atoms: readonly DeclaredAtom[];
  readonly absences: readonly DeclaredAbsence[];
}

export interface Merged extends Claims {
  readonly conflicts: readonly Conflict[];
}

interface OwnClaim extends DeclaredAbsence {
  readonly priority: number;
  readonly profile: Profile;
  /** Undefined: the owner wants the setting absent. */
  readonly atom: Atom | undefined;
}

/** `layers` in descending priority. A claim on `a` and one on `a/b` are claims on the same place. */
export function merge(layers: readonly Layer[]): Merged {
  const winners = new PathMap<OwnClaim>();
  const claims: OwnClaim[] = [];
  const conflicts: Conflict[] = [];
  for (const claim of layers.flatMap(claimsOf)) {
    const rivals = winners.overlapping(claim.path);
    if (rivals.length === 0) {
      winners.set(claim.path, claim);
      claims.push(claim);
      continue;
    }
    if (rivals.some((winner) => winner.priority > claim.priority)) continue;
    const rival = rivals.find((winner) => !agree(winner, claim));
    if (rival !== undefined) {
      conflicts.push({ name: claim.name, owners: [rival.owner, claim.owner] });
    }
  }
  return {
    atoms: claims.flatMap(({ atom, owner }) => (atom === undefined ? [] : [{ atom, owner }])),
    absences: claims
      .filter(({ atom, profile, name }) => atom === undefined && isRemovable(profile, name))
      .map(({ name, path, owner }) => ({ name, path, owner })),
    conflicts,
  };
}

function claimsOf(layer: Layer): OwnClaim[] {
  const { owner, priority, atoms, unset, profile } = layer.configuration;
  return [
    ...atoms
      .filter((atom) => atom.policy !== 'Ignore')
      .map((atom) => ({ priority, owner, profile, name: atom.name, path: atom.path, atom })),
    ...unset.map((name) => ({
      priority,
      owner,
      profile,
      name,
      path: atomPath(profile.section, name),
      atom: undefined,
    })),
  ];
}

/** Every place that layers name without writing there: frozen ones all of theirs, enforced ones what they ignore. */
export function placesNamedOnly(layers: readonly Layer[]): PathMap<true> {
  const places = new PathMap<true>();
  for (const { configuration, state } of layers) {
    for (const { path, policy } of configuration.atoms) {
      if (state !== 'Enforced' || policy === 'Ignore') places.set(path, true);
    }
  }
  return places;
}

/** False where the profile keeps the setting on the twin, whatever a configuration asks for. */
export function isRemovable(profile: Profile, name: string): boolean {
  if (profile.onRemove === 'Keep') return false;
  return !matchesPattern(name, [...profile.preserve, ...profile.deny]);
}

function agree(a: OwnClaim, b: OwnClaim): boolean {
  if (a.atom === undefined || b.atom === undefined) return a.atom === b.atom && a.name === b.name;
  return a.name === b.name && deepEqual(a.atom.value, b.atom.value) && a.atom.policy === b.atom.policy;
}
