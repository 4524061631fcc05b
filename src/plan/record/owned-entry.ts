// What one owner owns on one twin, as the record knows it: the names of settings, or their hashes.
import { hash } from 'node:crypto';
import type { DeletionPolicy } from '../../model/declared.ts';
import type { Json } from '../../model/json.ts';
import type { Owner } from '../../model/owner.ts';
import type { Undo } from './undo.ts';

/** Of one name. */
export const HASH_BYTES = 6;

/** What one owner owns on one twin. */
export interface OwnedEntry {
  readonly digest: string;
  readonly deletionPolicy: DeletionPolicy;
  readonly profile: string;
  /** Keys from `properties.desired` to the settings, as they were when written. */
  readonly section: readonly string[];
  readonly keys: OwnedKeys;
  /** Only of exceptions. It makes no record differ: it is written with something else. */
  readonly undo?: Undo | undefined;
}

/** By owner. */
export type Owners = ReadonlyMap<Owner, OwnedEntry>;

export const NO_OWNERS: Owners = new Map();

/** Setting names, sorted, or their hashes where the names would take too much room. */
export type OwnedKeys = { readonly names: readonly string[] } | { readonly hashes: ReadonlySet<string> };

/** The names an entry owns, given those that exist on the twin: hashes only say which of these are meant. */
export function ownedNames(keys: OwnedKeys, existing: () => readonly string[]): readonly string[] {
  return 'names' in keys ? keys.names : existing().filter((name) => keys.hashes.has(hashName(name)));
}

/** The keys without these names, undefined where none is left; the very keys where they hold none of them. */
export function withoutNames(keys: OwnedKeys, names: ReadonlySet<string>): OwnedKeys | undefined {
  if (names.size === 0) return keys;
  if ('names' in keys) {
    const left = keys.names.filter((name) => !names.has(name));
    return left.length === 0 ? undefined : { names: left };
  }
  const left = keys.hashes.difference(new Set([...names].map(hashName)));
  return left.size === 0 ? undefined : { hashes: left };
}

/**
 * True where the two say the same about ownership. Digests may differ: a change in a manifest that changes nothing on
 * this twin must not touch it.
 */
export function sameOwnership(a: Owners, b: Owners): boolean {
  if (a.size !== b.size) return false;
  for (const [owner, entry] of a) {
    const other = b.get(owner);
    if (other === undefined || !sameEntry(entry, other)) return false;
  }
  return true;
}

function sameEntry(a: OwnedEntry, b: OwnedEntry): boolean {
  return (
    a.deletionPolicy === b.deletionPolicy &&
    a.profile === b.profile &&
    sameTexts(a.section, b.section) &&
    sameKeys(a.keys, b.keys)
  );
}

function sameKeys(a: OwnedKeys, b: OwnedKeys): boolean {
  if ('names' in a && 'names' in b) return sameTexts(a.names, b.names);
  const left = hashesOf(a);
  const right = hashesOf(b);
  return left.size === right.size && [...left].every((hash) => right.has(hash));
}

/** Anything but texts is never the same. */
export function sameTexts(a: readonly Json[], b: readonly Json[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

export function hashesOf(keys: OwnedKeys): ReadonlySet<string> {
  return 'hashes' in keys ? keys.hashes : new Set(keys.names.map(hashName));
}

function hashName(name: string): string {
  return hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES);
}
