// Section 6: what readers of the built-in endpoint see, through the vendor's Event Hubs client.
// A real hub needs routes of TwinChangeEvents and DeviceLifecycleEvents to that endpoint.
import {
  earliestEventPosition,
  EventHubConsumerClient,
  type EventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { devicesOf, report } from './devices.ts';
import { describeFacts } from './target.ts';

/** As the resolver of IoT Edge maps them to 4 partitions. */
const PARTITIONS: readonly (readonly [deviceId: string, partition: string])[] = [
  ['device1', '2'],
  ['myDevice', '0'],
  ['d', '0'],
  ['sensor-0001', '2'],
  ['A-very-long-device-identifier', '0'],
];

interface Received {
  readonly partition: string;
  readonly event: ReceivedEventData;
}

describeFacts('the event stream', ({ target, isReal, hasEvents }) => {
  let connectionString: string;
  let since: Date;
  const consumers: EventHubConsumerClient[] = [];

  function consumer(text = connectionString): EventHubConsumerClient {
    const one = new EventHubConsumerClient('$Default', text, { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } });
    consumers.push(one);
    return one;
  }

  /** Events from these partitions until there are enough. */
  async function receive(
    partitions: readonly string[],
    isEnough: (received: readonly Received[]) => boolean,
    options: SubscribeOptions,
  ): Promise<Received[]> {
    const received: Received[] = [];
    const client = consumer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const subscriptions = partitions.map((partition) =>
      client.subscribe(
        partition,
        {
          processEvents: async (events) => {
            received.push(...events.map((event) => ({ partition, event })));
            if (isEnough(received)) resolve();
          },
          processError: async (error) => reject(error),
        },
        { maxBatchSize: 10, maxWaitTimeInSeconds: 1, ...options },
      ),
    );
    try {
      await promise;
    } finally {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
    }
    return received;
  }

  // If TWINWARD_TEST_EVENTS holds the connection string of a real hub's endpoint.
  describe.skipIf(!hasEvents)('6', () => {
    let device: string;
    let stream: Received[];
    let ids: string[];

    /** A module's whole life, read once. */
    beforeAll(async () => {
      connectionString = target().eventsConnectionString ?? '';
      since = new Date(target().now() - 1);
      device = target().id('d');
      const registry = target().registry();
      await registry.create({ deviceId: device });
      await registry.addModule({ deviceId: device, moduleId: 'm' });
      const patch = { tags: { t: 1 }, properties: { desired: { a: { b: 2 }, gone: null } } };
      await registry.updateModuleTwin(device, 'm', patch, '*');
      await registry.updateModuleTwin(device, 'm', { properties: { desired: { a: { b: 2 } } } }, '*');
      const body = { tags: { u: 1 }, properties: { desired: { c: 3 } } };
      await target().send({ method: 'PUT', path: `/twins/${device}/modules/m`, body });
      const devices = devicesOf(target());
      const client = await devices.open({ deviceId: device, moduleId: 'm' });
      await report(await client.getTwin(), { r: 1 });
      await devices.close();
      await registry.removeModule(device, 'm');
      ids = await consumer().getPartitionIds();
      const isLast = ({ event }: Received): boolean =>
        event.properties?.['deviceId'] === device && event.properties['opType'] === 'deleteDeviceIdentity';
      const all = await receive(ids, (received) => received.some(isLast), { startPosition: { enqueuedOn: since } });
      stream = all.filter(({ event }) => event.properties?.['deviceId'] === device);
    }, 60_000);
    afterAll(async () => {
      for (const one of consumers.splice(0)) await one.close();
    });

    const find = (opType: string, which = 0): ReceivedEventData | undefined =>
      stream.filter(({ event }) => event.properties?.['opType'] === opType)[which]?.event;

    describe('6.2 messages', () => {
      const kinds: [row: string, opType: string, which: number, kind: string, moduleId?: string][] = [
        ['a device comes', 'createDeviceIdentity', 0, 'deviceLifecycle'],
        ['a module comes', 'createDeviceIdentity', 1, 'deviceLifecycle', 'm'],
        ['a module goes', 'deleteDeviceIdentity', 0, 'deviceLifecycle', 'm'],
        ['a twin is patched', 'updateTwin', 0, 'twinChange', 'm'],
        ['a twin is replaced', 'replaceTwin', 0, 'twinChange', 'm'],
        ['a twin is reported', 'updateTwin', 2, 'twinChange', 'm'],
      ];
      const connections: typeof kinds = [
        ['a module connects', 'deviceConnected', 0, 'deviceConnectionState', 'm'],
        ['a module leaves', 'deviceDisconnected', 0, 'deviceConnectionState', 'm'],
      ];
      // A real hub may tell of connections late, or not at all.
      test.each(isReal ? kinds : [...kinds, ...connections])('%s: %s', (_row, opType, which, kind, moduleId) => {
        const event = find(opType, which);
        expect(event?.properties).toEqual({
          hubName: target().hostName.split('.')[0],
          deviceId: device,
          ...(moduleId === undefined ? {} : { moduleId }),
          operationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
          'iothub-message-schema': `${kind}Notification`,
          opType,
        });
        expect(event?.systemProperties).toMatchObject({
          'iothub-connection-device-id': device,
          ...(moduleId === undefined ? {} : { 'iothub-connection-module-id': moduleId }),
          'iothub-message-source': `${kind}Events`,
        });
      });

      test('are JSON in UTF-8, with a correlation id', () => {
        const properties = find('updateTwin')?.getRawAmqpMessage().properties;
        expect(properties).toMatchObject({ contentType: 'application/json', contentEncoding: 'utf-8' });
        expect(properties?.correlationId).toMatch(/^[0-9a-f-]+$/);
      });

      test('say when they came, and where they are', () => {
        const event = find('updateTwin');
        expect(event?.enqueuedTimeUtc.getTime()).toBeGreaterThan(since.getTime());
        expect([Number.isInteger(event?.sequenceNumber), Number(event?.offset) >= 0]).toEqual([true, true]);
        expect(event?.systemProperties).toHaveProperty('iothub-enqueuedtime');
      });

      const bodies: [row: string, opType: string, which: number, body: JsonObject][] = [
        [
          'an update: what the patch named, nulls too',
          'updateTwin',
          0,
          { version: 3, tags: { t: 1 }, properties: { desired: { a: { b: 2 }, gone: null, $version: 2 } } },
        ],
        [
          'an update: unchanged values too',
          'updateTwin',
          1,
          {
            version: 4,
            properties: { desired: { a: { b: 2 }, $version: 3, $metadata: { a: { $lastUpdatedVersion: 3 } } } },
          },
        ],
        ['a report', 'updateTwin', 2, { version: 6, properties: { reported: { r: 1, $version: 2 } } }],
        [
          'a replacement: all of it',
          'replaceTwin',
          0,
          {
            moduleId: 'm',
            etag: 'AAAAAAAAAAQ=',
            version: 5,
            tags: { u: 1 },
            properties: { desired: { c: 3, $version: 4 }, reported: { $version: 1 } },
          },
        ],
        [
          'a creation: the twin of its first day',
          'createDeviceIdentity',
          1,
          {
            moduleId: 'm',
            etag: 'AAAAAAAAAAE=',
            version: 2,
            properties: {
              desired: { $version: 1, $metadata: { $lastUpdated: '0001-01-01T00:00:00Z' } },
              reported: { $version: 1 },
            },
          },
        ],
      ];
      test.each(bodies)('tell of %s', (_row, opType, which, body) => {
        expect(find(opType, which)?.body).toMatchObject(body);
      });
      test('tell of an update nothing else', () => {
        const body = find('updateTwin', 1)?.body as { properties: { desired: JsonObject } } | undefined;
        expect(Object.keys(body?.properties.desired ?? {}).toSorted()).toEqual(['$metadata', '$version', 'a']);
      });
    });

    describe('6.3 partitions', () => {
      test('hold a device with its modules, in order', () => {
        expect(new Set(stream.map(({ partition }) => partition)).size).toBe(1);
        const numbers = stream.map(({ event }) => event.sequenceNumber);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        const changes = stream.filter(({ event }) => event.properties?.['opType'] === 'updateTwin');
        expect(changes.map(({ event }) => (event.body as { version: number }).version)).toEqual([3, 4, 6]);
      });

      test.skipIf(isReal)('are those of the resolver of IoT Edge, on the embedded hub alone', async () => {
        for (const [deviceId] of PARTITIONS) await target().registry().create({ deviceId });
        const idOf = ({ event }: Received): string => String(event.properties?.['deviceId']);
        const all = await receive(ids, (some) => PARTITIONS.every(([id]) => some.some((one) => idOf(one) === id)), {
          startPosition: earliestEventPosition,
        });
        const found = PARTITIONS.map(([id]) => [id, all.find((one) => idOf(one) === id)?.partition]);
        expect(found).toEqual(PARTITIONS);
      });
    });

    describe('6.4 the client', () => {
      const first = (): Received => stream[0] as Received;

      test('gets the event hub and its partitions', async () => {
        const client = consumer();
        const about = await client.getEventHubProperties();
        expect(about).toMatchObject({ partitionIds: ids, createdOn: expect.any(Date) as Date });
        expect(connectionString).toContain(`EntityPath=${about.name}`);
        const { partition, event } = first();
        const properties = await client.getPartitionProperties(partition);
        expect(properties).toMatchObject({ partitionId: partition, eventHubName: about.name, isEmpty: false });
        expect(properties.beginningSequenceNumber).toBeLessThanOrEqual(event.sequenceNumber);
        expect(properties.lastEnqueuedSequenceNumber).toBeGreaterThan(event.sequenceNumber);
      });

      test.each<[from: string, position: (event: ReceivedEventData) => EventPosition, index: number]>([
        ['a sequence number', ({ sequenceNumber }) => ({ sequenceNumber }), 1],
        ['a sequence number, inclusive', ({ sequenceNumber }) => ({ sequenceNumber, isInclusive: true }), 0],
        ['an offset', ({ offset }) => ({ offset }), 1],
        ['a time', () => ({ enqueuedOn: since }), 0],
      ])('begins at %s', async (_from, position, index) => {
        const { partition, event } = first();
        const received = await receive([partition], (some) => some.some(isOfDevice), {
          startPosition: position(event),
        });
        expect(received.find(isOfDevice)?.event.sequenceNumber).toBe(stream[index]?.event.sequenceNumber);
      });
      const isOfDevice = ({ event }: Received): boolean => event.properties?.['deviceId'] === device;

      test('with a higher owner level takes the place of a lower one', async () => {
        const { partition } = first();
        const startPosition = { enqueuedOn: since };
        let isAttached = (): void => {};
        const attached = new Promise<void>((resolve) => (isAttached = resolve));
        const lower = receive([partition], (some) => (some.length > 0 && isAttached(), false), {
          startPosition,
          ownerLevel: 1,
        });
        const stolen = lower.catch((error: unknown) => error);
        await attached;
        await receive([partition], (some) => some.length > 0, { startPosition, ownerLevel: 2 });
        expect(await stolen).toMatchObject({ code: 'ReceiverDisconnectedError' });
      });

      test.each([
        ['a wrong key', /SharedAccessKey=[^;]+/, 'SharedAccessKey=aGVsbG8='],
        ['an unknown policy', /SharedAccessKeyName=[^;]+/, 'SharedAccessKeyName=nobody'],
      ])('is refused %s', async (_row, what, by) => {
        await expect(consumer(connectionString.replace(what, by)).getPartitionIds()).rejects.toMatchObject({
          code: 'UnauthorizedError',
        });
      });

      test.skipIf(isReal)('may be of the policies iothubowner and service, on the embedded hub alone', async () => {
        const texts = ['iothubowner', 'service', 'registryReadWrite', 'device'].map((name) =>
          target().embedded().eventsConnectionString(name),
        );
        expect(texts.map((text) => text !== undefined)).toEqual([true, true, false, false]);
        for (const text of texts.slice(0, 2)) expect(await consumer(text).getPartitionIds()).toEqual(ids);
      });
    });
  });
});
