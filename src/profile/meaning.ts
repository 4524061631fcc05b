// Equality by meaning: PT60M is PT1H, and where the agent agrees "high" is "High" and "a, b" is "b,a".
import { deepEqual, isObject, type Json, type JsonObject } from '../model/json.ts';
import type { Atom, Comparator } from '../model/profile.ts';
import { isReadAlike, parseDuration } from './duration.ts';

/**
 * True if the desired value on the twin means what the setting declares, for every agent that may read it: a spelling
 * that one of them refuses does not count. Allocates nothing if the spellings are equal.
 */
export function sameMeaning(atom: Atom, live: Json | undefined): boolean {
  if (atom.wrapped && !isWrapper(live)) return false;
  const value = plainOf(atom, live);
  if (value === atom.plain) return true;
  if (atom.comparator === 'duration' && typeof value === 'string' && !isReadAlike(value)) return false;
  return sameValue(atom.comparator, atom.plain, value);
}

/** True if the agent reports what the setting declares, in any spelling. */
export function reportsSame(atom: Atom, reported: Json | undefined): boolean {
  if (atom.wrapped && !isWrapper(reported)) return false;
  return sameValue(atom.comparator, atom.plain, plainOf(atom, reported));
}

/** A wrapper with no member but the value. */
export function isBareWrapper(value: Json): value is { value: Json } {
  return isObject(value) && Object.hasOwn(value, 'value') && Object.keys(value).length === 1;
}

function isWrapper(value: Json | undefined): boolean {
  return isObject(value) && Object.hasOwn(value, 'value');
}

function plainOf(atom: Atom, value: Json | undefined): Json | undefined {
  return atom.wrapped ? (value as JsonObject)['value'] : value;
}

export function sameValue(comparator: Comparator, a: Json, b: Json | undefined): boolean {
  if (a === b) return true;
  switch (comparator) {
    case 'exact':
      return deepEqual(a, b);
    case 'caseInsensitive':
      return typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : deepEqual(a, b);
    case 'duration':
      return sameDuration(a, b);
    case 'csvOrdered':
      return sameLists(a, b, listItems);
    case 'csvSet':
      return sameLists(a, b === undefined ? '' : b, (text) => [...new Set(listItems(text))].toSorted());
  }
}

function sameDuration(a: Json, b: Json | undefined): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return deepEqual(a, b);
  const seconds = parseDuration(a);
  return seconds !== undefined && seconds === parseDuration(b);
}

function sameLists(a: Json, b: Json | undefined, items: (text: string) => string[]): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return deepEqual(a, b);
  return deepEqual(items(a), items(b));
}

/** The items of a comma list, trimmed; none for an empty text. */
export function listItems(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
