// Device identities: create, update, delete, list, and their wire form.
import { isObject, type Json, type JsonObject } from '../../../model/json.ts';
import { parseAuthentication, wireAuthentication } from './authentication.ts';
import type { HubContext } from '../context.ts';
import { checkIdentityEtag, identityEtag } from '../etag.ts';
import { type Authentication, type HubRecord, isId } from '../record.ts';
import { badRequest, deviceAlreadyExists, deviceNotFound, tooManyDevices } from '../service-error.ts';
import { isoTime, ticks } from '../times.ts';
import { connectionState, thumbprints } from '../twins/twin-fields.ts';
import { EMPTY, freshSection } from '../twins/twin-document.ts';

const LIST_MAX = 1000;
const REASON_CHARACTERS_MAX = 128;
const ETAG_START = 100_000_000;
const ETAG_START_RANGE = 800_000_000;
const EDGE_MODULES = ['$edgeAgent', '$edgeHub'];

/** The fields of a device that a client may set; the hub sets the rest. */
interface DeviceFields {
  readonly status: 'enabled' | 'disabled';
  readonly statusReason: string | null;
  readonly authentication: Authentication;
  readonly iotEdge: boolean;
  readonly deviceScope: string | null;
  readonly parentScopes: readonly string[] | null;
}

/** Without If-Match creates a device, which must not exist; with it, updates one, which must exist. */
export function putDevice(hub: HubContext, id: string, body: unknown, ifMatch: string | undefined): HubRecord {
  return ifMatch === undefined ? createDevice(hub, id, body) : updateDevice(hub, id, body, ifMatch);
}

export function createDevice(hub: HubContext, id: string, body: unknown): HubRecord {
  const fields = parseDevice(hub, id, body);
  if (hub.state.find({ deviceId: id }) !== undefined) throw deviceAlreadyExists(id);
  requireRoom(hub, fields.iotEdge ? 1 + EDGE_MODULES.length : 1);
  const fresh = freshRecord(hub, { deviceId: id }, fields.authentication);
  const device = { ...fresh, ...fields, deviceScope: scopeOf(hub, fresh, fields), parentScopes: parentsOf(fields) };
  const modules = fields.iotEdge ? edgeModules(hub, id, device.sequence + 1) : [];
  hub.state.commit({ put: [device, ...modules], removed: [] });
  for (const record of [device, ...modules]) hub.events.identityCreated(record, hub.clock.now());
  return device;
}

/** Replaces the whole identity: without authentication, generates new keys. The twin stays. */
export function updateDevice(hub: HubContext, id: string, body: unknown, ifMatch: string | undefined): HubRecord {
  const before = requireDevice(hub, id);
  checkIdentityEtag(before.identityEtag, ifMatch);
  const fields = parseDevice(hub, id, body);
  const now = hub.clock.now();
  const isDisabled = fields.status === 'disabled';
  const device: HubRecord = {
    ...before,
    ...fields,
    deviceScope: scopeOf(hub, before, fields),
    parentScopes: parentsOf(fields),
    identityEtag: before.identityEtag + 1,
    statusUpdatedAt: fields.status === before.status ? before.statusUpdatedAt : now,
    ...(isDisabled ? offline(before, now) : {}),
  };
  const modules = hub.state.modulesOf(id);
  const lost = before.iotEdge && !fields.iotEdge ? modules.filter((module) => isEdgeModule(module.moduleId)) : [];
  const gained = fields.iotEdge && !before.iotEdge ? edgeModules(hub, id, hub.state.nextSequence) : [];
  requireRoom(hub, gained.length);
  const cutOff = isDisabled ? modules.filter((module) => module.connected && !lost.includes(module)) : [];
  const put = [device, ...gained, ...cutOff.map((module) => ({ ...module, ...offline(module, now) }))];
  hub.state.commit({ put, removed: lost.map(({ deviceId, moduleId }) => ({ deviceId, moduleId })) });
  for (const record of gained) hub.events.identityCreated(record, now);
  for (const record of lost) hub.events.identityDeleted(record, now);
  hub.connections.drop(isDisabled ? [device, ...modules] : lost);
  return device;
}

/** Deletes the twin and all modules too. */
export function deleteDevice(hub: HubContext, id: string, ifMatch: string | undefined): void {
  const device = requireDevice(hub, id);
  checkIdentityEtag(device.identityEtag, ifMatch);
  const modules = hub.state.modulesOf(id);
  hub.state.commit({ put: [], removed: [{ deviceId: id }] });
  for (const record of [...modules, device]) hub.events.identityDeleted(record, hub.clock.now());
  hub.connections.drop([device, ...modules]);
}

export function requireDevice({ state }: HubContext, id: string): HubRecord {
  const device = state.find({ deviceId: id });
  if (device === undefined) throw deviceNotFound(id);
  return device;
}

/** In the order of creation; at most 1000, also for any `top` outside 1..1000. */
export function listDevices({ state }: HubContext, top: number = LIST_MAX): HubRecord[] {
  const max = Number.isInteger(top) && top >= 1 && top <= LIST_MAX ? top : LIST_MAX;
  const devices: HubRecord[] = [];
  for (const device of state.rows('devices', 0)) {
    if (devices.length === max) break;
    devices.push(device);
  }
  return devices;
}

