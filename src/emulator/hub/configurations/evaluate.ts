// One run of all configurations: targets, twins, metrics. The hub runs it soon after a change and every five minutes.
import { deepEqual, getPath, isObject, type Json, type JsonObject } from '../../../model/json.ts';
import type { HubContext } from '../context.ts';
import { countRows } from '../query/query.ts';
import { type AppliedConfiguration, type HubRecord, type IdentityRef, refKey } from '../record.ts';
import { attempt } from '../service-error.ts';
import { writeSignedDesired } from '../twins/twins.ts';
import type { ConfigurationRecord } from './configuration.ts';
import { objectOf, type Overlay } from './content.ts';
import { deployModules } from './edge-modules.ts';
import { listConfigurations } from './registry.ts';
import {
  byPrecedence,
  edgeTarget,
  type Target,
  targetsOf,
  twinTarget,
  type Writer,
  type WrittenLeaf,
} from './targets.ts';

type Statuses = Readonly<Record<string, AppliedConfiguration>>;

const NONE: Statuses = {};
const EDGE_AGENT = '$edgeAgent';

/** Writes only to twins whose set of configurations, or the state of one of them, changed since the last run. */
export function evaluateConfigurations(hub: HubContext): void {
  const records = listConfigurations(hub).toSorted(byPrecedence);
  const deployments = records.filter(({ contentKind }) => contentKind === 'modulesContent');
  const others = records.filter(({ contentKind }) => contentKind !== 'modulesContent');
  const targetOf = remembered(twinTarget);
  for (const [twin, wanted] of targetedTwins(hub, others)) configureTwin(hub, twin, targetOf(wanted));
  for (const [twin, wanted] of targetedTwins(hub, deployments)) configureDevice(hub, twin, wanted);
  leaveTwins(hub, records);
  for (const record of listConfigurations(hub)) measure(hub, record);
}

/** By twin, its configurations in the order of the list. */
function targetedTwins(
  { state }: HubContext,
  records: readonly ConfigurationRecord[],
): Map<HubRecord, ConfigurationRecord[]> {
  const twins = new Map<HubRecord, ConfigurationRecord[]>();
  for (const record of records) {
    for (const twin of targetsOf(state, record)) {
      const wanted = twins.get(twin);
      if (wanted === undefined) twins.set(twin, [record]);
      else wanted.push(record);
    }
  }
  return twins;
}

/** Many twins have the same configurations. */
function remembered(
  make: (wanted: readonly ConfigurationRecord[]) => Target,
): (wanted: readonly ConfigurationRecord[]) => Target {
  const known = new Map<string, Target>();
  return (wanted) => {
    // Ids contain no space.
    const key = wanted.map(({ id }) => id).join(' ');
    const target = known.get(key) ?? make(wanted);
    known.set(key, target);
    return target;
  };
}

function configureTwin(hub: HubContext, { deviceId, moduleId }: HubRecord, { overlay, statuses }: Target): void {
  // Read again: a device may have reacted to an earlier write of this run.
  const twin = hub.state.find({ deviceId, moduleId });
  if (twin === undefined) return;
  if (isSettled(twin, statuses)) return;
  const left = leftBehind(hub, twin, overlay, statuses);
  // A twin that can't hold the content stays as it is, and the next run retries.
  attempt(() => writeTwin(hub, twin, overlay, left, statuses));
}

/** The agent's twin records the device's deployments. */
function configureDevice(hub: HubContext, device: HubRecord, wanted: ConfigurationRecord[]): void {
  const agentRef = { deviceId: device.deviceId, moduleId: EDGE_AGENT };
  const { statuses, base, moduleIds, overlays } = edgeTarget(wanted);
  const agent = hub.state.find(agentRef);
  if (agent === undefined || isSettled(agent, statuses)) return;
  attempt(() => {
    deployModules(hub, device.deviceId, moduleIds, { removesOthers: base !== undefined });
    // The agent last: until its twin is written, the next run repeats everything.
    const names = [...overlays.keys()].toSorted((a, b) => Number(a === EDGE_AGENT) - Number(b === EDGE_AGENT));
    for (const moduleId of names) {
      const overlay = overlays.get(moduleId);
      const twin = hub.state.find({ deviceId: device.deviceId, moduleId });
      if (twin === undefined || overlay === undefined) continue;
      const left = base === undefined ? [] : signedLeaves(twin).filter(({ path }) => !overlay.covers(path));
      writeTwin(hub, twin, overlay, left, moduleId === EDGE_AGENT ? statuses : (twin.configurations ?? NONE));
    }
  });
}

