import { describe, expect, test } from 'vitest';
import { inspectHub, type InspectedTwin, type InspectOptions } from '../../src/controller/inspect.ts';
import { HubError } from '../../src/model/errors.ts';
import type { Hub } from '../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  createScope,
  manifests,
  MODULE,
  NEVER,
  plannerFor,
  PROD,
  type Fleet,
} from './fixture.ts';
import { reconcile } from '../../src/controller/reconcile.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H}` });

async function inspect(
  fleet: Fleet,
  options: Partial<InspectOptions> = {},
): Promise<{ twins: readonly InspectedTwin[]; devices: number }> {
  const twins: InspectedTwin[] = [];
  const view = await inspectHub(
    {
      planner: plannerFor(BASE),
      mode: 'Enforce',
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
  return { twins, devices: view.deviceCount };
}

describe('one look at a hub', () => {
  test('shows every managed twin with what is to be done, and neither writes nor reads any directly', async () => {
    const fleet = createFleet(2);
    fleet.addDevice('bare', { module: false });
    fleet.addDevice('lab', { tags: { env: 'lab' } });
    await reconcile(createScope(fleet, BASE), `d1/${MODULE}`, NEVER);
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

  test('shows under an observing ceiling what is not going to be written', async () => {
    const { twins } = await inspect(createFleet(1), { mode: 'Observe' });
    expect(twins.map(({ action }) => action.type)).toEqual(['Observe']);
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
