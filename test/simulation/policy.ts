// The manifests of a scenario as a small model: the text of the files, and a simple second implementation of their
// meaning.
import { invariant } from '../../src/model/errors.ts';
import { deepEqual, type Json, type JsonObject } from '../../src/model/json.ts';
import type { SeededRandom } from '../../src/model/seeded-random.ts';
import { parseDuration } from '../../src/profile/duration.ts';

export type ProfileName = 'defender-legacy' | 'defender-micro-agent' | 'acme-guard';

/** Selects what has the tag with this value; with `NotIn` what has not. */
export type Tag = readonly [key: 'env' | 'site' | 'ring', value: string | number, operator?: 'NotIn'];

export interface PolicyConfiguration {
  readonly name: string;
  readonly profile: ProfileName;
  /** Unique among the configurations of a policy. */
  readonly priority: number;
  /** Undefined selects every device. */
  readonly tag: Tag | undefined;
  /** It selects through a group, which may be one that is only observed. */
  readonly isGrouped: boolean;
  readonly settings: Readonly<Record<string, Json>>;
  /** Of settings that are not simply overridden. */
  readonly policies: Readonly<Record<string, 'IfNotPresent' | 'Ignore'>>;
  /** Keys to be kept absent; none that `settings` has. */
  readonly unset: readonly string[];
  readonly state: 'Enforce' | 'Observe' | 'Suspended';
  readonly deletionPolicy: 'Retain' | 'Remove';
}

/** At most one for each profile: two on one key would be an error. */
export interface PolicyException {
  readonly name: string;
  readonly profile: ProfileName;
  readonly tag: Tag;
  readonly settings: Readonly<Record<string, Json>>;
  /** Counts from the start of the scenario. */
  readonly endsAtMs: number;
}

export interface Policy {
  readonly hubMode: 'Enforce' | 'Observe';
  /** Of the hub's guard, or none. */
  readonly maxChanged: number | undefined;
  /** The manifest has an approval for no change. */
  readonly hasWrongApproval: boolean;
  /** The hub's change events are followed. */
  readonly hasEvents: boolean;
  /** The share of the hub's throttle that the controller may use, in percent; undefined where no capacity is declared. */
  readonly throttle: number | undefined;
  /** Groups with observed devices. */
  readonly observed: readonly Group[];
  readonly configurations: readonly PolicyConfiguration[];
  readonly exceptions: readonly PolicyException[];
}

export const MODULES: Readonly<Record<ProfileName, string>> = {
  'defender-legacy': 'azureiotsecurity',
  'defender-micro-agent': 'DefenderIotMicroAgent',
  'acme-guard': 'acmeGuard',
};

/** Keys and values that a profile takes, the last of which its agent may refuse. */
export const SETTINGS: Readonly<Record<ProfileName, Readonly<Record<string, readonly Json[]>>>> = {
  'defender-legacy': {
    eventPriorityLogin: ['High', 'Low', 'Off'],
    eventPriorityProcessCreate: ['High', 'Low'],
    highPriorityMessageFrequency: ['PT5M', 'PT15M', 'PT1H'],
    maxMessageSizeInBytes: [8192, 204_800],
    aggregationEnabledProcessCreate: [true, false],
  },
  'defender-micro-agent': {
    Process_MessageFrequency: ['High', 'Medium', 'Low'],
    Login_Disabled: [true, false],
    Process_CacheSize: [128, 256, 512],
    NetworkActivity_Devices: ['eth0', 'eth0,eth1'],
  },
  'acme-guard': {
    scanInterval: ['PT1H', 'PT6H', 'P1D'],
    usbPolicy: ['allow', 'block', 'audit'],
    level: [1, 2, 3],
  },
};

export const PROFILES = Object.keys(SETTINGS) as ProfileName[];
/** Of `SETTINGS`: once they are on a twin they are never removed. */
export const PRESERVED: ReadonlySet<string> = new Set(['level']);

