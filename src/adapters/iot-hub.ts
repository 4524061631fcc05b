// The hub port over the service's REST API, through the `azure-iothub` SDK.
import { HubError } from '../model/errors.ts';
import { DEVICES_QUERY, moduleTwinQueries } from '../model/hub-query.ts';
import { isObject } from '../model/json.ts';
import { asAutomaticConfiguration, asModuleIdentity } from '../model/other-writer.ts';
import { asTwin, deviceFacts, type DeviceFacts, type ModuleRef, type Twin, type TwinPatch } from '../model/twin.ts';
import type { Hub, ListOptions, UnreadableRow } from '../ports/hub.ts';
import { createCaller, type CallOptions, type HubAnswer, type HubCaller } from './iot-hub-call.ts';

export type { IotHubCredential } from './iot-hub-call.ts';
export type IotHubOptions = CallOptions;

const PAGE_SIZE = 100;
/** A hub has at most a million devices with twenty modules each; an endless list is an error. */
const PAGES_MAX = 200_000;

/** Connects on first use. */
export function connectIotHub(options: IotHubOptions): Hub {
  const meter = { messages: 0 };
  const caller = meteredCaller(createCaller(options), meter);
  return {
    async *listDevices(signal, { onUnreadable, turn } = {}) {
      const purpose = 'list the devices';
      for await (const rows of queryPages(caller, { query: DEVICES_QUERY, purpose, signal, turn }))
        yield readRows(rows, asDeviceFacts, onUnreadable ?? refuseRow(purpose));
    },
    async *listModuleTwins(moduleIds, signal, { onUnreadable, turn } = {}) {
      const purpose = 'list the module twins';
      for (const query of moduleTwinQueries(moduleIds)) {
        for await (const rows of queryPages(caller, { query, purpose, signal, turn }))
          yield readRows(rows, asModuleTwin, onUnreadable ?? refuseRow(purpose));
      }
    },
    getDeviceTwin: (deviceId, signal) => readTwin(caller, { deviceId }, `read the twin of ${deviceId}`, signal),
    getModuleTwin: (ref, signal) => readTwin(caller, ref, `read the twin of ${nameOf(ref)}`, signal),
    patchModuleTwin: (ref, patch, etag, signal) =>
      patchTwin(caller, ref, patch, etag, `patch the twin of ${nameOf(ref)}`, signal),
    async createModule(ref, signal) {
      const { deviceId, moduleId } = ref;
      const purpose = `create ${deviceId}/${moduleId}`;
      const request = { deviceId, moduleId, authentication: NEW_KEYS };
      const { body } = await caller
        .call({ method: 'PUT', path: modulePath(ref), body: request, purpose, signal })
        .catch((error: unknown) => {
          throw explainRefusal(error);
        });
      if (!isOf(ref, body)) throw malformed(purpose);
    },
    async getModule(ref, signal) {
      const purpose = `read the identity of ${nameOf(ref)}`;
      const { body } = await caller.call({ method: 'GET', path: modulePath(ref), purpose, signal });
      const identity = asModuleIdentity(body);
      if (identity === undefined || !isOf(ref, body)) throw malformed(purpose);
      return identity;
    },
    async listModuleIds(deviceId, signal) {
      const purpose = `list the modules of ${deviceId}`;
      const { body } = await caller.call({ method: 'GET', path: `${devicePath(deviceId)}/modules`, purpose, signal });
      if (!Array.isArray(body)) throw malformed(purpose);
      return body.map((item: unknown) => {
        const moduleId = isObject(item) && item['deviceId'] === deviceId ? item['moduleId'] : undefined;
        if (typeof moduleId !== 'string') throw malformed(purpose);
        return moduleId;
      });
    },
    async listConfigurations(signal) {
      const purpose = 'list the automatic configurations';
      const { body } = await caller.call({ method: 'GET', path: '/configurations', purpose, signal });
      if (!Array.isArray(body)) throw malformed(purpose);
      return body.map((item) => {
        const configuration = asAutomaticConfiguration(item);
        if (configuration === undefined) throw malformed(purpose);
        return configuration;
      });
    },
    async createDevice(deviceId, { status, statusReason }, signal) {
      const purpose = `create ${deviceId}`;
      const request = { deviceId, status, statusReason, authentication: NEW_KEYS };
      const { body } = await caller.call({ method: 'PUT', path: devicePath(deviceId), body: request, purpose, signal });
      if (!isObject(body) || body['deviceId'] !== deviceId) throw malformed(purpose);
    },
    patchDeviceTwin: (deviceId, tags, etag, signal) =>
      patchTwin(caller, { deviceId }, { tags }, etag, `patch the twin of ${deviceId}`, signal),
    async deleteDevice(deviceId, signal) {
      const headers = { 'If-Match': '"*"' };
      const purpose = `delete ${deviceId}`;
      await caller.call({ method: 'DELETE', path: devicePath(deviceId), headers, purpose, signal });
    },
    async countDevices(signal) {
      const purpose = 'count the devices';
      const { body } = await caller.call({ method: 'GET', path: '/statistics/devices', purpose, signal });
      const count = isObject(body) ? body['totalDeviceCount'] : undefined;
      if (typeof count !== 'number') throw malformed(purpose);
      return count;
    },
    messagesSpent: () => meter.messages,
    close: () => caller.close(),
  };
}

/** The hub generates keys for empty ones. */
const NEW_KEYS = { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } };

/** IoT Hub meters twins and the pages of queries, not the registry (documentation "IoT Hub quotas and throttling"). */
const METERED = /^\/(?:twins\/|devices\/query$)/;
/** A free hub counts each half kilobyte. */
const MESSAGE_BYTES = 4_096;

