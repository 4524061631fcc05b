// Whether a world is as its manifests say, and whether the controller says of it what is true.
import { getPath, type JsonObject } from '../../src/model/json.ts';
import { REASONS } from '../../src/model/action.ts';
import { isWriteEvent } from '../../src/model/event.ts';
import { NEWER_VERSION, ownersIn, settingIn } from './oracle.ts';
import { declaredFor, isGranted, layersFor, selects, type Wish } from './policy.ts';
import type { SimDevice } from './scenario.ts';
import type { World } from './world.ts';

/** Violations of convergence in a quiet world, in words. */
export function checkConverged(world: World): string[] {
  const all = devicesWithModules(world);
  const managed = all.filter(({ device }) => !device.isManagedByEdge);
  return [...managed.flatMap((device) => checkDevice(world, device)), ...checkStatus(world, all)];
}

interface Managed {
  readonly device: SimDevice;
  readonly tags: JsonObject;
  readonly twin: NonNullable<ReturnType<World['twin']>>;
  readonly declared: ReadonlyMap<string, Wish>;
}

/** Existing devices with a module, except those whose record only a newer version understands. */
function devicesWithModules(world: World): Managed[] {
  return world.scenario.devices.flatMap((device) => {
    const twin = world.twin(device.deviceId);
    const tags = world.tagsOf(device.deviceId);
    if (twin === undefined || tags === undefined) return [];
    if (getPath(twin.tags, ['twinward', 'default', 'v']) === NEWER_VERSION) return [];
    return [{ device, tags, twin, declared: declaredFor(world.policy, device.profile, { tags, atMs: world.nowMs }) }];
  });
}

function checkDevice(world: World, managed: Managed): string[] {
  const { device, twin, declared } = managed;
  const { deviceId, profile } = device;
  const problems: string[] = [];
  for (const [key, wish] of declared) {
    const live = settingIn(profile, twin.properties.desired, key);
    if (isGranted(wish, live)) continue;
    problems.push(`${deviceId}/${profile}: ${key} is ${JSON.stringify(live)}, not ${JSON.stringify(wish.value)}`);
  }
  return [...problems, ...checkRecord(world, managed)];
}

/** No enforced owner has a setting in the record that it does not declare. */
function checkRecord(world: World, { device, tags, twin, declared }: Managed): string[] {
  const { deviceId, profile } = device;
  const problems: string[] = [];
  const owners = ownersIn(twin);
  for (const [owner, { keys }] of owners) {
    const configuration = world.policy.configurations.find(({ name }) => owner === `SecurityConfiguration/${name}`);
    if (configuration === undefined) {
      problems.push(`${deviceId}: the record names ${owner}, which is gone`);
      continue;
    }
    if (!selects(configuration, tags) || configuration.profile !== profile) continue;
    const strange = keys.filter((key) => !declared.has(key));
    if (strange.length > 0) problems.push(`${deviceId}: ${owner} is recorded to own ${strange.join(', ')}`);
  }
  const recorded = new Set([...owners.values()].flatMap(({ keys }) => keys));
  for (const [key, { value, policy }] of declared) {
    if (value !== null && policy === 'Override' && !recorded.has(key))
      problems.push(`${deviceId}: nobody is recorded to own ${key}`);
  }
  return problems;
}

/** Compares the controller's status of a quiet fleet with the agents' effective settings. */
function checkStatus(world: World, devices: readonly Managed[]): string[] {
  const hub = world.status?.hubs[0];
  if (hub === undefined) return ['the controller has no hub'];
  const { counts, pending } = hub;
  const problems: string[] = [];
  if (pending > 0) problems.push(`${pending} twins are still to look at`);
  const managed = devices.filter((one) => isInSync(world, one));
  if (counts.actions.Equal !== managed.length) {
    problems.push(`status says ${counts.actions.Equal} in sync, in truth there are ${managed.length}`);
  }
  const applied = managed.filter(({ device, declared }) => {
    const settings = world.agents.settingsOf(device.deviceId) ?? {};
    return [...declared].every(
      ([key, wish]) => wish.value === null || wish.policy !== 'Override' || isGranted(wish, settings[key]),
    );
  });
  // Agents that keep their settings to themselves may have lost them and still say that all is well.
  const isTalking = managed.every(({ device }) => device.profile !== 'defender-micro-agent');
  if (counts.acknowledgements.Applied > applied.length && isTalking) {
    problems.push(`status says ${counts.acknowledgements.Applied} Applied, in truth there are ${applied.length}`);
  }
  return problems;
}

/** A module of IoT Edge only counts if there is nothing to write. */
function isInSync(world: World, { device, tags, twin, declared }: Managed): boolean {
  const { profile } = device;
  if (layersFor(world.policy, profile, { tags, atMs: world.nowMs }).length === 0) return false;
  const isNothingToDo = [...declared].every(([key, wish]) => {
    const leavesNoTrace = wish.value === null || wish.policy === 'IfNotPresent';
    return leavesNoTrace && isGranted(wish, settingIn(profile, twin.properties.desired, key));
  });
  return !device.isManagedByEdge || isNothingToDo;
}

const OFFENDERS_MAX = 10;
const WRITE_REASONS: ReadonlySet<string> = new Set([...REASONS.Patch, ...REASONS.Record]);

/** Invariants of a report at any time: counts add up, and the hub has answered every reported write. */
export function checkReport(world: World): string[] {
  const { process, status } = world;
  if (process === undefined || status === undefined) return [];
  const problems: string[] = [];
  for (const { counts, offenders, moreOffenders } of status.hubs) {
    const { twins, actions, acknowledgements } = counts;
    for (const { reason } of offenders) world.noteReason(reason);
    const acted = sum(actions) - actions.Skip;
    if (acted !== twins) problems.push(`status counts ${twins} twins and ${acted} actions`);
    if (sum(acknowledgements) !== actions.Equal) {
      problems.push(`status counts ${actions.Equal} in sync and ${sum(acknowledgements)} acknowledgements`);
    }
    if (offenders.length > OFFENDERS_MAX || offenders.length + moreOffenders > sum(actions)) {
      problems.push(`status names ${offenders.length} + ${moreOffenders} offenders of ${twins} twins`);
    }
  }
  const counted = (process.patches.get('written') ?? 0) + (process.patches.get('recorded') ?? 0);
  const { answers } = process;
  const recorded = process.events.filter(({ reason }) => WRITE_REASONS.has(reason)).length;
  const etags = process.events
    .filter(isWriteEvent)
    .map(({ deviceId, etagBefore, etagAfter }) => `${deviceId} ${etagBefore} ${etagAfter}`);
  if (counted !== answers.length) problems.push(`metrics count ${counted} writes, the hub answered ${answers.length}`);
  if (recorded !== answers.length)
    problems.push(`events record ${recorded} writes, the hub answered ${answers.length}`);
  if (etags.toSorted().join() !== answers.toSorted().join())
    problems.push(`events record other etags than the hub answered: ${etags.join()}, not ${answers.join()}`);
  return problems;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
