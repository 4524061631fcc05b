// The manifests of a scenario as a small model: what the files say, and, told again in the simplest way, what they mean.
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { SeededRandom } from '../../src/model/seeded-random.ts';

export type ProfileName = 'defender-legacy' | 'defender-micro-agent' | 'acme-guard';

export type Tag = readonly [key: 'env' | 'site', value: string];

export interface PolicyConfiguration {
  readonly name: string;
  readonly profile: ProfileName;
  /** Unique among the configurations of a policy. */
  readonly priority: number;
  /** Undefined selects every device. */
  readonly tag: Tag | undefined;
  readonly settings: Readonly<Record<string, Json>>;
  /** Keys to be kept absent; none that `settings` has. */
  readonly unset: readonly string[];
  readonly state: 'Enforce' | 'Observe' | 'Suspended';
  readonly deletionPolicy: 'Retain' | 'Remove';
}

/** One for each profile at most: two on one key would be an error. */
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
const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
const TAGS: readonly Tag[] = [
  ['env', 'prod'],
  ['site', 'lyon'],
  ['site', 'porto'],
];
const CONFIGURATIONS_MIN = 2;
const CONFIGURATIONS_SPREAD = 3;
const EXCEPTION_MS_MIN = 10 * 60_000;
const EXCEPTION_MS_SPREAD = 60 * 60_000;

export function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)] as T;
}

export function randomPolicy(random: SeededRandom): Policy {
  const maxChanged = random.next() < 0.06 ? 3 + Math.floor(random.next() * 10) : undefined;
  let policy: Policy = { hubMode: 'Enforce', maxChanged, configurations: [], exceptions: [] };
  const count = CONFIGURATIONS_MIN + Math.floor(random.next() * CONFIGURATIONS_SPREAD);
  for (let index = 0; index < count; index += 1) policy = addConfiguration(policy, random);
  return policy;
}

function addConfiguration(policy: Policy, random: SeededRandom): Policy {
  const { configurations } = policy;
  const name = NAMES.find((candidate) => !configurations.some((one) => one.name === candidate));
  if (name === undefined) return policy;
  const profile = pick(random, PROFILES);
  const made: PolicyConfiguration = {
    name,
    profile,
    priority: freePriority(configurations, random),
    tag: pick(random, [...TAGS, undefined]),
    settings: randomSettings(profile, random),
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

/** One commit: something is changed, added or taken away. */
export function mutatePolicy(policy: Policy, atMs: number, random: SeededRandom): Policy {
  const { configurations } = policy;
  const draw = random.next();
  if (draw < 0.12) return changeException(policy, atMs, random);
  if (draw < 0.15) return { ...policy, hubMode: policy.hubMode === 'Enforce' ? 'Observe' : 'Enforce' };
  if (draw < 0.165) return { ...policy, maxChanged: pick(random, [undefined, 2, 6]) };
  const victim = configurations[Math.floor(random.next() * configurations.length)];
  if (victim === undefined || draw < 0.26) return addConfiguration(policy, random);
  if (draw < 0.34) return { ...policy, configurations: configurations.filter((one) => one !== victim) };
  const changed = { ...victim, ...changeConfiguration(victim, configurations, random) };
  return { ...policy, configurations: configurations.map((one) => (one === victim ? changed : one)) };
}

function changeConfiguration(
  { profile, settings, unset }: PolicyConfiguration,
  all: readonly PolicyConfiguration[],
  random: SeededRandom,
): Partial<PolicyConfiguration> {
  const draw = random.next();
  const key = pick(random, Object.keys(SETTINGS[profile]));
  const { [key]: named, ...rest } = settings;
  const isLast = Object.keys(rest).length === 0;
  if (draw < 0.4) {
    const value = randomValue(profile, key, random);
    return { settings: { ...settings, [key]: value }, unset: unset.filter((one) => one !== key) };
  }
  if (draw < 0.55) return isLast || named === undefined ? {} : { settings: rest };
  if (draw < 0.68) return isLast ? {} : { settings: rest, unset: [...new Set([...unset, key])] };
  if (draw < 0.76) return { priority: freePriority(all, random) };
  if (draw < 0.84) return { tag: pick(random, [...TAGS, undefined]) };
  if (draw < 0.9) return { deletionPolicy: pick(random, ['Retain', 'Remove'] as const) };
  return { state: pick(random, ['Enforce', 'Observe', 'Suspended'] as const) };
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
export function enforceAll({ configurations }: Policy): Policy {
  return {
    hubMode: 'Enforce',
    maxChanged: undefined,
    configurations: configurations.map((one) => ({ ...one, state: 'Enforce' as const })),
    exceptions: [],
  };
}

const API_VERSION = 'apiVersion: twinward.dev/v1alpha1';

/** `approval`: what a person lets pass, as the product told it. Sorted by path; the names say nothing of the contents. */
export function toFiles(policy: Policy, startMs: number, approval?: string): { path: string; text: string }[] {
  return [
    ...policy.configurations.map((one) => ({ path: `configuration-${one.name}.yaml`, text: configurationYaml(one) })),
    ...policy.exceptions.map((one) => ({ path: `exception-${one.profile}.yaml`, text: exceptionYaml(one, startMs) })),
    { path: 'hub.yaml', text: hubYaml(policy, approval) },
    { path: 'profile.yaml', text: PROFILE_YAML },
  ];
}

const PROFILE_YAML = `${API_VERSION}
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, acknowledgement: {type: Mirror}}
`;

function hubYaml({ hubMode, maxChanged }: Policy, approval: string | undefined): string {
  const annotations = approval === undefined ? '' : `, annotations: {twinward.dev/approve: '${approval}'}`;
  const guards = maxChanged === undefined ? '' : `, guards: {maxChanged: ${maxChanged}}`;
  return `${API_VERSION}
kind: Hub
metadata: {name: sim${annotations}}
spec: {hostName: sim.azure-devices.net, mode: ${hubMode}${guards}}
`;
}

function configurationYaml(configuration: PolicyConfiguration): string {
  const { name, profile, priority, tag, settings, unset, state, deletionPolicy } = configuration;
  const spec = {
    profile,
    priority,
    selector: selectorOf(tag),
    settings,
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
  return tag === undefined ? { matchAll: true } : { matchTags: { [tag[0]]: tag[1] } };
}

export function selects({ tag }: { readonly tag: Tag | undefined }, tags: JsonObject): boolean {
  return tag === undefined || tags[tag[0]] === tag[1];
}

export interface Moment {
  readonly tags: JsonObject;
  /** Counts from the start of the scenario. */
  readonly atMs: number;
}

/** What each setting of a module must be on a device, as far as enforced manifests say; null where it must be absent. */
export function declaredFor(policy: Policy, profile: ProfileName, { tags, atMs }: Moment): ReadonlyMap<string, Json> {
  const declared = new Map<string, Json>();
  if (policy.hubMode === 'Observe') return declared;
  const layers = policy.configurations
    .filter((one) => one.profile === profile && one.state === 'Enforce' && selects(one, tags))
    .toSorted((a, b) => a.priority - b.priority);
  for (const { settings, unset } of layers) {
    for (const [key, value] of Object.entries(settings)) declared.set(key, value);
    for (const key of unset) declared.set(key, null);
  }
  for (const one of policy.exceptions) {
    if (one.profile !== profile || one.endsAtMs <= atMs || !selects(one, tags)) continue;
    for (const [key, value] of Object.entries(one.settings)) declared.set(key, value);
  }
  return declared;
}
