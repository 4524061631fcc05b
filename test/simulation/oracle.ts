// Invariants: compares each write of a controller with the true state of the world, independently of the planner.
import { deepEqual, getKey, getPath, isObject, mergePatch, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Twin, TwinPatch } from '../../src/model/twin.ts';
import {
  isGranted,
  isLookedAt,
  layersFor,
  PRESERVED,
  SETTINGS,
  winners,
  type Policy,
  type PolicyLayer,
  type ProfileName,
} from './policy.ts';
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

/** Manifests, with the configurations that a person has suspended. */
export interface Directive {
  readonly policy: Policy;
  /** Their owners as records name them. */
  readonly suspended: readonly string[];
}

/** The tags of a device at some time. */
export interface Seen {
  readonly tags: JsonObject;
  /** So recent that a direct read may have returned them. */
  readonly isFresh: boolean;
}

/** Everything that a writer may still rely on when it writes to a device; the likeliest first. */
export interface Sight {
  readonly directives: readonly Directive[];
  readonly tags: readonly Seen[];
  /** Possible values of its current time, from the start of the scenario. */
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
  /** The writer knows that state by a direct look, and not only from a list. */
  readonly isRead: boolean;
}

/** Version of a record that only a later Twinward understands. */
export const NEWER_VERSION = 2;

const RECORD = ['twinward', 'default'];

/** Violations of a write, in words; empty if it is right. */
export function judge(write: Write): string[] {
  const { device, before, patch, isRead, isStopped } = write;
  const { profile } = device;
  const where = `${device.deviceId}/${profile}`;
  if (device.isManagedByEdge) return [`${where}: the module belongs to IoT Edge`];
  if (isStopped) return [`${where}: a person stopped all writing here`];
  const change = changeOf(profile, before, patch);
  const taken = takenAway(profile, change);
  const blind = isRead || taken.length === 0 ? [] : [`${taken.join(', ')} taken away by what a list says`];
  return [...blind, ...judgeForeign(profile, before, patch, change), ...judgeWishes(write, change)].map(
    (problem) => `${where}: ${problem}`,
  );
}

/** A write as it is read off the two states of the twin. */
interface Change {
  /** Without what the hub adds. */
  readonly desired: JsonObject;
  readonly next: JsonObject;
  /** Settings that manifests may name. */
  readonly changed: readonly string[];
  readonly owned: Owners;
  readonly nextOwned: Owners;
  /** Said once more to an agent that forgot, and counted in the record: the one write that changes no setting. */
  readonly isNudge: boolean;
  readonly isOfRecord: boolean;
  /** Contested settings, by the record. */
  readonly contested: readonly string[];
}

function changeOf(profile: ProfileName, before: Twin, patch: TwinPatch): Change {
  const desired = userKeys(before.properties.desired);
  const next = mergePatch(desired, patch.properties?.desired ?? {}) as JsonObject;
  const tags = mergePatch(before.tags ?? {}, patch.tags ?? {}) as JsonObject;
  return {
    desired,
    next,
    changed: Object.keys(SETTINGS[profile]).filter(
      (key) => !deepEqual(settingIn(profile, desired, key), settingIn(profile, next, key)),
    ),
    owned: ownersIn(before),
    nextOwned: ownersIn({ tags }),
    isNudge: getPath(patch.tags, [...RECORD, 'nudge']) !== undefined,
    isOfRecord: patch.properties === undefined,
    contested: [...Object.keys(contestsIn(before.tags)), ...Object.keys(contestsIn(tags))],
  };
}

/** Settings that go, and owners that the record names no more. */
function takenAway(profile: ProfileName, { next, changed, owned, nextOwned }: Change): string[] {
  const gone = changed.filter((key) => settingIn(profile, next, key) === undefined);
  return [...gone, ...[...owned.keys()].filter((owner) => !nextOwned.has(owner))];
}

function contestsIn(tags: JsonObject | undefined): JsonObject {
  const contests = getPath(tags, [...RECORD, 'contest']);
  return isObject(contests) ? contests : {};
}

