// What one owner owns on one twin, and its entry in the record: composed, read, and compared as it is spelt.
import { hash } from 'node:crypto';
import type { DeletionPolicy } from '../../model/declared.ts';
import {
  deepEqual,
  formatPointer,
  getKey,
  isObject,
  parsePointer,
  setKey,
  type Json,
  type JsonObject,
} from '../../model/json.ts';
import { parseOwner, type Owner } from '../../model/owner.ts';
import { composeUndo, readUndo, type Undo } from './undo.ts';

/** Of one name. */
const HASH_BYTES = 6;

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

/** Setting names, sorted, or their hashes where the names would be too long. */
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
function sameTexts(a: readonly Json[], b: readonly Json[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

function hashesOf(keys: OwnedKeys): ReadonlySet<string> {
  return 'hashes' in keys ? keys.hashes : new Set(keys.names.map(hashName));
}

function hashName(name: string): string {
  return hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES);
}

/** Above this many bytes of setting names a record holds their hashes; with them 400 settings fit in 4 KB. */
const NAME_BYTES_MAX = 3_072;

/** IoT Hub allows no "." in a key of a twin; resource names never hold a "%". */
const DOT_IN_KEY = '%2E';

/** The record's `own`. */
export function composeOwn(owners: Owners): JsonObject {
  const nameBytes = [...owners.values()].reduce((sum, { keys }) => sum + bytesOfNames(keys), 0);
  const own: JsonObject = {};
  for (const owner of [...owners.keys()].toSorted()) {
    const entry = owners.get(owner) as OwnedEntry;
    setKey(own, owner.replaceAll('.', DOT_IN_KEY), {
      digest: entry.digest,
      deletionPolicy: entry.deletionPolicy,
      profile: entry.profile,
      ...(entry.section.length === 0 ? {} : { section: formatPointer(entry.section) }),
      keys: composeKeys(entry.keys, nameBytes > NAME_BYTES_MAX),
      ...composeUndo(entry.undo),
    });
  }
  return own;
}

function composeKeys(keys: OwnedKeys, asHashes: boolean): Json {
  if ('names' in keys && !asHashes) return [...keys.names];
  const hashes = [...hashesOf(keys)].toSorted().map((text) => Buffer.from(text, 'base64'));
  return { h: Buffer.concat(hashes).toString('base64') };
}

function bytesOfNames(keys: OwnedKeys): number {
  return 'names' in keys ? keys.names.reduce((sum, name) => sum + Buffer.byteLength(name) + 3, 0) : 0;
}

/** Undefined where any entry is none that we could have written. */
export function readOwn(own: JsonObject): Owners | undefined {
  const owners = new Map<Owner, OwnedEntry>();
  for (const key of Object.keys(own)) {
    const entry = readEntry(own[key]);
    if (entry === undefined) return undefined;
    owners.set(ownerOfKey(key), entry);
  }
  return owners;
}

export function ownerOfKey(key: string): Owner {
  return parseOwner(key.replaceAll(DOT_IN_KEY, '.'));
}

function readEntry(raw: Json | undefined): OwnedEntry | undefined {
  if (!isObject(raw)) return undefined;
  const { digest, deletionPolicy, profile, section: pointer } = raw;
  if (typeof digest !== 'string' || typeof profile !== 'string') return undefined;
  if (deletionPolicy !== 'Retain' && deletionPolicy !== 'Remove') return undefined;
  const section = pointer === undefined ? [] : typeof pointer === 'string' ? parsePointer(pointer) : undefined;
  const keys = readKeys(getKey(raw, 'keys'));
  if (section === undefined || keys === undefined) return undefined;
  return { digest, deletionPolicy, profile, section, keys, undo: readUndo(raw) };
}

function readKeys(raw: Json | undefined): OwnedKeys | undefined {
  if (Array.isArray(raw)) {
    return raw.every(isName) ? { names: raw } : undefined;
  }
  const text = isObject(raw) ? getKey(raw, 'h') : undefined;
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % HASH_BYTES !== 0) return undefined;
  const hashes = new Set<string>();
  for (let offset = 0; offset < bytes.length; offset += HASH_BYTES) {
    hashes.add(bytes.toString('base64', offset, offset + HASH_BYTES));
  }
  return { hashes };
}

/** What starts with "$" is the hub's own and never a setting. */
function isName(raw: Json): raw is string {
  return typeof raw === 'string' && !raw.startsWith('$');
}

/** True where the two spell the same owners in the same way, digests aside. */
export function sameOwn(ours: JsonObject, live: JsonObject): boolean {
  if (Object.keys(live).length !== Object.keys(ours).length) return false;
  for (const owner in ours) if (!sameSpelling(ours[owner], getKey(live, owner))) return false;
  return true;
}

function sameSpelling(ours: Json | undefined, live: Json | undefined): boolean {
  if (!isObject(ours) || !isObject(live)) return false;
  return (
    typeof live['digest'] === 'string' &&
    live['deletionPolicy'] === ours['deletionPolicy'] &&
    live['profile'] === ours['profile'] &&
    live['section'] === ours['section'] &&
    sameKeyList(live['keys'], ours['keys'])
  );
}

/** Lists of names in one loop; hashes, which few records hold, in whatever way. */
function sameKeyList(live: Json | undefined, ours: Json | undefined): boolean {
  return Array.isArray(live) && Array.isArray(ours) ? sameTexts(live, ours) : deepEqual(live, ours);
}
