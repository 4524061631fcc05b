// Others that write to the same modules, on the embedded hub: automatic configurations, IoT Edge, and what is left of old agents.
import { describe, expect, test } from 'vitest';
import { createReadOthers } from '../../../src/controller/context/automatic-writers.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { NO_OTHER_WRITERS } from '../../../src/plan/twin/other-writers.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createFleet, manifests, MODULE, NEVER, PERIOD_MS, PROD, startOn, type Fleet } from '../fixture.ts';

const USB = manifests({ base: `${PROD}, settings: {usb: block}` });
const EVALUATION_MS = 5 * 60_000;

/** An automatic configuration for every module of the fleet, evaluated once. */
async function automatic(fleet: Fleet, id: string, settings: JsonObject): Promise<void> {
  fleet.iot.putConfiguration(
    id,
    {
      id,
      priority: 10,
      targetCondition: `from devices.modules where moduleId = '${MODULE}'`,
      content: { moduleContent: { 'properties.desired.guard': settings } },
    },
    undefined,
  );
  await fleet.clock.advance(EVALUATION_MS);
}

/** The fleet's hub, counting how often it is asked. */
function counting(fleet: Fleet): {
  readonly hub: Hub;
  readonly asked: { identities: string[]; configurations: number };
} {
  const asked = { identities: [] as string[], configurations: 0 };
  const hub: Hub = {
    ...fleet.hub,
    getModule(ref, signal) {
      asked.identities.push(ref.deviceId);
      return fleet.hub.getModule(ref, signal);
    },
    listConfigurations(signal) {
      asked.configurations += 1;
      return fleet.hub.listConfigurations(signal);
    },
  };
  return { hub, asked };
}

describe('an automatic configuration of the hub', () => {
  test('that writes the same setting otherwise keeps the twins it applied to, and is named', async () => {
    const fleet = createFleet(2);
    await automatic(fleet, 'soc', { usb: 'audit' });
    const { status, log, controller } = await startOn(fleet, USB);
    expect(fleet.patches).toEqual([]);
    expect(status().counts.actions).toMatchObject({ Hold: 2, Patch: 0 });
    expect(status().offenders[0]).toMatchObject({ deviceId: 'd1', reason: 'AutomaticConfiguration' });
    expect(status().offenders[0]?.detail).toContain('"soc"');
    const note =
      'The automatic configuration "soc" writes settings that are declared here too: "usb". Twins it applies to are held ' +
      'where the two differ.';
    expect(status().notes).toEqual([note]);
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(fleet.patches).toEqual([]);
    expect(log.lines.filter(({ message }) => message === note)).toHaveLength(1);

    fleet.iot.deleteConfiguration('soc', undefined);
    await fleet.clock.advance(2 * PERIOD_MS);
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    expect(status().notes).toEqual([]);
    await controller.stop();
  });

  test('that writes another setting is no matter', async () => {
    const fleet = createFleet(1);
    await automatic(fleet, 'soc', { log: 'all' });
    const { status, controller } = await startOn(fleet, USB);
    expect(status()).toMatchObject({ counts: { actions: { Equal: 1 } }, notes: [] });
    expect(fleet.desired('d1', 'guard')).toEqual({ log: 'all', usb: 'block' });
    await controller.stop();
  });

  test('that has not applied to a twin does not keep it', async () => {
    const fleet = createFleet(1);
    const targetCondition = "from devices.modules where tags.soc = 'yes'";
    const content = { moduleContent: { 'properties.desired.guard.usb': 'audit' } };
    fleet.iot.putConfiguration('soc', { id: 'soc', targetCondition, content }, undefined);
    await fleet.clock.advance(EVALUATION_MS);
    const { status, controller } = await startOn(fleet, USB);
    expect(status().counts.actions).toMatchObject({ Equal: 1 });
    expect(status().notes).toHaveLength(1);
    await controller.stop();
  });

  test('that wants the same lets the settings be adopted', async () => {
    const fleet = createFleet(1);
    await automatic(fleet, 'soc', { usb: 'block' });
    const { status, controller } = await startOn(fleet, USB);
    expect(status().counts.actions).toMatchObject({ Equal: 1 });
    expect(fleet.patches.map(({ patch }) => Object.keys(patch))).toEqual([['tags']]);
    await controller.stop();
  });

  test('is asked for once a pass; where the hub does not tell, the pass goes on and says so', async () => {
    const fleet = createFleet(1);
    const { hub, asked } = counting(fleet);
    const refusal = new HubError('Unauthorized', 'Could not list the automatic configurations: no permission.');
    const state = { isRefused: true };
    const refusing: Hub = {
      ...hub,
      listConfigurations: (signal) => (state.isRefused ? Promise.reject(refusal) : hub.listConfigurations(signal)),
    };
    const { status, log, controller } = await startOn(fleet, USB, { hub: refusing });
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    const note = `Automatic configurations that write the same settings would go unnoticed. ${refusal.message}`;
    expect(status().notes).toEqual([note]);
    await fleet.clock.advance(2 * PERIOD_MS);
    expect(log.lines.filter(({ message }) => message === note)).toHaveLength(1);
    state.isRefused = false;
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(status().notes).toEqual([]);
    expect(asked.configurations).toBeLessThanOrEqual(3);
    await controller.stop();
  });

  test('stays known where the hub does not tell for once', async () => {
    const fleet = createFleet(1);
    await automatic(fleet, 'soc', { usb: 'audit' });
    const state = { isDown: false };
    const hub: Hub = {
      ...fleet.hub,
      listConfigurations: (signal) =>
        state.isDown ? Promise.reject(new HubError('Timeout', 'late')) : fleet.hub.listConfigurations(signal),
    };
    const { status, controller } = await startOn(fleet, USB, { hub });
    state.isDown = true;
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(status().counts.actions).toMatchObject({ Hold: 1 });
    expect(fleet.patches).toEqual([]);
    await controller.stop();
  });
});

