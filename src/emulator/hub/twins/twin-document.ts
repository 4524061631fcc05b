// One section of a twin, desired or reported: its values, its metadata, and the effect of a write on both.
import {
  getKey,
  getPath,
  isObject,
  mergePatch,
  setKey,
  cloneJson,
  type Json,
  type JsonObject,
} from '../../../model/json.ts';

/** Immutable; a write shares unchanged parts with the previous section. */
export interface Section {
  /** User keys only. */
  readonly properties: JsonObject;
  /** Mirrors the objects of `properties`; arrays and scalars are leaves. */
  readonly metadata: JsonObject;
  /** `$version`. */
  readonly version: number;
}

/** The metadata of a write, on every key it names and on the objects above. Shared, because a hub holds millions. */
type Stamp = Readonly<JsonObject>;

/** Desired metadata carries `$lastUpdatedVersion`, reported metadata does not. */
export type SectionKind = 'desired' | 'reported';

/** Shared by all empty objects: a hub has millions. */
export const EMPTY: JsonObject = Object.freeze({});

export function freshSection(at: string): Section {
  return { properties: EMPTY, metadata: { $lastUpdated: at }, version: 1 };
}

/**
 * RFC 7386, incrementing the version. Stamps everything the patch names, changed or not, because the hub compares no
 * values. A null for an absent key removes nothing and still counts as a write.
 */
export function patchSection(section: Section, patch: JsonObject, at: string, kind: SectionKind): Section {
  const version = section.version + 1;
  const stamp = createStamp(at, kind === 'desired' ? version : undefined);
  return {
    properties: mergePatch(section.properties, patch) as JsonObject,
    metadata: patchMetadata(section.metadata, patch, stamp),
    version,
  };
}

/** The configuration that wrote a value: its id, and the digest of its state at that time. */
export interface Signature {
  readonly path: readonly string[];
  readonly by: string;
  readonly digest: string;
}

/** Signs existing values, until another write replaces them. */
export function signSection(section: Section, signatures: readonly Signature[]): Section {
  const metadata = cloneJson(section.metadata);
  for (const { path, by, digest } of signatures) {
    const stamp = getPath(metadata, path);
    if (isObject(stamp)) Object.assign(stamp, { $lastUpdatedBy: by, $lastUpdatedByDigest: digest });
  }
  return { ...section, metadata };
}

/** Replaces all values; `properties` has no nulls. */
export function replaceSection(section: Section, properties: JsonObject, at: string): Section {
  const version = section.version + 1;
  return {
    properties: cloneJson(properties),
    metadata: patchMetadata({}, properties, createStamp(at, version)),
    version,
  };
}

/** The patch that a device gets for a replacement: the new values, and null for each removed key, at any depth. */
export function replacementPatch(before: JsonObject, after: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) setKey(patch, key, null);
  for (const key of Object.keys(after)) {
    const value = after[key] as Json;
    const old = getKey(before, key);
    setKey(patch, key, isObject(value) && isObject(old) ? replacementPatch(old, value) : cloneJson(value));
  }
  return patch;
}

/** As clients get it: user keys, then `$metadata`, then `$version`. Shares its parts with the section. */
export function wireSection(section: Section): JsonObject {
  return { ...section.properties, $metadata: section.metadata, $version: section.version };
}

function patchMetadata(metadata: JsonObject, patch: JsonObject, stamp: Stamp): JsonObject {
  // Not `{...stamp}`, which would store the later keys in a second block of memory.
  const result: JsonObject = {};
  for (const key of Object.keys(stamp)) result[key] = stamp[key] as Json;
  for (const key of Object.keys(metadata)) {
    if (!isStampKey(key)) setKey(result, key, metadata[key] as Json);
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json;
    if (value === null) delete result[key];
    else setKey(result, key, isObject(value) ? patchMetadata(childOf(result, key), value, stamp) : stamp);
  }
  return result;
}

function createStamp(at: string, version: number | undefined): Stamp {
  return version === undefined ? { $lastUpdated: at } : { $lastUpdated: at, $lastUpdatedVersion: version };
}

/** User keys contain no "$", so they never look like a stamp. */
function isStampKey(key: string): boolean {
  return key.startsWith('$');
}

function childOf(metadata: JsonObject, key: string): JsonObject {
  const child = getKey(metadata, key);
  return isObject(child) ? child : {};
}
