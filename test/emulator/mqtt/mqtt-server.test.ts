import { createHmac } from 'node:crypto';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { connect } from 'node:net';
import { Client, ModuleClient, type Twin } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { serveDevices, type RunningDevices } from '../../../src/emulator/mqtt/mqtt-server.ts';
import {
  createAuthority,
  issueServerCertificate,
  type ServerCertificate,
} from '../../../src/emulator/rest/certificates.ts';
import { createPolicies, type Policy } from '../../../src/emulator/rest/policies.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';

const HOST = 'devices.azure-devices.net';
const MODULE = 'azureiotsecurity';
const REF = { deviceId: 'd1', moduleId: MODULE };

let clock: TestClock;
let hub: IotHub;
let policies: Policy[];
let certificate: ServerCertificate;
let devices: RunningDevices;
const clients: (Client | ModuleClient)[] = [];

beforeEach(async () => {
  clock = createTestClock();
  hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
  hub.createDevice('d1', { deviceId: 'd1' });
  hub.putModule('d1', MODULE, REF, undefined);
  policies = createPolicies(createSeededRandom(2));
  certificate = await issueServerCertificate(await createAuthority(clock), HOST, clock);
  devices = await serveDevices({ hub, policies, certificate, clock, port: 0 });
});

afterEach(async () => {
  for (const client of clients.splice(0)) {
    // A client whose connection the hub has ended may have nothing left to close.
    await client.close().catch(() => {});
    client.removeAllListeners();
  }
  await devices.close();
});

function keyOf(ref: { deviceId: string; moduleId?: string }): string {
  return hub.identityKeys(ref)?.primary ?? '';
}

async function open<T extends Client | ModuleClient>(client: T, modelId?: string): Promise<T> {
  clients.push(client);
  await client.setOptions({ ca: certificate.authority, ...(modelId === undefined ? {} : { modelId }) });
  await client.open();
  return client;
}

function moduleClient({ key = keyOf(REF), modelId }: { key?: string; modelId?: string } = {}): Promise<ModuleClient> {
  const text = `HostName=${HOST};DeviceId=d1;ModuleId=${MODULE};SharedAccessKey=${key};GatewayHostName=127.0.0.1:${devices.port}`;
  return open(ModuleClient.fromConnectionString(text, Mqtt), modelId);
}

function deviceClient(): Promise<Client> {
  const text = `HostName=${HOST};DeviceId=d1;SharedAccessKey=${keyOf({ deviceId: 'd1' })};GatewayHostName=127.0.0.1:${devices.port}`;
  return open(Client.fromConnectionString(text, Mqtt));
}

function desiredOf(twin: Twin): unknown {
  return twin.properties['desired'];
}

function report(twin: Twin, patch: object): Promise<void> {
  return new Promise((resolve, reject) => {
    (twin.properties['reported'] as { update(patch: object, done: (error?: Error) => void): void }).update(
      patch,
      (error) => (error === undefined || error === null ? resolve() : reject(error)),
    );
  });
}

/** The desired patch of a version. The SDK hands on the whole twin first. */
function patchOf(version: number, twin: Twin): Promise<JsonObject> {
  return new Promise((resolve) => {
    twin.on('properties.desired', (patch: JsonObject) => {
      if (patch['$version'] === version) resolve(patch);
    });
  });
}

function connectionState(ref: { deviceId: string; moduleId?: string } = REF): unknown {
  return hub.getTwin(ref)['connectionState'];
}

