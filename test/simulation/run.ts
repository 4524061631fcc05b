// One scenario from its beginning to a quiet end: faults first, then calm, then nothing more to do.
import { deepEqual, type Json, type JsonObject } from '../../src/model/json.ts';
import { parseDuration } from '../../src/profile/duration.ts';
import { ownersIn, settingIn } from './oracle.ts';
import { declaredFor, enforceAll, selects } from './policy.ts';
import type { Scenario } from './scenario.ts';
import { RESYNC_MS, World, type Counts } from './world.ts';

export interface Outcome {
  readonly violations: readonly string[];
  readonly history: readonly string[];
  readonly counts: Counts;
  /** Simulated, of all devices together. */
  readonly deviceHours: number;
}

/** In which everything must be as declared: backoff of five minutes at most, and passes every five. */
const CONVERGENCE_MS = 60 * 60_000;
const QUIET_MS = 4 * RESYNC_MS;

export async function runScenario(scenario: Scenario): Promise<Outcome> {
  // The embedded hub refuses in errors, thousands of them: nobody reads where they come from.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const world = new World(scenario);
  try {
    await live(world);
  } finally {
    await world.end();
    Error.stackTraceLimit = stackTraceLimit;
  }
  const hours = (scenario.lengthMs + CONVERGENCE_MS + QUIET_MS) / 3_600_000;
  return {
    violations: world.violations,
    history: world.history,
    counts: world.counts,
    deviceHours: hours * scenario.devices.length,
  };
}

async function live(world: World): Promise<void> {
  const { events, lengthMs } = world.scenario;
  for (const event of events) {
    await world.runUntil(event.atMs);
    if (world.violations.length > 0) return;
    await world.happen(event);
  }
  await world.runUntil(lengthMs);
  if (world.violations.length > 0) return;
  const policy = enforceAll(world.policy);
  await world.calmDown(policy);
  await world.runUntil(lengthMs + CONVERGENCE_MS);
  if (world.violations.length > 0) return;
  checkConverged(world);
  checkStatus(world);
  const before = world.counts.writes;
  await world.runUntil(lengthMs + CONVERGENCE_MS + QUIET_MS);
  if (world.counts.writes > before) world.blame(`${world.counts.writes - before} writes although all is quiet`);
}

function checkConverged(world: World): void {
  const { policy } = world;
  for (const { deviceId, profile } of world.scenario.devices) {
    const twin = world.twin(deviceId);
    const tags = world.tagsOf(deviceId);
    if (twin === undefined || tags === undefined) continue;
    const declared = declaredFor(policy, profile, tags);
    for (const [key, value] of declared) {
      const live = settingIn(profile, twin.properties.desired, key);
      if (!sameMeaning(value, live)) {
        world.blame(`${deviceId}/${profile}: ${key} is ${JSON.stringify(live)}, not ${JSON.stringify(value)}`);
      }
    }
    checkRecord(world, deviceId, declared, tags);
  }
}

/** Nobody who is enforced here owns what it does not declare. */
function checkRecord(world: World, deviceId: string, declared: ReadonlyMap<string, Json>, tags: JsonObject): void {
  const twin = world.twin(deviceId);
  const profile = world.scenario.devices.find((device) => device.deviceId === deviceId)?.profile;
  if (twin === undefined || profile === undefined) return;
  const owners = ownersIn(twin);
  for (const [owner, { keys }] of owners) {
    const configuration = world.policy.configurations.find(({ name }) => owner === `SecurityConfiguration/${name}`);
    if (configuration === undefined) {
      world.blame(`${deviceId}: the record names ${owner}, which is gone`);
      continue;
    }
    if (!selects(configuration, tags) || configuration.profile !== profile) continue;
    const strange = keys.filter((key) => !declared.has(key));
    if (strange.length > 0) world.blame(`${deviceId}: ${owner} is recorded to own ${strange.join(', ')}`);
  }
  const recorded = new Set([...owners.values()].flatMap(({ keys }) => keys));
  for (const key of declared.keys())
    if (!recorded.has(key)) world.blame(`${deviceId}: nobody is recorded to own ${key}`);
}

/** What the controller says of the fleet, against what the agents really run with. */
function checkStatus(world: World): void {
  const hub = world.status?.hubs[0];
  if (hub === undefined) return world.blame('the controller has no hub');
  const { counts, pending } = hub;
  if (pending > 0) world.blame(`${pending} twins are still to look at`);
  const managed = world.scenario.devices.filter(({ deviceId, profile }) => {
    const tags = world.tagsOf(deviceId);
    return (
      tags !== undefined && world.twin(deviceId) !== undefined && declaredFor(world.policy, profile, tags).size > 0
    );
  });
  if (counts.actions.Equal !== managed.length) {
    world.blame(`status says ${counts.actions.Equal} in sync, in truth there are ${managed.length}`);
  }
  const applied = managed.filter(({ deviceId, profile }) => {
    const settings = world.agents.settingsOf(deviceId) ?? {};
    const declared = declaredFor(world.policy, profile, world.tagsOf(deviceId) ?? {});
    return [...declared].every(([key, value]) => sameMeaning(value, settings[key]));
  });
  // Agents that keep their settings to themselves may have lost them and still say that all is well.
  const isTalking = managed.every(({ profile }) => profile !== 'defender-micro-agent');
  if (counts.acknowledgements.Applied > applied.length && isTalking) {
    world.blame(`status says ${counts.acknowledgements.Applied} Applied, in truth there are ${applied.length}`);
  }
}

function sameMeaning(declared: Json, live: Json | undefined): boolean {
  if (deepEqual(declared, live)) return true;
  if (typeof declared !== 'string' || typeof live !== 'string') return false;
  const seconds = parseDuration(declared);
  return declared.toLowerCase() === live.toLowerCase() || (seconds !== undefined && seconds === parseDuration(live));
}
