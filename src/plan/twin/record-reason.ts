// Why the record alone is written.
import type { Owners } from '../record/owned-entry.ts';
import type { Ownership } from './ownership.ts';

/** What a write of the record alone means; `recorded` is undefined where there was none. */
export function recordReason(
  recorded: Owners | undefined,
  { atoms, owners, recordedPaths }: Ownership,
): 'Adopted' | 'OwnerChanged' | 'Released' {
  if (recorded === undefined) return 'Adopted';
  const before = atoms
    .filter(({ atom }) => atom.policy === 'Override')
    .map(({ atom, owner }) => ({ owner, there: recordedPaths.overlapping(atom.path) }));
  if (before.some(({ owner, there }) => there.some((one) => one.owner !== owner))) return 'OwnerChanged';
  if (before.some(({ there }) => there.length === 0)) return 'Adopted';
  const isRespelt = [...owners].some(([owner, { deletionPolicy, profile }]) => {
    const entry = recorded.get(owner);
    return entry !== undefined && (entry.deletionPolicy !== deletionPolicy || entry.profile !== profile);
  });
  return isRespelt ? 'OwnerChanged' : 'Released';
}