/** Violations of foreign keys and tags, whatever the manifests say. */
function judgeForeign(profile: ProfileName, { tags = {} }: Twin, patch: TwinPatch, change: Change): string[] {
  const { desired, next, changed, owned, nextOwned, isNudge, isOfRecord } = change;
  const problems: string[] = [];
  const keys = Object.keys(SETTINGS[profile]);
  if (!deepEqual(withoutKeys(profile, desired, keys), withoutKeys(profile, next, keys))) {
    problems.push(`a foreign setting was touched: ${JSON.stringify(patch.properties)}`);
  }
  const nextTags = mergePatch(tags, patch.tags ?? {}) as JsonObject;
  if (!deepEqual(withoutRecord(tags), withoutRecord(nextTags))) {
    problems.push(`a foreign tag was touched: ${JSON.stringify(patch.tags)}`);
  }
  const version = getPath(tags, [...RECORD, 'v']);
  if (typeof version === 'number' && version >= NEWER_VERSION)
    problems.push('the record of a newer version was written over');
  if (!isOfRecord && changed.length === 0 && !isNudge) {
    problems.push(`a write that changes nothing: ${JSON.stringify(patch.properties)}`);
  }
  if (!isOfRecord && !isOfSize(profile, patch.properties?.desired ?? {}, change)) {
    problems.push(`not what its agent needs to hear: ${JSON.stringify(patch.properties)}`);
  }
  const isSameMemory = deepEqual(contestsIn(tags), contestsIn(nextTags));
  if (isOfRecord && getPath(tags, RECORD) !== undefined && isSameMemory && isSame(owned, nextOwned)) {
    problems.push('a record that says what it said before');
  }
  return problems;
}

/** The agents of Defender take what they hear for all of their section; others are sent what changes and nothing else. */
function isOfSize(profile: ProfileName, patched: JsonObject, { desired, next }: Change): boolean {
  const [section] = SECTIONS[profile];
  const inside = (state: JsonObject): JsonObject => {
    const found = section === undefined ? state : getKey(state, section);
    return isObject(found) ? found : {};
  };
  if (profile !== 'acme-guard') return deepEqual(mergePatch({}, inside(patched)), inside(next));
  const [before, after] = [inside(desired), inside(next)];
  return Object.keys(inside(patched)).every((key) => !deepEqual(getKey(before, key), getKey(after, key)));
}

/** One possible view of the writer. */
interface View extends Write, Change {
  readonly directive: Directive;
  readonly seen: Seen;
  readonly atMs: number;
  readonly layers: readonly PolicyLayer[];
  readonly enforced: readonly PolicyLayer[];
  readonly won: ReturnType<typeof winners>;
  /** By the order of all layers, observed ones included. */
  readonly wouldWin: ReturnType<typeof winners>;
}

/** A write is right if it is right as a whole by one possible view of its writer; otherwise reports the likeliest. */
function judgeWishes(write: Write, change: Change): string[] {
  let told: readonly string[] | undefined;
  for (const directive of write.directives) {
    for (const seen of write.tags) {
      for (const atMs of write.momentsMs) {
        const problems = judgeBy(viewOf(write, change, directive, seen, atMs));
        if (problems.length === 0) return [];
        told ??= problems;
      }
    }
  }
  return [...(told ?? ['there are no manifests'])];
}

function viewOf(write: Write, change: Change, directive: Directive, seen: Seen, atMs: number): View {
  const { policy, suspended } = directive;
  const layers = layersFor(policy, write.device.profile, { tags: seen.tags, atMs }).map((layer) =>
    suspended.includes(layer.owner) ? { ...layer, isEnforced: false } : layer,
  );
  const enforced = layers.filter(({ isEnforced }) => isEnforced);
  const more = { directive, seen, atMs, layers, enforced, won: winners(enforced), wouldWin: winners(layers) };
  return { ...write, ...change, ...more };
}

function judgeBy(view: View): string[] {
  const { directive, seen, changed, nextOwned, owned, enforced } = view;
  if (isLookedAt(directive.policy, seen.tags)) return ['written where manifests only look'];
  const problems = changed.flatMap((key) => {
    const problem = judgeKey(key, view);
    return problem === undefined ? [] : [`${key} ${problem}`];
  });
  if (!seen.isFresh) {
    const joins = [...nextOwned.keys()].find((owner) => !owned.has(owner));
    if (joins !== undefined) problems.push(`${joins} began by tags of long ago`);
    const leaves = [...owned.keys()].find((owner) => fateOf(owner, view) === 'Left' && !nextOwned.has(owner));
    if (leaves !== undefined) problems.push(`${leaves} ended by tags of long ago`);
  }
  if (!view.isNudge || changed.length > 0) problems.push(...judgeRecord(view, enforced));
  return problems;
}

