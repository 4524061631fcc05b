// Any bytes at a port, alone or in the middle of a client's stream: the next client is served normally.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { EventHubConsumerClient } from '@azure/event-hubs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { serveEvents, type RunningEvents } from '../../src/emulator/events/amqp-server.ts';
import { EventLog } from '../../src/emulator/events/event-log.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { serveDevices, type RunningDevices } from '../../src/emulator/mqtt/mqtt-server.ts';
import {
  createAuthority,
  issueServerCertificate,
  type ServerCertificate,
} from '../../src/emulator/rest/certificates.ts';
import { createPolicies } from '../../src/emulator/rest/policies.ts';
import { type RunningServer, serveHub } from '../../src/emulator/server.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { HOST, NOW_MS, sasToken, stoppedClock } from './rest/hub-fixture.ts';

const RUNS = 60;

const clock = stoppedClock();
const hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
const policies = createPolicies(createSeededRandom(2));
const owner = sasToken({
  key: policies.find(({ name }) => name === 'iothubowner')?.primaryKey ?? '',
  skn: 'iothubowner',
});
let certificate: ServerCertificate;
let server: RunningServer;
let devices: RunningDevices;
let events: RunningEvents;
let httpsPort: number;

beforeAll(async () => {
  hub.createDevice('d', {});
  certificate = await issueServerCertificate(await createAuthority(clock), HOST, clock);
  const log = new EventLog({ createdAtMs: clock.now() });
  server = await serveHub({ hub, policies, clock, certificate, port: 0 });
  devices = await serveDevices({ hub, policies, clock, certificate, port: 0 });
  events = await serveEvents({ log, hostName: HOST, policies, clock, port: 0 });
  httpsPort = Number(new URL(server.endpoint).port);
  // The AMQP library says aloud what it does not understand.
  vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'log').mockImplementation(() => {});
});

afterAll(async () => {
  vi.restoreAllMocks();
  await Promise.all([server.close(), devices.close(), events.close()]);
});

/** Sends one after the other, then ends; resolves once the other side has ended too. */
async function say(socket: Socket, ready: string, parts: readonly Uint8Array[]): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.once(ready, () => {
    for (const part of parts) socket.write(part);
    socket.end();
  });
  socket.resume();
  await closed;
}

function inTls(port: number): Socket {
  return connectTls({ port, host: '127.0.0.1', servername: HOST, ca: certificate.authority });
}

async function statusOfTwin(): Promise<number> {
  const agent = new Agent({ host: '127.0.0.1', port: httpsPort, ca: certificate.authority });
  const call = get({
    agent,
    hostname: HOST,
    path: '/twins/d?api-version=2021-04-12',
    headers: { authorization: owner },
  });
  const [response] = (await once(call, 'response')) as [{ statusCode: number; resume(): void }];
  response.resume();
  agent.destroy();
  return response.statusCode;
}

interface Damage {
  readonly at: number;
  readonly cut: number;
  readonly bytes: Uint8Array;
}

/** Position as a share of the whole; bytes to remove; bytes to insert. */
const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(8),
  bytes: fc.uint8Array({ maxLength: 12 }),
});

function damaged(whole: Uint8Array, { at, cut, bytes }: Damage): Uint8Array {
  const place = Math.floor(at * whole.length);
  return Buffer.concat([whole.subarray(0, place), bytes, whole.subarray(place + cut)]);
}

