// The hub port over the embedded hub: classification of refusals, and isolation of the hub's memory.
import { describe, expect, test } from 'vitest';
import type { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { ServiceError, throttled, unauthorized } from '../../src/emulator/hub/service-error.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { HubError, type HubErrorCode } from '../../src/model/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { Hub } from '../../src/ports/hub.ts';
import { hubWithModule, MODULE, newHub } from './hub/new-hub.ts';

const { signal } = new AbortController();
const FIRST_ETAG = 'AAAAAAAAAAE=';

async function failure(run: Promise<unknown>): Promise<HubError> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HubError) return error;
  throw new Error('did not fail with a HubError', { cause: error });
}

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

describe('lists', () => {
  test('give the facts of every device', async () => {
    const { hub } = newHub();
    for (let index = 0; index < 205; index += 1) hub.createDevice(`d${index}`, {});
    hub.createDevice('edge', { capabilities: { iotEdge: true }, status: 'disabled' });
    hub.patchTwin({ deviceId: 'edge' }, { tags: { site: 'lyon' } });
    const facts = await collect(inProcessHub(hub).listDevices(signal));
    expect(facts).toHaveLength(206);
    expect(facts[0]).toEqual({ deviceId: 'd0', status: 'enabled', iotEdge: false, tags: {} });
    expect(facts.at(-1)).toEqual({ deviceId: 'edge', status: 'disabled', iotEdge: true, tags: { site: 'lyon' } });
  });

  test('give the twins of the named modules and of those with a record', async () => {
    const { hub } = hubWithModule();
    for (const id of ['n', "it's", 'plain']) hub.putModule('d', id, {}, undefined);
    hub.patchTwin({ deviceId: 'd', moduleId: 'n' }, { tags: { twinward: {} } });
    const twins = await collect(inProcessHub(hub).listModuleTwins(['m', "it's"], signal));
    expect(twins.map(({ moduleId }) => moduleId)).toEqual(['m', 'n', "it's"]);
    expect(await collect(inProcessHub(hub).listModuleTwins([], signal))).toHaveLength(1);
  });
});

test('reads, writes, creates and counts', async () => {
  const { hub } = hubWithModule();
  const port = inProcessHub(hub);
  await port.createModule({ deviceId: 'd', moduleId: 'n' }, signal);
  const ref = { deviceId: 'd', moduleId: 'n' };
  const twin = await port.patchModuleTwin(
    ref,
    { tags: { a: 1 }, properties: { desired: { b: 2 } } },
    FIRST_ETAG,
    signal,
  );
  expect(twin).toMatchObject({ etag: 'AAAAAAAAAAI=', tags: { a: 1 }, properties: { desired: { b: 2, $version: 2 } } });
  expect(await port.getModuleTwin(ref, signal)).toEqual(twin);
  expect(await port.getDeviceTwin('d', signal)).toMatchObject({ deviceId: 'd' });
  expect(await port.countDevices(signal)).toBe(1);
  port.close();
});

