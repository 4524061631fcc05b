// Many identities or twins in one request, each entry processed separately.
import { isObject, type Json, type JsonObject } from '../../../model/json.ts';
import type { HubContext } from '../context.ts';
import { createDevice, deleteDevice, requireDevice, updateDevice } from './identities.ts';
import { deleteModule, putModule } from './module-identities.ts';
import { isId } from '../record.ts';
import {
  attempt,
  badRequest,
  deviceDefinedMultipleTimes,
  etagMissing,
  ServiceError,
  tooManyDevices,
} from '../service-error.ts';
import { patchTwin } from '../twins/twins.ts';

interface BulkError {
  readonly deviceId: string;
  readonly errorCode: string;
  readonly errorStatus: string;
  readonly moduleId: string | null;
  readonly operation: string;
}

interface BulkWarning {
  readonly deviceId: string;
  readonly warningCode: 'DeviceRegisteredWithoutTwin';
  readonly warningStatus: string;
}

/** Answered with 200 if `isSuccessful`, else with 400. */
export interface BulkResult {
  readonly isSuccessful: boolean;
  readonly errors: readonly BulkError[];
  readonly warnings: readonly BulkWarning[];
}

interface BulkEntry {
  readonly deviceId: string;
  readonly moduleId: string | undefined;
  readonly mode: string;
  readonly body: JsonObject;
}

/** By lower-case name, because clients differ in case. createOrUpdate and similar modes are only for import jobs. */
const MODES: ReadonlyMap<string, string> = new Map(
  ['create', 'update', 'updateIfMatchETag', 'delete', 'deleteIfMatchETag', 'updateTwin', 'updateTwinIfMatchETag'].map(
    (mode) => [mode.toLowerCase(), mode],
  ),
);

/**
 * Throws only for the request as a whole: not an array, no or too many entries, or a device named twice, where a
 * module's entry counts for its device. The result has the failures of single entries; the other entries take effect.
 */
export function bulk(hub: HubContext, entries: unknown): BulkResult {
  const parsed = parseEntries(entries, hub.limits.bulkEntriesMax);
  const errors: BulkError[] = [];
  const warnings: BulkWarning[] = [];
  for (const entry of parsed) {
    const failure = attempt(() => writeIdentity(hub, entry));
    if (failure instanceof ServiceError) {
      errors.push(bulkError(entry, failure));
      continue;
    }
    const twinFailure = attempt(() => writeTwin(hub, entry));
    if (!(twinFailure instanceof ServiceError)) continue;
    if (isTwinMode(entry.mode)) errors.push(bulkError(entry, twinFailure));
    else {
      const warningStatus = twinFailure.text;
      warnings.push({ deviceId: entry.deviceId, warningCode: 'DeviceRegisteredWithoutTwin', warningStatus });
    }
  }
  return { isSuccessful: errors.length === 0, errors, warnings };
}

function parseEntries(entries: unknown, max: number): BulkEntry[] {
  if (!Array.isArray(entries) || entries.length === 0) throw badRequest('the body is not an array with entries');
  if (entries.length > max) throw tooManyDevices(`At most ${max} devices in one request.`);
  const parsed = entries.map((entry) => parseEntry(entry));
  const seen = new Set<string>();
  for (const { deviceId } of parsed) {
    if (seen.has(deviceId)) throw deviceDefinedMultipleTimes(deviceId);
    seen.add(deviceId);
  }
  return parsed;
}

function parseEntry(entry: unknown): BulkEntry {
  if (!isObject(entry)) throw badRequest('an entry is not an object');
  const { id, importMode } = entry;
  const moduleId = entry['moduleId'] ?? '';
  if (!isId(id)) throw badRequest('an entry has no legal id');
  if (typeof moduleId !== 'string') throw badRequest('a moduleId is not a text');
  const mode = typeof importMode === 'string' ? MODES.get(importMode.toLowerCase()) : undefined;
  if (mode === undefined) throw badRequest('an entry has no known importMode');
  // The identity's own check would compare ids that an entry does not use.
  const { deviceId: _deviceId, ...body } = entry;
  return { deviceId: id, moduleId: moduleId === '' ? undefined : moduleId, mode, body };
}

function isTwinMode(mode: string): boolean {
  return mode.startsWith('updateTwin');
}

function writeIdentity(hub: HubContext, entry: BulkEntry): void {
  const { deviceId, moduleId, mode, body } = entry;
  if (isTwinMode(mode)) return;
  const isCreate = mode === 'create';
  // Identities spell it `etag`: the SDK sends a device as it was read.
  const ifMatch = isCreate ? undefined : requiredEtag(mode, body['eTag'] ?? body['etag']);
  if (mode.startsWith('delete')) {
    if (moduleId === undefined) deleteDevice(hub, deviceId, ifMatch);
    else deleteModule(hub, { deviceId, moduleId }, ifMatch);
  } else if (moduleId !== undefined) putModule(hub, { deviceId, moduleId }, body, ifMatch);
  else if (isCreate) createDevice(hub, deviceId, body);
  else updateDevice(hub, deviceId, body, ifMatch);
}

/**
 * Merges twin data, as the name updateTwin suggests (merge or replace is not established), in a separate write: a twin
 * created with data has etag 2.
 */
function writeTwin(hub: HubContext, { deviceId, moduleId, mode, body }: BulkEntry): void {
  if (mode.startsWith('delete')) return;
  const ifMatch = isTwinMode(mode) ? requiredEtag(mode, body['twinETag']) : optionalEtag(body['twinETag']);
  if (isTwinMode(mode)) requireDevice(hub, deviceId);
  else if (body['tags'] === undefined && body['properties'] === undefined) return;
  patchTwin(hub, { deviceId, moduleId }, body, ifMatch);
}

function requiredEtag(mode: string, etag: Json | undefined): string {
  if (!mode.endsWith('IfMatchETag')) return '*';
  const sent = optionalEtag(etag);
  if (sent === undefined) throw etagMissing();
  return sent;
}

function optionalEtag(etag: Json | undefined): string | undefined {
  return typeof etag === 'string' && etag !== '' ? etag : undefined;
}

function bulkError({ deviceId, moduleId, mode }: BulkEntry, error: ServiceError): BulkError {
  const place = { deviceId, moduleId: moduleId ?? null, operation: mode };
  return { ...place, errorCode: error.code, errorStatus: error.text };
}
