// The manifests of a scenario as a small model: what the YAML says, and, told again in the simplest way, what it means.
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { SeededRandom } from '../../src/model/seeded-random.ts';

export type ProfileName = 'defender-legacy' | 'defender-micro-agent' | 'acme-guard';

export interface PolicyConfiguration {
  readonly name: string;
  readonly profile: ProfileName;
  /** Unique among the configurations of a policy. */
  readonly priority: number;
  readonly tag: readonly [key: 'env' | 'site', value: string] | undefined;
  readonly settings: Readonly<Record<string, Json>>;
  readonly state: 'Enforce' | 'Observe' | 'Suspended';
  readonly deletionPolicy: 'Retain' | 'Remove';
}

export interface Policy {
  readonly configurations: readonly PolicyConfiguration[];
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

const PROFILES = Object.keys(SETTINGS) as ProfileName[];
const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
const TAGS: readonly PolicyConfiguration['tag'][] = [['env', 'prod'], ['site', 'lyon'], ['site', 'porto'], undefined];

export function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)] as T;
}

export function randomPolicy(random: SeededRandom): Policy {
  let policy: Policy = { configurations: [] };
  const count = 2 + Math.floor(random.next() * 3);
  for (let index = 0; index < count; index += 1) policy = addConfiguration(policy, random);
  return policy;
}

function addConfiguration({ configurations }: Policy, random: SeededRandom): Policy {
  const name = NAMES.find((candidate) => !configurations.some((one) => one.name === candidate));
  if (name === undefined) return { configurations };
  const profile = pick(random, PROFILES);
  const made: PolicyConfiguration = {
    name,
    profile,
    priority: freePriority(configurations, random),
    tag: pick(random, TAGS),
    settings: randomSettings(profile, random),
    state: 'Enforce',
    deletionPolicy: random.next() < 0.5 ? 'Retain' : 'Remove',
  };
  return { configurations: [...configurations, made] };
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
export function mutatePolicy(policy: Policy, random: SeededRandom): Policy {
  const { configurations } = policy;
  const victim = configurations[Math.floor(random.next() * configurations.length)];
  if (victim === undefined) return addConfiguration(policy, random);
  const change = (fields: Partial<PolicyConfiguration>): Policy => ({
    configurations: configurations.map((one) => (one === victim ? { ...one, ...fields } : one)),
  });
  const { profile, settings } = victim;
  const draw = random.next();
  if (draw < 0.35) {
    const key = pick(random, Object.keys(SETTINGS[profile]));
    return change({ settings: { ...settings, [key]: randomValue(profile, key, random) } });
  }
  if (draw < 0.5 && Object.keys(settings).length > 1) {
    const { [pick(random, Object.keys(settings))]: _gone, ...rest } = settings;
    return change({ settings: rest });
  }
  if (draw < 0.6) return change({ priority: freePriority(configurations, random) });
  if (draw < 0.7) return change({ tag: pick(random, TAGS) });
  if (draw < 0.8) return change({ state: pick(random, ['Enforce', 'Observe', 'Suspended'] as const) });
  if (draw < 0.9) return addConfiguration(policy, random);
  return { configurations: configurations.filter((one) => one !== victim) };
}

/** Every configuration enforced: what a quiet end is checked against. */
export function enforceAll({ configurations }: Policy): Policy {
  return { configurations: configurations.map((one) => ({ ...one, state: 'Enforce' as const })) };
}

/** `approval`: what a person lets pass, as the product told it. */
export function toYaml({ configurations }: Policy, approval?: string): string {
  const head = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: sim${approval === undefined ? '' : `, annotations: {twinward.dev/approve: '${approval}'}`}}
spec: {hostName: sim.azure-devices.net, mode: Enforce}
---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, acknowledgement: {type: Mirror}}
`;
  return head + configurations.map(configurationYaml).join('');
}

function configurationYaml({
  name,
  profile,
  priority,
  tag,
  settings,
  state,
  deletionPolicy,
}: PolicyConfiguration): string {
  const selector = tag === undefined ? { matchAll: true } : { matchTags: { [tag[0]]: tag[1] } };
  const spec = {
    profile,
    priority,
    selector,
    settings,
    deletionPolicy,
    module: { whenMissing: 'Skip' },
    ...(state === 'Observe' ? { mode: 'Observe' } : {}),
    ...(state === 'Suspended' ? { suspend: true } : {}),
  };
  return `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: ${name}}
spec: ${JSON.stringify(spec)}
`;
}

export function selects({ tag }: PolicyConfiguration, tags: JsonObject): boolean {
  return tag === undefined || tags[tag[0]] === tag[1];
}

/** What each setting of a module must be on a device with these tags, as far as enforced configurations say. */
export function declaredFor(policy: Policy, profile: ProfileName, tags: JsonObject): ReadonlyMap<string, Json> {
  const declared = new Map<string, Json>();
  const layers = policy.configurations
    .filter((one) => one.profile === profile && one.state === 'Enforce' && selects(one, tags))
    .toSorted((a, b) => a.priority - b.priority);
  for (const { settings } of layers) for (const [key, value] of Object.entries(settings)) declared.set(key, value);
  return declared;
}
