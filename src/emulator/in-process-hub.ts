// The hub port over the embedded hub, without a network: what simulations and tests run on.
import { HubError, type HubErrorCode, invariant } from '../model/errors.ts';
import { DEVICES_QUERY, moduleTwinQueries } from '../model/hub-query.ts';
import { cloneJson, type JsonObject } from '../model/json.ts';
import { asTwin, deviceFacts, type ModuleRef, type Twin, type TwinPatch } from '../model/twin.ts';
import type { Hub } from '../ports/hub.ts';
import type { IotHub } from './hub/iot-hub.ts';
import { badRequest, ServiceError } from './hub/service-error.ts';
import { requireEnabledDevice } from './rest/authorization.ts';

const CODES_BY_STATUS: ReadonlyMap<number, HubErrorCode> = new Map([
  [401, 'Unauthorized'],
  [403, 'Unauthorized'],
  [404, 'NotFound'],
  [409, 'AlreadyExists'],
  [412, 'PreconditionFailed'],
  [429, 'Throttled'],
]);

/** Every answer is a copy. A refusal carries the code that a shared access policy's caller gets over HTTPS. */
export function inProcessHub(hub: IotHub): Hub {
  return {
    async *listDevices(signal) {
      for await (const rows of queryPages(hub, DEVICES_QUERY, signal)) {
        yield rows.map((row) =>
          deviceFacts(row as unknown as Pick<Twin, 'deviceId' | 'status' | 'capabilities' | 'tags'>),
        );
      }
    },
    async *listModuleTwins(moduleIds, signal) {
      for (const query of moduleTwinQueries(moduleIds)) {
        for await (const rows of queryPages(hub, query, signal)) yield rows.map((row) => toTwin(row));
      }
    },
    getDeviceTwin: async (deviceId, signal) =>
      toTwin(call(signal, `read the twin of ${deviceId}`, () => hub.getTwin({ deviceId }))),
    getModuleTwin: async (ref, signal) =>
      toTwin(call(signal, `read the twin of ${nameOf(ref)}`, () => hub.getTwin(ref))),
    patchModuleTwin: async (ref, patch, etag, signal) =>
      toTwin(call(signal, `patch the twin of ${nameOf(ref)}`, () => patchGuarded(hub, ref, patch, etag))),
    createModule: async (ref, signal) => {
      const { deviceId, moduleId } = ref;
      call(signal, `create ${nameOf(ref)}`, () => {
        requireEnabledDevice(hub, deviceId);
        hub.putModule(deviceId, moduleId, { deviceId, moduleId }, undefined);
      });
    },
    countDevices: async (signal) => call(signal, 'count the devices', () => hub.statistics().totalDeviceCount),
    close: () => {},
  };
}

async function* queryPages(hub: IotHub, text: string, signal: AbortSignal): AsyncGenerator<JsonObject[], void> {
  let continuation: string | undefined;
  do {
    const page = call(signal, 'query the hub', () => hub.query(text, { continuation }));
    yield page.items.map((item) => cloneJson(item));
    continuation = page.continuation;
  } while (continuation !== undefined);
}

function patchGuarded(hub: IotHub, ref: ModuleRef, patch: TwinPatch, etag: string): JsonObject {
  if (etag === '*') throw badRequest('writes must name the etag they were decided on');
  return hub.patchTwin(ref, patch, `"${etag}"`);
}

function toTwin(answer: JsonObject): Twin {
  const twin = asTwin(cloneJson(answer));
  invariant(twin !== undefined, 'the embedded hub answers with whole twins');
  return twin;
}

function nameOf({ deviceId, moduleId }: ModuleRef): string {
  return `${deviceId}/${moduleId}`;
}

function call<T>(signal: AbortSignal, what: string, run: () => T): T {
  if (signal.aborted) throw new HubError('Aborted', `Stopped before the attempt to ${what}.`);
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const message = `Could not ${what}: the hub answered ${error.status} ${error.message}`;
    throw new HubError(classify(error), message, { serviceCode: error.code, cause: error });
  }
}

function classify({ code, status }: ServiceError): HubErrorCode {
  if (code === 'IotHubQuotaExceeded') return 'QuotaExceeded';
  if (code === 'DeviceModelMaxPropertiesExceeded') return 'TooLarge';
  if (status >= 500) return 'Unavailable';
  return CODES_BY_STATUS.get(status) ?? 'Invalid';
}
