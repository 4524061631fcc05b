// The feed of changes: how it ends where the endpoint does not behave. What it tells is tested with `doctor` and `run`.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventHubFeed } from '../../src/adapters/event-hub.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { serveEvents, type RunningEvents } from '../../src/emulator/events/amqp-server.ts';
import { EventLog } from '../../src/emulator/events/event-log.ts';
import { partitionOf } from '../../src/emulator/events/partition.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { createPolicies } from '../../src/emulator/rest/policies.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { ChangeFeed } from '../../src/ports/change-feed.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const HOST = 'acme-events.azure-devices.net';
const never = new AbortController().signal;

let clock: TestClock;
let hub: IotHub;
let events: RunningEvents;

beforeEach(async () => {
  clock = createTestClock();
  hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
  const log = new EventLog({ createdAtMs: clock.now() });
  hub.listen((event) => log.append(event));
  events = await serveEvents({ log, hostName: HOST, policies: createPolicies(createSeededRandom(2)), clock, port: 0 });
});

afterEach(() => events.close());

const service = (): string => events.connectionString('service') ?? '';
const feedOf = (connectionString = service()): ChangeFeed =>
  eventHubFeed({ connectionString, timeoutMs: 10_000, clock: systemClock });

describe('a probe', () => {
  test('looks at the newest events of every partition alone', async () => {
    for (let index = 0; index < 8; index += 1) hub.createDevice(`d${index}`, { deviceId: `d${index}` });
    for (let index = 0; index < 600; index += 1) hub.patchTwin({ deviceId: 'd0' }, { tags: { index } }, undefined);
    const facts = await feedOf().probe(never);
    const inFull = Array.from({ length: 8 }, (_, index) => partitionOf(`d${index}`, 4) === partitionOf('d0', 4));
    expect(facts.events).toBe(500 + inFull.filter((isThere) => !isThere).length);
    expect([...facts.hubNames]).toEqual(['acme-events']);
    expect([facts.twinChangeAtMs, facts.lifecycleAtMs]).toEqual([clock.now(), clock.now()]);
  });

  test('of an event hub that is not there', async () => {
    const wrong = service().replace('EntityPath=messages/events', 'EntityPath=another');
    await expect(feedOf(wrong).probe(never)).rejects.toMatchObject({ name: 'HubError' });
  });

  test('of a partition that somebody reads alone', async () => {
    hub.createDevice('d0', { deviceId: 'd0' });
    const alone = new EventHubConsumerClient('$Default', service(), { retryOptions: { maxRetries: 0 } });
    const { promise: isReading, resolve } = Promise.withResolvers<void>();
    const handlers = { processEvents: async () => resolve(), processError: async () => {} };
    const startPosition = { sequenceNumber: 0, isInclusive: true };
    alone.subscribe(partitionOf('d0', 4).toString(), handlers, { ownerLevel: 1, startPosition });
    await isReading;
    await expect(feedOf().probe(never)).rejects.toMatchObject({
      code: 'Unavailable',
      message: 'Could not read the change events: another reader has the consumer group $Default alone.',
    });
    await alone.close();
  });
});

describe('an endpoint that takes the connection and says nothing', () => {
  let silent: Server;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    silent.close();
  });

  const connectionString = (): string =>
    service().replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${(silent.address() as AddressInfo).port}`);

  test('is waited for until the limit', async () => {
    const connected = once(silent, 'connection');
    const probing = eventHubFeed({ connectionString: connectionString(), timeoutMs: 10_000, clock }).probe(never);
    const failed = probing.catch((error: unknown) => error);
    await connected;
    await clock.advance(10_000);
    expect(await failed).toMatchObject({
      code: 'Timeout',
      message: 'Could not read the change events: the endpoint did not answer within 10 s.',
    });
  });

  test('is let go of when nobody waits any more', async () => {
    const stop = new AbortController();
    const connected = once(silent, 'connection');
    const probing = feedOf(connectionString()).probe(stop.signal);
    const failed = probing.catch((error: unknown) => error);
    await connected;
    stop.abort();
    expect(await failed).toMatchObject({ code: 'Aborted' });
  });

  test('is not even called where nobody waits', async () => {
    const probing = feedOf(connectionString()).probe(AbortSignal.abort());
    await expect(probing).rejects.toMatchObject({ code: 'Aborted' });
    expect(sockets.size).toBe(0);
  });
});
