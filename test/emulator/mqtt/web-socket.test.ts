import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import { duplexPair, type Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as settle } from 'node:timers/promises';
import { Client, type Twin } from 'azure-iot-device';
import { MqttWs } from 'azure-iot-device-mqtt';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { serveDevices } from '../../../src/emulator/mqtt/mqtt-server.ts';
import { createWebSocketAcceptor, WEB_SOCKET_PATH } from '../../../src/emulator/mqtt/web-socket.ts';
import { createAuthority, issueServerCertificate } from '../../../src/emulator/rest/certificates.ts';
import { createPolicies } from '../../../src/emulator/rest/policies.ts';
import { serveHub } from '../../../src/emulator/server.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { createTestClock } from '../../support/test-clock.ts';

const HOST = 'sockets.azure-devices.net';
/** The key and its answer are those of RFC 6455, 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPTED = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

test('the SDK’s client reads its twin, gets desired patches, reports, and disconnects when it closes', async () => {
  const clock = createTestClock();
  const hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
  hub.createDevice('d', {});
  const policies = createPolicies(createSeededRandom(2));
  const certificate = await issueServerCertificate(await createAuthority(clock), HOST, clock);
  const server = await serveHub({ hub, policies, clock, certificate, port: 0 });
  const devices = await serveDevices({ hub, policies, clock, certificate, port: 0 });
  server.onUpgrade(devices.upgrade);
  const { hostname: host, port } = new URL(server.endpoint);
  const agent = new Agent({ host, port: Number(port), ca: certificate.authority });
  const key = hub.identityKeys({ deviceId: 'd' })?.primary ?? '';
  const client = Client.fromConnectionString(`HostName=${HOST};DeviceId=d;SharedAccessKey=${key}`, MqttWs);
  await client.setOptions({ ca: certificate.authority, mqtt: { webSocketAgent: agent } });
  await client.open();
  const twin = await new Promise<Twin>((resolve, reject) => {
    client.getTwin((error, one) => (one === undefined ? reject(error) : resolve(one)));
  });
  const large = 'x'.repeat(4_000);
  const isTold = new Promise<JsonObject>((resolve) => {
    twin.on('properties.desired', (patch: JsonObject) => {
      if (patch['$version'] !== 1) resolve({ ...patch });
    });
  });
  let told: JsonObject | undefined;
  void isTold.then((patch) => (told = patch));
  // Nothing says when the subscription holds: it is written until something comes.
  while (told === undefined) {
    hub.patchTwin({ deviceId: 'd' }, { properties: { desired: { a: large, b: null } } });
    await settle();
  }
  expect(told).toEqual({ a: large, b: null, $version: expect.any(Number) as unknown });
  await new Promise<void>((resolve, reject) => {
    const patch = Object.fromEntries(['p', 'q', 'r', 's'].map((name) => [name, large]));
    twin.properties.reported.update(patch, (error?: Error | null) => (error ? reject(error) : resolve()));
  });
  expect(hub.getTwin({ deviceId: 'd' })).toMatchObject({
    connectionState: 'Connected',
    properties: { reported: { s: large } },
  });
  await client.close();
  while (hub.getTwin({ deviceId: 'd' })['connectionState'] === 'Connected') await settle();
  agent.destroy();
  await devices.close();
  await server.close();
});

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

function accept({ method = 'GET', url = WEB_SOCKET_PATH, headers = {} }: Asked, head = Buffer.alloc(0)) {
  const [near, far] = duplexPair();
  const asked = { upgrade: 'websocket', 'sec-websocket-key': KEY, 'sec-websocket-version': '13', ...headers };
  const request = { method, url, headers: asked } as unknown as IncomingMessage;
  const opened: Duplex[] = [];
  createWebSocketAcceptor()(request, near, head, (stream) => opened.push(stream));
  return { stream: opened[0], far };
}

function frame(opcode: number, payload: Uint8Array, { isLast = true, isMasked = true } = {}): Buffer {
  const mask = Buffer.from([1, 2, 3, 250]);
  const { length } = payload;
  const size = length < 126 ? [length] : [126, length >> 8, length & 0xff];
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] as number));
  const [first, ...rest] = size;
  const head = [opcode | (isLast ? 0x80 : 0), (first as number) | (isMasked ? 0x80 : 0), ...rest];
  return Buffer.concat([Buffer.from(head), ...(isMasked ? [mask, masked] : [payload])]);
}

async function answerOf(far: Duplex): Promise<string> {
  await settle();
  return String(far.read() ?? '');
}

describe('the handshake', () => {
  test('is answered with the hash of its key, and with the protocol that was offered', async () => {
    const { far, stream } = accept({ headers: { 'sec-websocket-protocol': 'x, mqtt' } });
    const text = await answerOf(far);
    expect(text).toContain('HTTP/1.1 101 ');
    expect(text).toContain(`Sec-WebSocket-Accept: ${ACCEPTED}\r\n`);
    expect(text).toContain('Sec-WebSocket-Protocol: mqtt\r\n');
    stream?.destroy();
  });

  test.each<[sentence: string, asked: Asked, status: number]>([
    ['of another path', { url: '/devices' }, 404],
    ['without a key', { headers: { 'sec-websocket-key': undefined } }, 400],
    ['of an older version', { headers: { 'sec-websocket-version': '7' } }, 400],
    ['for another protocol', { headers: { upgrade: 'h2c' } }, 400],
    ['by POST', { method: 'POST' }, 405],
  ])('%s is refused', async (_sentence, asked, status) => {
    const { far, stream } = accept(asked);
    expect(await answerOf(far)).toContain(`HTTP/1.1 ${status} `);
    expect(stream).toBeUndefined();
  });
});

describe('frames', () => {
  test('are the bytes inside them, however they are cut and come', async () => {
    // Of each message its fragments.
    const pieces = fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 3 }), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(pieces, fc.array(fc.nat(40), { maxLength: 8 }), fc.nat(50), async (messages, cuts, early) => {
        const frames = messages.flatMap((fragments) =>
          fragments.map((payload, index) =>
            frame(index === 0 ? 2 : 0, payload, { isLast: index === fragments.length - 1 }),
          ),
        );
        let rest = Buffer.concat([...frames, frame(8, Buffer.alloc(0))]);
        const { stream, far } = accept({}, rest.subarray(0, early));
        rest = rest.subarray(early);
        const received: Buffer[] = [];
        stream?.on('data', (chunk: Buffer) => received.push(chunk));
        far.resume();
        for (const cut of cuts) {
          far.write(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        far.end(rest);
        await new Promise((resolve) => stream?.once('close', resolve));
        expect(Buffer.concat(received)).toEqual(Buffer.concat(messages.flat()));
      }),
      { numRuns: 60 },
    );
  });

  test('pings are answered, and what is written comes in frames of every size', async () => {
    const { stream, far } = accept({});
    await answerOf(far);
    far.write(frame(9, Buffer.from('hi')));
    await settle();
    expect(far.read()).toEqual(Buffer.from([0x8a, 2, ...Buffer.from('hi')]));
    for (const [size, head] of [
      [125, [125]],
      [126, [126, 0, 126]],
      [70_000, [127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]],
    ] as const) {
      stream?.write(Buffer.alloc(size, 7));
      await settle();
      expect(far.read()).toEqual(Buffer.concat([Buffer.from([0x82, ...head]), Buffer.alloc(size, 7)]));
    }
    stream?.end();
    far.end(frame(8, Buffer.alloc(0)));
    expect([...(await buffer(far))]).toEqual([0x88, 0]);
  });

  test.each<[sentence: string, bytes: Buffer]>([
    ['that are not masked', frame(2, Buffer.from('x'), { isMasked: false })],
    ['of texts', frame(1, Buffer.from('x'))],
    ['with bits of extensions', Buffer.concat([Buffer.from([0xc2]), frame(2, Buffer.from('x')).subarray(1)])],
    ['that go on with no message', frame(0, Buffer.from('x'))],
    ['of unknown kinds', frame(3, Buffer.from('x'))],
    ['of control in fragments', frame(9, Buffer.from('x'), { isLast: false })],
    ['of control that are long', frame(9, Buffer.alloc(126))],
    ['of a gigabyte', Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4])],
  ])('%s end the connection', async (_sentence, bytes) => {
    const { stream, far } = accept({});
    far.write(bytes);
    await new Promise((resolve) => stream?.once('close', resolve));
    expect(stream?.destroyed).toBe(true);
  });
});
