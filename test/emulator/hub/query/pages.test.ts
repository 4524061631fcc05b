// Pages: sizes, continuations, and what changes between them.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import type { JsonObject } from '../../../../src/model/json.ts';
import { newHub, refusal } from '../new-hub.ts';

/** All pages; `between` runs before each following one. */
function readAll(hub: IotHub, text: string, sizes: readonly number[], between: () => void = () => {}): JsonObject[][] {
  const pages: JsonObject[][] = [];
  let continuation: string | undefined;
  do {
    const page = hub.query(text, { pageSize: sizes[pages.length % sizes.length], continuation });
    pages.push(page.items);
    continuation = page.continuation;
    between();
  } while (continuation !== undefined);
  return pages;
}

function manyDevices(count: number): IotHub {
  const { hub } = newHub();
  for (let index = 0; index < count; index += 1) hub.createDevice(`d${index}`, {});
  return hub;
}

const SELECT_IDS = 'SELECT deviceId FROM devices';

describe('pages', () => {
  test('have 100 rows at most, whatever is asked for', () => {
    const hub = manyDevices(250);
    expect(readAll(hub, SELECT_IDS, [1000]).map((page) => page.length)).toEqual([100, 100, 50]);
    expect(hub.query(SELECT_IDS).items).toHaveLength(100);
    expect(hub.query(SELECT_IDS, { pageSize: 7 }).items).toHaveLength(7);
  });

  test('end without a continuation, a full last page too', () => {
    const hub = manyDevices(10);
    expect(readAll(hub, SELECT_IDS, [5]).map((page) => page.length)).toEqual([5, 5]);
    expect(hub.query('SELECT * FROM devices.modules')).toEqual({ itemType: 'Twin', items: [] });
  });

  test('may shrink on the way', () => {
    const pages = readAll(manyDevices(12), SELECT_IDS, [5, 4, 3]);
    expect(pages.map((page) => page.length)).toEqual([5, 4, 3]);
    expect(new Set(pages.flat().map(({ deviceId }) => deviceId)).size).toBe(12);
  });

  test('stop at TOP', () => {
    const hub = manyDevices(20);
    expect(readAll(hub, 'SELECT TOP 12 deviceId FROM devices', [5]).map((page) => page.length)).toEqual([5, 5, 2]);
    expect(readAll(hub, 'SELECT TOP 10 deviceId FROM devices', [5]).map((page) => page.length)).toEqual([5, 5]);
  });

  test('work for groups and for pinned devices', () => {
    const hub = manyDevices(7);
    expect(
      readAll(hub, 'SELECT deviceId, COUNT() AS n FROM devices GROUP BY deviceId', [3]).map((page) => page.length),
    ).toEqual([3, 3, 1]);
    const text = "SELECT deviceId FROM devices WHERE deviceId IN ['d6', 'd0', 'd3']";
    expect(readAll(hub, text, [2])).toEqual([[{ deviceId: 'd0' }, { deviceId: 'd3' }], [{ deviceId: 'd6' }]]);
  });

  test('refuse a continuation that is none, or of another query', () => {
    const hub = manyDevices(10);
    const { continuation = '' } = hub.query(SELECT_IDS, { pageSize: 5 });
    const other = Buffer.from(JSON.stringify({ query: 'x', next: 1, given: 0 })).toString('base64url');
    for (const token of ['', 'x', 'bnVsbA', 'W10', '{}', other, `${continuation}x`.slice(3)]) {
      expect(refusal(() => hub.query(SELECT_IDS, { continuation: token }))).toMatchObject({
        status: 400,
        text: 'BadRequest',
      });
    }
    expect(refusal(() => hub.query('SELECT * FROM devices', { continuation }))).toMatchObject({ status: 400 });
    for (const pageSize of [0, -1, 1.5, NaN]) {
      expect(refusal(() => hub.query(SELECT_IDS, { pageSize }))).toMatchObject({ status: 400 });
    }
  });

  test('show every row that stays exactly once, whatever comes and goes meanwhile', () => {
    const change = fc.record({ create: fc.nat(3), remove: fc.array(fc.nat(79), { maxLength: 25 }), touch: fc.nat(79) });
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 20 }),
        (changes, size) => {
          const hub = manyDevices(80);
          const gone = new Set<string>();
          let turn = 0;
          const rows = readAll(hub, SELECT_IDS, [size], () => {
            const { create, remove, touch } = changes[turn % changes.length] ?? { create: 0, remove: [], touch: 0 };
            turn += 1;
            if (turn > changes.length) return;
            for (let index = 0; index < create; index += 1) hub.createDevice(`new-${turn}-${index}`, {});
            for (const id of new Set(remove.map((index) => `d${index}`)).difference(gone)) {
              hub.deleteDevice(id, '*');
              gone.add(id);
            }
            if (!gone.has(`d${touch}`)) hub.patchTwin({ deviceId: `d${touch}` }, { tags: { t: turn } });
          })
            .flat()
            .map(({ deviceId }) => deviceId as string);
          expect(new Set(rows).size).toBe(rows.length);
          const stayed = Array.from({ length: 80 }, (_, index) => `d${index}`).filter((id) => !gone.has(id));
          expect(rows.filter((id) => stayed.includes(id))).toEqual(stayed);
        },
      ),
      { numRuns: 50 },
    );
  });
});
