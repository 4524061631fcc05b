// The way in, through the in-process port: turns, quota, counters, and every fault that can be ordered.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fault, FaultRule } from '../../src/emulator/faults/fault.ts';
import { FrontDoor } from '../../src/emulator/front-door.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import type { ThrottleSettings } from '../../src/emulator/throttles/throttles.ts';
import { HubError } from '../../src/model/errors.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { Hub } from '../../src/ports/hub.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { MODULE } from './hub/new-hub.ts';

const { signal } = new AbortController();
const FIRST_ETAG = 'AAAAAAAAAAE=';
const TIMEOUT_MS = 60_000;

interface Fixture {
  readonly clock: TestClock;
  readonly iot: IotHub;
  readonly front: FrontDoor;
  readonly hub: Hub;
}

/** A hub with device `d`, its module `m`, and this many other devices. */
function createFixture({ others = 0, throttle }: { others?: number; throttle?: ThrottleSettings } = {}): Fixture {
  const clock = createTestClock();
  const iot = new IotHub({ hostName: 'acme-prod.azure-devices.net', clock, random: createSeededRandom(1) });
  iot.createDevice('d', {});
  iot.putModule('d', 'm', {}, undefined);
  for (let index = 0; index < others; index += 1) iot.createDevice(`o${index}`, {});
  const front = new FrontDoor({ hub: iot, clock, random: createSeededRandom(2), throttle });
  return { clock, iot, front, hub: inProcessHub(iot, { front, clock, timeoutMs: TIMEOUT_MS }) };
}

/** How a call ended, and when: `answered`, or the code of its error. */
interface Ended {
  end: string;
  at: number;
}

function follow(clock: TestClock, call: Promise<unknown>): Ended {
  const start = clock.now();
  const ended = { end: 'open', at: NaN };
  const close = (end: string): void => void Object.assign(ended, { end, at: clock.now() - start });
  call.then(
    () => close('answered'),
    (error: unknown) => close(error instanceof HubError ? (error.serviceCode ?? error.code) : String(error)),
  );
  return ended;
}

async function run(clock: TestClock, call: Promise<unknown>): Promise<string> {
  const ended = follow(clock, call);
  await clock.flush();
  return ended.end;
}

async function idsOf(hub: Hub): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of hub.listDevices(signal)) ids.push(...page.map(({ deviceId }) => deviceId));
  return ids;
}

function patch(hub: Hub, etag = FIRST_ETAG): Promise<unknown> {
  return hub.patchModuleTwin(MODULE, { tags: { a: 1 } }, etag, signal);
}

const S1: ThrottleSettings = { tier: 'S1', units: 1, burstSeconds: 1, backlogSeconds: 1 };