/** What happens to an owner in the record. */
type Fate = 'GoesOn' | 'Kept' | 'Left' | 'Ended' | 'Removed' | 'Released';

function fateOf(owner: string, { directive, seen, atMs, layers, enforced, owned }: View): Fate {
  const { policy, suspended } = directive;
  if (suspended.includes(owner)) return 'Kept';
  const layer = layers.find((one) => one.owner === owner);
  if (layer !== undefined) return layer.isEnforced ? 'GoesOn' : 'Kept';
  const isTagless = Object.keys(seen.tags).length === 0;
  const isManaged = enforced.some(({ isException }) => !isException);
  const name = owner.slice(owner.indexOf('/') + 1);
  if (isOfException(owner)) {
    const exception = policy.exceptions.find((one) => one.name === name);
    if (exception === undefined || exception.endsAtMs <= atMs) return 'Ended';
    return !isManaged || isTagless ? 'Kept' : 'Left';
  }
  const configuration = policy.configurations.find((one) => one.name === name);
  if (configuration === undefined) return owned.get(owner)?.deletionPolicy === 'Remove' ? 'Removed' : 'Released';
  if (configuration.state !== 'Enforce' || !isManaged) return 'Kept';
  return isTagless && configuration.tag !== undefined ? 'Kept' : 'Left';
}

function isOfException(owner: string): boolean {
  return owner.startsWith('SecurityException/');
}

function ownersOf(key: string, owners: Owners): string[] {
  return [...owners].filter(([, { keys }]) => keys.includes(key)).map(([owner]) => owner);
}

/** A wish for the key that may be fulfilled: what is kept as it is, or has its place already, keeps a lower one from it. */
function freeWish(key: string, view: View): ReturnType<View['won']['get']> {
  const { device, desired, owned, won, wouldWin } = view;
  const wish = won.get(key);
  if (wish === undefined) return undefined;
  const there = ownersOf(key, owned).map((owner) => ({ owner, fate: fateOf(owner, view) }));
  if (there.some(({ owner, fate }) => fate === 'Kept' && priorityOf(owner, view) >= wish.layer.priority))
    return undefined;
  const claim = wouldWin.get(key);
  if (claim === undefined || claim.layer.isEnforced) return wish;
  if (there.some(({ fate }) => fate === 'GoesOn') || isUnsure(key, view)) return wish;
  return isGranted(claim, settingIn(device.profile, desired, key)) ? undefined : wish;
}

/** An observed layer that owned the setting before an exception owns it again; whether it did is unknown here. */
function isUnsure(key: string, { owned, wouldWin }: View): boolean {
  return wouldWin.get(key)?.layer.isEnforced === false && ownersOf(key, owned).some(isOfException);
}

/** For an owner that no manifest has any more: above all configurations, below exceptions. */
function priorityOf(owner: string, { directive, layers }: View): number {
  if (isOfException(owner)) return Number.POSITIVE_INFINITY;
  const name = owner.slice(owner.indexOf('/') + 1);
  const known = directive.policy.configurations.find((one) => one.name === name)?.priority;
  return layers.find((one) => one.owner === owner)?.priority ?? known ?? Number.MAX_VALUE;
}

