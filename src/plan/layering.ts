// Layers to one answer a key: higher priority wins, absent never equals declared, equal priority with other values conflicts.
import { deepEqual } from '../model/json.ts';
import type { Atom } from '../model/profile.ts';
import { atomPath } from '../profile/encode.ts';
import { PathMap } from './path-map.ts';
import type { Layer } from './layer.ts';

/** A setting and the owner whose value won. */
export interface DeclaredAtom {
  readonly atom: Atom;
  readonly owner: string;
}

/** A setting that its winning owner wants absent. */
export interface DeclaredAbsence {
  readonly name: string;
  readonly path: readonly string[];
  readonly owner: string;
}

/** Two configurations of equal priority that want different things of one setting. */
export interface Conflict {
  readonly name: string;
  readonly owners: readonly [string, string];
}

export interface Merged {
  readonly atoms: readonly DeclaredAtom[];
  readonly absences: readonly DeclaredAbsence[];
  readonly conflicts: readonly Conflict[];
}

interface Claim {
  readonly priority: number;
  readonly owner: string;
  readonly name: string;
  readonly path: readonly string[];
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
    const rival = rivals.find((winner) => winner.priority === claim.priority && !agree(winner, claim));
    if (rivals.length === 0) {
      winners.set(claim.path, claim);
      claims.push(claim);
    } else if (rival !== undefined) {
      conflicts.push({ name: claim.name, owners: [rival.owner, claim.owner] });
    }
  }
  return {
    atoms: claims.flatMap(({ atom, owner }) => (atom === undefined ? [] : [{ atom, owner }])),
    absences: claims.flatMap(({ atom, name, path, owner }) => (atom === undefined ? [{ name, path, owner }] : [])),
    conflicts,
  };
}

function claimsOf(layer: Layer): Claim[] {
  const { owner, priority, atoms, unset, profile } = layer.configuration;
  return [
    ...atoms
      .filter((atom) => atom.policy !== 'Ignore')
      .map((atom) => ({ priority, owner, name: atom.name, path: atom.path, atom })),
    ...unset.map((name) => ({ priority, owner, name, path: atomPath(profile.section, name), atom: undefined })),
  ];
}

function agree(a: Claim, b: Claim): boolean {
  if (a.atom === undefined || b.atom === undefined) return a.atom === b.atom && a.name === b.name;
  return a.name === b.name && deepEqual(a.atom.value, b.atom.value) && a.atom.policy === b.atom.policy;
}
