// Results that must not depend on the path to them, on fleets without faults.
import { describe, expect, test } from 'vitest';
import { SILENT_LOG } from '../../src/cli/connect/plan-hub.ts';
import { inspectHub } from '../../src/controller/once/inspect.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { loadManifests } from '../../src/manifest/load.ts';
import { invariant } from '../../src/model/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import { writes } from '../../src/model/action.ts';
import { patchOf } from '../plan/actions.ts';
import { createPlanner } from '../../src/plan/planner.ts';
import { ownersIn, userKeys } from './oracle.ts';
import {
  enforceAll,
  mutatePolicy,
  pick,
  PRESERVED,
  randomPolicy,
  selects,
  toFiles,
  type Policy,
  type PolicyConfiguration,
} from './policy.ts';
import { createScenario, type Scenario, type SimDevice } from './scenario.ts';
import { snapshotOf, START_MS, World } from './world.ts';

const RUNS = 8;
const SETTLED_MS = 30 * 60_000;

/** A fleet to which nothing happens. */
function calmScenario(seed: number, first: Policy): Scenario {
  const scenario = createScenario(seed);
  const devices = scenario.devices.map((device) => ({ ...device, isOnline: true, slowMs: undefined }));
  return { ...scenario, devices, first, events: [], clockOffsetMs: 0 };
}

function withDeletion(policy: Policy, deletionPolicy: 'Retain' | 'Remove'): Policy {
  return { ...policy, configurations: policy.configurations.map((one) => ({ ...one, deletionPolicy })) };
}

/** Without what is meant to depend on what was there before: settings that are never removed, or never overwritten. */
function plain(policy: Policy): Policy {
  const configurations = policy.configurations.map((one) => {
    const settings = Object.fromEntries(Object.entries(one.settings).filter(([key]) => !PRESERVED.has(key)));
    return { ...one, settings: Object.keys(settings).length === 0 ? { scanInterval: 'PT1H' } : settings, policies: {} };
  });
  return { ...policy, configurations };
}

/** Policies of settings that are not there would be a mistake. */
function withSettings(one: PolicyConfiguration, settings: PolicyConfiguration['settings']): PolicyConfiguration {
  const policies = Object.fromEntries(Object.entries(one.policies).filter(([key]) => Object.hasOwn(settings, key)));
  return { ...one, settings, policies };
}

function randomEnforced(random: SeededRandom): Policy {
  return enforceAll(randomPolicy(random));
}

function mutated(policy: Policy, random: SeededRandom): Policy {
  let next = policy;
  for (let step = 0; step < 3; step += 1) next = mutatePolicy(next, 0, random);
  return enforceAll(next);
}

/** Runs until the policy is on every twin; a person lets pass what guards ask about. */
async function settle(world: World, policy: Policy): Promise<void> {
  await world.calmDown(policy);
  await world.runUntil(world.nowMs + SETTLED_MS);
  expect(world.violations).toEqual([]);
}

async function settled(seed: number, ...policies: readonly [Policy, ...Policy[]]): Promise<World> {
  const world = new World(calmScenario(seed, policies[0]));
  for (const policy of policies) await settle(world, policy);
  return world;
}

/** By device: what is desired, and which settings each owner has. */
function stateOf(world: World): Record<string, Json> {
  const entries = world.scenario.devices.flatMap(({ deviceId }): [string, Json][] => {
    const twin = world.twin(deviceId);
    if (twin === undefined) return [];
    const owners = [...ownersIn(twin)].map(([owner, { keys }]): [string, Json] => [owner, [...keys]]);
    return [
      [deviceId, { desired: withoutEmpty(userKeys(twin.properties.desired)), owners: Object.fromEntries(owners) }],
    ];
  });
  return Object.fromEntries(entries);
}

/** A device that is no longer selected keeps everything, by design: only the others are compared. */
function managed(world: World, policy: Policy): Record<string, Json> {
  const { devices } = world.scenario;
  const isManaged = ({ profile, tags }: SimDevice): boolean =>
    policy.configurations.some((one) => one.profile === profile && selects(one, tags));
  const ids = new Set(devices.filter(isManaged).map(({ deviceId }) => deviceId));
  return Object.fromEntries(Object.entries(stateOf(world)).filter(([deviceId]) => ids.has(deviceId)));
}

/** An agent's section that lost its last setting is as good as none. */
function withoutEmpty(desired: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(desired).filter(([, value]) => JSON.stringify(value) !== '{}'));
}

/** Desired properties patched since the given number of patches, by device. */
function changesSince(world: World, count: number): Record<string, JsonObject> {
  const changes = world.patches.slice(count).flatMap(({ deviceId, patch }): [string, JsonObject][] => {
    const desired = patch.properties?.desired;
    return desired === undefined ? [] : [[deviceId, desired]];
  });
  return Object.fromEntries(changes);
}