/** Twins that no configuration targets any more. */
function leaveTwins(hub: HubContext, records: readonly ConfigurationRecord[]): void {
  const targeted = new Set<string>();
  for (const record of records) {
    const isEdge = record.contentKind === 'modulesContent';
    for (const { deviceId, moduleId } of targetsOf(hub.state, record)) {
      targeted.add(refKey(isEdge ? { deviceId, moduleId: EDGE_AGENT } : { deviceId, moduleId }));
    }
  }
  for (const ref of configuredTwins(hub)) {
    const twin = hub.state.find(ref);
    if (twin === undefined || targeted.has(refKey(twin))) continue;
    // For edge devices the documentation is silent: a deployment's values stay.
    const left = ref.moduleId === EDGE_AGENT ? [] : leftBehind(hub, twin, undefined, NONE);
    attempt(() => writeTwin(hub, twin, undefined, left, NONE));
  }
}

function configuredTwins({ state }: HubContext): IdentityRef[] {
  const twins: IdentityRef[] = [];
  for (const source of ['devices', 'modules'] as const) {
    for (const { deviceId, moduleId, configurations } of state.rows(source, 0)) {
      if (configurations !== undefined) twins.push({ deviceId, moduleId });
    }
  }
  return twins;
}

/**
 * Values of a configuration that exists but no longer targets the twin: removed, by the documentation. Those of a
 * deleted configuration stay, as seen, and so do those that another writer wrote since.
 */
function leftBehind(
  { state, switches }: HubContext,
  twin: HubRecord,
  overlay: Overlay<Writer> | undefined,
  statuses: Statuses,
): WrittenLeaf[] {
  if (switches.keepsLeftSettings) return [];
  return signedLeaves(twin).filter(
    ({ path, owner: { id } }) =>
      state.configurations.has(id) && !Object.hasOwn(statuses, id) && overlay?.covers(path) !== true,
  );
}

function writeTwin(
  hub: HubContext,
  twin: HubRecord,
  overlay: Overlay<Writer> | undefined,
  left: readonly WrittenLeaf[],
  statuses: Statuses,
): void {
  const changed = (overlay?.leaves() ?? []).filter((leaf) => !isThere(twin, leaf));
  const removed = left.map((leaf) => ({ ...leaf, value: null }));
  const patch = objectOf([...removed, ...changed], { keepsNulls: true });
  writeSignedDesired(hub, twin, {
    patch,
    signatures: changed.map(({ path, owner }) => ({ path, by: owner.id, digest: owner.digest })),
    configurations: Object.keys(statuses).length === 0 ? undefined : statuses,
  });
}

/** Written by the same state of the same configuration; a null without anything to remove is also done. */
function isThere({ desired }: HubRecord, { path, value, owner }: WrittenLeaf): boolean {
  if (value === null) return getPath(desired.properties, path) === undefined;
  const stamp = getPath(desired.metadata, path);
  return isObject(stamp) && stamp['$lastUpdatedBy'] === owner.id && stamp['$lastUpdatedByDigest'] === owner.digest;
}

/** The values that configurations wrote and no other writer since. */
function signedLeaves({ desired }: HubRecord): WrittenLeaf[] {
  const leaves: WrittenLeaf[] = [];
  const visit = (metadata: JsonObject, path: readonly string[]): void => {
    const { $lastUpdatedBy: id, $lastUpdatedByDigest: digest } = metadata;
    if (typeof id === 'string' && typeof digest === 'string') leaves.push({ path, value: null, owner: { id, digest } });
    for (const key of Object.keys(metadata)) {
      const below = metadata[key];
      if (!key.startsWith('$') && isObject(below)) visit(below, [...path, key]);
    }
  };
  visit(desired.metadata, []);
  return leaves;
}

function isSettled({ configurations = NONE }: HubRecord, statuses: Statuses): boolean {
  return deepEqual(configurations as unknown as Json, statuses as unknown as Json);
}

/** Results do not change the etag: no client wrote them. */
function measure({ state }: HubContext, record: ConfigurationRecord): void {
  const count = (queries: Readonly<Record<string, string>>): Record<string, number> =>
    Object.fromEntries(Object.entries(queries).map(([name, text]) => [name, countRows(state, text)]));
  const results = { system: count(record.systemQueries), custom: count(record.customQueries) };
  if (deepEqual(results, record.results as unknown as Json)) return;
  state.commit({ put: [], removed: [], configurations: { put: [{ ...record, results }], removed: [] } });
}