const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
const TAGS: readonly Tag[] = [
  ['env', 'prod'],
  ['site', 'lyon'],
  ['site', 'porto'],
  ['ring', 1],
  ['site', 'lyon', 'NotIn'],
];
const GROUPS = { prod: TAGS[0], lyon: TAGS[1], porto: TAGS[2], first: TAGS[3], elsewhere: TAGS[4], all: undefined };
export type Group = keyof typeof GROUPS;
const CONFIGURATIONS_MIN = 2;
const CONFIGURATIONS_SPREAD = 3;
const EXCEPTION_MS_MIN = 10 * 60_000;
const EXCEPTION_MS_SPREAD = 60 * 60_000;

const OBSERVABLE: readonly Group[] = ['lyon', 'porto', 'first'];

/** A hub that is enforced, and nothing for it. */
export const NOTHING: Policy = {
  hubMode: 'Enforce',
  maxChanged: undefined,
  hasWrongApproval: false,
  hasEvents: false,
  throttle: undefined,
  observed: [],
  configurations: [],
  exceptions: [],
};

export function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)] as T;
}

export function randomPolicy(random: SeededRandom): Policy {
  const maxChanged = random.next() < 0.06 ? 3 + Math.floor(random.next() * 10) : undefined;
  const observed = random.next() < 0.05 ? [pick(random, OBSERVABLE)] : [];
  const hasEvents = random.next() < 0.5;
  const throttle = random.next() < 0.3 ? pick(random, [40, 60]) : undefined;
  let policy: Policy = { ...NOTHING, hasEvents, throttle, maxChanged, observed };
  const count = CONFIGURATIONS_MIN + Math.floor(random.next() * CONFIGURATIONS_SPREAD);
  for (let index = 0; index < count; index += 1) policy = addConfiguration(policy, random);
  return policy;
}

function addConfiguration(policy: Policy, random: SeededRandom): Policy {
  const { configurations } = policy;
  const name = NAMES.find((candidate) => !configurations.some((one) => one.name === candidate));
  if (name === undefined) return policy;
  const profile = pick(random, PROFILES);
  const settings = randomSettings(profile, random);
  const made: PolicyConfiguration = {
    name,
    profile,
    priority: freePriority(configurations, random),
    tag: pick(random, [...TAGS, undefined]),
    isGrouped: random.next() < 0.3,
    settings,
    policies: random.next() < 0.2 ? withPolicy({}, pick(random, Object.keys(settings)), random) : {},
    unset: [],
    state: 'Enforce',
    deletionPolicy: random.next() < 0.5 ? 'Retain' : 'Remove',
  };
  return { ...policy, configurations: [...configurations, made] };
}

function freePriority(configurations: readonly PolicyConfiguration[], random: SeededRandom): number {
  for (;;) {
    const priority = Math.floor(random.next() * 1_000);
    if (!configurations.some((one) => one.priority === priority)) return priority;
  }
}

function randomSettings(profile: ProfileName, random: SeededRandom): Record<string, Json> {
  const keys = Object.keys(SETTINGS[profile]).filter(() => random.next() < 0.6);
  const chosen = keys.length === 0 ? [Object.keys(SETTINGS[profile])[0] as string] : keys;
  return Object.fromEntries(chosen.map((key) => [key, randomValue(profile, key, random)]));
}

export function randomValue(profile: ProfileName, key: string, random: SeededRandom): Json {
  return pick(random, SETTINGS[profile][key] ?? []);
}

/** One commit: something is changed, added or removed. */
export function mutatePolicy(policy: Policy, atMs: number, random: SeededRandom): Policy {
  const { configurations } = policy;
  const draw = random.next();
  if (draw < 0.12) return changeException(policy, atMs, random);
  if (draw < 0.15) return { ...policy, hubMode: policy.hubMode === 'Enforce' ? 'Observe' : 'Enforce' };
  if (draw < 0.165)
    return { ...policy, maxChanged: pick(random, [undefined, 2, 6]), hasWrongApproval: random.next() < 0.5 };
  if (draw < 0.18) return { ...policy, observed: pick(random, [[], [], [pick(random, OBSERVABLE)]]) };
  const victim = configurations[Math.floor(random.next() * configurations.length)];
  if (victim === undefined || draw < 0.26) return addConfiguration(policy, random);
  if (draw < 0.34) return { ...policy, configurations: configurations.filter((one) => one !== victim) };
  const changed = { ...victim, ...changeConfiguration(victim, configurations, random) };
  return { ...policy, configurations: configurations.map((one) => (one === victim ? changed : one)) };
}