const SEEDS = Array.from({ length: RUNS }, (_, index) => 1 + index);

describe('nothing depends on the way', () => {
  test.each(SEEDS)('B afresh is A and then B (seed %i)', async (seed) => {
    const random = createSeededRandom(seed);
    const a = plain(withDeletion(randomEnforced(random), 'Remove'));
    const b = plain(withDeletion(mutated(a, random), 'Remove'));
    const [afterA, afresh] = [await settled(seed, a, b), await settled(seed, b)];
    expect(managed(afterA, b)).toEqual(managed(afresh, b));
  });

  test.each(SEEDS)('what is planned from lists is what is written (seed %i)', async (seed) => {
    const random = createSeededRandom(seed);
    const a = randomEnforced(random);
    const b = mutated(a, random);
    const world = await settled(seed, a);
    const planned = await plan(world, b);
    const before = world.patches.length;
    await settle(world, b);
    expect(changesSince(world, before)).toEqual(planned);
  });
});

/** The output of the command `plan`, as patches of desired properties by device. */
async function plan(world: World, policy: Policy): Promise<Record<string, JsonObject>> {
  const { declared } = loadManifests(snapshotOf(toFiles(policy, START_MS)));
  const hub = declared?.hubs[0];
  invariant(declared !== undefined && hub !== undefined, 'the manifests of a scenario are good');
  const planned: Record<string, JsonObject> = {};
  await inspectHub(
    {
      planner: createPlanner(declared, { hub, hubMode: 'Enforce', instance: 'default' }),
      hub: inProcessHub(world.iot),
      hubName: hub.name,
      clock: world.clock,
      log: SILENT_LOG,
      metrics: { count: () => {}, gauge: () => {}, observe: () => {} },
      signal: new AbortController().signal,
    },
    ({ ref: { deviceId }, action }) => {
      const desired = patchOf(action)?.properties?.desired;
      // `plan` itself looks up whether IoT Edge manages a module.
      if (writes(action) && desired !== undefined && world.devices.get(deviceId)?.isManagedByEdge === false) {
        planned[deviceId] = desired;
      }
    },
  );
  return planned;
}

describe('what changes no value on a twin writes none', () => {
  const rewritings: readonly (readonly [name: string, rewrite: (policy: Policy, random: SeededRandom) => Policy])[] = [
    ['a configuration under another name', renamed],
    ['a configuration cut in two', split],
    ['a setting in another configuration for the same devices', moved],
    ['files in another order', (policy) => ({ ...policy, configurations: policy.configurations.toReversed() })],
    ['a configuration that is said to be removed with its manifest', (policy) => withDeletion(policy, 'Remove')],
  ];

  test.each(rewritings.flatMap(([name, rewrite]) => SEEDS.map((seed) => ({ name, seed, rewrite }))))(
    '$name (seed $seed)',
    async ({ seed, rewrite }) => {
      const random = createSeededRandom(seed);
      const policy = randomEnforced(random);
      const world = await settled(seed, policy);
      const before = world.patches.length;
      const desired = Object.values(stateOf(world)).map((one) => (one as JsonObject)['desired']);
      await settle(world, rewrite(policy, random));
      expect(changesSince(world, before)).toEqual({});
      expect(Object.values(stateOf(world)).map((one) => (one as JsonObject)['desired'])).toEqual(desired);
    },
  );
});

function renamed(policy: Policy, random: SeededRandom): Policy {
  const victim = pick(random, policy.configurations);
  const configurations = policy.configurations.map((one) => (one === victim ? { ...one, name: 'omega' } : one));
  return { ...policy, configurations };
}

function split(policy: Policy, random: SeededRandom): Policy {
  const victim = pick(random, policy.configurations);
  const entries = Object.entries(victim.settings);
  const half = Math.ceil(entries.length / 2);
  const [first, second] = [entries.slice(0, half), entries.slice(half)].map((one) => Object.fromEntries(one));
  const others = policy.configurations.filter((one) => one !== victim);
  const rest = Object.keys(second ?? {}).length === 0 ? [] : [withSettings({ ...victim, name: 'omega' }, second ?? {})];
  return { ...policy, configurations: [...others, withSettings(victim, first ?? {}), ...rest] };
}

/** To a new one, as high as the old one. */
function moved(policy: Policy, random: SeededRandom): Policy {
  const victim = policy.configurations.find(({ settings }) => Object.keys(settings).length > 1);
  if (victim === undefined) return policy;
  const key = pick(random, Object.keys(victim.settings));
  const { [key]: value = null, ...rest } = victim.settings;
  const others = policy.configurations.filter((one) => one !== victim);
  const heir = withSettings({ ...victim, name: 'omega' }, { [key]: value });
  return { ...policy, configurations: [...others, withSettings(victim, rest), heir] };
}
