import { describe, expect, test } from 'vitest';
import { inspectHub, type InspectedTwin, type InspectOptions } from '../../../src/controller/once/inspect.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  createContext,
  manifests,
  MODULE,
  NEVER,
  plannerFor,
  PROD,
  type Fleet,
} from '../fixture.ts';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H}` });

async function inspect(
  fleet: Fleet,
  options: Partial<InspectOptions> = {},
): Promise<{ twins: readonly InspectedTwin[]; devices: number; notLookedUp: number }> {
  const twins: InspectedTwin[] = [];
  const { devices, notLookedUp } = await inspectHub(
    {
      planner: plannerFor(BASE),
      hub: fleet.hub,
      hubName: 'dev',
      clock: fleet.clock,
      log: createLog(),
      metrics: createMetrics(),
      signal: NEVER,
      ...options,
    },
    (twin) => void twins.push(twin),
  );
  return { twins, devices: devices.size, notLookedUp };
}

describe('one look at a hub', () => {
  test('shows every managed twin with what is to be done, and neither writes nor reads any directly', async () => {
    const fleet = createFleet(2);
    fleet.addDevice('bare', { module: false });
    fleet.addDevice('lab', { tags: { env: 'lab' } });
    await reconcile(createContext(fleet, BASE), `d1/${MODULE}`, NEVER);
    fleet.reads.module = 0;
    const { twins, devices } = await inspect(fleet);
    expect(devices).toBe(4);
    expect(twins.map(({ ref, action, state }) => [ref.deviceId, action.type, state?.acknowledgement])).toEqual([
      ['d1', 'Equal', 'Written'],
      ['d2', 'Patch', undefined],
      ['bare', 'Wait', undefined],
    ]);
    expect([fleet.patches.length, fleet.reads.module]).toEqual([1, 0]);
  });

  test('shows of a hub that is only observed what is not going to be written', async () => {
    const { twins } = await inspect(createFleet(1), { planner: plannerFor(BASE, 'Observe') });
    expect(twins.map(({ action }) => action.type)).toEqual(['Observe']);
  });

  test('looks up before a first write whether IoT Edge manages the module, so many at most', async () => {
    const fleet = createFleet(1);
    fleet.addDevice('edge-a', { edge: true, managedBy: 'IotEdge' });
    fleet.addDevice('edge-b', { edge: true });
    const decided = async (options: Partial<InspectOptions>): Promise<unknown> => {
      const { twins, notLookedUp } = await inspect(fleet, options);
      return [twins.map(({ ref, action }) => [ref.deviceId, action.type, action.reason]), notLookedUp];
    };
    const [first, patch] = [
      ['d1', 'Patch', 'FirstConfiguration'],
      ['Patch', 'FirstConfiguration'],
    ];
    expect(await decided({ lookupsMax: 2 })).toEqual([
      [first, ['edge-a', 'Hold', 'ManagedByEdge'], ['edge-b', ...patch]],
      0,
    ]);
    expect(await decided({ lookupsMax: 1 })).toEqual([
      [first, ['edge-b', ...patch], ['edge-a', 'Hold', 'ManagedByEdge']],
      1,
    ]);
    const getModule = (): Promise<never> => Promise.reject(new HubError('Unauthorized', 'no registry read'));
    const refusing: Hub = { ...fleet.hub, getModule };
    expect(await decided({ lookupsMax: 2, hub: refusing })).toEqual([
      [first, ['edge-a', ...patch], ['edge-b', ...patch]],
      2,
    ]);
    expect(fleet.patches).toEqual([]);
  });

  test('asks of an edge device no more once its module was written', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('edge-b', { edge: true });
    await reconcile(createContext(fleet, BASE), `edge-b/${MODULE}`, NEVER);
    fleet.tamper('edge-b', { guard: { scan: 'PT9H' } });
    const getModule = (): Promise<never> => Promise.reject(new Error('asked'));
    const { twins } = await inspect(fleet, { hub: { ...fleet.hub, getModule }, lookupsMax: 9 });
    expect(twins.map(({ action }) => action.reason)).toEqual(['Drift']);
  });

  test('fails where a list breaks off, and where it is not believed', async () => {
    const fleet = createFleet(1);
    const broken = new HubError('Unavailable', 'cut off');
    const cutOff: Hub = {
      ...fleet.hub,
      async *listDevices() {
        yield [];
        throw broken;
      },
    };
    await expect(inspect(fleet, { hub: cutOff })).rejects.toBe(broken);
    const empty: Hub = {
      ...fleet.hub,
      async *listDevices() {
        yield [];
      },
    };
    await expect(inspect(fleet, { hub: empty })).rejects.toMatchObject({ code: 'Malformed' });
  });
});