function meteredCaller(caller: HubCaller, meter: { messages: number }): HubCaller {
  return {
    ...caller,
    call: async (request) => {
      const answer = await caller.call(request);
      if (METERED.test(request.path)) meter.messages += Math.max(1, Math.ceil(answer.length / MESSAGE_BYTES));
      return answer;
    },
  };
}

interface Question extends Pick<ListOptions, 'turn'> {
  readonly query: string;
  /** For errors: `list the devices`. */
  readonly purpose: string;
  readonly signal: AbortSignal;
}

/** Continues while a page names the next. */
async function* queryPages(
  caller: HubCaller,
  { query, purpose, signal, turn }: Question,
): AsyncGenerator<readonly unknown[], void> {
  let continuation: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    await turn?.();
    const { body, headers }: HubAnswer = await caller.call({
      method: 'POST',
      path: '/devices/query',
      headers: {
        'x-ms-max-item-count': String(PAGE_SIZE),
        ...(continuation === undefined ? {} : { 'x-ms-continuation': continuation }),
      },
      body: { query },
      purpose,
      signal,
    });
    if (!Array.isArray(body)) throw malformed(purpose);
    yield body;
    const next = headers['x-ms-continuation'];
    if (next === undefined || next === '') return;
    if (typeof next !== 'string' || next === continuation) throw malformed(purpose);
    continuation = next;
  }
  throw malformed(purpose);
}

type TwinRef = Pick<Twin, 'deviceId' | 'moduleId'>;

async function readTwin(caller: HubCaller, ref: TwinRef, purpose: string, signal: AbortSignal): Promise<Twin> {
  const { body } = await caller.call({ method: 'GET', path: twinPath(ref), purpose, signal });
  return twinOf(ref, body, purpose);
}

async function patchTwin(
  caller: HubCaller,
  ref: TwinRef,
  patch: TwinPatch,
  etag: string,
  purpose: string,
  signal: AbortSignal,
): Promise<Twin> {
  if (etag === '*') throw new HubError('Invalid', `Could not ${purpose}: a write must name the etag of its read.`);
  const headers = { 'If-Match': `"${etag}"` };
  const { body } = await caller.call({ method: 'PATCH', path: twinPath(ref), headers, body: patch, purpose, signal });
  return twinOf(ref, body, purpose);
}

/** The next decision and write depend on this answer: refuse the answer of another twin, from a cache in between. */
function twinOf({ deviceId, moduleId }: TwinRef, body: unknown, purpose: string): Twin {
  const twin = asTwin(body);
  if (twin?.deviceId !== deviceId || twin.moduleId !== moduleId) throw malformed(purpose);
  return twin;
}

/** Parses the rows; for unreadable ones it returns the device and module ids. */
function readRows<T>(
  rows: readonly unknown[],
  read: (row: unknown) => T | undefined,
  onUnreadable: (row: UnreadableRow) => void,
): T[] {
  return rows.flatMap((row) => {
    const value = read(row);
    if (value !== undefined) return [value];
    const { deviceId, moduleId } = isObject(row) ? row : {};
    onUnreadable({ deviceId: asId(deviceId), moduleId: asId(moduleId) });
    return [];
  });
}

function refuseRow(purpose: string): (row: UnreadableRow) => never {
  return () => {
    throw malformed(purpose);
  };
}

/** Wider than the documented ids, and narrow enough for paths and keys: no "/", no spaces, no other scripts. */
const ID = /^[!-.0-~]{1,128}$/;

function asId(value: unknown): string | undefined {
  return typeof value === 'string' && ID.test(value) ? value : undefined;
}

function asModuleTwin(row: unknown): Twin | undefined {
  const twin = asTwin(row);
  return asId(twin?.deviceId) === undefined || asId(twin?.moduleId) === undefined ? undefined : twin;
}

function asDeviceFacts(row: unknown): DeviceFacts | undefined {
  const { deviceId, status, tags, capabilities } = isObject(row) ? row : {};
  const isRow =
    asId(deviceId) !== undefined &&
    (isAbsent(status) || typeof status === 'string') &&
    (isAbsent(tags) || isObject(tags)) &&
    (isAbsent(capabilities) || isObject(capabilities));
  return isRow ? deviceFacts(row as Twin) : undefined;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** Under a shared access policy the hub also answers 401 for a missing or disabled device. */
function explainRefusal(error: unknown): unknown {
  if (!(error instanceof HubError) || error.code !== 'Unauthorized') return error;
  const hint = 'Either the credential may not create modules, or the device is missing or disabled.';
  return new HubError(error.code, `${error.message} ${hint}`, { serviceCode: error.serviceCode, cause: error });
}

function malformed(purpose: string): HubError {
  return new HubError('Malformed', `Could not ${purpose}: the answer is not what the service documents.`);
}

function twinPath({ deviceId, moduleId }: TwinRef): string {
  const device = `/twins/${encodeSegment(deviceId)}`;
  return moduleId === undefined ? device : `${device}/modules/${encodeSegment(moduleId)}`;
}

/** The built-in function throws on half a surrogate pair, which an id can only have by mistake. */
function encodeSegment(id: string): string {
  return encodeURIComponent(id.toWellFormed());
}

function devicePath(deviceId: string): string {
  return `/devices/${encodeSegment(deviceId)}`;
}

function modulePath({ deviceId, moduleId }: ModuleRef): string {
  return `${devicePath(deviceId)}/modules/${encodeSegment(moduleId)}`;
}

/** True if the answer is for this module. */
function isOf({ deviceId, moduleId }: ModuleRef, body: unknown): boolean {
  return isObject(body) && body['deviceId'] === deviceId && body['moduleId'] === moduleId;
}

function nameOf({ deviceId, moduleId }: ModuleRef): string {
  return `${deviceId}/${moduleId}`;
}