export function wireDevice(device: HubRecord): JsonObject {
  return {
    deviceId: device.deviceId,
    generationId: device.generationId,
    etag: identityEtag(device.identityEtag),
    connectionState: connectionState(device),
    status: device.status,
    statusReason: device.statusReason,
    connectionStateUpdatedTime: isoTime(device.connectionUpdatedAt),
    statusUpdatedTime: isoTime(device.statusUpdatedAt),
    lastActivityTime: isoTime(device.activeAt),
    cloudToDeviceMessageCount: 0,
    authentication: wireAuthentication(device.authentication, thumbprints(device)),
    capabilities: { iotEdge: device.iotEdge },
    ...(device.deviceScope === null ? {} : { deviceScope: device.deviceScope }),
    ...(device.parentScopes === null ? {} : { parentScopes: [...device.parentScopes] }),
  };
}

/** A new identity with an empty twin; takes the state's next sequence by default. */
export function freshRecord(
  hub: HubContext,
  ref: { deviceId: string; moduleId?: string },
  authentication: Authentication,
  sequence: number = hub.state.nextSequence,
): HubRecord {
  const now = hub.clock.now();
  const section = freshSection(isoTime(now));
  return {
    ...ref,
    sequence,
    generationId: ticks(now, sequence),
    identityEtag: ETAG_START + Math.floor(hub.random.next() * ETAG_START_RANGE),
    authentication,
    status: 'enabled',
    statusReason: null,
    statusUpdatedAt: null,
    connected: false,
    connectionUpdatedAt: null,
    activeAt: null,
    iotEdge: false,
    managedBy: null,
    deviceScope: null,
    parentScopes: null,
    twinEtag: 1,
    tags: EMPTY,
    desired: section,
    reported: section,
  };
}

/** Throws if the hub would exceed its maximum of identities. */
export function requireRoom({ state, limits }: HubContext, added: number): void {
  const { devices, modules } = state.counts;
  if (devices + modules + added > limits.identitiesMax) {
    throw tooManyDevices(`The hub already has ${devices} devices and ${modules} modules of ${limits.identitiesMax}.`);
  }
}

/** The two modules that the hub itself maintains on an edge device. */
export function isEdgeModule(moduleId: string | undefined): boolean {
  return moduleId !== undefined && EDGE_MODULES.includes(moduleId);
}

function edgeModules(hub: HubContext, deviceId: string, sequence: number): HubRecord[] {
  return EDGE_MODULES.map((moduleId, index) => ({
    ...freshRecord(hub, { deviceId, moduleId }, { type: 'none' }, sequence + index),
    managedBy: 'iotEdge',
  }));
}

/** An edge device gets its own scope and keeps it; other devices have the given one. */
function scopeOf(hub: HubContext, record: HubRecord, fields: DeviceFields): string | null {
  if (!fields.iotEdge) return fields.deviceScope;
  if (record.iotEdge) return record.deviceScope;
  return `ms-azure-iot-edge://${record.deviceId}-${ticks(hub.clock.now(), record.sequence)}`;
}

function offline(record: HubRecord, now: number): Partial<HubRecord> {
  return record.connected ? { connected: false, connectionUpdatedAt: now } : {};
}

function parseDevice(hub: HubContext, id: string, body: unknown): DeviceFields {
  const value = requireBody(body, { deviceId: id });
  const status = value['status'] ?? 'enabled';
  if (status !== 'enabled' && status !== 'disabled') throw badRequest('unknown status');
  const capabilities = value['capabilities'] ?? {};
  if (!isObject(capabilities)) throw badRequest('capabilities is not an object');
  const parentScopes = value['parentScopes'] ?? null;
  if (parentScopes !== null && !isTexts(parentScopes)) throw badRequest('parentScopes is not a list of texts');
  return {
    status,
    statusReason: parseText(value, 'statusReason', REASON_CHARACTERS_MAX),
    authentication: parseAuthentication(value['authentication'], 'device', hub.random),
    iotEdge: capabilities['iotEdge'] === true,
    deviceScope: parseText(value, 'deviceScope', Infinity),
    parentScopes,
  };
}

/** An edge device has the given parents; another device has only its scope as parent. */
function parentsOf({ iotEdge, deviceScope, parentScopes }: DeviceFields): readonly string[] | null {
  if (!iotEdge) return deviceScope === null ? null : [deviceScope];
  return parentScopes === null || parentScopes.length === 0 ? null : parentScopes;
}

/** The body of an identity; its ids, if any, must equal the legal ids of the path. */
export function requireBody(body: unknown, ids: Readonly<Record<string, string>>): JsonObject {
  if (!isObject(body)) throw badRequest('the body is not a JSON object');
  for (const [name, id] of Object.entries(ids)) {
    if (!isId(id)) throw badRequest(`${name} is not a legal id`);
    if ((body[name] ?? id) !== id) throw badRequest(`${name} differs between path and body`);
  }
  return body;
}

/** A string, or null if it is absent, null or empty. */
export function parseText(body: JsonObject, name: string, charactersMax: number): string | null {
  const value = body[name] ?? '';
  if (typeof value !== 'string' || value.length > charactersMax) throw badRequest(`${name} is not a text or too long`);
  return value === '' ? null : value;
}

function isTexts(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
