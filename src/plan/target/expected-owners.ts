// What the record holds on a twin that is in sync: each owner with the settings it wins.
import type { OwnedEntry, Owners } from '../record/owned-entry.ts';
import type { Owner } from '../../model/owner.ts';
import type { Layer } from './layer.ts';
import type { DeclaredAtom } from './layering.ts';

/**
 * The entries of a twin in sync: each enforced layer that wins at least one setting. Settings written only where they
 * are absent are not owned: what is there may be somebody else's.
 */
export function expectedOwners(layers: readonly Layer[], atoms: readonly DeclaredAtom[]): Owners {
  const owners = new Map<Owner, OwnedEntry>();
  for (const { configuration } of layers) {
    const names = atoms
      .filter(({ atom, owner }) => owner === configuration.owner && atom.policy === 'Override')
      .map(({ atom }) => atom.name);
    if (names.length > 0) owners.set(configuration.owner, entryOf(configuration, names));
  }
  return owners;
}

function entryOf(configuration: Layer['configuration'], names: readonly string[]): OwnedEntry {
  const { digest, deletionPolicy, profile } = configuration;
  return { digest, deletionPolicy, profile: profile.name, section: profile.section, keys: { names: names.toSorted() } };
}