function changeConfiguration(
  { profile, settings, policies, unset, isGrouped }: PolicyConfiguration,
  all: readonly PolicyConfiguration[],
  random: SeededRandom,
): Partial<PolicyConfiguration> {
  const draw = random.next();
  const key = pick(random, Object.keys(SETTINGS[profile]));
  const { [key]: named, ...rest } = settings;
  const { [key]: _policy, ...otherPolicies } = policies;
  const isLast = Object.keys(rest).length === 0;
  if (draw < 0.4) {
    const value = randomValue(profile, key, random);
    return { settings: { ...settings, [key]: value }, unset: unset.filter((one) => one !== key) };
  }
  if (draw < 0.53) return isLast || named === undefined ? {} : { settings: rest, policies: otherPolicies };
  if (draw < 0.64) {
    const isFixed = isLast || PRESERVED.has(key);
    return isFixed ? {} : { settings: rest, policies: otherPolicies, unset: [...new Set([...unset, key])] };
  }
  if (draw < 0.7) return named === undefined ? {} : { policies: withPolicy(otherPolicies, key, random) };
  if (draw < 0.72) return { isGrouped: !isGrouped };
  if (draw < 0.78) return { priority: freePriority(all, random) };
  if (draw < 0.84) return { tag: pick(random, [...TAGS, undefined]) };
  if (draw < 0.9) return { deletionPolicy: pick(random, ['Retain', 'Remove'] as const) };
  return { state: pick(random, ['Enforce', 'Observe', 'Suspended'] as const) };
}

/** Half of the time the setting gets the policy Override again. */
function withPolicy(
  policies: PolicyConfiguration['policies'],
  key: string,
  random: SeededRandom,
): PolicyConfiguration['policies'] {
  const policy = pick(random, ['IfNotPresent', 'Ignore', undefined, undefined] as const);
  return policy === undefined ? policies : { ...policies, [key]: policy };
}

function changeException(policy: Policy, atMs: number, random: SeededRandom): Policy {
  const profile = pick(random, PROFILES);
  const others = policy.exceptions.filter((one) => one.profile !== profile);
  if (others.length < policy.exceptions.length && random.next() < 0.7) return { ...policy, exceptions: others };
  const made: PolicyException = {
    name: `incident-${profile}`,
    profile,
    tag: pick(random, TAGS),
    settings: randomSettings(profile, random),
    endsAtMs: atMs + EXCEPTION_MS_MIN + Math.floor(random.next() * EXCEPTION_MS_SPREAD),
  };
  return { ...policy, exceptions: [...others, made] };
}

/** Everything enforced, and no exception: what a quiet end is checked against. */
export function enforceAll({ hasEvents, throttle, configurations }: Policy): Policy {
  return {
    ...NOTHING,
    hasEvents,
    throttle,
    configurations: configurations.map((one) => ({ ...one, state: 'Enforce' as const })),
  };
}

const API_VERSION = 'apiVersion: twinward.dev/v1alpha1';

/** `approval`: the value from the product's message. Sorted by path; the names do not depend on the contents. */
export function toFiles(policy: Policy, startMs: number, approval?: string): { path: string; text: string }[] {
  return [
    ...policy.configurations.map((one) => ({ path: `configuration-${one.name}.yaml`, text: configurationYaml(one) })),
    ...policy.exceptions.map((one) => ({ path: `exception-${one.profile}.yaml`, text: exceptionYaml(one, startMs) })),
    ...groupsOf(policy).map((name) => ({ path: `group-${name}.yaml`, text: groupYaml(name, policy) })),
    { path: 'hub.yaml', text: hubYaml(policy, approval) },
    { path: 'profile.yaml', text: PROFILE_YAML },
  ];
}