describe('a module of an edge device', () => {
  test.each(['IotEdge', 'iotEdge'])(
    'that IoT Edge manages ("%s") is left to it, and asked for once an hour',
    async (by) => {
      const fleet = createFleet(0);
      fleet.addDevice('edge', { edge: true, managedBy: by });
      const { hub, asked } = counting(fleet);
      const { status, controller } = await startOn(fleet, USB, { hub });
      expect(status().offenders).toMatchObject([{ deviceId: 'edge', reason: 'ManagedByEdge' }]);
      expect(fleet.patches).toEqual([]);
      await fleet.clock.advance(6 * PERIOD_MS);
      expect(status().counts.actions).toMatchObject({ Hold: 1, Patch: 0 });
      expect(asked.identities).toHaveLength(1);
      await fleet.clock.advance(14 * PERIOD_MS);
      expect(asked.identities).toHaveLength(2);
      expect(fleet.patches).toEqual([]);
      await controller.stop();
    },
  );

  test('that nobody manages is written like any other, and asked for before its first write alone', async () => {
    const fleet = createFleet(1);
    fleet.addDevice('edge', { edge: true });
    const { hub, asked } = counting(fleet);
    const { controller } = await startOn(fleet, USB, { hub });
    expect(fleet.desired('edge', 'guard', 'usb')).toBe('block');
    // Once for each decision; of the plain device nobody asks.
    const atFirst = asked.identities.length;
    expect(new Set(asked.identities)).toEqual(new Set(['edge']));
    fleet.tamper('edge', { guard: { usb: 'allow' } });
    await fleet.clock.advance(2 * PERIOD_MS);
    expect(fleet.desired('edge', 'guard', 'usb')).toBe('block');
    expect(asked.identities).toHaveLength(atFirst);
    await controller.stop();
  });

  test('is not written while it can’t be told who manages it', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('edge', { edge: true });
    const hub: Hub = {
      ...fleet.hub,
      getModule: () => Promise.reject(new HubError('Unauthorized', 'Could not read the identity of edge/acmeGuard.')),
    };
    const { status, controller } = await startOn(fleet, USB, { hub });
    expect(fleet.patches).toEqual([]);
    expect(status().offenders).toMatchObject([{ deviceId: 'edge', reason: 'Unauthorized' }]);
    await controller.stop();
  });

  test('that was made anew without IoT Edge is written after an hour', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('edge', { edge: true, managedBy: 'IotEdge' });
    const { controller } = await startOn(fleet, USB);
    fleet.iot.deleteModule('edge', MODULE, '*');
    fleet.iot.putModule('edge', MODULE, { deviceId: 'edge', moduleId: MODULE }, undefined);
    await fleet.clock.advance(14 * PERIOD_MS);
    expect(fleet.desired('edge', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });
});

