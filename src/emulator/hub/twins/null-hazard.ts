// A bug that a real hub once had (azure-iot-sdk-node#683), on demand: nulls that remove their sibling keys.
import { getKey, isObject, type Json, type JsonObject, mergePatch } from '../../../model/json.ts';
import type { Section } from './twin-document.ts';

/**
 * The patched section: in an existing object below the section's root, a null for an absent key removes all keys that
 * the patch does not set; metadata and `$version` stay. Undefined for patches without such a null.
 */
export function hazardousSection(section: Section, patch: JsonObject): Section | undefined {
  let isStruck = false;

  function wipe(before: JsonObject, part: JsonObject, merged: JsonObject, isRoot: boolean): JsonObject {
    const keys = Object.keys(part);
    const strikes = !isRoot && keys.some((key) => part[key] === null && !Object.hasOwn(before, key));
    if (strikes) isStruck = true;
    const kept = strikes ? Object.keys(merged).filter((key) => keys.includes(key)) : Object.keys(merged);
    return Object.fromEntries(kept.map((key) => [key, wipeBelow(getKey(before, key), part, merged[key] as Json, key)]));
  }

  function wipeBelow(before: Json | undefined, part: JsonObject, merged: Json, key: string): Json {
    const below = getKey(part, key);
    return isObject(before) && isObject(below) && isObject(merged) ? wipe(before, below, merged, false) : merged;
  }

  const merged = mergePatch(section.properties, patch) as JsonObject;
  const properties = wipe(section.properties, patch, merged, true);
  return isStruck ? { ...section, properties } : undefined;
}