const PROFILE_YAML = `${API_VERSION}
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, acknowledgement: {type: Mirror}, preserve: [level]}
`;

/** Groups that a configuration selects or that are observed. */
function groupsOf({ observed, configurations }: Policy): Group[] {
  const used = configurations.filter(({ isGrouped }) => isGrouped).map(({ tag }) => groupOf(tag));
  return [...new Set([...observed, ...used])].toSorted();
}

function groupOf(tag: Tag | undefined): Group {
  const text = JSON.stringify(tag);
  const found = (Object.keys(GROUPS) as Group[]).find((name) => JSON.stringify(GROUPS[name]) === text);
  invariant(found !== undefined, 'every selector of a policy is that of a group');
  return found;
}

function groupYaml(name: Group, { observed }: Policy): string {
  const spec = { selector: selectorOf(GROUPS[name]), ...(observed.includes(name) ? { mode: 'Observe' } : {}) };
  return `${API_VERSION}
kind: DeviceGroup
metadata: {name: ${name}}
spec: ${JSON.stringify(spec)}
`;
}

function hubYaml(
  { hubMode, maxChanged, hasWrongApproval, hasEvents, throttle }: Policy,
  asked: string | undefined,
): string {
  const approval = asked ?? (hasWrongApproval ? '0123456789ab@50' : undefined);
  const annotations = approval === undefined ? '' : `, annotations: {twinward.dev/approve: '${approval}'}`;
  const events = hasEvents ? ', events: {secretRef: {env: EVENTS}}' : '';
  const share = throttle === undefined ? '' : `, capacity: {tier: S1, units: 1}, budget: {throttle: ${throttle}%}`;
  const guards = maxChanged === undefined ? '' : `, guards: {maxChanged: ${maxChanged}}`;
  return `${API_VERSION}
kind: Hub
metadata: {name: sim${annotations}}
spec: {hostName: sim.azure-devices.net, mode: ${hubMode}${guards}${share}${events}}
`;
}

function configurationYaml(configuration: PolicyConfiguration): string {
  const { name, profile, priority, tag, isGrouped, settings, policies, unset, state, deletionPolicy } = configuration;
  const spec = {
    profile,
    priority,
    ...(isGrouped ? { groups: [groupOf(tag)] } : { selector: selectorOf(tag) }),
    settings,
    ...(Object.keys(policies).length > 0 ? { settingPolicies: policies } : {}),
    ...(unset.length > 0 ? { unset } : {}),
    deletionPolicy,
    module: { whenMissing: 'Skip' },
    ...(state === 'Observe' ? { mode: 'Observe' } : {}),
    ...(state === 'Suspended' ? { suspend: true } : {}),
  };
  return `${API_VERSION}
kind: SecurityConfiguration
metadata: {name: ${name}}
spec: ${JSON.stringify(spec)}
`;
}

function exceptionYaml({ name, profile, tag, settings, endsAtMs }: PolicyException, startMs: number): string {
  const spec = {
    profile,
    selector: selectorOf(tag),
    settings,
    owner: 'secops',
    reason: 'an incident',
    expiresAt: new Date(startMs + endsAtMs).toISOString(),
  };
  return `${API_VERSION}
kind: SecurityException
metadata: {name: ${name}}
spec: ${JSON.stringify(spec)}
`;
}

function selectorOf(tag: Tag | undefined): object {
  if (tag === undefined) return { matchAll: true };
  const [key, value, operator] = tag;
  if (operator === undefined) return { matchTags: { [key]: value } };
  return { matchExpressions: [{ key: `tags.${key}`, operator, values: [value] }] };
}

export function selects({ tag }: { readonly tag: Tag | undefined }, tags: JsonObject): boolean {
  if (tag === undefined) return true;
  const [key, value, operator] = tag;
  return (tags[key] === value) === (operator === undefined);
}

