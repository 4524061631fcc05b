import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import {
  EventHubConsumerClient,
  earliestEventPosition,
  latestEventPosition,
  type EventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs';
import fc from 'fast-check';
import rhea, { type Connection, type EventContext } from 'rhea';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLog } from '../../../src/emulator/events/event-log.ts';
import { partitionOf } from '../../../src/emulator/events/partition.ts';
import { serveEvents, type RunningEvents } from '../../../src/emulator/events/amqp-server.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { createPolicies } from '../../../src/emulator/rest/policies.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';

const { types } = rhea;

const HOST = 'events.azure-devices.net';
const MODULE = 'azureiotsecurity';

let clock: TestClock;
let hub: IotHub;
let events: RunningEvents;
const clients: EventHubConsumerClient[] = [];

beforeEach(async () => {
  clock = createTestClock();
  hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
  const log = new EventLog({ createdAtMs: clock.now() });
  hub.listen((event) => log.append(event));
  const policies = createPolicies(createSeededRandom(2));
  events = await serveEvents({ log, hostName: HOST, policies, clock, port: 0 });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await events.close();
});

function client(connectionString = events.connectionString('service') ?? ''): EventHubConsumerClient {
  const one = new EventHubConsumerClient('$Default', connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
  });
  clients.push(one);
  return one;
}

/** Resolves with the first `count` events that come from the partition. */
function receive(
  count: number,
  startPosition: EventPosition,
  {
    partition = partitionOf('d1', 4),
    consumer = client(),
    ownerLevel,
  }: { partition?: number; consumer?: EventHubConsumerClient; ownerLevel?: number } = {},
): Promise<ReceivedEventData[]> {
  return new Promise((resolve, reject) => {
    const received: ReceivedEventData[] = [];
    const subscription = consumer.subscribe(
      String(partition),
      {
        processEvents: async (batch) => {
          received.push(...batch);
          if (received.length < count) return;
          await subscription.close();
          resolve(received.slice(0, count));
        },
        processError: async (error) => {
          await subscription.close();
          reject(error);
        },
      },
      { startPosition, maxBatchSize: 10, maxWaitTimeInSeconds: 1, ...(ownerLevel === undefined ? {} : { ownerLevel }) },
    );
  });
}

function change(times: number): void {
  for (let index = 0; index < times; index += 1) {
    hub.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { properties: { desired: { count: index } } });
  }
}

function create(): void {
  hub.createDevice('d1', { deviceId: 'd1' });
  hub.putModule('d1', MODULE, { deviceId: 'd1', moduleId: MODULE }, undefined);
}

function openAtEarliest(connection: Connection, address: string): void {
  const name = 'apache.org:selector-filter:string';
  const filter = { [name]: types.wrap_described("amqp.annotation.x-opt-offset > '-1'", name) as unknown };
  connection.open_receiver({ source: { address, filter } });
}