describe('refusals have the code they have over HTTPS', () => {
  const patch = (port: Hub, desired: JsonObject, etag = FIRST_ETAG) =>
    port.patchModuleTwin(MODULE, { properties: { desired } }, etag, signal);
  const rows: [sentence: string, run: (port: Hub) => Promise<unknown>, code: HubErrorCode, serviceCode: string][] = [
    ['a missing device', (port) => port.getDeviceTwin('x', signal), 'NotFound', 'DeviceNotFound'],
    [
      'a missing module',
      (port) => port.getModuleTwin({ deviceId: 'd', moduleId: 'x' }, signal),
      'NotFound',
      'DeviceNotFound',
    ],
    [
      'a module on a missing device',
      (port) => port.createModule({ deviceId: 'x', moduleId: 'm' }, signal),
      'Unauthorized',
      'IotHubUnauthorizedAccess',
    ],
    [
      'a module that exists',
      (port) => port.createModule(MODULE, signal),
      'AlreadyExists',
      'ModuleAlreadyExistsOnDevice',
    ],
    ['a stale etag', (port) => patch(port, {}, 'AAAAAAAAAAI='), 'PreconditionFailed', 'PreconditionFailed'],
    ['a star for an etag', (port) => patch(port, {}, '*'), 'Invalid', 'ArgumentInvalid'],
    ['a forbidden key', (port) => patch(port, { 'a.b': 1 }), 'Invalid', 'ArgumentInvalid'],
    [
      'a section over its limit',
      (port) => patch(port, Object.fromEntries('abcdefghi'.split('').map((k) => [k, k.repeat(4000)]))),
      'TooLarge',
      'DeviceModelMaxPropertiesExceeded',
    ],
  ];
  test.each(rows)('%s', async (_sentence, run, code, serviceCode) => {
    const error = await failure(run(inProcessHub(hubWithModule().hub)));
    expect([error.code, error.serviceCode]).toEqual([code, serviceCode]);
  });

  const thrown: [error: ServiceError, code: HubErrorCode][] = [
    [throttled('TwinRead'), 'Throttled'],
    [unauthorized(), 'Unauthorized'],
    [new ServiceError('GenericForbidden', 'no'), 'Unauthorized'],
    [new ServiceError('IotHubQuotaExceeded', 'no'), 'QuotaExceeded'],
    [new ServiceError('TooManyModulesOnDevice', 'no'), 'Invalid'],
    [new ServiceError('ServerError', 'no'), 'Unavailable'],
    [new ServiceError('ServiceUnavailable', 'no'), 'Unavailable'],
    [new ServiceError('GatewayTimeout', 'no'), 'Unavailable'],
  ];
  test.each(thrown)('%s is %s', async (error, code) => {
    const failing = {
      getTwin: () => {
        throw error;
      },
    } as unknown as IotHub;
    expect((await failure(inProcessHub(failing).getModuleTwin(MODULE, signal))).code).toBe(code);
  });

  test('and say what was tried, to which twin', async () => {
    const error = await failure(inProcessHub(newHub().hub).getModuleTwin(MODULE, signal));
    expect(error.message).toBe('Could not read the twin of d/m: the hub answered 404 DeviceNotFound: d');
  });
});

test('an aborted signal stops every call, and a list between its pages', async () => {
  const { hub } = hubWithModule();
  for (let index = 0; index < 150; index += 1) hub.createDevice(`d${index}`, {});
  const port = inProcessHub(hub);
  const abort = new AbortController();
  const pages = port.listDevices(abort.signal)[Symbol.asyncIterator]();
  await pages.next();
  abort.abort();
  const calls = [
    pages.next(),
    port.listModuleTwins(['m'], abort.signal)[Symbol.asyncIterator]().next(),
    port.getDeviceTwin('d', abort.signal),
    port.getModuleTwin(MODULE, abort.signal),
    port.patchModuleTwin(MODULE, { tags: { a: 1 } }, FIRST_ETAG, abort.signal),
    port.createModule({ deviceId: 'd', moduleId: 'n' }, abort.signal),
    port.countDevices(abort.signal),
  ];
  expect((await Promise.all(calls.map(failure))).map(({ code }) => code)).toEqual(calls.map(() => 'Aborted'));
  expect(hub.listModules('d')).toHaveLength(1);
  expect(hub.getTwin(MODULE)['etag']).toBe(FIRST_ETAG);
});

test('answers are frozen, and patches stay the caller’s own', async () => {
  const { hub } = hubWithModule();
  const port = inProcessHub(hub);
  const patch = { tags: { a: { b: 1 } }, properties: { desired: { a: { b: [1] } } } };
  const answers = [await port.patchModuleTwin(MODULE, patch, FIRST_ETAG, signal)];
  answers.push(await port.getModuleTwin(MODULE, signal), ...(await collect(port.listModuleTwins(['m'], signal))));
  const before = JSON.stringify(hub.dump());
  patch.properties.desired.a.b.push(2);
  patch.tags.a.b = 2;
  for (const { tags, properties } of answers) {
    expect(() => ((tags as typeof patch.tags).a.b = 3)).toThrow(TypeError);
    expect(() => (properties.desired['a'] as { b: number[] }).b.push(3)).toThrow(TypeError);
    expect(() => ((properties.desired['$metadata'] as JsonObject)['$lastUpdated'] = 'never')).toThrow(TypeError);
  }
  expect(JSON.stringify(hub.dump())).toBe(before);
});
