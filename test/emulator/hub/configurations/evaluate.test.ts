// The effects of configurations on twins, over time.
import { describe, expect, test } from 'vitest';
import { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import type { JsonObject } from '../../../../src/model/json.ts';
import { createTestClock, type TestClock } from '../../../support/test-clock.ts';
import { newHub, type TestHub } from '../new-hub.ts';

const SOON_MS = 1000;
const PERIOD_MS = 5 * 60_000;

interface Timed extends TestHub {
  readonly clock: TestClock;
}

/** Devices `d1` and `d2` in Lyon, `d3` elsewhere. */
function fleet(): Timed {
  const clock = createTestClock();
  const made = newHub({ clock });
  for (const id of ['d1', 'd2', 'd3']) made.hub.createDevice(id, {});
  for (const deviceId of ['d1', 'd2']) made.hub.patchTwin({ deviceId }, { tags: { site: 'lyon' } });
  return { ...made, clock };
}

function put(hub: IotHub, id: string, desired: object, more: object = {}): void {
  const content = { deviceContent: { 'properties.desired': desired } };
  hub.putConfiguration(id, { content, targetCondition: "tags.site = 'lyon'", ...more }, undefined);
}

function desiredOf(hub: IotHub, deviceId: string, moduleId?: string): JsonObject {
  const { properties } = hub.getTwin({ deviceId, moduleId }) as { properties: { desired: JsonObject } };
  const { $metadata: _metadata, $version: _version, ...desired } = properties.desired;
  return desired;
}

function metadataOf(hub: IotHub, deviceId: string): JsonObject {
  const { properties } = hub.getTwin({ deviceId }) as { properties: { desired: { $metadata: JsonObject } } };
  return properties.desired.$metadata;
}

describe('a new configuration', () => {
  test('reaches its twins soon, and no others', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3 });
    expect(desiredOf(hub, 'd1')).toEqual({});
    await clock.advance(SOON_MS);
    expect(['d1', 'd2', 'd3'].map((id) => desiredOf(hub, id))).toEqual([{ level: 3 }, { level: 3 }, {}]);
  });

  test('leaves its mark at the root and on the values, not on the objects around them', async () => {
    const { hub, clock } = fleet();
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { mine: 1 } } });
    put(hub, 'c', { cooling: { level: 3, modes: ['a'] } });
    await clock.advance(SOON_MS);
    expect(hub.getTwin({ deviceId: 'd1' })).toMatchObject({
      etag: 'AAAAAAAAAAQ=',
      version: 5,
      configurations: { c: { status: 'Applied' } },
      properties: { desired: { $version: 3 } },
    });
    const by = { $lastUpdatedBy: 'c', $lastUpdatedByDigest: expect.stringMatching(/^\d{18}$/) as string };
    const at = { $lastUpdated: '2026-11-23T12:00:01Z', $lastUpdatedVersion: 3 };
    expect(metadataOf(hub, 'd1')).toEqual({
      ...at,
      mine: { $lastUpdated: '2026-11-23T12:00:00Z', $lastUpdatedVersion: 2 },
      cooling: { ...at, level: { ...at, ...by }, modes: { ...at, ...by } },
    });
    expect(hub.getTwin({ deviceId: 'd3' })['configurations']).toBeUndefined();
  });

  test('is delivered like any desired patch, and gives a change event', async () => {
    const { hub, clock } = fleet();
    const heard: JsonObject[] = [];
    hub.connect({ deviceId: 'd1' }, (patch) => heard.push(patch));
    const told: string[] = [];
    hub.listen(({ operation, deviceId }) => told.push(`${operation} ${deviceId}`));
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    expect(heard).toEqual([{ level: 3, $version: 2 }]);
    expect(told).toEqual(['updateTwin d1', 'updateTwin d2']);
  });

  test('can be found by its status', async () => {
    const { hub, clock } = fleet();
    put(hub, 'my-config', { level: 3 });
    await clock.advance(SOON_MS);
    const text = "SELECT deviceId FROM devices WHERE configurations.[[my-config]].status = 'Applied'";
    expect(hub.query(text).items).toEqual([{ deviceId: 'd1' }, { deviceId: 'd2' }]);
  });

  test('removes a key with null', async () => {
    const { hub, clock } = fleet();
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { old: 1, kept: 2 } } });
    put(hub, 'c', { old: null, level: 3 });
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ kept: 2, level: 3 });
    expect(desiredOf(hub, 'd2')).toEqual({ level: 3 });
  });

  test('that sets a path reaches below what is there', async () => {
    const { hub, clock } = fleet();
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { a: { kept: 1 } } } });
    const content = { deviceContent: { 'properties.desired.a.b': { c: 1 } } };
    hub.putConfiguration('c', { content, targetCondition: "deviceId = 'd1'" }, undefined);
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ a: { kept: 1, b: { c: 1 } } });
  });

  test('for modules selects by the module’s own tags', async () => {
    const { hub, clock } = fleet();
    for (const moduleId of ['m', 'n']) hub.putModule('d1', moduleId, {}, undefined);
    hub.patchTwin({ deviceId: 'd1', moduleId: 'm' }, { tags: { env: 'test' } });
    const content = { moduleContent: { 'properties.desired.level': 1 } };
    hub.putConfiguration('c', { content, targetCondition: "from devices.modules where tags.env = 'test'" }, undefined);
    await clock.advance(SOON_MS);
    expect([desiredOf(hub, 'd1', 'm'), desiredOf(hub, 'd1', 'n'), desiredOf(hub, 'd1')]).toEqual([
      { level: 1 },
      {},
      {},
    ]);
    expect(hub.getTwin({ deviceId: 'd1', moduleId: 'm' })['configurations']).toEqual({ c: { status: 'Applied' } });
  });

  test('with an empty condition targets nothing, with a star all devices', async () => {
    const { hub, clock } = fleet();
    put(hub, 'none', { none: 1 }, { targetCondition: '' });
    put(hub, 'all', { all: 1 }, { targetCondition: '*' });
    await clock.advance(SOON_MS);
    expect(['d1', 'd3'].map((id) => desiredOf(hub, id))).toEqual([{ all: 1 }, { all: 1 }]);
  });

  test('that a twin has no room for skips it', async () => {
    const clock = createTestClock();
    const { hub } = newHub({ clock, limits: { desiredBytesMax: 40 } });
    for (const id of ['full', 'free']) hub.createDevice(id, {});
    hub.patchTwin({ deviceId: 'full' }, { properties: { desired: { a: 'x'.repeat(30) } } });
    put(hub, 'c', { b: 'y'.repeat(20) }, { targetCondition: '*' });
    await clock.advance(SOON_MS);
    expect(hub.getTwin({ deviceId: 'full' })['configurations']).toBeUndefined();
    expect(hub.getTwin({ deviceId: 'free' })['configurations']).toEqual({ c: { status: 'Applied' } });
  });
});