/** A token as clients of Event Hubs sign them: with the text of the key. */
function signed(resource: string, key: string): string {
  const [sr, se] = [encodeURIComponent(resource), Math.floor(clock.now() / 1000) + 60];
  const sig = encodeURIComponent(createHmac('sha256', key).update(`${sr}\n${se}`).digest('base64'));
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${se}&skn=service`;
}

describe('the event hub', () => {
  test('lists its partitions and says where each stands', async () => {
    create();
    const consumer = client();
    expect(await consumer.getPartitionIds()).toEqual(['0', '1', '2', '3']);
    expect(await consumer.getEventHubProperties()).toMatchObject({
      name: 'messages/events',
      partitionIds: ['0', '1', '2', '3'],
    });
    const at = String(partitionOf('d1', 4));
    expect(await consumer.getPartitionProperties(at)).toMatchObject({
      partitionId: at,
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 1,
      isEmpty: false,
    });
    const other = String((partitionOf('d1', 4) + 1) % 4);
    expect(await consumer.getPartitionProperties(other)).toMatchObject({
      isEmpty: true,
      lastEnqueuedSequenceNumber: -1,
    });
  });

  test.each(['iothubowner', 'service'])('lets the policy %s read', async (name) => {
    expect(await client(events.connectionString(name)).getPartitionIds()).toHaveLength(4);
  });

  test('offers no connection string for a policy that may not read', () => {
    expect(events.connectionString('registryRead')).toBeUndefined();
    expect(events.connectionString('nobody')).toBeUndefined();
  });

  test('refuses a wrong key and an unknown policy', async () => {
    const good = events.connectionString('service') ?? '';
    await expect(
      client(good.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=aGVsbG8=')).getPartitionIds(),
    ).rejects.toMatchObject({ code: 'UnauthorizedError' });
    await expect(client(good.replace('=service', '=nobody')).getPartitionIds()).rejects.toMatchObject({
      code: 'UnauthorizedError',
    });
  });
});

describe('what is received', () => {
  test('life cycle and twin changes of a module, in order, in the shapes of the service', async () => {
    create();
    hub.patchTwin(
      { deviceId: 'd1', moduleId: MODULE },
      { tags: { a: 1 }, properties: { desired: { x: { y: 2 }, z: null } } },
    );
    const [device, module, update] = await receive(3, earliestEventPosition);
    expect(device).toMatchObject({
      body: { deviceId: 'd1', etag: 'AAAAAAAAAAE=', version: 2 },
      properties: {
        opType: 'createDeviceIdentity',
        'iothub-message-schema': 'deviceLifecycleNotification',
        deviceId: 'd1',
      },
      systemProperties: { 'iothub-message-source': 'deviceLifecycleEvents', 'iothub-connection-device-id': 'd1' },
    });
    expect(module).toMatchObject({ properties: { opType: 'createDeviceIdentity', moduleId: MODULE } });
    expect(update).toMatchObject({
      contentType: 'application/json',
      sequenceNumber: 2,
      body: {
        version: 3,
        tags: { a: 1 },
        properties: {
          desired: { x: { y: 2 }, z: null, $version: 2, $metadata: { $lastUpdatedVersion: 2, x: { y: {} } } },
        },
      },
      properties: {
        hubName: 'events',
        deviceId: 'd1',
        moduleId: MODULE,
        opType: 'updateTwin',
        'iothub-message-schema': 'twinChangeNotification',
      },
      systemProperties: { 'iothub-connection-module-id': MODULE, 'iothub-message-source': 'twinChangeEvents' },
    });
    expect(
      (update?.body as { properties: { desired: { $metadata: object } } } | undefined)?.properties.desired.$metadata,
    ).not.toHaveProperty('z');
  });

  test('replacements, reports, connections and deletions', async () => {
    create();
    hub.replaceTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: { b: 1 }, properties: { desired: { q: 1 } } });
    const connection = hub.connect({ deviceId: 'd1', moduleId: MODULE }, () => {});
    connection.report({ r: 1 });
    connection.close();
    hub.deleteModule('d1', MODULE, '*');
    const seen = await receive(5, { sequenceNumber: 2, isInclusive: true });
    expect(seen.map(({ properties }) => properties?.['opType'] as string)).toEqual([
      'replaceTwin',
      'deviceConnected',
      'updateTwin',
      'deviceDisconnected',
      'deleteDeviceIdentity',
    ]);
    expect(seen[0]?.body).toMatchObject({
      deviceId: 'd1',
      moduleId: MODULE,
      tags: { b: 1 },
      properties: { desired: { q: 1, $version: 2 } },
    });
    expect(seen[2]?.body).toMatchObject({ properties: { reported: { r: 1, $version: 2 } } });
  });

  test.each([
    { from: 'the earliest', position: earliestEventPosition, first: 0 },
    { from: 'a sequence number', position: { sequenceNumber: 3 }, first: 4 },
    { from: 'a sequence number, inclusive', position: { sequenceNumber: 3, isInclusive: true }, first: 3 },
    { from: 'an offset', position: { offset: String(512 * 3) }, first: 4 },
  ])('from $from', async ({ position, first }) => {
    create();
    change(5);
    const received = await receive(2, position);
    expect(received.map(({ sequenceNumber }) => sequenceNumber)).toEqual([first, first + 1]);
  });

  test('over links that name what they serve, and settled already, so that a client has nothing to answer', async () => {
    create();
    change(1);
    const settled: unknown[] = [];
    const accepted: (string | undefined)[] = [];
    const connection = rhea
      .create_container()
      .connect({ host: '127.0.0.1', port: events.port, reconnect: false, username: 'anonymous' });
    const place = `messages/events/ConsumerGroups/$Default/Partitions/${partitionOf('d1', 4)}`;
    const done = new Promise<void>((resolve) => {
      connection.on('message', ({ receiver, delivery }: EventContext) => {
        if (receiver?.source.address === '$cbs') openAtEarliest(connection, place);
        else if (settled.push(delivery?.remote_settled) === 3) resolve();
      });
    });
    connection.on('receiver_open', ({ receiver }: EventContext) => accepted.push(receiver?.source?.address));
    connection.on('sender_open', ({ sender }: EventContext) => accepted.push(sender?.target?.address));
    connection.open_receiver('$cbs');
    const key = /SharedAccessKey=([^;]+)/.exec(events.connectionString('service') ?? '')?.[1] ?? '';
    const token = signed(`sb://127.0.0.1/${place}`, key);
    connection.open_sender('$cbs').once('sendable', ({ sender }: EventContext) => {
      const properties = {
        operation: 'put-token',
        type: 'servicebus.windows.net:sastoken',
        name: `sb://127.0.0.1/${place}`,
      };
      if (sender !== undefined) sender.send({ message_id: 1, application_properties: properties, body: token });
    });
    await done;
    connection.close();
    expect(settled).toEqual([true, true, true]);
    expect(new Set(accepted)).toEqual(new Set(['$cbs', place]));
  });

  test('from a time, and from the latest only what comes afterwards', async () => {
    create();
    await clock.advance(60_000);
    const since = new Date(clock.now() - 1);
    change(2);
    expect((await receive(2, { enqueuedOn: since })).map(({ sequenceNumber }) => sequenceNumber)).toEqual([2, 3]);
    const consumer = client();
    const later = receive(1, latestEventPosition, { consumer });
    // The receiver is attached once the service has been asked; a change is made until one arrives.
    let isDone = false;
    void later.finally(() => (isDone = true));
    while (!isDone) {
      await clock.flush();
      change(1);
    }
    expect((await later)[0]?.sequenceNumber).toBeGreaterThan(3);
  });

  test('a receiver with a higher epoch takes the place of a lower one, and a lower one is refused', async () => {
    create();
    const first = receive(100, earliestEventPosition, { ownerLevel: 1 });
    const stolen = first.catch((error: unknown) => error);
    await receive(1, earliestEventPosition, { ownerLevel: 2 });
    expect(await stolen).toMatchObject({ code: 'ReceiverDisconnectedError' });
  });
});

describe('the port', () => {
  test('survives garbage and oversized frames', async () => {
    const samples = fc.sample(fc.uint8Array({ maxLength: 300 }), { numRuns: 40, seed: 3 });
    const header = Uint8Array.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);
    const huge = Uint8Array.from([...header, 0x7f, 0xff, 0xff, 0xff, 2, 1, 0, 0]);
    const truncated = Uint8Array.from([...header, 0, 0, 0, 20, 2, 1, 0, 0, 0, 0x53, 0x41]);
    for (const bytes of [
      ...samples,
      ...samples.map((sample) => Uint8Array.from([...header, 0, 0, 1, 0, 2, 1, 0, 0, ...sample])),
      huge,
      truncated,
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(events.port, '127.0.0.1', () => socket.end(bytes));
        socket.on('close', () => resolve()).on('error', () => {});
        socket.resume();
      });
    }
    expect(await client().getPartitionIds()).toHaveLength(4);
  });

  test('closing twice is fine', async () => {
    await events.close();
    await events.close();
    await expect(client().getPartitionIds()).rejects.toThrow('ECONNREFUSED');
  });
});
