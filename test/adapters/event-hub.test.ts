// The change feed's failures when the endpoint misbehaves. Tests of `doctor` and `run` cover its content.
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
import type { Change } from '../../src/model/change.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { ChangeFeed } from '../../src/ports/change-feed.ts';
import type { Clock } from '../../src/ports/clock.ts';
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
const feedOf = (connectionString = service(), by: Clock = systemClock): ChangeFeed =>
  eventHubFeed({ connectionString, timeoutMs: 10_000, lossNoticedMs: 50, clock: by });

/** An exclusive reader of the partition of d0, once it is connected. */
async function readAlone(): Promise<EventHubConsumerClient> {
  hub.createDevice('d0', { deviceId: 'd0' });
  const alone = new EventHubConsumerClient('$Default', service(), { retryOptions: { maxRetries: 0 } });
  const { promise: isReading, resolve } = Promise.withResolvers<void>();
  const handlers = { processEvents: async () => resolve(), processError: async () => {} };
  const startPosition = { sequenceNumber: 0, isInclusive: true };
  alone.subscribe(partitionOf('d0', 4).toString(), handlers, { ownerLevel: 1, startPosition });
  await isReading;
  return alone;
}

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
    const alone = await readAlone();
    await expect(feedOf().probe(never)).rejects.toMatchObject({
      code: 'Unavailable',
      message: 'Could not read the change events: another reader uses the consumer group $Default exclusively.',
    });
    await alone.close();
  });
});

describe('a watch', () => {
  interface Watch {
    readonly isOpen: Promise<void>;
    /** Resolves with this many changes. */
    next(count: number): Promise<readonly Change[]>;
    readonly ended: Promise<unknown>;
    stop(): void;
  }

  function watch(feed = feedOf()): Watch {
    const stopping = new AbortController();
    const open = Promise.withResolvers<void>();
    const changes: Change[] = [];
    let wanted: { readonly count: number; readonly resolve: (changes: readonly Change[]) => void } | undefined;
    const give = (): void => {
      if (wanted !== undefined && changes.length >= wanted.count) wanted.resolve(changes.splice(0));
    };
    const onChange = (change: Change): void => {
      changes.push(change);
      give();
    };
    const ended = feed.watch({ onOpen: open.resolve, onChange }, stopping.signal).catch((error: unknown) => {
      open.reject(error);
      return error;
    });
    open.promise.catch(() => {});
    return {
      isOpen: open.promise,
      next: (count) =>
        new Promise((resolve) => {
          wanted = { count, resolve };
          give();
        }),
      ended,
      stop: () => stopping.abort(),
    };
  }

  test('tells of changes from its beginning on, of every partition, as what they are', async () => {
    hub.createDevice('before', { deviceId: 'before' });
    const watching = watch();
    await watching.isOpen;
    for (let index = 0; index < 8; index += 1) hub.createDevice(`d${index}`, { deviceId: `d${index}` });
    const changes = await watching.next(8);
    expect(changes.map(({ deviceId }) => deviceId).toSorted()).toEqual([
      'd0',
      'd1',
      'd2',
      'd3',
      'd4',
      'd5',
      'd6',
      'd7',
    ]);
    const ref = { deviceId: 'd0', moduleId: 'm' };
    const hubName = 'acme-events';
    hub.putModule('d0', 'm', ref, undefined);
    hub.patchTwin(ref, { tags: { a: { b: 'é' } }, properties: { desired: { c: 1 } } }, undefined);
    hub.patchTwin({ deviceId: 'd0' }, { tags: { a: null } }, undefined);
    hub.connect(ref, () => {}).report({ r: 1 });
    expect(await watching.next(4)).toEqual([
      { hubName, ...ref, isLifecycle: true, isReplaced: false, tags: undefined, desiredVersion: undefined },
      { hubName, ...ref, isLifecycle: false, isReplaced: false, tags: { a: { b: 'é' } }, desiredVersion: 2 },
      {
        hubName,
        deviceId: 'd0',
        moduleId: undefined,
        isLifecycle: false,
        isReplaced: false,
        tags: { a: null },
        desiredVersion: undefined,
      },
      { hubName, ...ref, isLifecycle: false, isReplaced: false, tags: undefined, desiredVersion: undefined },
    ]);
    watching.stop();
    expect(await watching.ended).toMatchObject({ code: 'Aborted' });
  });

  test('ends where the endpoint goes away', async () => {
    const watching = watch();
    await watching.isOpen;
    hub.createDevice('d0', { deviceId: 'd0' });
    await watching.next(1);
    await events.close();
    expect(await watching.ended).toMatchObject({ name: 'HubError', code: 'Unavailable' });
  });

  test('ends where another reader takes a partition', async () => {
    const watching = watch();
    await watching.isOpen;
    hub.createDevice('d0', { deviceId: 'd0' });
    await watching.next(1);
    const other = new EventHubConsumerClient('$Default', service(), { retryOptions: { maxRetries: 0 } });
    const handlers = { processEvents: async () => {}, processError: async () => {} };
    other.subscribe(partitionOf('d0', 4).toString(), handlers, { ownerLevel: 1 });
    expect(await watching.ended).toMatchObject({ code: 'Unavailable' });
    await other.close();
  });

  test('is not open as long as another reader keeps one partition', async () => {
    const alone = await readAlone();
    const watching = watch();
    await expect(watching.isOpen).rejects.toMatchObject({ code: 'Unavailable' });
    await alone.close();
  });

  test('that can not begin fails by the same codes', async () => {
    const watching = watch(feedOf(service().replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=aGVsbG8=')));
    expect(await watching.ended).toMatchObject({ code: 'Unauthorized' });
  });

  test('lasts longer than the limit of its beginning', async () => {
    const watching = watch(feedOf(service(), clock));
    await watching.isOpen;
    await clock.advance(20_000);
    hub.createDevice('d0', { deviceId: 'd0' });
    expect(await watching.next(1)).toMatchObject([{ deviceId: 'd0' }]);
    watching.stop();
    await watching.ended;
    expect(clock.pending).toBe(0);
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
    const probing = feedOf(connectionString(), clock).probe(never);
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
