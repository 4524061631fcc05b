// Module identities: create, update, delete, list. Refusals use envelope 2.
import type { JsonObject } from '../../../model/json.ts';
import { parseAuthentication, wireAuthentication } from './authentication.ts';
import type { HubContext } from '../context.ts';
import { checkIdentityEtag, identityEtag } from '../etag.ts';
import { freshRecord, isEdgeModule, parseText, requireBody, requireDevice, requireRoom } from './identities.ts';
import { hubNameOf } from '../../../model/hub-name.ts';
import type { HubRecord } from '../record.ts';
import {
  badRequest,
  inEnvelope2,
  moduleAlreadyExists,
  moduleNotFound,
  systemModule,
  tooManyModules,
} from '../service-error.ts';
import { isoTime } from '../times.ts';
import { connectionState, thumbprints } from '../twins/twin-fields.ts';

const MANAGED_BY_CHARACTERS_MAX = 128;

export interface ModuleId {
  readonly deviceId: string;
  readonly moduleId: string;
}

/** Without If-Match creates a module, which must not exist; with it, replaces one, which must exist. */
export function putModule(hub: HubContext, ref: ModuleId, body: unknown, ifMatch: string | undefined): HubRecord {
  return inEnvelope2(() => {
    const { deviceId, moduleId } = ref;
    const value = requireBody(body, { deviceId, moduleId });
    if (moduleId.startsWith('$')) throw badRequest('ids with "$" are for system modules');
    requireDevice(hub, deviceId);
    const fields = {
      managedBy: parseText(value, 'managedBy', MANAGED_BY_CHARACTERS_MAX),
      authentication: parseAuthentication(value['authentication'], 'module', hub.random),
    };
    const next = ifMatch === undefined ? create(hub, ref, fields) : update(hub, ref, fields, ifMatch);
    hub.state.commit({ put: [next], removed: [] });
    if (ifMatch === undefined) hub.events.identityCreated(next, hub.clock.now());
    return next;
  });
}

export function deleteModule(hub: HubContext, ref: ModuleId, ifMatch: string | undefined): void {
  inEnvelope2(() => {
    const module = requireModule(hub, ref);
    if (isEdgeModule(ref.moduleId)) throw systemModule(ref.moduleId);
    checkIdentityEtag(module.identityEtag, ifMatch);
    hub.state.commit({ put: [], removed: [{ deviceId: ref.deviceId, moduleId: ref.moduleId }] });
    hub.events.identityDeleted(module, hub.clock.now());
    hub.connections.drop([module]);
  });
}

export function requireModule(hub: HubContext, ref: ModuleId): HubRecord {
  return inEnvelope2(() => {
    requireDevice(hub, ref.deviceId);
    const module = hub.state.find(ref);
    if (module === undefined) throw moduleNotFound(ref.deviceId, ref.moduleId);
    return module;
  });
}

/** In the order of creation. */
export function listModules(hub: HubContext, deviceId: string): readonly HubRecord[] {
  return inEnvelope2(() => {
    requireDevice(hub, deviceId);
    return hub.state.modulesOf(deviceId);
  });
}

export function wireModule(module: HubRecord): JsonObject {
  return {
    moduleId: module.moduleId ?? null,
    managedBy: module.managedBy,
    deviceId: module.deviceId,
    generationId: module.generationId,
    etag: identityEtag(module.identityEtag),
    connectionState: connectionState(module),
    connectionStateUpdatedTime: isoTime(module.connectionUpdatedAt),
    lastActivityTime: isoTime(module.activeAt),
    cloudToDeviceMessageCount: 0,
    authentication: wireAuthentication(module.authentication, thumbprints(module)),
  };
}

type ModuleFields = Pick<HubRecord, 'managedBy' | 'authentication'>;

/** The hub's own modules on an edge device count towards the limit (not established). */
function create(hub: HubContext, { deviceId, moduleId }: ModuleId, fields: ModuleFields): HubRecord {
  if (hub.state.find({ deviceId, moduleId }) !== undefined) {
    throw moduleAlreadyExists(hubNameOf(hub.hostName), deviceId, moduleId);
  }
  const max = hub.limits.modulesPerDeviceMax;
  if (hub.state.modulesOf(deviceId).length >= max) throw tooManyModules(deviceId, max);
  requireRoom(hub, 1);
  return { ...freshRecord(hub, { deviceId, moduleId }, fields.authentication), ...fields };
}

function update(hub: HubContext, ref: ModuleId, fields: ModuleFields, ifMatch: string): HubRecord {
  const before = requireModule(hub, ref);
  checkIdentityEtag(before.identityEtag, ifMatch);
  return { ...before, ...fields, identityEtag: before.identityEtag + 1 };
}