describe('a module client of the SDK', () => {
  test('signs in, reads its twin, reports, and is seen as connected', async () => {
    hub.patchTwin(REF, { tags: { secret: 1 }, properties: { desired: { a: { b: 1 } } } });
    const client = await moduleClient();
    expect(connectionState()).toBe('Connected');
    const twin = await client.getTwin();
    expect(desiredOf(twin)).toMatchObject({ a: { b: 1 }, $version: 2 });
    expect(JSON.stringify(twin.properties)).not.toMatch(/secret|\$metadata/);
    await report(twin, { state: 'ok', list: [1, 2] });
    expect(hub.getTwin(REF)).toMatchObject({ properties: { reported: { state: 'ok', list: [1, 2], $version: 2 } } });
    await client.close();
    expect(connectionState()).toBe('Disconnected');
  });

  test('gets desired patches as they were sent, unchanged values and nulls included', async () => {
    hub.patchTwin(REF, { properties: { desired: { keep: 1, gone: 2 } } });
    const twin = await (await moduleClient()).getTwin();
    const patch = patchOf(3, twin);
    await subscribed(twin);
    hub.patchTwin(REF, { properties: { desired: { keep: 1, gone: null } } });
    expect(await patch).toMatchObject({ keep: 1, gone: null, $version: 3 });
  });

  test('gets nulls for a replacement, and nothing that it missed', async () => {
    hub.patchTwin(REF, { properties: { desired: { old: 1 } } });
    const twin = await (await moduleClient()).getTwin();
    expect(desiredOf(twin)).toMatchObject({ old: 1, $version: 2 });
    const patch = patchOf(3, twin);
    await subscribed(twin);
    hub.replaceTwin(REF, { properties: { desired: { fresh: 1 } } });
    expect(await patch).toMatchObject({ old: null, fresh: 1, $version: 3 });
  });

  test.each([
    { what: 'a null inside an array', patch: { a: [null] }, error: /cannot be null/ },
    {
      what: 'more than 32 KB',
      patch: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`k${index}`, 'x'.repeat(4000)])),
      error: /32768/,
    },
  ])('is refused a report of $what with the words of the service', async ({ patch, error }) => {
    const twin = await (await moduleClient()).getTwin();
    await expect(report(twin, patch)).rejects.toMatchObject({ message: expect.stringMatching(error) as string });
  });

  test('names its model, which its twin says from then on', async () => {
    const modelId = 'dtmi:com:example:Guard;1';
    const twinModel = (): unknown => hub.getTwin(REF)['modelId'];
    expect(twinModel()).toBe('');
    const client = await moduleClient({ modelId });
    expect(twinModel()).toBe(modelId);
    await client.close();
    expect(IotHub.restore({ hostName: HOST, clock, random: createSeededRandom(1) }, hub.dump()).getTwin(REF)).toEqual(
      hub.getTwin(REF),
    );
    expect(twinModel()).toBe(modelId);
    await moduleClient();
    expect(twinModel()).toBe('');
  });

  test('is not let in with a wrong key', async () => {
    await expect(moduleClient({ key: Buffer.from('wrong').toString('base64') })).rejects.toThrow(/Not authorized/i);
    expect(connectionState()).toBe('Disconnected');
  });

  test('is not let in while its device is disabled', async () => {
    hub.updateDevice('d1', { deviceId: 'd1', status: 'disabled' }, '*');
    await expect(moduleClient()).rejects.toThrow(/Not authorized/i);
  });

  test('a device has a connection of its own', async () => {
    const device = await deviceClient();
    await moduleClient();
    expect([connectionState({ deviceId: 'd1' }), connectionState()]).toEqual(['Connected', 'Connected']);
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { of: 'device' } } });
    expect(desiredOf(await device.getTwin())).toMatchObject({ of: 'device' });
  });
});

/** The SDK subscribes once there is a listener; the answer to a later request proves that the subscription arrived. */
async function subscribed(twin: Twin): Promise<void> {
  await report(twin, { listening: true });
}

/** A client made by hand, for what the SDK does not do. */
class RawClient {
  readonly socket: TLSSocket;
  readonly closed: Promise<void>;
  #bytes = Buffer.alloc(0);
  #wake = (): void => {};

