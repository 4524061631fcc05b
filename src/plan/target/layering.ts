// Layers to one answer a key: higher priority wins, absent never equals declared, equal priority with other values conflicts.
import { deepEqual } from '../../model/json.ts';
import type { Atom, Profile } from '../../model/profile.ts';
import { atomPath } from '../../profile/encode.ts';
import { matchesPattern } from '../../profile/patterns.ts';
import { PathMap } from '../../model/path-map.ts';
import type { Owner } from '../../model/owner.ts';
import type { Layer } from './layer.ts';

/** A setting and the owner whose value won. */
export interface DeclaredAtom {
  readonly atom: Atom;
  readonly owner: Owner;
}

/** A setting that its winning owner wants absent, and that may be removed. */
export interface DeclaredAbsence {
  readonly name: string;
  readonly path: readonly string[];
  readonly owner: Owner;
}

/** Two configurations of equal priority that want different things of one setting. */
export interface Conflict {
  readonly name: string;
  readonly owners: readonly [Owner, Owner];
}

export interface Merged {
  readonly atoms: readonly DeclaredAtom[];
  readonly absences: readonly DeclaredAbsence[];
  readonly conflicts: readonly Conflict[];
}

interface Claim {
  readonly priority: number;
  readonly owner: Owner;
  readonly name: string;
  readonly path: readonly string[];
  readonly profile: Profile;
  /** Undefined: the owner wants the setting absent. */
  readonly atom: Atom | undefined;
}

/** `layers` in descending priority. A claim on `a` and one on `a/b` are claims on the same place. */
export function merge(layers: readonly Layer[]): Merged {
  const winners = new PathMap<Claim>();
  const claims: Claim[] = [];
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

function claimsOf(layer: Layer): Claim[] {
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

/** False where the profile keeps the setting on the twin, whoever wants it gone. */
export function isRemovable(profile: Profile, name: string): boolean {
  if (profile.onRemove === 'Keep') return false;
  return !matchesPattern(name, [...profile.preserve, ...profile.deny]);
}

function agree(a: Claim, b: Claim): boolean {
  if (a.atom === undefined || b.atom === undefined) return a.atom === b.atom && a.name === b.name;
  return a.name === b.name && deepEqual(a.atom.value, b.atom.value) && a.atom.policy === b.atom.policy;
}
