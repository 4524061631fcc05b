// Leaving a hub: our records go, every setting and every other record stays.
import { describe, expect, test } from 'vitest';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';
import { removeRecords, type UninstallOptions, type UninstallReport } from '../../../src/controller/once/uninstall.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import {
  createFleet,
  createMetrics,
  createContext,
  HALF,
  manifests,
  MODULE,
  NEVER,
  PROD,
  type Fleet,
} from '../fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}` });

async function configured(size: number): Promise<Fleet> {
  const fleet = createFleet(size);
  const context = createContext(fleet, BASE);
  for (const id of fleet.ids()) await reconcile(context, `${id}/${MODULE}`, NEVER);
  return fleet;
}

async function remove(fleet: Fleet, options: Partial<UninstallOptions> = {}): Promise<UninstallReport> {
  const { clock } = fleet;
  const report = removeRecords({
    hub: fleet.hub,
    hubName: 'dev',
    instance: 'default',
    clock,
    random: HALF,
    metrics: createMetrics(),
    signal: NEVER,
    ...options,
  });
  let isDone = false;
  void report.catch(() => {}).finally(() => (isDone = true));
  for (let turn = 0; turn < 50 && !isDone; turn += 1) await clock.advance(5_000);
  return report;
}

const tagsOf = (fleet: Fleet, deviceId: string): unknown => fleet.iot.getTwin({ deviceId, moduleId: MODULE })['tags'];

describe('removing the records', () => {
  test('takes every one, changes no desired property, and finds none the second time', async () => {
    const fleet = await configured(5);
    const before = fleet.ids().map((id) => fleet.desired(id));
    expect(await remove(fleet)).toEqual({ removed: 5, left: [] });
    expect(fleet.ids().map((id) => fleet.desired(id))).toEqual(before);
    for (const id of fleet.ids()) expect(tagsOf(fleet, id)).toBeUndefined();
    expect(await remove(fleet)).toEqual({ removed: 0, left: [] });
  });

  test('leaves the records of other instances, and all other tags', async () => {
    const fleet = await configured(1);
    const others = { site: 'lyon', twinward: { theirs: { v: 1 } } };
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: others });
    await remove(fleet);
    expect(tagsOf(fleet, 'd1')).toEqual(others);
  });

  test('leaves one that a newer version wrote, and says so', async () => {
    const fleet = await configured(2);
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: { twinward: { default: { v: 9 } } } });
    const { removed, left } = await remove(fleet);
    expect(removed).toBe(1);
    expect(left).toEqual([{ ref: { deviceId: 'd1', moduleId: MODULE }, why: expect.stringContaining('version 9') }]);
  });

  test('takes away a damaged one too', async () => {
    const fleet = await configured(1);
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: { twinward: { default: { own: 'what' } } } });
    expect(await remove(fleet)).toEqual({ removed: 1, left: [] });
  });

  test('reads again where somebody else wrote meanwhile', async () => {
    const fleet = await configured(1);
    let writes = 0;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, ...rest) => {
        writes += 1;
        if (writes === 1) fleet.iot.patchTwin(ref, { tags: { theirs: 1 } });
        return fleet.hub.patchModuleTwin(ref, ...rest);
      },
    };
    expect(await remove(fleet, { hub })).toEqual({ removed: 1, left: [] });
    expect(tagsOf(fleet, 'd1')).toEqual({ theirs: 1 });
  });

  test('believes no list: what it no longer shows, or still does, is settled by direct reads', async () => {
    const fleet = await configured(3);
    const rows = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], NEVER));
    fleet.iot.deleteDevice('d2', '*');
    const stale: Hub = {
      ...fleet.hub,
      async *listModuleTwins() {
        yield* rows;
      },
    };
    expect(await remove(fleet, { hub: stale })).toEqual({ removed: 2, left: [] });
  });

  test('says which are left where the hub refuses, and which were not reached', async () => {
    const fleet = await configured(2);
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, ...rest) =>
        ref.deviceId === 'd1'
          ? Promise.reject(new HubError('Unauthorized', 'no'))
          : fleet.hub.patchModuleTwin(ref, ...rest),
    };
    const { removed, left } = await remove(fleet, { hub });
    expect(removed).toBe(1);
    expect(left).toEqual([{ ref: { deviceId: 'd1', moduleId: MODULE }, why: 'no' }]);
  });
});