describe('a throttled hub', () => {
  test('takes a burst at once, lets others wait for their turn and refuses the rest', async () => {
    const { clock, hub, front } = createFixture({ throttle: S1 });
    const calls = Array.from({ length: 250 }, () => follow(clock, hub.getModuleTwin(MODULE, signal)));
    await clock.advance(0);
    expect(calls.filter(({ end }) => end === 'answered')).toHaveLength(100);
    expect(calls.filter(({ end }) => end === 'ThrottlingBacklogTimeout')).toHaveLength(50);
    await clock.advance(500);
    expect(calls.filter(({ end }) => end === 'answered')).toHaveLength(150);
    await clock.advance(500);
    expect(calls.filter(({ end }) => end === 'answered')).toHaveLength(200);
    expect(front.counters.classes.twinReads).toMatchObject({ calls: 250, answered: 200, throttled: 50, queued: 100 });
  });

  test('limits each class apart, devices and modules together', async () => {
    const { clock, hub } = createFixture({ throttle: { ...S1, backlogSeconds: 0 } });
    for (let index = 0; index < 50; index += 1) await hub.getModuleTwin(MODULE, signal);
    for (let index = 0; index < 50; index += 1) await hub.getDeviceTwin('d', signal);
    expect(await run(clock, hub.getDeviceTwin('d', signal))).toBe('ThrottlingBacklogTimeout');
    expect(await run(clock, patch(hub))).toBe('answered');
    for (let index = 0; index < 500; index += 1) await hub.countDevices(signal);
  });

  test('counts each page of a list as a query', async () => {
    const { clock, hub } = createFixture({ others: 250, throttle: { ...S1, burstSeconds: 9, backlogSeconds: 0 } });
    expect(await run(clock, idsOf(hub))).toBe('answered');
    expect(await run(clock, idsOf(hub))).toBe('ThrottlingBacklogTimeout');
  });

  test('is rested again when its limits change, and has none when they go', async () => {
    const { clock, hub, front } = createFixture({ throttle: { ...S1, rates: { twinReads: 1 }, backlogSeconds: 0 } });
    await hub.getDeviceTwin('d', signal);
    expect(await run(clock, hub.getDeviceTwin('d', signal))).toBe('ThrottlingBacklogTimeout');
    front.setThrottle({ ...S1, rates: { twinReads: 2 } });
    for (let index = 0; index < 2; index += 1) await hub.getDeviceTwin('d', signal);
    front.setThrottle(undefined);
    for (let index = 0; index < 1000; index += 1) await hub.getDeviceTwin('d', signal);
  });

  test('answers or refuses every call, and the counters add up', async () => {
    const call = fc.record({
      kind: fc.constantFrom('read', 'write', 'query', 'create', 'missing'),
      afterMs: fc.nat(300),
    });
    const fault = fc.constantFrom<Fault>(
      { kind: 'reset' },
      { kind: 'reset', when: 'after' },
      { kind: 'refusal', code: 'ServerError' },
      { kind: 'refusal', code: 'ThrottlingException', when: 'after' },
      { kind: 'latency', ms: 700 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), fault, async (calls, ordered) => {
        const { clock, iot, hub, front } = createFixture({
          throttle: { ...S1, rates: { twinReads: 2, twinUpdates: 1, queries: 1, identities: 1 } },
        });
        front.faults.set([{ probability: 0.3, fault: ordered }]);
        const make = {
          read: () => hub.getModuleTwin(MODULE, signal),
          write: () => patch(hub),
          query: () => idsOf(hub),
          create: () => hub.createModule({ deviceId: 'd', moduleId: 'n' }, signal),
          missing: () => hub.getDeviceTwin('x', signal),
        };
        const ended: Ended[] = [];
        for (const { kind, afterMs } of calls) {
          ended.push(follow(clock, make[kind]()));
          await clock.advance(afterMs);
        }
        await clock.advance(5000);
        expect(ended.filter(({ end }) => end === 'open')).toEqual([]);
        expect(clock.pending).toBe(0);
        const { classes, total } = front.counters;
        for (const one of [...Object.values(classes), total]) {
          expect(one.answered + one.refused + one.throttled + one.cut).toBe(one.calls);
        }
        expect(total.calls).toBe(calls.length);
        expect(total.answered).toBe(ended.filter(({ end }) => end === 'answered').length);
        const record = iot.dump().identities.find(({ moduleId }) => moduleId === 'm');
        expect(record?.twinEtag).toBe(1 + classes.twinUpdates.writes);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the daily quota', () => {
  const FREE: ThrottleSettings = { tier: 'F1', units: 1, dailyMessages: 4 };

  test('is used by reads, updates and queries, and by nothing else', async () => {
    const { clock, hub, front } = createFixture({ throttle: { ...FREE, dailyMessages: 1000 } });
    await hub.createModule({ deviceId: 'd', moduleId: 'n' }, signal);
    await hub.countDevices(signal);
    expect(front.counters.messagesToday).toBe(0);
    await hub.getModuleTwin(MODULE, signal);
    await patch(hub);
    await idsOf(hub);
    await run(clock, hub.getDeviceTwin('x', signal));
    const { classes, messagesToday } = front.counters;
    // A fresh module twin has between 512 and 1024 bytes.
    expect([classes.twinReads, classes.twinUpdates, classes.queries].map(({ messages }) => messages)).toEqual([
      2, 1, 1,
    ]);
    expect(messagesToday).toBe(4);
  });

  test('counts an update by what is sent and everything else by what is answered, in whole messages', async () => {
    const { hub, front } = createFixture({ others: 30 });
    await hub.patchModuleTwin(MODULE, { tags: { a: 'x'.repeat(4000), b: 'y'.repeat(1000) } }, FIRST_ETAG, signal);
    await hub.getModuleTwin(MODULE, signal);
    await idsOf(hub);
    const { classes } = front.counters;
    expect([classes.twinReads, classes.twinUpdates, classes.queries].map(({ messages }) => messages)).toEqual([
      2, 2, 1,
    ]);
  });

  test('once used up refuses what is metered until the next day', async () => {
    const { clock, hub, front } = createFixture({ throttle: FREE });
    for (let index = 0; index < 2; index += 1) await hub.getModuleTwin(MODULE, signal);
    for (const call of [() => hub.getModuleTwin(MODULE, signal), () => patch(hub), () => idsOf(hub)]) {
      expect(await run(clock, call())).toBe('IotHubQuotaExceeded');
    }
    await hub.createModule({ deviceId: 'd', moduleId: 'n' }, signal);
    front.resetCounters();
    expect(front.messagesSpent).toBe(4);
    expect(await run(clock, hub.getModuleTwin(MODULE, signal))).toBe('IotHubQuotaExceeded');
    await clock.advance(12 * 3_600_000);
    expect(await run(clock, hub.getModuleTwin(MODULE, signal))).toBe('answered');
  });
});

describe('a fault', () => {
  function order(rule: FaultRule, others = 0): Fixture {
    const fixture = createFixture({ others });
    fixture.front.faults.set([rule]);
    return fixture;
  }

  const rows: [sentence: string, fault: Fault, end: string, landed: boolean, afterMs: number][] = [
    ['a reset before leaves the twin alone', { kind: 'reset' }, 'Unavailable', false, 0],
    ['a reset after has written', { kind: 'reset', when: 'after' }, 'Unavailable', true, 0],
    ['a 500 before leaves the twin alone', { kind: 'refusal', code: 'ServerError' }, 'ServerError', false, 0],
    [
      'a 503 after has written',
      { kind: 'refusal', code: 'ServiceUnavailable', when: 'after' },
      'ServiceUnavailable',
      true,
      0,
    ],
    ['a 429 is one', { kind: 'refusal', code: 'ThrottlingException' }, 'ThrottlingException', false, 0],
    ['latency answers late', { kind: 'latency', ms: 3000 }, 'answered', true, 3000],
    ['latency after has written long before', { kind: 'latency', ms: 3000, when: 'after' }, 'answered', true, 3000],
    [
      'a device that vanishes',
      { kind: 'action', action: { kind: 'delete', deviceId: 'd' } },
      'DeviceNotFound',
      false,
      0,
    ],
    ['a recreated module, with the etag it had', { kind: 'action', action: { kind: 'recreate' } }, 'answered', true, 0],
  ];
  test.each(rows)('%s', async (_sentence, fault, end, landed, afterMs) => {
    const { clock, iot, hub } = order({ on: { classes: ['twinUpdates'] }, fault });
    const ended = follow(clock, patch(hub));
    await clock.advance(5000);
    expect(ended).toEqual({ end, at: afterMs });
    const tags = iot.dump().identities.find(({ moduleId }) => moduleId === 'm')?.tags ?? {};
    expect(tags).toEqual(landed ? { a: 1 } : {});
  });

  test('that answers late is too late for the port, and has written', async () => {
    const { clock, iot, hub, front } = order({ fault: { kind: 'latency', ms: 2 * TIMEOUT_MS, when: 'after' } });
    const ended = follow(clock, patch(hub));
    await clock.advance(TIMEOUT_MS);
    expect(ended).toEqual({ end: 'Timeout', at: TIMEOUT_MS });
    expect(iot.getTwin(MODULE)['tags']).toEqual({ a: 1 });
    await clock.advance(TIMEOUT_MS);
    expect(front.counters.classes.twinUpdates).toMatchObject({ answered: 1, writes: 1 });
  });

  test('that waits ends at once for a caller who stops', async () => {
    const { clock, hub } = order({ fault: { kind: 'latency', ms: 1000 } });
    const abort = new AbortController();
    const ended = follow(clock, hub.getModuleTwin(MODULE, abort.signal));
    await clock.advance(10);
    abort.abort();
    await clock.flush();
    expect(ended).toEqual({ end: 'Aborted', at: 10 });
  });

  test('that waits ends with the hub, and leaves no timer', async () => {
    const { clock, hub, front, iot } = order({ fault: { kind: 'latency', ms: 10 * TIMEOUT_MS } });
    const ended = follow(clock, patch(hub));
    await clock.flush();
    front.close();
    await clock.advance(TIMEOUT_MS);
    expect([ended.end, clock.pending]).toEqual(['Timeout', 0]);
    expect(iot.getTwin(MODULE)).not.toHaveProperty('tags');
  });

  test('hides a refusal too', async () => {
    const { clock, hub } = order({ fault: { kind: 'reset', when: 'after' } });
    expect(await run(clock, patch(hub, 'AAAAAAAAAAk='))).toBe('Unavailable');
  });

  const wipes: [sentence: string, fault: Fault, want: object][] = [
    ['wipes tags', { kind: 'action', action: { kind: 'wipeTags' }, when: 'after' }, { etag: 'AAAAAAAAAAM=' }],
    [
      'falls back',
      { kind: 'action', action: { kind: 'failOver', lossMs: 60_000 }, when: 'after' },
      { etag: FIRST_ETAG },
    ],
    ['recreates', { kind: 'action', action: { kind: 'recreate' }, when: 'after' }, { etag: FIRST_ETAG }],
  ];
  test.each(wipes)('that %s after a write leaves its answer and nothing else of it', async (_sentence, fault, want) => {
    const { iot, hub, front } = createFixture();
    iot.setHistory(60_000);
    front.faults.set([{ on: { classes: ['twinUpdates'] }, fault }]);
    expect(await patch(hub)).toMatchObject({ etag: 'AAAAAAAAAAI=', tags: { a: 1 } });
    expect(await hub.getModuleTwin(MODULE, signal)).toMatchObject(want);
    expect((await hub.getModuleTwin(MODULE, signal)).tags).toBeUndefined();
  });

  test('recreates a device with its modules, edge modules too', () => {
    const { iot, front } = createFixture();
    iot.createDevice('e', { status: 'disabled', capabilities: { iotEdge: true } });
    iot.putModule('e', 'm', {}, undefined);
    const before = iot.getDevice('e');
    expect(front.perform({ kind: 'recreate', deviceId: 'e', withModules: true })).toBe(true);
    expect(iot.getDevice('e')).toMatchObject({ status: 'disabled', capabilities: { iotEdge: true } });
    expect(iot.getDevice('e')['generationId']).not.toBe(before['generationId']);
    expect(iot.listModules('e').map(({ moduleId }) => moduleId)).toEqual(['$edgeAgent', '$edgeHub', 'm']);
    expect(front.perform({ kind: 'recreate', deviceId: 'e' })).toBe(true);
    expect(iot.listModules('e')).toHaveLength(2);
    expect(front.perform({ kind: 'delete', deviceId: 'x' })).toBe(false);
  });

  test('of a clock that is ahead makes every token too old', async () => {
    const { clock, hub, front } = createFixture();
    front.clockSkewMs = 3_600_000;
    expect(await run(clock, hub.getModuleTwin(MODULE, signal))).toBe('IotHubUnauthorizedAccess');
    front.clockSkewMs = 3_599_999;
    expect(await run(clock, hub.getModuleTwin(MODULE, signal))).toBe('answered');
  });

  const pages: [sentence: string, fault: Fault, nth: number, want: string, count: number][] = [
    ['drops the first page', { kind: 'droppedPage' }, 1, 'answered', 151],
    ['drops the last page', { kind: 'droppedPage' }, 3, 'answered', 200],
    ['answers with nothing at all', { kind: 'emptyPage' }, 1, 'answered', 0],
    ['ends with an empty page', { kind: 'emptyPage' }, 2, 'answered', 100],
    ['forgets that more would follow', { kind: 'missingContinuation' }, 2, 'answered', 200],
    ['gives a continuation it will not take', { kind: 'truncatedContinuation' }, 1, 'ArgumentInvalid', 100],
    ['has none to spoil on the last page', { kind: 'truncatedContinuation' }, 3, 'answered', 251],
  ];
  test.each(pages)('%s', async (_sentence, fault, nth, want, count) => {
    const { clock, hub } = order({ on: { source: 'devices' }, skip: nth - 1, count: 1, fault }, 250);
    const ids: string[] = [];
    const list = async (): Promise<void> => {
      for await (const page of hub.listDevices(signal)) ids.push(...page.map(({ deviceId }) => deviceId));
    };
    expect(await run(clock, list())).toBe(want);
    expect([ids.length, new Set(ids).size]).toEqual([count, count]);
  });

  test('fails the Nth call of the hub, for every N', async () => {
    const ends: string[][] = [];
    for (let n = 0; n < 3; n += 1) {
      const { clock, hub } = order({ skip: n, count: 1, fault: { kind: 'reset' } });
      ends.push([]);
      for (const call of [() => idsOf(hub), () => hub.getModuleTwin(MODULE, signal), () => patch(hub)]) {
        ends[n]?.push(await run(clock, call()));
      }
    }
    expect(ends.map((row) => row.indexOf('Unavailable'))).toEqual([0, 1, 2]);
  });
});
