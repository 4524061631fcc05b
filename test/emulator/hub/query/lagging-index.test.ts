// Queries on an index that is behind: old rows, ghosts, and what direct reads say meanwhile.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import type { IndexLag } from '../../../../src/emulator/hub/query/lagging-index.ts';
import { hubWithModule, MODULE, newHub, type TestHub } from '../new-hub.ts';

const DEVICES = 'SELECT deviceId, tags.n AS n FROM devices';
const MODULES = 'SELECT deviceId, moduleId, tags.n AS n FROM devices.modules';

function rows(hub: IotHub, text: string, pageSize = 100): string[] {
  const all: string[] = [];
  let continuation: string | undefined;
  do {
    const page = hub.query(text, { pageSize, continuation });
    for (const { deviceId, moduleId, n } of page.items)
      all.push([deviceId, moduleId, n].filter((x) => x !== undefined).join('/'));
    continuation = page.continuation;
  } while (continuation !== undefined);
  return all;
}

function lagging(lag: IndexLag): TestHub {
  const test = hubWithModule();
  test.hub.setLag(lag);
  return test;
}

function tag(hub: IotHub, deviceId: string, n: number): void {
  hub.patchTwin({ deviceId }, { tags: { n } });
}

describe('a lag', () => {
  test('shows a write only once it is over, while direct reads see it at once', () => {
    const { hub, time } = lagging({ devices: 1000 });
    tag(hub, 'd', 1);
    time.now += 999;
    expect(rows(hub, DEVICES)).toEqual(['d']);
    expect(hub.getTwin({ deviceId: 'd' })['tags']).toEqual({ n: 1 });
    time.now += 1;
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
  });

  test('shows each of several writes in its time', () => {
    const { hub, time } = lagging({ devices: 1000 });
    for (let n = 1; n <= 3; n += 1) {
      tag(hub, 'd', n);
      time.now += 400;
    }
    const seen = [0, 400, 400].map((step) => {
      time.now += step;
      return rows(hub, DEVICES)[0];
    });
    expect(seen).toEqual(['d/1', 'd/2', 'd/3']);
  });

  test('is its own for devices and for modules', () => {
    const { hub } = lagging({ modules: 1000 });
    tag(hub, 'd', 1);
    hub.patchTwin(MODULE, { tags: { n: 1 } });
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
    expect(rows(hub, MODULES)).toEqual(['d/m']);
  });

  test('hides a new device and keeps a deleted one, whose modules stay too', () => {
    const { hub, time } = lagging({ devices: 1000, modules: 1000 });
    hub.createDevice('e', {});
    hub.deleteDevice('d', '*');
    expect(rows(hub, DEVICES)).toEqual(['d']);
    expect(rows(hub, MODULES)).toEqual(['d/m']);
    time.now += 1000;
    expect(rows(hub, DEVICES)).toEqual(['e']);
    expect(rows(hub, MODULES)).toEqual([]);
  });

  test('keeps what a condition says on the old row, also where the device is named', () => {
    const { hub } = lagging({ devices: 1000 });
    tag(hub, 'd', 1);
    expect(rows(hub, `${DEVICES} WHERE tags.n = 1`)).toEqual([]);
    expect(rows(hub, `${DEVICES} WHERE deviceId = 'd'`)).toEqual(['d']);
    hub.deleteDevice('d', '*');
    expect(rows(hub, `${DEVICES} WHERE deviceId IN ['d']`)).toEqual(['d']);
  });

  test('spreads over records, each always the same', () => {
    const { hub, time } = lagging({ devices: 1000, spread: 1000 });
    for (let index = 0; index < 100; index += 1) hub.createDevice(`n${index}`, {});
    time.now += 1000;
    const counts = [0, 500, 500].map((step) => {
      time.now += step;
      return rows(hub, DEVICES).length - 1;
    });
    expect(counts[0]).toBeLessThan(5);
    expect(counts[1]).toBeGreaterThan(25);
    expect(counts[1]).toBeLessThan(75);
    expect(counts[2]).toBe(100);
  });

  test('that is taken away is over at once, and one that comes later knows nothing of what was', () => {
    const { hub } = lagging({ devices: 1000 });
    tag(hub, 'd', 1);
    hub.setLag(undefined);
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
    hub.setLag({ devices: 1000 });
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
  });
});

describe('ghosts', () => {
  test('are listed long after other changes are seen', () => {
    const { hub, time } = hubWithModule();
    tag(hub, 'd', 1);
    hub.setLag({ devices: 1000, ghosts: 60_000 });
    hub.deleteDevice('d', '*');
    time.now += 59_999;
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
    time.now += 1;
    expect(rows(hub, DEVICES)).toEqual([]);
  });

  test('go when another of their name is seen', () => {
    const { hub, time } = hubWithModule();
    tag(hub, 'd', 1);
    hub.setLag({ devices: 1000, ghosts: 60_000 });
    hub.deleteDevice('d', '*');
    hub.createDevice('d', {});
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
    time.now += 999;
    expect(rows(hub, DEVICES)).toEqual(['d/1']);
    time.now += 1;
    expect(rows(hub, DEVICES)).toEqual(['d']);
  });
});

describe('pages', () => {
  function writeBetween(lag: IndexLag): string[] {
    const { hub, time } = newHub();
    for (const id of ['a', 'b']) hub.createDevice(id, {});
    hub.setLag(lag);
    for (const id of ['a', 'b']) tag(hub, id, 1);
    const first = hub.query(DEVICES, { pageSize: 1 });
    time.now += 1000;
    const second = hub.query(DEVICES, { pageSize: 1, continuation: first.continuation });
    return [...first.items, ...second.items].map(({ deviceId, n }) => `${String(deviceId)}/${String(n)}`);
  }

  test('show each its own time', () => {
    expect(writeBetween({ devices: 1000 })).toEqual(['a/undefined', 'b/1']);
  });

  test('show the time of the first where they are frozen', () => {
    expect(writeBetween({ devices: 1000, frozenPages: true })).toEqual(['a/undefined', 'b/undefined']);
  });
});

describe('whatever happens', () => {
  const step = fc.record({
    act: fc.constantFrom('create', 'delete', 'tag', 'wait'),
    device: fc.nat(3),
    ms: fc.integer({ min: 1, max: 900 }),
  });

  test('the index shows what was true so long ago', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, pageSize) => {
        const { hub, time } = newHub();
        hub.setLag({ devices: 1000 });
        const past: { at: number; rows: string[] }[] = [{ at: time.now - 1001, rows: [] }];
        steps.forEach(({ act, device, ms }, index) => {
          const id = `d${device}`;
          const isThere = hub.listDevices().some(({ deviceId }) => deviceId === id);
          if (act === 'create' && !isThere) hub.createDevice(id, {});
          if (act === 'delete' && isThere) hub.deleteDevice(id, '*');
          if (act === 'tag' && isThere) tag(hub, id, index);
          if (act === 'wait') time.now += ms;
          const live = hub.listDevices().map(({ deviceId }) => {
            const n = (hub.getTwin({ deviceId: String(deviceId) })['tags'] as { n?: number } | undefined)?.n;
            return n === undefined ? String(deviceId) : `${String(deviceId)}/${n}`;
          });
          past.push({ at: time.now, rows: live });
          const then = past.findLast(({ at }) => at <= time.now - 1000);
          expect(rows(hub, DEVICES, pageSize)).toEqual(then?.rows);
        });
      }),
      { numRuns: 100 },
    );
  });
});
