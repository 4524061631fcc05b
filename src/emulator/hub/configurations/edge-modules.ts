// The modules that a manifest creates on an edge device, and applying a manifest directly to one device.
import { isObject, type JsonObject } from '../../../model/json.ts';
import { parseAuthentication } from '../identities/authentication.ts';
import type { HubContext } from '../context.ts';
import { freshRecord, isEdgeModule, requireDevice, requireRoom } from '../identities/identities.ts';
import type { HubRecord } from '../record.ts';
import { invalidArgument, invalidConfigurationContent, tooManyModules } from '../service-error.ts';
import { patchTwin, replaceTwin } from '../twins/twins.ts';
import { checkContent, isWhole, leavesOf, modulesOfContent, objectOf } from './content.ts';

const EDGE_MANAGER = 'iotEdge';

/** Creates missing modules and, if asked, removes those of an earlier manifest. */
export function deployModules(
  hub: HubContext,
  deviceId: string,
  moduleIds: ReadonlySet<string>,
  { removesOthers }: { readonly removesOthers: boolean },
): void {
  const present = hub.state.modulesOf(deviceId);
  const missing = [...moduleIds].filter((moduleId) => !present.some((module) => module.moduleId === moduleId));
  const gone = removesOthers ? present.filter((module) => isRemovable(module, moduleIds)) : [];
  if (missing.length === 0 && gone.length === 0) return;
  const max = hub.limits.modulesPerDeviceMax;
  if (present.length - gone.length + missing.length > max) throw tooManyModules(deviceId, max);
  requireRoom(hub, missing.length - gone.length);
  const put = missing.map((moduleId, index) => ({
    ...freshRecord(
      hub,
      { deviceId, moduleId },
      parseAuthentication(undefined, 'module', hub.random),
      hub.state.nextSequence + index,
    ),
    managedBy: EDGE_MANAGER,
  }));
  hub.state.commit({ put, removed: gone.map((module) => ({ deviceId, moduleId: module.moduleId })) });
  const now = hub.clock.now();
  for (const module of gone) hub.events.identityDeleted(module, now);
  for (const module of put) hub.events.identityCreated(module, now);
  hub.connections.drop(gone);
}

/** `modulesContent` is required, `deviceContent` optional; only for edge devices. */
export function applyContent(hub: HubContext, deviceId: string, body: unknown): void {
  const device = requireDevice(hub, deviceId);
  if (!device.iotEdge) throw invalidArgument(`Device ${deviceId} is not an edge device.`);
  if (!isObject(body)) throw invalidConfigurationContent('Content is required.');
  const modulesContent = body['modulesContent'];
  const deviceContent = body['deviceContent'] ?? undefined;
  checkContent('modulesContent', modulesContent);
  if (deviceContent !== undefined) checkContent('deviceContent', deviceContent);
  deployModules(hub, deviceId, modulesOfContent(modulesContent), { removesOthers: true });
  for (const [moduleId, twin] of Object.entries(modulesContent)) {
    if (isObject(twin)) writeModule(hub, { deviceId, moduleId }, twin);
  }
  if (deviceContent === undefined) return;
  patchTwin(hub, { deviceId }, { properties: { desired: objectOf(leavesOf(deviceContent), { keepsNulls: true }) } });
}

function writeModule(hub: HubContext, ref: { deviceId: string; moduleId: string }, twin: JsonObject): void {
  const record = hub.state.find(ref);
  const leaves = leavesOf(twin);
  if (record === undefined || (leaves.length === 0 && !isWhole(twin))) return;
  if (!isWhole(twin)) {
    patchTwin(hub, ref, { properties: { desired: objectOf(leaves, { keepsNulls: true }) } });
    return;
  }
  const desired = objectOf(leaves, { keepsNulls: false });
  replaceTwin(hub, ref, { tags: record.tags, properties: { desired } });
}

function isRemovable({ moduleId, managedBy }: HubRecord, wanted: ReadonlySet<string>): boolean {
  return moduleId !== undefined && managedBy === EDGE_MANAGER && !isEdgeModule(moduleId) && !wanted.has(moduleId);
}
