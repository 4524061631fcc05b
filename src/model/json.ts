// JSON values: equality, copies, pointers, merge patch, canonical text. Safe for hostile keys such as "__proto__".

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads an own property; inherited names such as "constructor" are absent. */
export function getKey(object: JsonObject, key: string): Json | undefined {
  const value: unknown = object[key];
  // Inherited values are functions or "__proto__"; anything else is an own property, without a second lookup.
  if (typeof value !== 'function' && key !== '__proto__') return value as Json | undefined;
  return Object.hasOwn(object, key) ? (value as Json) : undefined;
}

/** Sets an own property even where the key is "__proto__". */
export function setKey(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** Deep equality of JSON values; the order of keys does not matter, 1 equals 1.0. */
export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]))
  );
}

export function cloneJson<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => cloneJson(item)) as T;
  if (!isObject(value)) return value;
  // A spread makes "__proto__" an own key of the copy, so a later assignment sets that key.
  const copy: JsonObject = { ...value };
  for (const key of Object.keys(copy)) {
    const item = copy[key] as Json;
    if (typeof item === 'object' && item !== null) copy[key] = cloneJson(item);
  }
  return copy as T;
}

/** Freezes the value and everything in it, in place. Assumes that an already frozen value is frozen at every depth. */
export function freezeJson<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) for (const item of value) freezeJson(item);
  else for (const key of Object.keys(value)) freezeJson(value[key] as Json);
  return Object.freeze(value);
}

/** The value at a path of object keys, or undefined. Arrays are leaves: twins replace them whole. */
export function getPath(root: Json | undefined, path: readonly string[]): Json | undefined {
  let value = root;
  for (const key of path) {
    if (!isObject(value)) return undefined;
    value = getKey(value, key);
  }
  return value;
}

/** Sets the value at a path; creates objects on the way and replaces scalars. */
export function setPath(root: JsonObject, path: readonly string[], value: Json): void {
  let object = root;
  for (const key of path.slice(0, -1)) {
    let next = getKey(object, key);
    if (!isObject(next)) {
      next = {};
      setKey(object, key, next);
    }
    object = next;
  }
  const last = path.at(-1);
  if (last !== undefined) setKey(object, last, value);
}

/** No effect if there is no such path. */
export function removePath(root: JsonObject, path: readonly string[]): void {
  const holder = getPath(root, path.slice(0, -1));
  const last = path.at(-1);
  if (isObject(holder) && last !== undefined) delete holder[last];
}

/** True if the path is the section or inside it. */
export function liesIn(section: readonly string[], path: readonly string[]): boolean {
  return section.every((key, index) => path[index] === key);
}

/** RFC 6901 text of a path. */
export function formatPointer(path: readonly string[]): string {
  return path.map((segment) => `/${escapeSegment(segment)}`).join('');
}

/** The path of an RFC 6901 pointer; "" is the root. Undefined if the text is not a pointer. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return undefined;
  return pointer.slice(1).split('/').map(unescapeSegment);
}

export function escapeSegment(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function unescapeSegment(segment: string): string {
  return segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment;
}

/** True if an RFC 7386 patch names the path, or one above or below it. */
export function patchTouches(patch: Json, path: readonly string[]): boolean {
  let value: Json | undefined = patch;
  for (const key of path) {
    if (!isObject(value)) break;
    value = getKey(value, key);
  }
  return value !== undefined;
}

/** True where the patch removes anything. */
export function hasNull(value: Json | undefined): boolean {
  if (value === null) return true;
  if (!isObject(value)) return false;
  return Object.keys(value).some((key) => hasNull(value[key]));
}

/** RFC 7386. Returns a new value; neither argument is changed. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return cloneJson(patch);
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json;
    if (value === null) delete result[key];
    else setKey(result, key, mergePatch(getKey(result, key), value));
  }
  return result;
}

/** The smallest merge patch that turns one value into another; undefined where they are equal. */
export function mergePatchBetween(before: Json | undefined, after: Json): Json | undefined {
  if (!isObject(before) || !isObject(after)) return deepEqual(before, after) ? undefined : after;
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) setKey(patch, key, null);
  }
  for (const key of Object.keys(after)) {
    const difference = mergePatchBetween(getKey(before, key), after[key] as Json);
    if (difference !== undefined) setKey(patch, key, difference);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** One text for every spelling of the same value: sorted keys, no spaces. The input of every digest. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`);
  return `{${members.join(',')}}`;
}