describe('time', () => {
  test('twins that come later are reached within five minutes', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    hub.patchTwin({ deviceId: 'd3' }, { tags: { site: 'lyon' } });
    await clock.advance(PERIOD_MS - 1);
    expect(desiredOf(hub, 'd3')).toEqual({});
    await clock.advance(1);
    expect(desiredOf(hub, 'd3')).toEqual({ level: 3 });
  });

  test('a run that has nothing to do writes nothing', async () => {
    const { hub, clock, records } = fleet();
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    const before = records.length;
    await clock.advance(3 * PERIOD_MS);
    expect(records).toHaveLength(before);
  });

  test('a value that another writer overwrote stays until the configuration changes, and is applied again then', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { level: 9 } } });
    expect(metadataOf(hub, 'd1')['level']).not.toHaveProperty('$lastUpdatedBy');
    await clock.advance(2 * PERIOD_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ level: 9 });
    const { etag: _etag, ...body } = hub.getConfiguration('c');
    hub.putConfiguration('c', { ...body, labels: { a: 'b' } }, '"*"');
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ level: 3 });
  });

  test('no timer waits where there is nothing to wait for', async () => {
    const { hub, clock } = fleet();
    expect(clock.pending).toBe(0);
    put(hub, 'c', { level: 3 });
    put(hub, 'b', { level: 3 });
    expect(clock.pending).toBe(1);
    await clock.advance(PERIOD_MS);
    expect(clock.pending).toBe(1);
    hub.deleteConfiguration('c', undefined);
    hub.deleteConfiguration('b', undefined);
    await clock.advance(SOON_MS);
    expect(clock.pending).toBe(0);
  });

  test('a closed hub does nothing more', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3 });
    hub.close();
    hub.close();
    await clock.advance(PERIOD_MS);
    expect(clock.pending).toBe(0);
    expect(desiredOf(hub, 'd1')).toEqual({});
  });

  test('a restored hub goes on, and ends what was deleted last', async () => {
    const { hub, clock, options } = fleet();
    put(hub, 'c', { level: 3 });
    const again = IotHub.restore(options, hub.dump());
    hub.close();
    await clock.advance(SOON_MS);
    expect(desiredOf(again, 'd1')).toEqual({ level: 3 });
    again.deleteConfiguration('c', undefined);
    again.close();
    const third = IotHub.restore(options, again.dump());
    expect(third.getTwin({ deviceId: 'd1' })['configurations']).toEqual({ c: { status: 'Applied' } });
    await clock.advance(SOON_MS);
    expect(third.getTwin({ deviceId: 'd1' })['configurations']).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('a journal that cannot be written is tried again', async () => {
    const clock = createTestClock();
    let isFull = false;
    const full = Object.assign(new Error('no space'), { syscall: 'write', code: 'ENOSPC' });
    const journal = {
      append: () => {
        if (isFull) throw full;
      },
    };
    const { hub } = newHub({ clock, journal });
    hub.createDevice('d1', {});
    put(hub, 'c', { level: 3 }, { targetCondition: '*' });
    isFull = true;
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({});
    isFull = false;
    await clock.advance(10_000);
    expect(desiredOf(hub, 'd1')).toEqual({ level: 3 });
  });
});