test('sections that no agent reads any more are named and left alone', async () => {
  const fleet = createFleet(3);
  const section = 'azureiot*com^securityAgentConfiguration^1*0*0';
  for (const id of ['d2', 'd3']) fleet.tamper(id, { [section]: { snapshotFrequency: 'PT1H' } });
  const { status, controller } = await startOn(fleet, USB);
  expect(status().notes).toEqual([
    `2 twins hold a section that no agent reads any more, as d2/${MODULE} does: "${section}", settings for security agents ` +
      'older than 0.0.4 (July 2019).',
  ]);
  expect(fleet.desired('d2', section)).toEqual({ snapshotFrequency: 'PT1H' });
  await controller.stop();
});

test('a module that was deleted and created again is a new one', async () => {
  const fleet = createFleet(1);
  const { controller } = await startOn(fleet, USB);
  for (let round = 0; round < 5; round += 1) fleet.tamper('d1', { theirs: round });
  const before = await fleet.hub.getModule({ deviceId: 'd1', moduleId: MODULE }, new AbortController().signal);
  fleet.iot.deleteModule('d1', MODULE, '*');
  fleet.iot.putModule('d1', MODULE, { deviceId: 'd1', moduleId: MODULE }, undefined);
  const after = await fleet.hub.getModule({ deviceId: 'd1', moduleId: MODULE }, new AbortController().signal);
  expect(after.generationId).not.toBe(before.generationId);
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(fleet.desired('d1', 'guard')).toEqual({ usb: 'block' });
  await controller.stop();
});

describe('one look at one module', () => {
  test('tells what a pass would know of it', async () => {
    const fleet = createFleet(1);
    fleet.addDevice('edge', { edge: true, managedBy: 'IotEdge' });
    await automatic(fleet, 'soc', { usb: 'audit' });
    const { hub, asked } = counting(fleet);
    const readOthers = createReadOthers(hub, NEVER);
    const look = (deviceId: string, iotEdge: boolean) => readOthers({ deviceId, moduleId: MODULE }, { iotEdge });
    expect(asked.configurations).toBe(0);
    expect(await look('d1', false)).toMatchObject({ automatic: [{ id: 'soc' }], identity: undefined });
    expect(asked.identities).toEqual([]);
    expect(await look('edge', true)).toMatchObject({ identity: { managedBy: 'IotEdge' } });
    expect(asked.configurations).toBe(1);
  });

  test('leaves out what the hub does not tell', async () => {
    const refused = (): Promise<never> => Promise.reject(new HubError('Unauthorized', 'no'));
    const hub: Hub = { ...createFleet(0).hub, getModule: refused, listConfigurations: refused };
    const ref = { deviceId: 'edge', moduleId: MODULE };
    expect(await createReadOthers(hub, NEVER)(ref, { iotEdge: true })).toEqual(NO_OTHER_WRITERS);
  });
});