/** The violation of a changed setting; undefined if it is right. */
function judgeKey(key: string, view: View): string | undefined {
  const { device, desired, next, owned, layers, wasThere } = view;
  const [live, now] = [desired, next].map((state) => settingIn(device.profile, state, key));
  const wish = freeWish(key, view);
  const there = ownersOf(key, owned).map((owner) => ({ owner, fate: fateOf(owner, view) }));
  const endsException = there.some(({ owner, fate }) => isOfException(owner) && fate !== 'Kept');
  if (now !== undefined) {
    if (wish !== undefined && deepEqual(wish.value, now)) {
      const isLate = wish.policy === 'IfNotPresent' && live !== undefined && !endsException;
      return isLate ? 'was overwritten though it was there' : undefined;
    }
    // The end of an exception gives back what was there before.
    const isTaken = wish !== undefined && wish.policy !== 'IfNotPresent' && !isUnsure(key, view);
    return endsException && !isTaken && wasThere(key, now)
      ? undefined
      : `was set to ${JSON.stringify(now)}, which nobody declares`;
  }
  if (PRESERVED.has(key)) return 'was removed though its profile preserves it';
  if (wish !== undefined && !isUnsure(key, view)) {
    return wish.value === null ? undefined : 'was removed though it is declared';
  }
  if (there.some(({ fate }) => fate === 'Kept')) return 'was removed though its owner is to keep it';
  if (endsException) return undefined;
  if (layers.some((layer) => isNamedOnly(key, layer))) return 'was removed though a layer that does not write names it';
  if (there.length === 0) return 'was removed though nobody of ours owned it';
  return there.some(({ fate }) => fate !== 'Released')
    ? undefined
    : 'was removed though its owner is gone and retains it';
}

/** Named by a layer that writes nothing there, so that nothing is removed. */
function isNamedOnly(key: string, { isEnforced, wishes }: PolicyLayer): boolean {
  const wish = wishes.get(key);
  return wish !== undefined && (wish.policy === 'Ignore' || (!isEnforced && wish.value !== null));
}

/** The record after a write against what the manifests make of the one before. */
function judgeRecord(view: View, enforced: readonly PolicyLayer[]): string[] {
  const { device, next, owned, nextOwned, won, layers, contested } = view;
  const problems: string[] = [];
  for (const [key, { policy, value }] of won) {
    const wish = freeWish(key, view);
    if (wish === undefined || value === null || policy !== 'Override' || isUnsure(key, view)) continue;
    const { owner } = wish.layer;
    if (nextOwned.get(owner)?.keys.includes(key) !== true)
      problems.push(`the record does not say that ${owner} owns ${key}`);
  }
  for (const [owner, { keys }] of nextOwned) {
    const isEnforced = enforced.some((layer) => layer.owner === owner);
    const wrong = keys.filter((key) => {
      if (fateOf(owner, view) === 'Kept') return owned.get(owner)?.keys.includes(key) !== true;
      return !isEnforced || won.get(key)?.layer.owner !== owner;
    });
    if (wrong.length > 0) problems.push(`the record says that ${owner} owns ${wrong.join(', ')}`);
  }
  for (const [owner, { keys }] of owned) {
    const fate = fateOf(owner, view);
    for (const key of keys) {
      const isDropped = settingIn(device.profile, next, key) !== undefined && ownersOf(key, nextOwned).length === 0;
      const isMeant =
        fate === 'Released' ||
        isOfException(owner) ||
        PRESERVED.has(key) ||
        contested.includes(key) ||
        won.has(key) ||
        layers.some((layer) => isNamedOnly(key, layer));
      if (isDropped && !isMeant) problems.push(`${key} of ${owner} stays, and nobody is recorded to own it`);
    }
  }
  return problems;
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

function withoutRecord(tags: JsonObject): JsonObject {
  const { twinward, ...rest } = tags;
  const others = isObject(twinward) ? omit(twinward, ['default']) : {};
  return Object.keys(others).length === 0 ? rest : { ...rest, twinward: others };
}

function omit(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** By name, as records spell them. */
export type Owners = ReadonlyMap<string, Entry>;

interface Entry {
  readonly keys: readonly string[];
  readonly deletionPolicy: string;
}

/** The record as it lies on the twin, read without the product's own reader. */
export function ownersIn({ tags }: Pick<Twin, 'tags'>): Owners {
  const own = getPath(tags, [...RECORD, 'own']);
  const owners = new Map<string, Entry>();
  if (!isObject(own)) return owners;
  for (const [owner, entry] of Object.entries(own)) {
    if (!isObject(entry) || !Array.isArray(entry['keys'])) continue;
    owners.set(owner, { keys: entry['keys'].map(String), deletionPolicy: String(entry['deletionPolicy']) });
  }
  return owners;
}

function isSame(a: Owners, b: Owners): boolean {
  const plain = (owners: Owners): Json =>
    Object.fromEntries([...owners].map(([owner, entry]) => [owner, [...entry.keys, entry.deletionPolicy]]));
  return deepEqual(plain(a), plain(b));
}
