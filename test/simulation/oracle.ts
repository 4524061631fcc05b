// What must never be: each write of a controller is held against the truth of the world, told independently of the planner.
import { deepEqual, getKey, getPath, isObject, mergePatch, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Twin, TwinPatch } from '../../src/model/twin.ts';
import { declaredFor, SETTINGS, type Policy, type ProfileName } from './policy.ts';
import type { SimDevice } from './scenario.ts';

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

/** All that a writer may still go by when it writes to a device. */
export interface Sight {
  readonly policies: readonly Policy[];
  readonly tags: readonly JsonObject[];
  /** The earliest and the latest that it may take for now; from the start of the scenario. */
  readonly momentsMs: readonly number[];
  /** Whether the setting ever had this value on the twin. */
  readonly wasThere: (key: string, value: Json) => boolean;
  /** A person stopped all writing to the device, so long ago that everybody must know. */
  readonly isStopped: boolean;
}

export interface Write extends Sight {
  readonly device: SimDevice;
  /** Exactly as it was under the etag that the write names. */
  readonly before: Twin;
  readonly patch: TwinPatch;
}

/** What is wrong with a write, in words; none where nothing is. */
export function judge(write: Write): string[] {
  const { device, before, patch, isStopped } = write;
  const { profile } = device;
  const patched = patch.properties?.desired;
  if (patched === undefined) return [];
  const where = `${device.deviceId}/${profile}`;
  if (device.isManagedByEdge) return [`${where}: the module belongs to IoT Edge`];
  if (isStopped) return [`${where}: a person stopped all writing here`];
  const desired = userKeys(before.properties.desired);
  const after = mergePatch(desired, patched) as JsonObject;
  const keys = Object.keys(SETTINGS[profile]);
  const problems: string[] = [];
  if (!deepEqual(withoutKeys(profile, desired, keys), withoutKeys(profile, after, keys))) {
    problems.push(`${where}: a foreign setting was touched: ${JSON.stringify(patched)}`);
  }
  const changed = keys.filter((key) => !deepEqual(settingIn(profile, desired, key), settingIn(profile, after, key)));
  // Said once more to an agent that forgot, and counted in the record: the one write that changes no setting.
  const isNudge = getPath(patch.tags, ['twinward', 'default', 'nudge']) !== undefined;
  if (changed.length === 0 && !isNudge) {
    problems.push(`${where}: a write that changes nothing: ${JSON.stringify(patched)}`);
  }
  const wishes = wishesOf(write);
  const owned = ownersIn(before);
  for (const key of changed) {
    const problem = judgeKey(key, settingIn(profile, after, key), { ...write, wishes, owned });
    if (problem !== undefined) problems.push(`${where}: ${key} ${problem}`);
  }
  return problems;
}

type Wish = ReadonlyMap<string, Json>;

/** What the manifests may say, by everything that the writer may go by. */
function wishesOf({ device, policies, tags, momentsMs }: Write): Wish[] {
  return policies.flatMap((policy) =>
    tags.flatMap((one) => momentsMs.map((atMs) => declaredFor(policy, device.profile, { tags: one, atMs }))),
  );
}

interface Judging extends Write {
  readonly wishes: readonly Wish[];
  readonly owned: ReadonlyMap<string, Entry>;
}

function judgeKey(
  key: string,
  now: Json | undefined,
  { device, wishes, owned, policies, wasThere }: Judging,
): string | undefined {
  const [owner, entry] = [...owned].find(([, { keys }]) => keys.includes(key)) ?? [];
  const isOfException = owner?.startsWith('SecurityException/') === true;
  if (now !== undefined) {
    if (wishes.some((wish) => deepEqual(wish.get(key), now))) return undefined;
    // The end of an exception gives back what was there before.
    if (isOfException && wasThere(key, now)) return undefined;
    return `was set to ${JSON.stringify(now)}, which nobody declares`;
  }
  if (wishes.some((wish) => wish.get(key) === null)) return undefined;
  // A frozen configuration that kept it absent before the exception has it absent again.
  if (isOfException && policies.some((policy) => isFrozenAbsence(policy, device.profile, key))) return undefined;
  if (wishes.every((wish) => wish.has(key))) return 'was removed though it is declared';
  if (owner === undefined || entry === undefined) return 'was removed though nobody of ours owned it';
  if (isOfException || mayRemove(owner, entry.deletionPolicy, policies)) return undefined;
  return `of ${owner} was removed though its owner is gone and retains it`;
}

function isFrozenAbsence({ configurations }: Policy, profile: ProfileName, key: string): boolean {
  return configurations.some((one) => one.profile === profile && one.state !== 'Enforce' && one.unset.includes(key));
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
