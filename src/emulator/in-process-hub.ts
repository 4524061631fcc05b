// The hub port over the embedded hub, without a network: for simulations and tests.
import { HubError, type HubErrorCode, invariant } from '../model/errors.ts';
import { DEVICES_QUERY, moduleTwinQueries } from '../model/hub-query.ts';
import { freezeJson, type JsonObject } from '../model/json.ts';
import { asAutomaticConfiguration, asModuleIdentity } from '../model/other-writer.ts';
import { asTwin, deviceFacts, type ModuleRef, type Twin, type TwinPatch } from '../model/twin.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub, ListOptions } from '../ports/hub.ts';
import { ConnectionCut, type FrontDoor } from './front-door.ts';
import type { IotHub } from './hub/iot-hub.ts';
import type { QueryOptions, QueryPage } from './hub/query/query.ts';
import { badRequest, ServiceError, unauthorized } from './hub/service-error.ts';
import { requireEnabledDevice } from './rest/authorization.ts';
import { operationOf } from './throttles/operations.ts';

const CODES_BY_STATUS: ReadonlyMap<number, HubErrorCode> = new Map([
  [401, 'Unauthorized'],
  [403, 'Unauthorized'],
  [404, 'NotFound'],
  [409, 'AlreadyExists'],
  [412, 'PreconditionFailed'],
  [429, 'Throttled'],
]);

/** Lifetime of the SDK's tokens: a hub whose clock is further ahead refuses them. */
const TOKEN_MS = 3_600_000;
const TIMEOUT_MS = 30_000;

/** The front door, clock and limit for calls. */
export interface InProcessFront {
  readonly front: FrontDoor;
  readonly clock: Clock;
  /** The port's limit on one call: 30 s by default. The hub may still execute the call later. */
  readonly timeoutMs?: number;
}

/** One request in the service's terms. */
interface Request<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: readonly string[];
  readonly body?: object;
  /** The attempt, for messages: `read the twin of d`. */
  readonly purpose: string;
  readonly run: () => T;
}

type Send = <T>(request: Request<T>, signal: AbortSignal) => Promise<T>;

/**
 * Answers share their parts with the hub's records and are frozen. Refusals have the codes that a shared access policy
 * gets over HTTPS. Without `way` the hub has no limits and no faults, and answers at once.
 */
export function inProcessHub(hub: IotHub, way?: InProcessFront): Hub {
  const send = way === undefined ? sendDirectly : sendThrough(way);
  const query = (text: string, options: QueryOptions): QueryPage => (way?.front ?? hub).query(text, options);
  const queryPages = (
    text: string,
    signal: AbortSignal,
    turn: ListOptions['turn'],
  ): AsyncGenerator<JsonObject[], void> =>
    readPages(
      async (request) => {
        await turn?.();
        return send(request, signal);
      },
      query,
      text,
    );
  return {
    async *listDevices(signal, { turn } = {}) {
      for await (const rows of queryPages(DEVICES_QUERY, signal, turn)) {
        yield rows.map((row) =>
          deviceFacts(row as unknown as Pick<Twin, 'deviceId' | 'status' | 'capabilities' | 'tags'>),
        );
      }
    },
    async *listModuleTwins(moduleIds, signal, { turn } = {}) {
      for (const text of moduleTwinQueries(moduleIds)) {
        for await (const rows of queryPages(text, signal, turn)) yield rows.map((row) => wholeTwin(row));
      }
    },
    getDeviceTwin: async (deviceId, signal) => {
      const run = (): JsonObject => hub.getTwin({ deviceId });
      const request = {
        method: 'GET',
        path: ['twins', deviceId],
        purpose: `read the twin of ${deviceId}`,
        run,
      } as const;
      return toTwin(await send(request, signal));
    },
    getModuleTwin: async (ref, signal) => {
      const run = (): JsonObject => hub.getTwin(ref);
      const purpose = `read the twin of ${nameOf(ref)}`;
      return toTwin(await send({ method: 'GET', path: twinPath(ref), purpose, run }, signal));
    },
    patchModuleTwin: async (ref, patch, etag, signal) => {
      const run = (): JsonObject => patchGuarded(hub, ref, patch, etag);
      const purpose = `patch the twin of ${nameOf(ref)}`;
      return toTwin(await send({ method: 'PATCH', path: twinPath(ref), body: patch, purpose, run }, signal));
    },
    createModule: async (ref, signal) => {
      const { deviceId, moduleId } = ref;
      const run = (): JsonObject => {
        requireEnabledDevice(hub, deviceId);
        return hub.putModule(deviceId, moduleId, { deviceId, moduleId }, undefined);
      };
      await send({ method: 'PUT', path: modulePath(ref), body: ref, purpose: `create ${nameOf(ref)}`, run }, signal);
    },
    getModule: async (ref, signal) => {
      const { deviceId, moduleId } = ref;
      const run = (): JsonObject => hub.getModule(deviceId, moduleId);
      const purpose = `read the identity of ${nameOf(ref)}`;
      const answer = await send({ method: 'GET', path: modulePath(ref), purpose, run }, signal);
      const identity = asModuleIdentity(answer);
      invariant(identity !== undefined, 'the embedded hub answers with whole identities');
      return identity;
    },
    listModuleIds: async (deviceId, signal) => {
      const path = ['devices', deviceId, 'modules'];
      const run = (): JsonObject[] => hub.listModules(deviceId);
      const answer = await send({ method: 'GET', path, purpose: `list the modules of ${deviceId}`, run }, signal);
      return answer.map(({ moduleId }) => moduleId as string);
    },
    listConfigurations: async (signal) => {
      const run = (): JsonObject[] => hub.listConfigurations();
      const request = {
        method: 'GET',
        path: ['configurations'],
        purpose: 'list the automatic configurations',
        run,
      } as const;
      return (await send(request, signal)).map((item) => {
        const configuration = asAutomaticConfiguration(freezeJson(item));
        invariant(configuration !== undefined, 'the embedded hub answers with whole configurations');
        return configuration;
      });
    },
    createDevice: async (deviceId, options, signal) => {
      const body = { deviceId, ...options };
      const run = (): JsonObject => hub.createDevice(deviceId, body);
      await send({ method: 'PUT', path: ['devices', deviceId], body, purpose: `create ${deviceId}`, run }, signal);
    },
    patchDeviceTwin: async (deviceId, tags, etag, signal) => {
      const run = (): JsonObject => patchGuarded(hub, { deviceId }, { tags }, etag);
      const path = ['twins', deviceId];
      const purpose = `patch the twin of ${deviceId}`;
      return toTwin(await send({ method: 'PATCH', path, body: { tags }, purpose, run }, signal));
    },
    deleteDevice: async (deviceId, signal) => {
      const run = (): void => hub.deleteDevice(deviceId, '*');
      await send({ method: 'DELETE', path: ['devices', deviceId], purpose: `delete ${deviceId}`, run }, signal);
    },
    countDevices: async (signal) => {
      const path = ['statistics', 'devices'];
      const request = { method: 'GET', path, purpose: 'count the devices', run: () => hub.statistics() } as const;
      return (await send(request, signal)).totalDeviceCount;
    },
    messagesSpent: () => way?.front.messagesSpent ?? 0,
    close: () => {},
  };
}

