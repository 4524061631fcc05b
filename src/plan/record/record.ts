// The record on the twin: who owns which settings, kept in module-twin tags and written in the same patch as they are.
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
import { etagCounter, etagOfCounter, type Twin } from '../../model/twin.ts';
import { composeContests, NO_CONTESTS, readContests, type Contests } from './contest.ts';
import type { DeclaredAtom } from '../target/layering.ts';
import type { Layer } from '../target/layer.ts';
import { composeNudges, readNudges, type Nudges } from './nudge.ts';
import { momentText } from '../select/suspensions.ts';
import { composeUndo, readUndo, type Undo } from './undo.ts';

export const RECORD_TAG = 'twinward';
export const RECORD_VERSION = 1;

/** Above this many bytes of setting names a record holds their hashes; with them 400 settings fit in 4 KB. */
const NAME_BYTES_MAX = 3_072;
const HASH_BYTES = 6;

/** IoT Hub allows no "." in a key of a twin; resource names never hold a "%". */
const DOT_IN_KEY = '%2E';

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

export type RecordReading =
  | { readonly kind: 'absent' }
  /** Written by a newer Twinward: it may mean what we can't know. */
  | { readonly kind: 'newer'; readonly version: number }
  /** Not a record we could have written: adopt again from what means the same, remove nothing. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'valid'; readonly owners: Owners; readonly memory: RecordMemory };

/** What a record remembers besides ownership. It is written with something else, never for its own sake. */
export interface RecordMemory {
  readonly contests: Contests;
  readonly nudges: Nudges | undefined;
  /** `$version` of the desired properties after our own last write to them; undefined where we never wrote any. */
  readonly desiredVersion: number | undefined;
}

export const NO_MEMORY: RecordMemory = { contests: NO_CONTESTS, nudges: undefined, desiredVersion: undefined };

const ABSENT: RecordReading = { kind: 'absent' };
const DAMAGED: RecordReading = { kind: 'damaged' };

/** A twin, or a patch of one. */
interface Tagged {
  readonly tags?: JsonObject | undefined;
}

/** The record's raw value, whatever it is. */
export function rawRecord(twin: Tagged, instance: string): Json | undefined {
  return getKey(recordsOf(twin), instance);
}

/** Installations that have a record on the twin, in no particular order. */
export function recordedInstances(twin: Tagged): readonly string[] {
  return Object.keys(recordsOf(twin));
}

function recordsOf({ tags }: Tagged): JsonObject {
  const records = tags === undefined ? undefined : getKey(tags, RECORD_TAG);
  return isObject(records) ? records : {};
}

function ownerOfKey(key: string): Owner {
  return parseOwner(key.replaceAll(DOT_IN_KEY, '.'));
}

/** The owners in a record, whatever else it holds; none where it is not a record. */
export function recordedOwners(twin: Pick<Twin, 'tags'>, instance: string): readonly Owner[] {
  const raw = rawRecord(twin, instance);
  const own = isObject(raw) ? getKey(raw, 'own') : undefined;
  return isObject(own) ? Object.keys(own).map(ownerOfKey) : [];
}

/** What the record says that its own write makes of the twin's etag; undefined where it says nothing. */
export function recordedEtag(twin: Tagged, instance: string): string | undefined {
  const raw = rawRecord(twin, instance);
  const etag = isObject(raw) ? getKey(raw, 'etag') : undefined;
  return typeof etag === 'string' ? etag : undefined;
}

export function readRecord(twin: Pick<Twin, 'tags'>, instance: string): RecordReading {
  const raw = rawRecord(twin, instance);
  if (raw === undefined) return ABSENT;
  if (!isObject(raw)) return DAMAGED;
  const version = getKey(raw, 'v');
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return DAMAGED;
  if (version > RECORD_VERSION) return { kind: 'newer', version };
  const own = getKey(raw, 'own');
  if (!isObject(own)) return DAMAGED;
  const owners = new Map<Owner, OwnedEntry>();
  for (const key of Object.keys(own)) {
    const entry = readEntry(own[key]);
    if (entry === undefined) return DAMAGED;
    owners.set(ownerOfKey(key), entry);
  }
  return { kind: 'valid', owners, memory: readMemory(raw) };
}

/** What is damaged here is forgotten; who owns what does not hang on it. */
function readMemory(raw: JsonObject): RecordMemory {
  const { contest, nudge, desired } = raw;
  return {
    contests: readContests(contest),
    nudges: readNudges(nudge),
    desiredVersion: typeof desired === 'number' ? desired : undefined,
  };
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

/** The record as the next write puts it, holding the etag that this very write will produce. */
export function composeRecord(
  owners: Owners,
  facts: {
    readonly revision: string;
    readonly nowMs: number;
    readonly etag: string;
    readonly memory: RecordMemory;
  },
): JsonObject {
  const counter = etagCounter(facts.etag);
  const { contests, nudges, desiredVersion } = facts.memory;
  const contest = composeContests(contests);
  return {
    v: RECORD_VERSION,
    ...(counter === undefined ? {} : { etag: etagOfCounter(counter + 1n) }),
    at: momentText(facts.nowMs),
    rev: shortRevision(facts.revision),
    ...(desiredVersion === undefined ? {} : { desired: desiredVersion }),
    ...(contest === undefined ? {} : { contest }),
    ...(nudges === undefined ? {} : { nudge: composeNudges(nudges) }),
    own: composeOwn(owners),
  };
}

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

/**
 * True where the record on a twin is one of ours and its owners are spelt exactly like these, digests aside: the common
 * case, decided without taking the record apart. Where it is false, `readRecord` and `sameOwnership` tell.
 */
export function recordHolds(twin: Pick<Twin, 'tags'>, instance: string, own: JsonObject): boolean {
  const raw = rawRecord(twin, instance);
  if (!isObject(raw) || getKey(raw, 'v') !== RECORD_VERSION) return false;
  const live = getKey(raw, 'own');
  const count = Object.keys(own).length;
  // A record of nobody is there only to remember something: whether it still does is not for here.
  if (!isObject(live) || Object.keys(live).length !== count || count === 0) return false;
  for (const owner in own) if (!sameSpelling(own[owner], getKey(live, owner))) return false;
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

function composeKeys(keys: OwnedKeys, asHashes: boolean): Json {
  if ('names' in keys && !asHashes) return [...keys.names];
  const hashes = [...hashesOf(keys)].toSorted().map((text) => Buffer.from(text, 'base64'));
  return { h: Buffer.concat(hashes).toString('base64') };
}

function hashesOf(keys: OwnedKeys): ReadonlySet<string> {
  return 'hashes' in keys ? keys.hashes : new Set(keys.names.map(hashName));
}

function hashName(name: string): string {
  return hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES);
}

function bytesOfNames(keys: OwnedKeys): number {
  return 'names' in keys ? keys.names.reduce((sum, name) => sum + Buffer.byteLength(name) + 3, 0) : 0;
}

function shortRevision(revision: string): string {
  return revision.replace(/^sha(1|256):/, '').slice(0, 12);
}