describe('several configurations on one twin', () => {
  const rows: [sentence: string, first: [object, number], second: [object, number], want: object, statuses: object][] =
    [
      ['the higher priority wins', [{ a: 1 }, 10], [{ a: 2 }, 5], { a: 1 }, { one: 'Applied', two: 'Targeted' }],
      ['of equal ones the later wins', [{ a: 1 }, 5], [{ a: 2 }, 5], { a: 2 }, { one: 'Targeted', two: 'Applied' }],
      [
        'each path for itself',
        [{ a: { x: 1, y: 1 } }, 10],
        [{ a: { y: 2, z: 2 } }, 5],
        { a: { x: 1, y: 1, z: 2 } },
        { one: 'Applied', two: 'Applied' },
      ],
      [
        'a scalar covers what is below',
        [{ a: 1 }, 10],
        [{ a: { b: 2 } }, 5],
        { a: 1 },
        { one: 'Applied', two: 'Targeted' },
      ],
      [
        'an object covers a scalar',
        [{ a: { b: 1 } }, 10],
        [{ a: 2 }, 5],
        { a: { b: 1 } },
        { one: 'Applied', two: 'Targeted' },
      ],
      [
        'a null wins as a value does',
        [{ a: null }, 10],
        [{ a: 2, b: 2 }, 5],
        { b: 2 },
        { one: 'Applied', two: 'Applied' },
      ],
    ];
  test.each(rows)('%s', async (_sentence, [first, high], [second, low], want, statuses) => {
    const { hub, clock } = fleet();
    put(hub, 'one', first, { priority: high });
    put(hub, 'two', second, { priority: low });
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual(want);
    const { configurations } = hub.getTwin({ deviceId: 'd1' }) as {
      configurations: Record<string, { status: string }>;
    };
    expect(Object.fromEntries(Object.entries(configurations).map(([id, { status }]) => [id, status]))).toEqual(
      statuses,
    );
    expect(hub.getTwin({ deviceId: 'd1' })['etag']).toBe('AAAAAAAAAAM=');
  });

  test('the next one takes over what the higher gives up', async () => {
    const { hub, clock } = fleet();
    put(hub, 'low', { a: 1, b: 1 }, { priority: 1 });
    put(hub, 'high', { a: 2 }, { priority: 2 });
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ a: 2, b: 1 });
    hub.deleteConfiguration('high', undefined);
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ a: 1, b: 1 });
    expect(hub.getTwin({ deviceId: 'd1' })['configurations']).toEqual({ low: { status: 'Applied' } });
  });
});

