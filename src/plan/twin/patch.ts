// The smallest patch that is safe for the agent: the changed settings alone, or the whole section where the agent
// reads every notification as the whole section (docs/profiles.md).
import {
  cloneJson,
  getKey,
  getPath,
  isObject,
  liesIn,
  mergePatchBetween,
  removePath,
  setKey,
  setPath,
  type Json,
  type JsonObject,
} from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import { userDesired } from '../../model/twin.ts';
import type { SettingChange } from '../../model/action.ts';

/** `properties.desired` as it will be once the changes are written, envelopes included. */
export function applyChanges(
  desired: JsonObject,
  changes: readonly SettingChange[],
  profiles: readonly Profile[],
): JsonObject {
  const next = cloneJson(userDesired(desired));
  for (const change of changes) {
    if (change.after === undefined) removePath(next, change.path);
    else setPath(next, change.path, cloneJson(change.after));
  }
  for (const { path, members } of envelopes(changes, profiles)) {
    for (const key of Object.keys(members)) setPath(next, [...path, key], members[key] as Json);
  }
  return next;
}

/**
 * The merge patch on `properties.desired` that turns `desired` into `next` in the way that is safe for the agents: `changes`
 * alone, plus every section that must be sent whole once anything is sent at all.
 */
export function desiredPatch(
  desired: JsonObject,
  next: JsonObject,
  changes: readonly SettingChange[],
  profiles: readonly Profile[],
): JsonObject {
  const patch: JsonObject = {};
  for (const { path } of changes) {
    const after = getPath(next, path);
    const difference = after === undefined ? null : mergePatchBetween(getPath(desired, path), after);
    if (difference !== undefined) setPath(patch, path, difference);
  }
  for (const { path, members } of envelopes(changes, profiles)) {
    for (const key of Object.keys(members)) setPath(patch, [...path, key], members[key] as Json);
  }
  for (const { patchGranularity, section } of profiles) {
    if (patchGranularity === 'section') sendWhole(patch, next, section);
  }
  return patch;
}

/** The complete sections of these profiles as they are, for an agent that forgot them. */
export function wholeSections(desired: JsonObject, profiles: readonly Profile[]): JsonObject {
  const patch: JsonObject = {};
  for (const { section } of profiles) sendWhole(patch, userDesired(desired), section);
  return patch;
}

/** Overlays the complete section on the patch; the nulls that the patch already holds stay. */
function sendWhole(patch: JsonObject, next: JsonObject, section: readonly string[]): void {
  const whole = getPath(next, section);
  if (whole === undefined) return;
  const removals = getPath(patch, section);
  if (section.length === 0 && isObject(whole)) {
    for (const key of Object.keys(whole)) setKey(patch, key, withRemovals(whole[key] as Json, getKey(patch, key)));
  } else {
    setPath(patch, section, withRemovals(whole, removals));
  }
}

function withRemovals(whole: Json, patch: Json | undefined): Json {
  if (!isObject(whole) || !isObject(patch)) return whole;
  const merged: JsonObject = {};
  for (const key of Object.keys(whole)) setKey(merged, key, withRemovals(whole[key] as Json, getKey(patch, key)));
  for (const key of Object.keys(patch)) if (patch[key] === null) setKey(merged, key, null);
  return merged;
}

/** Marks that objects above written or removed settings must carry, once each: the agent reads the patch alone. */
function envelopes(
  changes: readonly SettingChange[],
  profiles: readonly Profile[],
): { path: readonly string[]; members: JsonObject }[] {
  const found = new Map<string, { path: readonly string[]; members: JsonObject }>();
  for (const { envelope, section, encoding } of profiles) {
    if (envelope === undefined) continue;
    for (const { path } of changes) {
      if (!liesIn(section, path)) continue;
      // Below the root each component is an object of its own; a property of the root itself has none to mark.
      const isComponentAtRoot = encoding === 'PnpComponent' && section.length === 0;
      const holder = isComponentAtRoot ? path.slice(0, 1) : section;
      if (path.length > holder.length) found.set(JSON.stringify(holder), { path: holder, members: envelope });
    }
  }
  return [...found.values()];
}
