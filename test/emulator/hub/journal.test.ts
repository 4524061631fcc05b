// Restoring: what was journalled and dumped is the whole state.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { HubDump, JournalRecord } from '../../../src/emulator/hub/journal.ts';
import { ServiceError } from '../../../src/emulator/hub/service-error.ts';
import * as arbitrary from './arbitrary-json.ts';
import { hubWithModule, MODULE, newHub, START_MS } from './new-hub.ts';

const deviceId = fc.constantFrom('a', 'b');
const moduleId = fc.constantFrom('m', 'n');
const ref = fc.record({ deviceId, moduleId: fc.option(moduleId, { nil: undefined }) });

const configurationId = fc.constantFrom('c1', 'c2');
const jobId = fc.constantFrom('j1', 'j2', 'j3');

/** Time that passes between requests, with what the hub does by itself. */
interface SteppedClock extends Clock {
  pass(ms: number): void;
}

function steppedClock(): SteppedClock {
  let now = START_MS;
  let timers: { readonly dueMs: number; readonly callback: () => void }[] = [];
  return {
    now: () => now,
    schedule: (delayMs, callback) => {
      const timer = { dueMs: now + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass: (ms) => {
      now += ms;
      const due = timers.filter(({ dueMs }) => dueMs <= now);
      timers = timers.filter(({ dueMs }) => dueMs > now);
      for (const { callback } of due) callback();
    },
  };
}

/** Any request, most of which mean something by the time they are made. */
const request: fc.Arbitrary<(hub: IotHub, clock: SteppedClock) => unknown> = fc.oneof(
  deviceId.map((id) => (hub: IotHub) => hub.createDevice(id, {})),
  fc.tuple(deviceId, fc.boolean()).map(
    ([id, iotEdge]) =>
      (hub: IotHub) =>
        hub.putDevice(id, { capabilities: { iotEdge } }, '*'),
  ),
  fc.tuple(deviceId, moduleId).map(
    ([id, module]) =>
      (hub: IotHub) =>
        hub.putModule(id, module, {}, undefined),
  ),
  deviceId.map((id) => (hub: IotHub) => hub.deleteDevice(id, '*')),
  fc.tuple(deviceId, moduleId).map(
    ([id, module]) =>
      (hub: IotHub) =>
        hub.deleteModule(id, module, '*'),
  ),
  fc.tuple(ref, arbitrary.patch, arbitrary.patch).map(
    ([ref, tags, desired]) =>
      (hub: IotHub) =>
        hub.patchTwin(ref, { tags, properties: { desired } }),
  ),
  fc.tuple(ref, arbitrary.section).map(
    ([ref, desired]) =>
      (hub: IotHub) =>
        hub.replaceTwin(ref, { properties: { desired } }),
  ),
  fc.tuple(ref, arbitrary.patch).map(([ref, reported]) => (hub: IotHub) => {
    const connection = hub.connect(ref, () => {});
    connection.report(reported);
    connection.close();
  }),
  fc.tuple(configurationId, arbitrary.section, fc.nat(3), fc.boolean()).map(
    ([id, desired, priority, isUpdate]) =>
      (hub: IotHub) =>
        hub.putConfiguration(
          id,
          { content: { deviceContent: { 'properties.desired': desired } }, targetCondition: '*', priority },
          isUpdate ? '"*"' : undefined,
        ),
  ),
  configurationId.map((id) => (hub: IotHub) => hub.deleteConfiguration(id, undefined)),
  fc.tuple(jobId, arbitrary.patch).map(
    ([id, tags]) =>
      (hub: IotHub) =>
        hub.createJob(id, { type: 'scheduleUpdateTwin', queryCondition: '*', updateTwin: { etag: '*', tags } }),
  ),
  jobId.map((id) => (hub: IotHub) => hub.cancelJob(id)),
  fc.constantFrom(1000, 5 * 60_000).map((ms) => (_hub: IotHub, clock: SteppedClock) => clock.pass(ms)),
);

function attempt(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}

/** As read back from a file. */
function stored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

describe('a restored hub', () => {
  test('equals the one that was journalled, from any snapshot on, and however often it is replayed', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), fc.nat(30), (requests, cut) => {
        const clock = steppedClock();
        const { hub, options, records } = newHub({ clock });
        let dump: HubDump = hub.dump();
        let dumpedAt = 0;
        for (const [index, run] of requests.entries()) {
          if (index === cut) [dump, dumpedAt] = [hub.dump(), records.length];
          attempt(() => run(hub, clock));
        }
        const want = stored(hub.dump());
        const after = stored(records.slice(dumpedAt));
        const histories: [HubDump | undefined, JournalRecord[]][] = [
          [dump, after],
          [undefined, stored(records)],
          [dump, [...after, ...after]],
          [want, stored(records)],
          [want, after],
        ];
        for (const [start, history] of histories) {
          const again = IotHub.restore(options, start && stored(start), history);
          expect(again.dump()).toEqual(want);
          expect(again.statistics()).toEqual(hub.statistics());
          expect(again.listConfigurations()).toEqual(hub.listConfigurations());
          expect(again.listJobs()).toEqual(hub.listJobs());
          for (const { deviceId } of hub.listDevices()) {
            expect(again.listModules(deviceId as string)).toEqual(hub.listModules(deviceId as string));
          }
        }
      }),
    );
  });

  test('has no module without its device, where a replay starts over a state that is further on', () => {
    const { hub, options, records } = hubWithModule();
    const before = records.length;
    hub.patchTwin(MODULE, { tags: { a: 1 } });
    hub.deleteDevice('d', '*');
    const again = IotHub.restore(options, hub.dump(), records.slice(before));
    expect(again.query('SELECT * FROM devices.modules').items).toEqual([]);
    expect(again.dump()).toEqual(hub.dump());
  });

  test('answers lists and queries in the same order', () => {
    const { hub, options, records } = newHub();
    for (const id of ['c', 'a', 'b']) hub.createDevice(id, { capabilities: { iotEdge: id === 'a' } });
    hub.deleteDevice('c', '*');
    hub.createDevice('c', {});
    const again = IotHub.restore(options, undefined, records);
    for (const source of ['devices', 'devices.modules']) {
      expect(again.query(`SELECT * FROM ${source}`)).toEqual(hub.query(`SELECT * FROM ${source}`));
    }
    expect(again.listDevices()).toEqual(hub.listDevices());
  });

  test('has no connections, and keys and generations as before', () => {
    const { hub, options, records } = hubWithModule();
    hub.connect(MODULE, () => {});
    const again = IotHub.restore(options, hub.dump(), records);
    expect(again.getTwin(MODULE)['connectionState']).toBe('Disconnected');
    expect(again.identityKeys(MODULE)).toEqual(hub.identityKeys(MODULE));
    expect(again.getDevice('d')).toEqual(hub.getDevice('d'));
  });

  test('goes on journalling', () => {
    const { hub, options, records } = hubWithModule();
    const again = IotHub.restore(options, hub.dump());
    const before = records.length;
    again.patchTwin(MODULE, { tags: { a: 1 } });
    expect(records).toHaveLength(before + 1);
  });
});

