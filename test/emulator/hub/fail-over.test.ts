// A failover loses the last writes, and its etags go backwards.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { hubWithModule, MODULE, newHub, refusal } from './new-hub.ts';

function withHistory(): ReturnType<typeof hubWithModule> {
  const test = hubWithModule();
  test.hub.setHistory(60_000);
  return test;
}

describe('falling back', () => {
  test('takes back the writes of the lost time and no others', () => {
    const { hub, time } = withHistory();
    hub.patchTwin(MODULE, { tags: { n: 1 } });
    time.now += 1000;
    hub.patchTwin(MODULE, { tags: { n: 2 }, properties: { desired: { a: 1 } } });
    time.now += 500;
    expect(hub.failOver(600)).toBe(1);
    expect(hub.getTwin(MODULE)).toMatchObject({
      etag: 'AAAAAAAAAAI=',
      version: 3,
      tags: { n: 1 },
      properties: { desired: { $version: 1 } },
    });
  });

  test('gives a later write an etag that another write had', () => {
    const { hub } = withHistory();
    const { etag } = hub.patchTwin(MODULE, { tags: { n: 1 } });
    expect(hub.failOver(1000)).toBe(1);
    expect(hub.patchTwin(MODULE, { tags: { n: 2 } })['etag']).toBe(etag);
  });

  test('brings back what was deleted, with its modules, and removes what was created', () => {
    const { hub, time } = withHistory();
    const before = hub.dump().identities;
    time.now += 1000;
    hub.deleteDevice('d', '*');
    hub.createDevice('e', {});
    expect(hub.failOver(500)).toBe(3);
    expect(hub.dump().identities).toEqual(before);
    expect(refusal(() => hub.getTwin({ deviceId: 'e' })).code).toBe('DeviceNotFound');
  });

  test('brings back the old device where another has its name', () => {
    const { hub, time } = withHistory();
    const { generationId } = hub.getDevice('d');
    time.now += 1000;
    hub.deleteDevice('d', '*');
    hub.createDevice('d', {});
    hub.putModule('d', 'n', {}, undefined);
    hub.failOver(500);
    expect(hub.getDevice('d')['generationId']).toBe(generationId);
    expect(hub.listModules('d').map(({ moduleId }) => moduleId)).toEqual(['m']);
  });

  test('leaves who is connected connected, and cuts off what is gone', () => {
    const { hub, time } = withHistory();
    time.now += 1000;
    hub.putModule('d', 'n', {}, undefined);
    const stays = hub.connect(MODULE, () => {});
    const goes = hub.connect({ deviceId: 'd', moduleId: 'n' }, () => {});
    stays.report({ a: 1 });
    hub.failOver(500);
    expect(hub.getTwin(MODULE)['connectionState']).toBe('Connected');
    expect(stays.getTwin().reported).toEqual({ $version: 1 });
    expect(refusal(() => goes.getTwin()).code).toBe('DeviceNotOnline');
  });

  test('reaches no further than the history', () => {
    const { hub, time } = hubWithModule();
    hub.patchTwin(MODULE, { tags: { n: 1 } });
    expect(hub.failOver(1000)).toBe(0);
    hub.setHistory(1000);
    hub.patchTwin(MODULE, { tags: { n: 2 } });
    time.now += 1500;
    hub.patchTwin(MODULE, { tags: { n: 3 } });
    hub.failOver(5000);
    expect(hub.getTwin(MODULE)['tags']).toEqual({ n: 2 });
  });

  test('is journaled as any other change', () => {
    const test = withHistory();
    const { hub, time, records, options } = test;
    time.now += 1000;
    hub.deleteDevice('d', '*');
    hub.createDevice('d', {});
    hub.failOver(500);
    expect(IotHub.restore(options, undefined, records).dump()).toEqual(hub.dump());
  });
});

test('whatever happened, the hub is what it was then', () => {
  const step = fc.record({
    act: fc.constantFrom('create', 'delete', 'module', 'remove', 'tag'),
    device: fc.nat(2),
    ms: fc.integer({ min: 0, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3000 }), (steps, lossMs) => {
      const { hub, time } = newHub();
      hub.setHistory(60_000);
      const past = [{ at: time.now, dump: hub.dump() }];
      for (const { act, device, ms } of steps) {
        const id = `d${device}`;
        const isThere = hub.listDevices().some(({ deviceId }) => deviceId === id);
        const hasModule = isThere && hub.listModules(id).length > 0;
        if (act === 'create' && !isThere) hub.createDevice(id, {});
        if (act === 'delete' && isThere) hub.deleteDevice(id, '*');
        if (act === 'module' && isThere && !hasModule) hub.putModule(id, 'm', {}, undefined);
        if (act === 'remove' && hasModule) hub.deleteModule(id, 'm', '*');
        if (act === 'tag' && hasModule) hub.patchTwin({ deviceId: id, moduleId: 'm' }, { tags: { ms } });
        past.push({ at: time.now, dump: hub.dump() });
        time.now += ms;
      }
      hub.failOver(lossMs);
      const then = past.findLast(({ at }) => at <= time.now - lossMs) ?? past[0];
      expect(hub.dump().identities).toEqual(then?.dump.identities);
    }),
    { numRuns: 100 },
  );
});
