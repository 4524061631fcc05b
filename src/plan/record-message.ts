// What a write of the record alone says, in words: who owns which settings from now on, and who lets go of them.
import type { OwnedEntry, OwnedKeys } from './record.ts';

const NAMES_SHOWN_MAX = 5;

/** `before` is empty where there was no record. The same for twins on which the same happens. */
export function recordMessage(before: ReadonlyMap<string, OwnedEntry>, after: ReadonlyMap<string, OwnedEntry>): string {
  const owners = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const sentences = owners.flatMap((owner) => ownerSentences(owner, before.get(owner), after.get(owner)));
  return sentences.length === 0 ? 'The record has nothing left to remember.' : sentences.join(' ');
}

function ownerSentences(owner: string, before: OwnedEntry | undefined, after: OwnedEntry | undefined): string[] {
  const gained = without(after?.keys, before?.keys);
  const lost = without(before?.keys, after?.keys);
  const isSame = before === undefined || after === undefined;
  return [
    ...(gained === undefined ? [] : [`${owner} owns ${gained} from now on.`]),
    ...(lost === undefined ? [] : [`${owner} lets go of ${lost}; what is there stays.`]),
    ...(isSame || before.deletionPolicy === after.deletionPolicy
      ? []
      : [`The deletion policy of ${owner} is ${after.deletionPolicy} now.`]),
    ...(isSame || before.profile === after.profile ? [] : [`The profile of ${owner} is ${after.profile} now.`]),
  ];
}

/** The names in the first and not in the second, as text; undefined where there are none. A hash tells no name. */
function without(keys: OwnedKeys | undefined, others: OwnedKeys | undefined): string | undefined {
  if (keys === undefined) return undefined;
  const areNamed = 'names' in keys && (others === undefined || 'names' in others);
  if (!areNamed) return others === undefined ? 'its settings' : undefined;
  const known = new Set(others === undefined || !('names' in others) ? [] : others.names);
  const names = keys.names.filter((name) => !known.has(name));
  if (names.length === 0) return undefined;
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