describe('the journal', () => {
  test('gets one record for each change and none for what is refused or read', () => {
    const { hub, records } = hubWithModule();
    const counted = (run: () => unknown) => {
      const before = records.length;
      attempt(run);
      return records.length - before;
    };
    expect(counted(() => hub.createDevice('e', { capabilities: { iotEdge: true } }))).toBe(1);
    expect(counted(() => hub.deleteDevice('e', '*'))).toBe(1);
    expect(counted(() => hub.patchTwin(MODULE, { tags: { a: 1 } }))).toBe(1);
    expect(counted(() => hub.patchTwin(MODULE, {}))).toBe(0);
    expect(counted(() => hub.createDevice('d', {}))).toBe(0);
    expect(counted(() => hub.patchTwin(MODULE, { tags: { a: 1 } }, '"stale"'))).toBe(0);
    expect(counted(() => hub.query('SELECT * FROM devices'))).toBe(0);
  });

  test('comes before the change: if it fails, nothing has happened and no event is sent', () => {
    let isFull = false;
    const journal = {
      append: () => {
        if (isFull) throw new Error('disk full');
      },
    };
    const { hub } = hubWithModule({ journal });
    let heard = 0;
    hub.connect(MODULE, () => (heard += 1));
    const before = hub.dump();
    isFull = true;
    expect(() => hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } })).toThrow('disk full');
    expect(() => hub.deleteDevice('d', '*')).toThrow('disk full');
    expect(() => hub.createDevice('e', {})).toThrow('disk full');
    expect(hub.dump()).toEqual(before);
    expect(heard).toBe(0);
  });
});