async function* readPages(
  send: (request: Request<QueryPage>) => Promise<QueryPage>,
  query: (text: string, options: QueryOptions) => QueryPage,
  text: string,
): AsyncGenerator<JsonObject[], void> {
  let continuation: string | undefined;
  do {
    const options = { continuation };
    const run = (): QueryPage => query(text, options);
    const path = ['devices', 'query'];
    const page = await send({ method: 'POST', path, body: { query: text }, purpose: 'query the hub', run });
    yield page.items.map((item) => freezeJson(item));
    continuation = page.continuation;
  } while (continuation !== undefined);
}

const sendDirectly: Send = async ({ purpose, run }, signal) => {
  if (signal.aborted) throw stopped(purpose);
  try {
    return run();
  } catch (error) {
    throw describe(error, purpose);
  }
};

function sendThrough({ front, clock, timeoutMs = TIMEOUT_MS }: InProcessFront): Send {
  return async ({ method, path, body, purpose, run }, signal) => {
    if (signal.aborted) throw stopped(purpose);
    const operation = operationOf(method, path);
    invariant(operation !== undefined, 'the port only makes requests that the service has');
    const passing = front.pass({
      operation,
      run: () => {
        if (front.clockSkewMs >= TOKEN_MS) throw unauthorized();
        return run();
      },
      statusOf: () => 200,
      bytesOf: (answer) => ({ request: bytesOf(body), answer: bytesOf(answer) }),
    });
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(stopped(purpose));
      const cancel = clock.schedule(timeoutMs, () => reject(late(purpose, timeoutMs)));
      signal.addEventListener('abort', stop, { once: true });
      void passing
        .then(resolve, (error: unknown) => reject(describe(error, purpose)))
        .finally(() => {
          cancel();
          signal.removeEventListener('abort', stop);
        });
    });
  };
}

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}

function patchGuarded(
  hub: IotHub,
  ref: Pick<Twin, 'deviceId' | 'moduleId'>,
  patch: TwinPatch,
  etag: string,
): JsonObject {
  if (etag === '*') throw badRequest('a write must name the etag of its read');
  return hub.patchTwin(ref, patch, `"${etag}"`);
}

function toTwin(answer: JsonObject): Twin {
  return wholeTwin(freezeJson(answer));
}

function wholeTwin(answer: JsonObject): Twin {
  const twin = asTwin(answer);
  invariant(twin !== undefined, 'the embedded hub answers with whole twins');
  return twin;
}

function nameOf({ deviceId, moduleId }: ModuleRef): string {
  return `${deviceId}/${moduleId}`;
}

function twinPath({ deviceId, moduleId }: ModuleRef): readonly string[] {
  return ['twins', deviceId, 'modules', moduleId];
}

function modulePath({ deviceId, moduleId }: ModuleRef): readonly string[] {
  return ['devices', deviceId, 'modules', moduleId];
}

function stopped(purpose: string): HubError {
  return new HubError('Aborted', `Stopped before the attempt to ${purpose}.`);
}

function late(purpose: string, timeoutMs: number): HubError {
  return new HubError('Timeout', `Could not ${purpose}: no answer within ${timeoutMs / 1000} s.`);
}

/** A bug is passed on unchanged. */
function describe(error: unknown, purpose: string): unknown {
  if (error instanceof ConnectionCut) {
    return new HubError('Unavailable', `Could not ${purpose}: the connection was cut.`, { cause: error });
  }
  if (!(error instanceof ServiceError)) return error;
  const message = `Could not ${purpose}: the hub answered ${error.status} ${error.message}`;
  return new HubError(classify(error), message, { serviceCode: error.code, cause: error });
}

function classify({ code, status }: ServiceError): HubErrorCode {
  if (code === 'IotHubQuotaExceeded') return 'QuotaExceeded';
  if (code === 'DeviceModelMaxPropertiesExceeded') return 'TooLarge';
  if (status >= 500) return 'Unavailable';
  return CODES_BY_STATUS.get(status) ?? 'Invalid';
}
