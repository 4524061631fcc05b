// The unmodified Azure SDK over HTTPS: configurations, jobs, bulk, and signing in with tokens.
import { Agent } from 'node:https';
import iothub from 'azure-iothub';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { createAuthority, issueServerCertificate } from '../../../src/emulator/rest/certificates.ts';
import { connectionString, createPolicies } from '../../../src/emulator/rest/policies.ts';
import type { Role } from '../../../src/emulator/rest/roles.ts';
import { createTokenIssuer, generateIssuerKey } from '../../../src/emulator/rest/token-issuer.ts';
import { type RunningServer, serveHub } from '../../../src/emulator/server.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { HOST } from './hub-fixture.ts';

const SOON_MS = 1000;

// The SDK signs with the machine's clock, so the hub starts at the same time.
const clock = createTestClock(Math.floor(performance.timeOrigin + performance.now()));
const hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
const policies = createPolicies(createSeededRandom(2));
const issuer = createTokenIssuer(generateIssuerKey());
let server: RunningServer;
let agent: Agent;

beforeAll(async () => {
  const certificate = await issueServerCertificate(await createAuthority(clock), HOST, clock);
  server = await serveHub({ hub, policies, issuer, clock, certificate, port: 0 });
  const { hostname, port } = new URL(server.endpoint);
  agent = new Agent({ keepAlive: true, host: hostname, port: Number(port), ca: certificate.authority });
  for (const deviceId of ['lyon-1', 'lyon-2', 'oslo-1']) {
    hub.createDevice(deviceId, {});
    hub.patchTwin({ deviceId }, { tags: { site: deviceId.slice(0, 4) } });
  }
});

afterAll(async () => {
  agent.destroy();
  hub.close();
  await server.close();
});

/** Leads a client of the SDK here. */
function led<T>(client: T): T {
  const { _restApiClient } = client as unknown as { _restApiClient: { setOptions(options: object): void } };
  _restApiClient.setOptions({ http: { agent } });
  return client;
}

function registry(policy = 'iothubowner'): iothub.Registry {
  return led(iothub.Registry.fromConnectionString(connectionString(HOST, policies, policy) ?? ''));
}

function jobClient(): iothub.JobClient {
  return led(iothub.JobClient.fromConnectionString(connectionString(HOST, policies, 'service') ?? ''));
}

/** In place of `@azure/identity` on a real hub. */
function credential(roles: readonly Role[]) {
  return {
    getToken: async (scopes: string | string[]) => {
      expect(scopes).toBe('https://iothubs.azure.net/.default');
      const token = issuer.issue({ principal: 'sdk', roles, nowMs: clock.now() });
      return { token, expiresOnTimestamp: clock.now() + 3_600_000 };
    },
  };
}

describe('configurations', () => {
  const configuration = {
    id: 'chiller',
    schemaVersion: '',
    content: { deviceContent: { 'properties.desired.chiller': { temperature: 66 } } },
    targetCondition: "tags.site = 'lyon'",
    priority: 20,
    metrics: { queries: { reporting: 'SELECT deviceId FROM devices WHERE IS_DEFINED(properties.reported.chiller)' } },
  };

  test('are added, evaluated, read, updated and removed', async () => {
    const client = registry();
    const added = (await client.addConfiguration({ ...configuration })).responseBody;
    expect(added).toMatchObject({ id: 'chiller', schemaVersion: '1.0', priority: 20, etag: 'MQ==' });
    await clock.advance(SOON_MS);
    expect((await client.getTwin('lyon-1')).responseBody).toMatchObject({
      properties: { desired: { chiller: { temperature: 66 } } },
      configurations: { chiller: { status: 'Applied' } },
    });
    const read = (await client.getConfiguration('chiller')).responseBody;
    expect(read).toMatchObject({
      systemMetrics: { results: { targetedCount: 2, appliedCount: 2 } },
      metrics: { results: { reporting: 0 } },
    });
    expect((await client.getConfigurations()).responseBody.map(({ id }) => id)).toEqual(['chiller']);
    const updated = (await client.updateConfiguration({ ...read, priority: 30 })).responseBody;
    expect(updated).toMatchObject({ priority: 30, etag: 'Mg==' });
    await expect(client.updateConfiguration({ ...read, priority: 40 })).rejects.toMatchObject({
      name: 'InvalidEtagError',
    });
    expect((await client.updateConfiguration({ ...read, priority: 40 }, true)).responseBody.priority).toBe(40);
    await expect(client.addConfiguration({ ...configuration })).rejects.toMatchObject({
      name: 'DeviceAlreadyExistsError',
    });
    await client.removeConfiguration('chiller');
    await expect(client.getConfiguration('chiller')).rejects.toThrow('Not found');
    await clock.advance(SOON_MS);
    expect((await client.getTwin('lyon-1')).responseBody).toMatchObject({
      properties: { desired: { chiller: { temperature: 66 } } },
    });
  });

  test('content is applied on an edge device', async () => {
    const client = registry();
    await client.create({ deviceId: 'edge', capabilities: { iotEdge: true } });
    const modulesContent = {
      $edgeAgent: { 'properties.desired': { modules: { sensor: { type: 'docker' } } } },
      sensor: { 'properties.desired': { rate: 5 } },
    };
    await client.applyConfigurationContentOnDevice('edge', { modulesContent });
    const modules = (await client.getModulesOnDevice('edge')).responseBody.map(({ moduleId }) => moduleId);
    expect(modules).toEqual(['$edgeAgent', '$edgeHub', 'sensor']);
    await expect(client.applyConfigurationContentOnDevice('lyon-1', { modulesContent })).rejects.toMatchObject({
      name: 'ArgumentError',
    });
    await client.delete('edge');
  });
});