test('HTTPS', async () => {
  const line = fc.constantFrom(
    'content-length: 5',
    'content-length: 999999999999',
    'content-length: -1',
    'transfer-encoding: chunked',
    'host: b',
    'expect: 100-continue',
    'upgrade: websocket\r\nconnection: upgrade',
    'connection: close',
    'x'.repeat(20_000),
    `authorization: ${owner}`,
    'content-encoding: gzip',
    ': x',
    'x-ms-max-item-count: \u00e9',
    ' folded: 1',
  );
  const head = fc
    .record({
      method: fc.constantFrom('GET', 'PATCH', 'PUT', 'PRI', 'CONNECT', 'get', ''),
      target: fc.constantFrom(
        '/twins/d?api-version=2021-04-12',
        '*',
        '/devices/%zz',
        '//',
        'https://b/',
        '/..',
        '/%00',
        '/\u00ff',
      ),
      version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', ''),
      lines: fc.array(line, { maxLength: 5 }),
      body: fc.constantFrom('', '{}', '2\r\n{}\r\n0\r\n\r\n', 'zz\r\n', 'ffffffffffff\r\n{', '{"tags":{"a":1}}'),
    })
    .map(({ method, target, version, lines, body }) =>
      Buffer.from([`${method} ${target} ${version}`, `host: ${HOST}`, ...lines, '', body].join('\r\n'), 'latin1'),
    );
  const bytes = fc.oneof(
    head,
    fc.tuple(head, damage).map(([whole, how]) => damaged(whole, how)),
    fc.uint8Array({ minLength: 1 }),
  );
  for (const part of fc.sample(bytes, { numRuns: RUNS, seed: 11 })) {
    await say(inTls(httpsPort), 'secureConnect', [part]);
    expect(await statusOfTwin()).toBe(200);
  }
});

test('MQTT', async () => {
  const subscribe = packet(0x82, [Buffer.from([0, 1]), text('$iothub/twin/res/#'), Buffer.from([0])]);
  const ask = packet(0x30, [text('$iothub/twin/GET/?$rid=1'), Buffer.from(' ')]);
  const report = packet(0x32, [
    text('$iothub/twin/PATCH/properties/reported/?$rid=2'),
    Buffer.from([0, 2]),
    Buffer.from('{"a":{"b":[1]}}'),
  ]);
  const all = [signIn(), subscribe, ask, report, packet(0xc0, []), packet(0x62, [Buffer.from([0, 2])]), signIn()];
  const said = fc.tuple(fc.nat(all.length - 1), damage, fc.boolean());
  for (const [place, how, isDeaf] of fc.sample(said, { numRuns: RUNS, seed: 12 })) {
    const parts = all.map((whole, index) => (index === place ? damaged(whole, how) : whole));
    await say(inTls(devices.port), 'secureConnect', isDeaf ? parts.slice(place) : parts);
  }
  const socket = inTls(devices.port);
  socket.write(signIn());
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect([...answer.subarray(0, 4)].filter((_byte, index) => index !== 2)).toEqual([0x20, 2, 0]);
  socket.destroy();
  expect(await statusOfTwin()).toBe(200);
});

test('AMQP', async () => {
  const recorded = await recordClient();
  expect(recorded.length).toBeGreaterThan(5);
  const said = fc.tuple(fc.nat(recorded.length - 1), damage);
  for (const [place, how] of fc.sample(said, { numRuns: RUNS, seed: 13 })) {
    const parts = recorded.map((whole, index) => (index === place ? damaged(whole, how) : whole));
    await say(connect(events.port, '127.0.0.1'), 'connect', parts);
  }
  const client = new EventHubConsumerClient('$Default', events.connectionString('service') ?? '');
  expect(await client.getPartitionIds()).toHaveLength(4);
  await client.close();
  expect(await statusOfTwin()).toBe(200);
});

/** The bytes of an Event Hubs client until it knows the partitions, in their original pieces. */
async function recordClient(): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  const relay = createServer((near) => {
    const far = connect(events.port, '127.0.0.1');
    near.on('data', (piece: Buffer) => pieces.push(piece));
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = relay.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const connectionString = (events.connectionString('service') ?? '').replace(`:${events.port};`, `:${port};`);
  const client = new EventHubConsumerClient('$Default', connectionString);
  await client.getPartitionIds();
  await client.close();
  relay.close();
  return pieces;
}

function signIn(): Buffer {
  const { primary = '' } = hub.identityKeys({ deviceId: 'd' }) ?? {};
  const [sr, se] = [encodeURIComponent(`${HOST}/devices/d`), NOW_MS / 1000 + 600];
  const sig = createHmac('sha256', Buffer.from(primary, 'base64')).update(`${sr}\n${se}`).digest('base64');
  const password = `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${se}`;
  const keepAlive = Buffer.from([0, 60]);
  return packet(0x10, [
    text('MQTT'),
    Buffer.from([4, 0xc0]),
    keepAlive,
    text('d'),
    text(`${HOST}/d/?api-version=2021-04-12`),
    text(password),
  ]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(type: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from([type, ...size]), body]);
}