export interface Moment {
  readonly tags: JsonObject;
  /** Counts from the start of the scenario. */
  readonly atMs: number;
}

/** One configuration or exception that selects a device, as it applies to it. */
export interface PolicyLayer {
  /** As in records. */
  readonly owner: string;
  readonly priority: number;
  /** False if it is observed or suspended. */
  readonly isEnforced: boolean;
  readonly isException: boolean;
  /** Of the settings that it names; null where it wants one absent. */
  readonly wishes: ReadonlyMap<string, Wish>;
}

export interface Wish {
  readonly value: Json;
  readonly policy: 'Override' | 'IfNotPresent' | 'Ignore';
}

/** Whether manifests allow any write to a device that has these tags. */
export function isLookedAt({ hubMode, observed }: Policy, tags: JsonObject): boolean {
  return hubMode === 'Observe' || observed.some((name) => selects({ tag: GROUPS[name] }, tags));
}

/** The highest first. */
export function layersFor(policy: Policy, profile: ProfileName, { tags, atMs }: Moment): readonly PolicyLayer[] {
  const configurations = policy.configurations
    .filter((one) => one.profile === profile && selects(one, tags))
    .map((one): PolicyLayer => {
      const { name, priority, state, settings, policies, unset } = one;
      const wishes = new Map<string, Wish>();
      for (const [key, value] of Object.entries(settings))
        wishes.set(key, { value, policy: policies[key] ?? 'Override' });
      for (const key of unset) wishes.set(key, { value: null, policy: 'Override' });
      const owner = `SecurityConfiguration/${name}`;
      return { owner, priority, isEnforced: state === 'Enforce', isException: false, wishes };
    });
  const exceptions = policy.exceptions
    .filter((one) => one.profile === profile && one.endsAtMs > atMs && selects(one, tags))
    .map(({ name, settings }): PolicyLayer => {
      const wishes = new Map(
        Object.entries(settings).map(([key, value]) => [key, { value, policy: 'Override' } as const]),
      );
      const owner = `SecurityException/${name}`;
      return { owner, priority: Number.POSITIVE_INFINITY, isEnforced: true, isException: true, wishes };
    });
  return [...exceptions, ...configurations.toSorted((a, b) => b.priority - a.priority)];
}

/** The winning wishes of the given layers; ignored settings are not wishes. */
export function winners(layers: readonly PolicyLayer[]): ReadonlyMap<string, Wish & { readonly layer: PolicyLayer }> {
  const won = new Map<string, Wish & { readonly layer: PolicyLayer }>();
  for (const layer of layers) {
    for (const [key, wish] of layer.wishes)
      if (wish.policy !== 'Ignore' && !won.has(key)) won.set(key, { ...wish, layer });
  }
  return won;
}

/** The value that each setting of a module must have on a device, by the enforced manifests. */
export function declaredFor(policy: Policy, profile: ProfileName, moment: Moment): ReadonlyMap<string, Wish> {
  if (isLookedAt(policy, moment.tags)) return new Map();
  return winners(layersFor(policy, profile, moment).filter(({ isEnforced }) => isEnforced));
}

/** Whether a setting as it is on a twin, undefined where it is absent, is as wished. */
export function isGranted({ value, policy }: Wish, live: Json | undefined): boolean {
  if (value === null) return live === undefined;
  return policy === 'IfNotPresent' && live !== undefined ? true : sameMeaning(value, live);
}

function sameMeaning(declared: Json, live: Json | undefined): boolean {
  if (deepEqual(declared, live)) return true;
  if (typeof declared !== 'string' || typeof live !== 'string') return false;
  const seconds = parseDuration(declared);
  return spelt(declared) === spelt(live) || (seconds !== undefined && seconds === parseDuration(live));
}

/** Cases and blanks in lists, as hands have written them on a fleet that was there before. */
function spelt(text: string): string {
  return text.toLowerCase().replaceAll(/\s*,\s*/g, ',');
}