describe('what is there already', () => {
  test('is not written again when another configuration comes', async () => {
    const { hub, clock } = fleet();
    const heard: JsonObject[] = [];
    put(hub, 'one', { a: 1, gone: null });
    await clock.advance(SOON_MS);
    hub.connect({ deviceId: 'd1' }, (patch) => heard.push(patch));
    put(hub, 'two', { b: 2 });
    await clock.advance(SOON_MS);
    expect(heard).toEqual([{ b: 2, $version: 3 }]);
  });

  test('loses its mark to an object that takes its place', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { level: { a: 1 } } } });
    expect(metadataOf(hub, 'd1')['level']).not.toHaveProperty('$lastUpdatedBy');
  });

  test('a configuration that adds nothing marks the root alone and moves no etag', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { absent: null });
    await clock.advance(SOON_MS);
    expect(hub.getTwin({ deviceId: 'd1' })).toMatchObject({
      etag: 'AAAAAAAAAAI=',
      configurations: { c: { status: 'Applied' } },
      properties: { desired: { $version: 1 } },
    });
  });
});

describe('the end of a configuration', () => {
  test('deleting leaves what it wrote, and takes its mark off the root', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    const before = hub.getTwin({ deviceId: 'd1' });
    hub.deleteConfiguration('c', undefined);
    await clock.advance(SOON_MS);
    const { configurations: _gone, ...same } = before;
    expect(hub.getTwin({ deviceId: 'd1' })).toEqual(same);
  });

  test('a twin that is targeted no more loses what it was given, and nothing else', async () => {
    const { hub, clock } = fleet();
    const heard: JsonObject[] = [];
    put(hub, 'c', { level: 3, deep: { a: 1 }, taken: 1 });
    await clock.advance(SOON_MS);
    hub.patchTwin({ deviceId: 'd1' }, { tags: { site: 'oslo' }, properties: { desired: { mine: 1, taken: 2 } } });
    hub.connect({ deviceId: 'd1' }, (patch) => heard.push(patch));
    await clock.advance(PERIOD_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ deep: {}, mine: 1, taken: 2 });
    expect(heard).toEqual([{ deep: { a: null }, level: null, $version: 4 }]);
    expect(hub.getTwin({ deviceId: 'd1' })['configurations']).toBeUndefined();
    expect(desiredOf(hub, 'd2')).toEqual({ level: 3, deep: { a: 1 }, taken: 1 });
  });

  test('unless a switch keeps it', async () => {
    const { hub, clock } = fleet();
    hub.setKeepsLeftSettings(true);
    put(hub, 'c', { level: 3 });
    await clock.advance(SOON_MS);
    hub.patchTwin({ deviceId: 'd1' }, { tags: null });
    hub.patchTwin({ deviceId: 'd1' }, { tags: { site: null } });
    await clock.advance(PERIOD_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ level: 3 });
    expect(hub.getTwin({ deviceId: 'd1' })['configurations']).toBeUndefined();
  });

  test('the next configuration sets what it has, the rest goes', async () => {
    const { hub, clock } = fleet();
    put(hub, 'all', { a: 1 }, { priority: 1, targetCondition: '*' });
    put(hub, 'lyon', { a: 2, b: 2 }, { priority: 2 });
    await clock.advance(SOON_MS);
    hub.patchTwin({ deviceId: 'd1' }, { tags: { site: 'oslo' } });
    await clock.advance(PERIOD_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ a: 1 });
  });

  test('one of the same name, recreated before the next run, is another one', async () => {
    const { hub, clock } = fleet();
    put(hub, 'c', { level: 3, old: 1 });
    await clock.advance(SOON_MS);
    hub.deleteConfiguration('c', undefined);
    put(hub, 'c', { level: 4 });
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'd1')).toEqual({ level: 4, old: 1 });
  });
});

describe('metrics', () => {
  test('are counted by each run', async () => {
    const { hub, clock } = fleet();
    const queries = {
      pending: "SELECT deviceId FROM devices WHERE properties.reported.state = 'pending'",
      everybody: 'SELECT deviceId FROM devices',
    };
    put(hub, 'c', { level: 3 }, { metrics: { queries } });
    put(hub, 'b', { level: 4 }, { priority: 1 });
    await clock.advance(SOON_MS);
    expect(hub.getConfiguration('c')).toMatchObject({
      systemMetrics: { results: { targetedCount: 2, appliedCount: 0 } },
      metrics: { results: { pending: 0, everybody: 3 }, queries },
      etag: 'MQ==',
    });
    expect(hub.getConfiguration('b')).toMatchObject({
      systemMetrics: { results: { targetedCount: 2, appliedCount: 2 } },
    });
    hub.connect({ deviceId: 'd1' }, () => {}).report({ state: 'pending' });
    await clock.advance(PERIOD_MS);
    expect(hub.getConfiguration('c')).toMatchObject({ metrics: { results: { pending: 1, everybody: 3 } } });
  });
});
