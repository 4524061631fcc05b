// What must never be: each write of a controller is held against the truth of the world, told independently of the planner.
import { deepEqual, getKey, getPath, isObject, mergePatch, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Twin, TwinPatch } from '../../src/model/twin.ts';
import { declaredFor, SETTINGS, type Policy, type ProfileName } from './policy.ts';

const LEGACY_SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

export const SECTIONS: Readonly<Record<ProfileName, readonly string[]>> = {
  'defender-legacy': [LEGACY_SECTION],
  'defender-micro-agent': [],
  'acme-guard': ['guard'],
};

export function pathOf(profile: ProfileName, key: string): readonly string[] {
  return [...SECTIONS[profile], key];
}

export function encoded(profile: ProfileName, value: Json): Json {
  return profile === 'defender-legacy' && value !== null ? { value } : value;
}

/** A setting as a person would write it; undefined where it is absent. */
export function settingIn(profile: ProfileName, desired: JsonObject, key: string): Json | undefined {
  const value = getPath(desired, pathOf(profile, key));
  return profile === 'defender-legacy' && isObject(value) ? getKey(value, 'value') : value;
}

export interface Write {
  readonly deviceId: string;
  readonly profile: ProfileName;
  /** Exactly as it was under the etag that the write names. */
  readonly before: Twin;
  readonly patch: TwinPatch;
  /** Every policy and every set of device tags that the writer may still go by. */
  readonly policies: readonly Policy[];
  readonly tags: readonly JsonObject[];
}

/** What is wrong with a write, in words; none where nothing is. */
export function judge({ deviceId, profile, before, patch, policies, tags }: Write): string[] {
  const patched = patch.properties?.desired;
  if (patched === undefined) return [];
  const desired = userKeys(before.properties.desired);
  const after = mergePatch(desired, patched) as JsonObject;
  const keys = Object.keys(SETTINGS[profile]);
  const where = `${deviceId}/${profile}`;
  const problems: string[] = [];
  if (!deepEqual(withoutKeys(profile, desired, keys), withoutKeys(profile, after, keys))) {
    problems.push(`${where}: a foreign setting was touched: ${JSON.stringify(patched)}`);
  }
  const changed = keys.filter((key) => !deepEqual(settingIn(profile, desired, key), settingIn(profile, after, key)));
  // Said once more to an agent that forgot, and counted in the record: the one write that changes no setting.
  const isNudge = getPath(patch.tags, ['twinward', 'default', 'nudge']) !== undefined;
  if (changed.length === 0 && !isNudge)
    problems.push(`${where}: a write that changes nothing: ${JSON.stringify(patched)}`);
  const owned = ownersIn(before);
  for (const key of changed) {
    const now = settingIn(profile, after, key);
    const isWished = (test: (value: Json | undefined) => boolean): boolean =>
      policies.some((policy) => tags.some((one) => test(declaredFor(policy, profile, one).get(key))));
    if (now !== undefined) {
      if (!isWished((value) => deepEqual(value, now)))
        problems.push(`${where}: ${key} was set to ${JSON.stringify(now)}, which nobody declares`);
      continue;
    }
    if (!isWished((value) => value === undefined)) problems.push(`${where}: ${key} was removed though it is declared`);
    const owner = [...owned].find(([, entry]) => entry.keys.includes(key));
    if (owner === undefined) problems.push(`${where}: ${key} was removed though nobody of ours owned it`);
    else if (!mayRemove(owner[0], owner[1].deletionPolicy, policies)) {
      problems.push(`${where}: ${key} of ${owner[0]} was removed though its owner is gone and retains it`);
    }
  }
  return problems;
}

function mayRemove(owner: string, deletionPolicy: string, policies: readonly Policy[]): boolean {
  const name = owner.replace('SecurityConfiguration/', '');
  return (
    deletionPolicy === 'Remove' ||
    policies.some(({ configurations }) => configurations.some((one) => one.name === name))
  );
}

export function userKeys(desired: JsonObject): JsonObject {
  const { $metadata: _metadata, $version: _version, ...keys } = desired;
  return keys;
}

/** Everything but the settings that manifests may name. */
function withoutKeys(profile: ProfileName, desired: JsonObject, keys: readonly string[]): JsonObject {
  const section = SECTIONS[profile][0];
  if (section === undefined) return omit(desired, keys);
  const inside = getKey(desired, section);
  const { [section]: _section, ...rest } = desired;
  // A section that holds nothing else is as good as none.
  const others = isObject(inside) ? omit(inside, keys) : {};
  return Object.keys(others).length === 0 ? rest : { ...rest, [section]: others };
}

function omit(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

interface Entry {
  readonly keys: readonly string[];
  readonly deletionPolicy: string;
}

/** The record as it lies on the twin, read without the product's own reader. */
export function ownersIn({ tags }: Pick<Twin, 'tags'>): ReadonlyMap<string, Entry> {
  const own = getPath(tags, ['twinward', 'default', 'own']);
  const owners = new Map<string, Entry>();
  if (!isObject(own)) return owners;
  for (const [owner, entry] of Object.entries(own)) {
    if (!isObject(entry) || !Array.isArray(entry['keys'])) continue;
    owners.set(owner, { keys: entry['keys'].map(String), deletionPolicy: String(entry['deletionPolicy']) });
  }
  return owners;
}
