// What a write of the record says, in words: who owns which settings from now on, and who lets go of what stays.
import type { SettingChange } from '../../model/action.ts';
import type { Owner } from '../../model/owner.ts';
import type { OwnedEntry, OwnedKeys, Owners } from './owned-entry.ts';

const NAMES_SHOWN_MAX = 5;

/** Of a write of the record alone; `before` is empty where there was none. The same for twins on which the same happens. */
export function recordMessage(before: Owners, after: Owners): string {
  const owners = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const sentences = owners.flatMap((owner) => [
    ...gainSentence(owner, before, after),
    ...releaseSentence(owner, before, after, new Set()),
    ...spellingSentences(owner, before.get(owner), after.get(owner)),
  ]);
  return sentences.length === 0 ? 'The record has nothing left to remember.' : sentences.join(' ');
}

/** What a write lets go of beside what it changes; undefined where there is nothing. */
export function releaseMessage(
  before: Owners,
  after: Owners,
  changes: readonly Pick<SettingChange, 'name'>[],
): string | undefined {
  const changed = new Set(changes.map(({ name }) => name));
  const sentences = [...before.keys()].toSorted().flatMap((owner) => releaseSentence(owner, before, after, changed));
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

function gainSentence(owner: Owner, before: Owners, after: Owners): string[] {
  const keys = after.get(owner)?.keys;
  if (keys === undefined) return [];
  const known = namesOf(before.get(owner)?.keys);
  const names = namesOf(keys);
  // A hash has no name.
  if (names === undefined || known === undefined)
    return before.has(owner) ? [] : [`${owner} owns its settings from now on.`];
  return sentence(owner, 'owns', without(names, new Set(known)), ' from now on.');
}

/** What another one owns from now on is not let go of. */
function releaseSentence(owner: Owner, before: Owners, after: Owners, changed: ReadonlySet<string>): string[] {
  const keys = before.get(owner)?.keys;
  const names = namesOf(keys);
  const owned = [...after.values()].map((entry) => namesOf(entry.keys));
  if (names === undefined || owned.includes(undefined)) {
    return after.has(owner) || changed.size > 0 ? [] : [`${owner} lets go of its settings; what is there stays.`];
  }
  const left = without(names, new Set([...owned.flatMap((some) => some ?? []), ...changed]));
  return sentence(owner, 'lets go of', left, '; what is there stays.');
}

function spellingSentences(owner: Owner, before: OwnedEntry | undefined, after: OwnedEntry | undefined): string[] {
  if (before === undefined || after === undefined) return [];
  const { deletionPolicy, profile } = after;
  return [
    ...(before.deletionPolicy === deletionPolicy ? [] : [`The deletion policy of ${owner} is ${deletionPolicy} now.`]),
    ...(before.profile === profile ? [] : [`The profile of ${owner} is ${profile} now.`]),
  ];
}

/** Undefined where only hashes are known. */
function namesOf(keys: OwnedKeys | undefined): readonly string[] | undefined {
  if (keys === undefined) return [];
  return 'names' in keys ? keys.names : undefined;
}

function without(names: readonly string[], others: ReadonlySet<string>): string[] {
  return names.filter((name) => !others.has(name));
}

function sentence(owner: Owner, does: string, names: readonly string[], end: string): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return [`${owner} ${does} ${[...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')}${end}`];
}
