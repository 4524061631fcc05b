// The hub port over the service's REST API, through the `azure-iothub` SDK.
import { HubError } from '../model/errors.ts';
import { isObject } from '../model/json.ts';
import { asTwin, deviceFacts, type ModuleRef, type Twin } from '../model/twin.ts';
import type { Hub } from '../ports/hub.ts';
import { createCaller, type CallOptions, type HubAnswer, type HubCaller } from './iot-hub-call.ts';

export type { IotHubCredential } from './iot-hub-call.ts';
export type IotHubOptions = CallOptions;

const PAGE_SIZE = 100;
/** A hub has a million devices at most, twenty modules each; an endless list is a broken one. */
const PAGES_MAX = 200_000;
/** Limit of the service on the text of a query. */
const QUERY_LENGTH_MAX = 8_192;

const DEVICES = 'SELECT deviceId, status, tags, capabilities FROM devices';

/** Connects when first called. */
export function connectIotHub(options: IotHubOptions): Hub {
  const caller = createCaller(options);
  return {
    async *listDevices(signal) {
      for await (const rows of queryPages(caller, DEVICES, 'list the devices', signal)) yield rows.map(toDeviceFacts);
    },
    async *listModuleTwins(moduleIds, signal) {
      for (const query of moduleQueries(moduleIds)) {
        for await (const rows of queryPages(caller, query, 'list the module twins', signal)) {
          yield rows.map((row) => toTwin(row, 'list the module twins'));
        }
      }
    },
    getDeviceTwin: (deviceId, signal) =>
      readTwin(caller, `/twins/${encodeURIComponent(deviceId)}`, `read the twin of ${deviceId}`, signal),
    getModuleTwin: (ref, signal) => readTwin(caller, twinPath(ref), `read the twin of ${nameOf(ref)}`, signal),
    async patchModuleTwin(ref, patch, etag, signal) {
      const purpose = `patch the twin of ${nameOf(ref)}`;
      if (etag === '*') throw new HubError('Invalid', `Could not ${purpose}: writes must name the etag they rest on.`);
      const headers = { 'If-Match': `"${etag}"` };
      const { body } = await caller.call({
        method: 'PATCH',
        path: twinPath(ref),
        headers,
        body: patch,
        purpose,
        signal,
      });
      return toTwin(body, purpose);
    },
    async createModule({ deviceId, moduleId }, signal) {
      const path = `/devices/${encodeURIComponent(deviceId)}/modules/${encodeURIComponent(moduleId)}`;
      // Empty keys ask the hub to make some.
      const authentication = { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } };
      const purpose = `create ${deviceId}/${moduleId}`;
      await caller.call({ method: 'PUT', path, body: { deviceId, moduleId, authentication }, purpose, signal });
    },
    async countDevices(signal) {
      const purpose = 'count the devices';
      const { body } = await caller.call({ method: 'GET', path: '/statistics/devices', purpose, signal });
      const count = isObject(body) ? body['totalDeviceCount'] : undefined;
      if (typeof count !== 'number') throw malformed(purpose);
      return count;
    },
    close: () => caller.close(),
  };
}

/** Asks on as long as a page names the next. */
async function* queryPages(
  caller: HubCaller,
  query: string,
  purpose: string,
  signal: AbortSignal,
): AsyncGenerator<readonly unknown[], void> {
  let continuation: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
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

/** As many queries as the limit on their text asks for; the first sees every record of ours. */
function moduleQueries(moduleIds: readonly string[]): string[] {
  const texts = ['IS_DEFINED(tags.twinward)'];
  for (const moduleId of moduleIds) {
    const term = `moduleId = '${moduleId.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
    const longer = `${texts.at(-1)} OR ${term}`;
    if (moduleQuery(longer).length <= QUERY_LENGTH_MAX) texts[texts.length - 1] = longer;
    else texts.push(term);
  }
  return texts.map(moduleQuery);
}

function moduleQuery(condition: string): string {
  return `SELECT * FROM devices.modules WHERE ${condition}`;
}

async function readTwin(caller: HubCaller, path: string, purpose: string, signal: AbortSignal): Promise<Twin> {
  const { body } = await caller.call({ method: 'GET', path, purpose, signal });
  return toTwin(body, purpose);
}

function toTwin(body: unknown, purpose: string): Twin {
  const twin = asTwin(body);
  if (twin === undefined) throw malformed(purpose);
  return twin;
}

function toDeviceFacts(row: unknown): ReturnType<typeof deviceFacts> {
  const { deviceId, status, tags } = isObject(row) ? row : {};
  const isRow =
    typeof deviceId === 'string' &&
    (status === undefined || typeof status === 'string') &&
    (tags === undefined || isObject(tags));
  if (!isRow) throw malformed('list the devices');
  return deviceFacts(row as Twin);
}

function malformed(purpose: string): HubError {
  return new HubError('Malformed', `Could not ${purpose}: the answer is not what the service documents.`);
}

function twinPath({ deviceId, moduleId }: ModuleRef): string {
  return `/twins/${encodeURIComponent(deviceId)}/modules/${encodeURIComponent(moduleId)}`;
}

function nameOf({ deviceId, moduleId }: ModuleRef): string {
  return `${deviceId}/${moduleId}`;
}
