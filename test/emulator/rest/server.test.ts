// The hub over HTTPS: the unmodified Azure SDK works, and the server survives input that is not HTTP.
import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import iothub from 'azure-iothub';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import {
  createAuthority,
  issueServerCertificate,
  type ServerCertificate,
} from '../../../src/emulator/rest/certificates.ts';
import { connectionString, createPolicies } from '../../../src/emulator/rest/policies.ts';
import { type RunningServer, serveHub } from '../../../src/emulator/server.ts';
import { HOST, stoppedClock } from './hub-fixture.ts';

// The SDK signs with the machine's clock, so the hub has to live in the same time.
const clock = stoppedClock(new Date(performance.timeOrigin + performance.now()).getTime());
const hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
const policies = createPolicies(createSeededRandom(2));
let certificate: ServerCertificate;
let server: RunningServer;
let agent: Agent;

beforeAll(async () => {
  certificate = await issueServerCertificate(await createAuthority(clock), HOST, clock);
  server = await serveHub({ hub, policies, clock, certificate, port: 0 });
  const { hostname, port } = new URL(server.endpoint);
  agent = new Agent({ keepAlive: true, host: hostname, port: Number(port), ca: certificate.authority });
});

afterAll(async () => {
  agent.destroy();
  await server.close();
});

function registry(policy = 'iothubowner'): iothub.Registry {
  const registry = iothub.Registry.fromConnectionString(connectionString(HOST, policies, policy) ?? '');
  const { _restApiClient } = registry as unknown as { _restApiClient: { setOptions(options: object): void } };
  _restApiClient.setOptions({ http: { agent } });
  return registry;
}

test('the endpoint is on loopback', () => {
  expect(server.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
});

test('the SDK creates, reads, writes, queries and deletes', async () => {
  const client = registry();
  await client.create({ deviceId: 'sdk-1' });
  await client.addModule({ deviceId: 'sdk-1', moduleId: 'guard' });
  const first = (await client.getModuleTwin('sdk-1', 'guard')).responseBody;
  const patch = { tags: { site: 'lyon' }, properties: { desired: { level: 3 } } };
  const second = (await client.updateModuleTwin('sdk-1', 'guard', patch, first.etag)).responseBody;
  expect(second).toMatchObject({ etag: 'AAAAAAAAAAI=', tags: { site: 'lyon' }, properties: { desired: { level: 3 } } });
  await expect(client.updateModuleTwin('sdk-1', 'guard', patch, first.etag)).rejects.toMatchObject({
    name: 'InvalidEtagError',
  });
  await client.addDevices(['sdk-2', 'sdk-3'].map((deviceId) => ({ deviceId })));
  const listed = (await client.list()).responseBody;
  expect(listed.map(({ deviceId }) => deviceId)).toEqual(['sdk-1', 'sdk-2', 'sdk-3']);
  const query = client.createQuery('SELECT * FROM devices', 2);
  const seen: string[] = [];
  while (query.hasMoreResults) seen.push(...(await query.nextAsTwin()).result.map(({ deviceId }) => deviceId));
  expect(seen).toEqual(['sdk-1', 'sdk-2', 'sdk-3']);
  await client.removeModule('sdk-1', 'guard');
  await client.delete('sdk-1');
  await expect(client.getTwin('sdk-1')).rejects.toMatchObject({ name: 'DeviceNotFoundError' });
});

test('the SDK gets a refusal for a missing right', async () => {
  await expect(registry('registryReadWrite').getTwin('sdk-2')).rejects.toMatchObject({ name: 'UnauthorizedError' });
});

describe('certificates', () => {
  test('the server certificate names the hub and this machine, and holds at the time of the clock', () => {
    const x509 = new X509Certificate(certificate.certificate);
    expect(x509.checkHost(HOST)).toBe(HOST);
    expect(x509.checkHost('localhost')).toBe('localhost');
    expect(x509.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(x509.checkHost('example.org')).toBeUndefined();
    expect(x509.verify(new X509Certificate(certificate.authority).publicKey)).toBe(true);
    expect(Date.parse(x509.validFrom)).toBeLessThan(clock.now());
    expect(Date.parse(x509.validTo)).toBeGreaterThan(clock.now());
  });

  test('a client that does not know the authority goes away', async () => {
    const { hostname, port } = new URL(server.endpoint);
    const failure = await new Promise<Error>((resolve) => {
      connectTls({ host: hostname, port: Number(port), servername: HOST }).on('error', resolve);
    });
    expect(failure).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });
});

describe('the socket', () => {
  test('survives plain text, garbage in TLS and a hang-up in the middle', async () => {
    const { hostname, port } = new URL(server.endpoint);
    const address = { host: hostname, port: Number(port) };
    await talk(connect(address), 'GET / HTTP/1.1\r\n\r\n');
    await talk(connect(address), '\u0016\u0003\u0001garbage');
    const tls = { ...address, servername: HOST, ca: certificate.authority };
    await talk(connectTls(tls), 'garbage\r\n\r\n');
    await talk(connectTls(tls), 'PATCH /twins/sdk-2 HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"tags"', true);
    await talk(connectTls(tls), 'GET /twins/sdk-2 HTTP/1.1\r\nhost: bad host\r\n\r\n');
    expect((await registry().getTwin('sdk-2')).responseBody).toMatchObject({ deviceId: 'sdk-2' });
  });

  test('a port in use is said so', async () => {
    const port = Number(new URL(server.endpoint).port);
    await expect(serveHub({ hub, policies, clock, certificate, port })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use`,
    );
  });

  test('closing twice is fine and frees the port', async () => {
    const other = await serveHub({ hub, policies, clock, certificate, port: 0 });
    await other.close();
    await other.close();
    const again = await serveHub({ hub, policies, clock, certificate, port: Number(new URL(other.endpoint).port) });
    expect(again.endpoint).toBe(other.endpoint);
    await again.close();
  });
});

/** Sends, then waits until the server ends the connection, or ends it itself. */
function talk(socket: ReturnType<typeof connect>, text: string, hangUp = false): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', () => resolve()).on('error', () => {});
    socket.on('data', () => socket.end());
    socket.write(text, () => {
      if (hangUp) socket.destroy();
    });
  });
}