  constructor() {
    this.socket = connectTls({ host: '127.0.0.1', port: devices.port, servername: HOST, ca: certificate.authority });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => resolve());
    });
  }

  /** The return code of the CONNACK. */
  async signIn(options: { token?: string; clientId?: string; username?: string } = {}): Promise<number | undefined> {
    const {
      clientId = `d1/${MODULE}`,
      username = `${HOST}/d1/${MODULE}/?api-version=2021-04-12`,
      token = sas(REF),
    } = options;
    const fields = [clientId, username, token].map(text);
    this.send(0x10, Buffer.concat([text('MQTT'), Buffer.from([4, 0xc2, 0, 60]), ...fields]));
    const answer = await Promise.race([this.take(4), this.closed.then(() => undefined)]);
    return answer?.[3];
  }

  publish(topic: string, payload: string, qos = 0): void {
    const id = qos === 0 ? Buffer.alloc(0) : Buffer.from([0, 1]);
    this.send(0x30 | (qos << 1), Buffer.concat([text(topic), id, Buffer.from(payload)]));
  }

  /** The return code of the SUBACK. */
  async subscribe(topic: string): Promise<number | undefined> {
    this.send(0x82, Buffer.concat([Buffer.from([0, 1]), text(topic), Buffer.from([0])]));
    return (await this.take(5))[4];
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  send(type: number, body: Buffer): void {
    const length: number[] = [];
    let left = body.length;
    do {
      length.push((left % 128) | (left >= 128 ? 0x80 : 0));
      left = Math.floor(left / 128);
    } while (left > 0);
    this.socket.write(Buffer.concat([Buffer.from([type, ...length]), body]));
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function sas(
  ref: { deviceId: string; moduleId?: string },
  { key = keyOf(ref), seconds = 3_600, policy = '', resource = '' } = {},
): string {
  const place = ref.moduleId === undefined ? ref.deviceId : `${ref.deviceId}/modules/${ref.moduleId}`;
  const sr = encodeURIComponent(resource === '' ? `${HOST}/devices/${place}` : resource);
  const se = Math.floor(clock.now() / 1_000) + seconds;
  const sig = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${se}${policy === '' ? '' : `&skn=${policy}`}`;
}

const policyKey = (name: string): string => policies.find((policy) => policy.name === name)?.primaryKey ?? '';

describe('signing in', () => {
  test.each([
    { who: 'the module with its key', code: 0, options: () => ({}) },
    {
      who: 'the policy device',
      code: 0,
      options: () => ({ token: sas(REF, { key: policyKey('device'), policy: 'device', resource: HOST }) }),
    },
    {
      who: 'the policy service, which may not connect devices',
      code: 5,
      options: () => ({ token: sas(REF, { key: policyKey('service'), policy: 'service' }) }),
    },
    { who: 'a token that has ended', code: 5, options: () => ({ token: sas(REF, { seconds: -1 }) }) },
    {
      who: "the device's key for a module",
      code: 5,
      options: () => ({ token: sas(REF, { key: keyOf({ deviceId: 'd1' }) }) }),
    },
    {
      who: 'a token for another module',
      code: 5,
      options: () => ({ token: sas(REF, { resource: `${HOST}/devices/d1/modules/other` }) }),
    },
    { who: 'another client id', code: 5, options: () => ({ clientId: 'd1/other' }) },
    {
      who: 'a name for another hub',
      code: 5,
      options: () => ({ username: `other.azure-devices.net/d1/${MODULE}/?api-version=2021-04-12` }),
    },
    {
      who: 'a model id without end',
      code: 5,
      options: () => ({ username: `${HOST}/d1/${MODULE}/?model-id=${'a'.repeat(3_000)}` }),
    },
    { who: 'no token', code: 5, options: () => ({ token: '' }) },
  ])('$who is answered $code', async ({ code, options }) => {
    expect(await new RawClient().signIn(options())).toBe(code);
  });

  test('the last connection wins', async () => {
    const first = new RawClient();
    await first.signIn();
    const second = new RawClient();
    expect(await second.signIn()).toBe(0);
    await first.closed;
    expect(connectionState()).toBe('Connected');
    second.socket.destroy();
    await second.closed;
  });

  test.each([
    { when: 'its device is disabled', act: () => hub.updateDevice('d1', { deviceId: 'd1', status: 'disabled' }, '*') },
    { when: 'it is deleted', act: () => hub.deleteModule('d1', MODULE, '*') },
    { when: 'its token ends', act: (): void => void clock.advance(3_601_000) },
  ])('the connection ends when $when', async ({ act }) => {
    const client = new RawClient();
    expect(await client.signIn()).toBe(0);
    act();
    await client.closed;
    expect(client.socket.destroyed).toBe(true);
  });
});

describe('a client that does what it may not', () => {
  test.each([
    { what: 'publishes elsewhere', act: (client: RawClient) => client.publish('elsewhere', '{}') },
    {
      what: 'publishes as another device',
      act: (client: RawClient) => client.publish('devices/d2/messages/events/', '{}'),
    },
    {
      what: 'asks for QoS 2',
      act: (client: RawClient) => client.publish(`devices/d1/modules/${MODULE}/messages/events/`, '{}', 2),
    },
    { what: 'sends a packet of a megabyte', act: (client: RawClient) => client.send(0x30, Buffer.alloc(1024 * 1024)) },
    { what: 'sends garbage', act: (client: RawClient) => client.socket.write(Buffer.alloc(64, 0xff)) },
  ])('is cut off when it $what', async ({ act }) => {
    const client = new RawClient();
    expect(await client.signIn()).toBe(0);
    act(client);
    await client.closed;
    expect(client.socket.destroyed).toBe(true);
  });

  test('may not subscribe to what others hear', async () => {
    const client = new RawClient();
    await client.signIn();
    expect(await client.subscribe('#')).toBe(128);
    expect(await client.subscribe('devices/d2/messages/devicebound/#')).toBe(128);
    expect(await client.subscribe('$iothub/twin/res/#')).toBe(0);
    client.socket.destroy();
  });

  test('telemetry is taken', async () => {
    const client = new RawClient();
    await client.signIn();
    client.publish(`devices/d1/modules/${MODULE}/messages/events/`, '{"a":1}', 1);
    expect([...(await client.take(4))]).toEqual([0x40, 2, 0, 1]);
    client.socket.destroy();
  });
});

test('the port survives garbage, in TLS and before it', async () => {
  const samples = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 200 }), { numRuns: 30, seed: 5 });
  for (const bytes of samples) {
    await new Promise<void>((resolve) => {
      const socket = connect(devices.port, '127.0.0.1', () => socket.end(bytes));
      socket.on('close', () => resolve()).on('error', () => {});
      socket.resume();
    });
    const client = new RawClient();
    client.socket.once('secureConnect', () => client.socket.end(bytes));
    await client.closed;
  }
  expect(await new RawClient().signIn()).toBe(0);
});
