// The front door over HTTPS: what the unmodified SDK sees of cut connections, throttles and lying pages.
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import iothub from 'azure-iothub';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FrontDoor } from '../../../src/emulator/front-door.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import {
  createAuthority,
  issueServerCertificate,
  type ServerCertificate,
} from '../../../src/emulator/rest/certificates.ts';
import { connectionString, createPolicies } from '../../../src/emulator/rest/policies.ts';
import { type RunningServer, serveHub } from '../../../src/emulator/server.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { HOST, sasToken, stoppedClock } from './hub-fixture.ts';

// The SDK signs with the machine's clock, so the hub has to live in the same time.
const clock = stoppedClock(new Date(performance.timeOrigin + performance.now()).getTime());
const hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
const front = new FrontDoor({ hub, clock, random: createSeededRandom(2) });
const policies = createPolicies(createSeededRandom(3));
let certificate: ServerCertificate;
let server: RunningServer;
let agent: Agent;

beforeAll(async () => {
  certificate = await issueServerCertificate(await createAuthority(clock), HOST, clock);
  server = await serveHub({ hub, front, policies, clock, certificate, port: 0 });
  const { hostname, port } = new URL(server.endpoint);
  agent = new Agent({ keepAlive: true, host: hostname, port: Number(port), ca: certificate.authority });
  for (let index = 0; index < 5; index += 1) hub.createDevice(`d${index}`, {});
  hub.putModule('d0', 'm', {}, undefined);
});

afterEach(() => {
  front.faults.clear();
  front.setThrottle(undefined);
  front.clockSkewMs = 0;
  front.resetCounters();
});

afterAll(async () => {
  agent.destroy();
  await server.close();
});

function registry(): iothub.Registry {
  const registry = iothub.Registry.fromConnectionString(connectionString(HOST, policies, 'iothubowner') ?? '');
  const { _restApiClient } = registry as unknown as { _restApiClient: { setOptions(options: object): void } };
  _restApiClient.setOptions({ http: { agent } });
  return registry;
}

function etagOf(): string {
  return String(hub.getTwin({ deviceId: 'd0', moduleId: 'm' })['etag']);
}

const PATCH = { tags: { site: 'lyon' } };

describe('a cut connection', () => {
  test('after the commit has written exactly once, whoever asks', async () => {
    const before = etagOf();
    front.faults.set([{ on: { classes: ['twinUpdates'] }, count: 1, fault: { kind: 'reset', when: 'after' } }]);
    await expect(registry().updateModuleTwin('d0', 'm', PATCH, before)).rejects.toThrow('socket hang up');
    const { responseBody } = await registry().getModuleTwin('d0', 'm');
    expect(responseBody.etag).not.toBe(before);
    expect(responseBody.tags).toEqual(PATCH.tags);
    // Tried again with the etag it rested on, the write is refused: it has landed already.
    await expect(registry().updateModuleTwin('d0', 'm', PATCH, before)).rejects.toMatchObject({
      name: 'InvalidEtagError',
    });
    expect(front.counters.classes.twinUpdates).toMatchObject({ calls: 2, cut: 1, refused: 1, writes: 1 });
  });

  test('before the commit has written nothing, and the write can be tried again', async () => {
    const before = etagOf();
    front.faults.set([{ on: { classes: ['twinUpdates'] }, count: 1, fault: { kind: 'reset' } }]);
    await expect(registry().updateModuleTwin('d0', 'm', PATCH, before)).rejects.toThrow('socket hang up');
    expect(etagOf()).toBe(before);
    await registry().updateModuleTwin('d0', 'm', PATCH, before);
    expect(front.counters.classes.twinUpdates).toMatchObject({ calls: 2, cut: 1, answered: 1, writes: 1 });
  });

  test('cuts its own connection alone', async () => {
    front.faults.set([{ on: { deviceId: 'd1' }, fault: { kind: 'reset', when: 'after' } }]);
    const client = registry();
    const calls = ['d0', 'd1', 'd2', 'd3', 'd4'].map((id) => client.getTwin(id));
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
  });
});

describe('a throttled hub', () => {
  test('is a ThrottlingError to the SDK', async () => {
    front.setThrottle({ tier: 'S1', units: 1, rates: { twinReads: 1 }, burstSeconds: 2, backlogSeconds: 0 });
    await registry().getTwin('d0');
    await registry().getTwin('d1');
    await expect(registry().getTwin('d2')).rejects.toMatchObject({ name: 'ThrottlingError' });
  });

  test('closes the connection and says nothing of when to come back', async () => {
    front.setThrottle({ tier: 'S1', units: 1, rates: { queries: 0.001 }, burstSeconds: 1, backlogSeconds: 0 });
    await registry().createQuery('SELECT * FROM devices').nextAsTwin();
    const { response, isClosed } = await post('/devices/query', { query: 'SELECT * FROM devices' });
    expect(response.statusCode).toBe(429);
    expect(response.headers).toMatchObject({ 'iothub-errorcode': 'ThrottlingBacklogTimeout', connection: 'close' });
    expect(response.headers).not.toHaveProperty('retry-after');
    expect(isClosed).toBe(true);
  });

  test('over its quota refuses with 403', async () => {
    front.setThrottle({ tier: 'F1', units: 1, dailyMessages: 0 });
    const failure: unknown = await registry()
      .getTwin('d0')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      response: { statusCode: 403, headers: { 'iothub-errorcode': 'IotHubQuotaExceeded' } },
    });
    expect((await registry().get('d0')).responseBody.deviceId).toBe('d0');
  });
});

test('a clock that is ahead refuses the SDK', async () => {
  front.clockSkewMs = 2 * 3_600_000;
  await expect(registry().getTwin('d0')).rejects.toMatchObject({ name: 'UnauthorizedError' });
});

test('a page that lies ends the SDK’s list early', async () => {
  front.faults.set([{ skip: 1, fault: { kind: 'missingContinuation' } }]);
  const query = registry().createQuery('SELECT * FROM devices', 2);
  const seen: string[] = [];
  while (query.hasMoreResults) seen.push(...(await query.nextAsTwin()).result.map(({ deviceId }) => deviceId));
  expect(seen).toEqual(['d0', 'd1', 'd2', 'd3']);
});

/** As the owner, on a separate connection that the client would keep. */
function post(path: string, body: object): Promise<{ response: IncomingMessage; isClosed: boolean }> {
  const own = new Agent({ keepAlive: true, ca: certificate.authority });
  const key = policies[0]?.primaryKey ?? '';
  const { hostname, port } = new URL(server.endpoint);
  return new Promise((resolve, reject) => {
    const authorization = sasToken({ key, skn: 'iothubowner', se: Math.floor(clock.now() / 1000) + 60 });
    const options = { hostname, port, servername: HOST, agent: own, method: 'POST', headers: { authorization } };
    const sent = request({ ...options, path: `${path}?api-version=2021-04-12` }, (response) => {
      response.resume().on('end', () => {
        response.socket.on('close', () => {
          own.destroy();
          resolve({ response, isClosed: true });
        });
      });
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}