describe('jobs', () => {
  const patch = { etag: '*', tags: { ring: 'first' } };

  test('are scheduled, run, read and listed', async () => {
    const client = jobClient();
    const { jobStatus: scheduled } = await client.scheduleTwinUpdate(
      'job-1',
      "tags.site = 'lyon'",
      patch,
      new Date(clock.now()),
      120,
    );
    expect(scheduled).toMatchObject({ jobId: 'job-1', status: 'queued', type: 'scheduleUpdateTwin' });
    await clock.advance(2 * SOON_MS);
    const { jobStatus } = await client.getJob('job-1');
    expect(jobStatus).toMatchObject({
      status: 'completed',
      deviceJobStatistics: { deviceCount: 2, succeededCount: 2 },
    });
    expect((await registry().getTwin('lyon-2')).responseBody).toMatchObject({ tags: { ring: 'first' } });
    // The SDK's types know no completed jobs; the service does.
    const listed = await client.createQuery('scheduleUpdateTwin', 'completed' as 'finished', 10).next();
    expect(listed.result).toMatchObject([{ jobId: 'job-1' }]);
    const rows = await registry().createQuery("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'job-1'").next();
    expect(rows.result).toMatchObject([{ deviceId: 'lyon-1' }, { deviceId: 'lyon-2', status: 'completed' }]);
  });

  test('are cancelled while they wait', async () => {
    const client = jobClient();
    const start = new Date(clock.now() + 3_600_000);
    await client.scheduleTwinUpdate('job-2', '*', patch, start, 120);
    await expect(client.scheduleTwinUpdate('job-3', '*', patch, start, 120)).rejects.toMatchObject({
      name: 'ThrottlingError',
    });
    expect((await client.cancelJob('job-2')).jobStatus).toMatchObject({ status: 'cancelled' });
    expect((await client.getJob('job-2')).jobStatus).toMatchObject({ status: 'cancelled' });
    expect((await client.getJob('nope')).jobStatus).toMatchObject({ type: 'unknown', status: 'unknown' });
  });

  test('must name the star for an etag', async () => {
    const start = new Date(clock.now());
    await expect(jobClient().scheduleTwinUpdate('job-4', '*', { tags: {} }, start, 120)).rejects.toMatchObject({
      name: 'ArgumentError',
    });
  });
});

describe('bulk', () => {
  test('adds, updates and removes devices, and tells what failed', async () => {
    const client = registry();
    const devices = ['bulk-1', 'bulk-2'].map((deviceId) => ({ deviceId }));
    expect((await client.addDevices(devices)).responseBody).toMatchObject({ isSuccessful: true, errors: [] });
    await expect(client.addDevices(devices)).rejects.toThrow('DeviceAlreadyExists');
    await client.updateDevices([{ deviceId: 'bulk-1', status: 'disabled' }], true);
    expect((await client.get('bulk-1')).responseBody.status).toBe('disabled');
    const read = (await client.get('bulk-1')).responseBody;
    read.status = 'enabled';
    await client.updateDevices([read], false);
    expect((await client.get('bulk-1')).responseBody.status).toBe('enabled');
    await expect(client.removeDevices([read], false)).rejects.toThrow('PreconditionFailed');
    await client.removeDevices(devices, true);
    await expect(client.get('bulk-1')).rejects.toMatchObject({ name: 'DeviceNotFoundError' });
  });
});

describe('signing in with tokens', () => {
  const tokenRegistry = (roles: readonly Role[]): iothub.Registry =>
    led(iothub.Registry.fromTokenCredential(HOST, credential(roles)));

  test('a contributor does all that a policy’s owner does', async () => {
    const client = tokenRegistry(['IoT Hub Data Contributor']);
    await client.create({ deviceId: 'entra' });
    await client.addModule({ deviceId: 'entra', moduleId: 'm' });
    const { responseBody: twin } = await client.updateModuleTwin('entra', 'm', { tags: { a: 1 } }, '*');
    expect(twin).toMatchObject({ tags: { a: 1 } });
    const query = client.createQuery("SELECT * FROM devices.modules WHERE deviceId = 'entra'");
    expect((await query.nextAsTwin()).result).toHaveLength(1);
    await client.removeModule('entra', 'm');
    await client.delete('entra');
  });

  test('the refusal of a write names the reader', async () => {
    const client = tokenRegistry(['IoT Hub Data Reader']);
    expect((await client.getTwin('lyon-1')).responseBody).toMatchObject({ deviceId: 'lyon-1' });
    await expect(client.updateTwin('lyon-1', { tags: { a: 1 } }, '*')).rejects.toMatchObject({
      name: 'UnauthorizedError',
      message: 'Principal sdk is not authorized for PATCH on /twins/lyon-1 due to no assigned permissions',
    });
  });

  test('a module of a missing device is not found, where a signature is refused', async () => {
    await expect(tokenRegistry(['IoT Hub Data Contributor']).getModule('none', 'm')).rejects.toMatchObject({
      response: { statusCode: 404 },
    });
    await expect(registry().getModule('none', 'm')).rejects.toMatchObject({ response: { statusCode: 401 } });
  });

  test('jobs take tokens as well', async () => {
    const client = led(iothub.JobClient.fromTokenCredential(HOST, credential(['IoT Hub Data Reader'])));
    expect((await client.getJob('nope')).jobStatus).toMatchObject({ status: 'unknown' });
  });
});
