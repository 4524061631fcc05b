import { describe, expect, test } from 'vitest';
import { startController } from '../../src/controller/controller.ts';
import { HubError, SourceError, type HubErrorCode } from '../../src/model/errors.ts';
import type { Hub } from '../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  createSource,
  HALF,
  hubStatus,
  manifests,
  MODULE,
  PERIOD_MS,
  PROD,
  readyOf,
  startOn,
  type Fleet,
} from './fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}` });
const EDITED = manifests({ base: `${PROD}, settings: {scan: PT2H, usb: block}` });
/** Jitter makes a period up to a tenth longer. */
const NEXT_PASS_MS = PERIOD_MS * 1.1;

function refusing(code: HubErrorCode): Promise<never> {
  return Promise.reject(new HubError(code, `the hub says ${code}`));
}

/** A hub that can be switched off. */
function switchable(fleet: Fleet): { readonly hub: Hub; isDown: boolean } {
  const state = { isDown: true, hub: fleet.hub };
  const check = (): void => {
    if (state.isDown) throw new HubError('Unavailable', 'nobody listens there');
  };
  state.hub = {
    ...fleet.hub,
    async *listDevices(signal) {
      check();
      yield* fleet.hub.listDevices(signal);
    },
    async getModuleTwin(ref, signal) {
      check();
      return fleet.hub.getModuleTwin(ref, signal);
    },
  };
  return state;
}

describe('the loop', () => {
  test('makes the twins what the manifests say, and says that it did', async () => {
    const fleet = createFleet(3);
    const { controller, status, metrics } = await startOn(fleet, BASE);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    const revision = controller.status().source.lastAppliedRevision;
    expect(status()).toMatchObject({
      mode: 'Enforce',
      writes: 3,
      pending: 0,
      lastAttemptedRevision: revision,
      lastAppliedRevision: revision,
      counts: { devices: 3, twins: 3, actions: { Equal: 3 }, acknowledgements: { Written: 3 } },
      conditions: [{ type: 'Ready', status: 'True', reason: 'Succeeded', message: '3 of 3 twins in sync.' }],
    });
    expect(controller.status().conditions).toMatchObject([
      { type: 'SourceReady', status: 'True' },
      { type: 'Ready', status: 'True' },
    ]);
    expect(metrics.total('twinward_devices', { state: 'Written' })).toBe(3);
    await controller.stop();
  });

  test('writes nothing more while nothing changes', async () => {
    const fleet = createFleet(3);
    const { controller, status } = await startOn(fleet, BASE);
    const reads = fleet.reads.module;
    await fleet.clock.advance(10 * NEXT_PASS_MS);
    expect(fleet.patches).toHaveLength(3);
    expect(fleet.reads.module).toBe(reads);
    expect(status().lastResync?.atMs).toBeGreaterThan(fleet.clock.now() - NEXT_PASS_MS);
    await controller.stop();
  });

  test('writes an edit at once, and the edit alone', async () => {
    const fleet = createFleet(2);
    const { controller, source, status } = await startOn(fleet, BASE);
    fleet.patches.length = 0;
    source.set(EDITED);
    await fleet.clock.flush();
    expect(fleet.patches.map(({ patch }) => patch.properties?.desired)).toEqual([
      { guard: { scan: 'PT2H' } },
      { guard: { scan: 'PT2H' } },
    ]);
    expect(status().lastAppliedRevision).toBe(controller.status().source.lastAppliedRevision);
    await controller.stop();
  });

  test('corrects drift at the next pass, and counts it', async () => {
    const fleet = createFleet(3);
    const { controller, metrics } = await startOn(fleet, BASE);
    fleet.tamper('d2', { guard: { usb: 'allow' } });
    await fleet.clock.advance(PERIOD_MS * 0.9);
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('allow');
    await fleet.clock.advance(PERIOD_MS * 0.2);
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('block');
    expect(fleet.patches).toHaveLength(4);
    expect(metrics.total('twinward_drift_corrected_total')).toBe(1);
    await controller.stop();
  });

  test('corrects drift now where somebody asks for a pass', async () => {
    const fleet = createFleet(1);
    const { controller } = await startOn(fleet, BASE);
    fleet.tamper('d1', { guard: { usb: null } });
    controller.requestResync();
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('hears from the next pass what the agents said since', async () => {
    const fleet = createFleet(3);
    const mirror = BASE.replace('section: /guard', 'section: /guard, acknowledgement: {type: Mirror}');
    const { controller, status, metrics } = await startOn(fleet, mirror);
    expect(status().counts.acknowledgements).toMatchObject({ Unreachable: 3, Applied: 0 });
    await fleet.clock.advance(1_000);
    fleet.report('d1', { guard: { scan: 'PT1H', usb: 'block' } });
    fleet.report('d2', { guard: { scan: 'PT1H', usb: 'allow' } });
    const reads = fleet.reads.module;
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(status().counts.acknowledgements).toMatchObject({ Unreachable: 1, Applied: 1, Rejected: 1 });
    expect(status().offenders).toMatchObject([{ deviceId: 'd2', reason: 'Rejected', detail: 'usb' }]);
    expect(metrics.total('twinward_devices', { state: 'Applied' })).toBe(1);
    expect([fleet.reads.module, fleet.patches.length]).toEqual([reads, 3]);
    await controller.stop();
  });

  test('takes in new devices, new modules and new tags', async () => {
    const fleet = createFleet(1);
    fleet.addDevice('late', { module: false });
    fleet.addDevice('lab', { tags: { env: 'lab' } });
    const { controller, status } = await startOn(fleet, BASE);
    expect(status().counts.actions).toMatchObject({ Equal: 1, Wait: 1 });
    fleet.addDevice('new');
    fleet.tag('lab', { env: 'prod' });
    fleet.iot.putModule('late', MODULE, { deviceId: 'late', moduleId: MODULE }, undefined);
    await fleet.clock.advance(NEXT_PASS_MS);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard', 'usb')).toBe('block');
    expect(status().counts).toMatchObject({ twins: 4, actions: { Equal: 4 } });
    await controller.stop();
  });

  test('forgets devices that are gone, however long it runs', async () => {
    const fleet = createFleet(1);
    const { controller, status } = await startOn(fleet, BASE);
    for (let round = 0; round < 30; round += 1) {
      fleet.addDevice(`guest${round}`);
      if (round > 0) fleet.iot.deleteDevice(`guest${round - 1}`, '*');
      await fleet.clock.advance(NEXT_PASS_MS);
    }
    expect(status()).toMatchObject({ pending: 0, counts: { devices: 2, twins: 2, actions: { Equal: 2 } } });
    expect(fleet.clock.pending).toBeLessThan(5);
    await controller.stop();
  });

  test('goes on with the last good manifests while the source is broken', async () => {
    const fleet = createFleet(2);
    const { controller, source, status } = await startOn(fleet, BASE);
    const good = status().lastAppliedRevision;
    source.set(new SourceError('NotFound', 'There is no folder manifests.'));
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    expect(status().lastAppliedRevision).toBe(good);
    expect(controller.status().conditions).toMatchObject([
      { type: 'SourceReady', status: 'False', reason: 'ReadFailed' },
      { type: 'Ready', status: 'False', reason: 'ReadFailed' },
    ]);
    await controller.stop();
  });

  test.each([
    { name: 'an empty folder', text: undefined },
    { name: 'a configuration that is gone', text: manifests({}) },
    { name: 'manifests that are broken', text: 'kind: [' },
  ])('$name removes nothing', async ({ text }) => {
    const fleet = createFleet(2);
    const { controller, source } = await startOn(fleet, BASE);
    source.set(text);
    await fleet.clock.advance(3 * NEXT_PASS_MS);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });

  test('a revision that comes during a pass is the one that counts in the end', async () => {
    const fleet = createFleet(3);
    const gate = Promise.withResolvers<void>();
    let lists = 0;
    const hub: Hub = {
      ...fleet.hub,
      async *listModuleTwins(moduleIds, signal) {
        lists += 1;
        if (lists === 1) await gate.promise;
        yield* fleet.hub.listModuleTwins(moduleIds, signal);
      },
    };
    const { controller, source, status } = await startOn(fleet, BASE, { hub });
    source.set(EDITED);
    await fleet.clock.flush();
    expect(readyOf(status())).toMatchObject({ status: 'Unknown', reason: 'Progressing' });
    gate.resolve();
    await fleet.clock.flush();
    expect(lists).toBe(2);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard', 'scan')).toBe('PT2H');
    expect(fleet.patches).toHaveLength(3);
    expect(status().lastAppliedRevision).toBe(controller.status().source.lastAppliedRevision);
    await controller.stop();
  });
});

test('a revision is applied once its work is done, also where that ends during a pass that fails', async () => {
  const fleet = createFleet(2);
  const writing = Promise.withResolvers<void>();
  const listing = Promise.withResolvers<void>();
  let lists = 0;
  const hub: Hub = {
    ...fleet.hub,
    async *listDevices(signal) {
      lists += 1;
      if (lists === 2) {
        await listing.promise;
        throw new HubError('Unavailable', 'cut off');
      }
      yield* fleet.hub.listDevices(signal);
    },
    async patchModuleTwin(ref, patch, etag, signal) {
      await writing.promise;
      return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
    },
  };
  const { controller, status } = await startOn(fleet, BASE, { hub });
  controller.requestResync();
  await fleet.clock.flush();
  expect([lists, status().lastAppliedRevision]).toEqual([2, undefined]);
  writing.resolve();
  await fleet.clock.flush();
  listing.resolve();
  await fleet.clock.flush();
  expect(readyOf(status())?.reason).toBe('ListFailed');
  expect(status().lastAppliedRevision).toBe(status().lastAttemptedRevision);
  await controller.stop();
});

test('an edit goes first, before what is queued already', async () => {
  const fleet = createFleet(3);
  let isHanging = false;
  const hub: Hub = {
    ...fleet.hub,
    patchModuleTwin: (ref, patch, etag, signal) =>
      isHanging ? new Promise(() => {}) : fleet.hub.patchModuleTwin(ref, patch, etag, signal),
  };
  const { controller, source, metrics, status } = await startOn(fleet, BASE, { hub, concurrency: 1 });
  isHanging = true;
  source.set(EDITED);
  await fleet.clock.flush();
  expect(metrics.total('workqueue_depth', { priority: 'Change' })).toBe(2);
  expect(status().lastAppliedRevision).not.toBe(status().lastAttemptedRevision);
  const stopping = controller.stop();
  await fleet.clock.advance(10_000);
  await stopping;
});

test('a change stays a change where the first list of it breaks off', async () => {
  const fleet = createFleet(3);
  let breaks = 1;
  const hub: Hub = {
    ...fleet.hub,
    async *listModuleTwins(moduleIds, signal) {
      if ((breaks -= 1) >= 0) throw new HubError('Unavailable', 'cut off');
      yield* fleet.hub.listModuleTwins(moduleIds, signal);
    },
    patchModuleTwin: () => new Promise(() => {}),
  };
  const { controller, metrics } = await startOn(fleet, BASE, { hub, concurrency: 1 });
  await fleet.clock.advance(1_000);
  expect(metrics.total('workqueue_depth', { priority: 'Change' })).toBe(2);
  const stopping = controller.stop();
  await fleet.clock.advance(10_000);
  await stopping;
});

describe('a hub that is only observed', () => {
  test('is never written to, whatever is declared, edited, removed or drifts', async () => {
    const fleet = createFleet(3);
    const enforced = await startOn(fleet, BASE);
    await enforced.controller.stop();
    fleet.patches.length = 0;
    const { controller, source, status } = await startOn(fleet, EDITED, { mode: 'Observe' });
    expect(status()).toMatchObject({ mode: 'Observe', writes: 0, counts: { actions: { Observe: 3 } } });
    fleet.addDevice('new', { module: false });
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    for (const text of [
      manifests({ base: `${PROD}, settings: {usb: block}, deletionPolicy: Remove, module: {whenMissing: Create}` }),
      manifests({ other: `${PROD}, settings: {a: 1}` }),
      manifests({}),
    ]) {
      source.set(text);
      await fleet.clock.advance(2 * NEXT_PASS_MS);
    }
    expect(fleet.patches).toEqual([]);
    expect(fleet.iot.listModules('new')).toEqual([]);
    expect(status().writes).toBe(0);
    await controller.stop();
  });

  test('is let go of and connected anew when its mode changes', async () => {
    const fleet = createFleet(1);
    const modes: (string | undefined)[] = [];
    let closed = 0;
    const hub: Hub = { ...fleet.hub, close: () => void (closed += 1) };
    const connect: Parameters<typeof startController>[0]['connect'] = async ({ mode }) => {
      modes.push(mode);
      return { hub, mode: mode ?? 'Observe' };
    };
    const { controller, source, status } = await startOn(fleet, BASE.replace(', mode: Enforce', ''), { connect });
    expect([status().mode, fleet.patches.length]).toEqual(['Observe', 0]);
    source.set(BASE);
    await fleet.clock.flush();
    expect([status().mode, fleet.patches.length, closed]).toEqual(['Enforce', 1, 1]);
    source.set(EDITED.replace('mode: Enforce', 'mode: Observe'));
    await fleet.clock.flush();
    expect([status().mode, fleet.patches.length, closed]).toEqual(['Observe', 1, 2]);
    expect(modes).toEqual([undefined, 'Enforce', 'Observe']);
    await controller.stop();
  });
});

describe('several hubs', () => {
  const HUB = (name: string): string => `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: ${name}}
spec: {hostName: ${name}.azure-devices.net, mode: Enforce}
---
`;
  const both = (...names: string[]): string =>
    names.map(HUB).join('') +
    BASE.slice(BASE.indexOf('---') + 4).replace('settings:', `hubs: [${names.join(', ')}], settings:`);

  test('one that is down keeps no other from being worked on', async () => {
    const a = createFleet(2);
    const b = createFleet(2, a.clock);
    const down = switchable(b);
    const connect: Parameters<typeof startController>[0]['connect'] = async ({ name }) => ({
      hub: name === 'a' ? a.hub : down.hub,
      mode: 'Enforce',
    });
    const { controller, source, metrics } = await startOn(a, both('a', 'b'), { connect });
    let isReady = false;
    void controller.ready.then(() => (isReady = true));
    await a.clock.flush();
    expect(isReady).toBe(true);
    expect([a.patches.length, b.patches.length]).toEqual([2, 0]);
    expect(readyOf(hubStatus(controller, 'a'))?.status).toBe('True');
    expect(readyOf(hubStatus(controller, 'b'))).toMatchObject({ status: 'False', reason: 'ListFailed' });
    expect(controller.status().conditions[1]).toMatchObject({ status: 'False', message: /^Hub b: nobody listens/ });
    a.tamper('d1', { guard: { usb: 'allow' } });
    await a.clock.advance(NEXT_PASS_MS);
    expect(a.desired('d1', 'guard', 'usb')).toBe('block');
    down.isDown = false;
    await a.clock.advance(NEXT_PASS_MS);
    expect(b.patches).toHaveLength(2);
    expect(controller.status().conditions[1]?.status).toBe('True');

    source.set(both('a'));
    await a.clock.advance(NEXT_PASS_MS);
    expect(controller.status().hubs.map(({ name }) => name)).toEqual(['a']);
    expect(b.patches).toHaveLength(2);
    expect(b.desired('d1', 'guard', 'usb')).toBe('block');
    expect(metrics.total('twinward_devices', { hub: 'b' })).toBe(0);
    b.tamper('d1', { guard: { usb: 'allow' } });
    await a.clock.advance(3 * NEXT_PASS_MS);
    expect(b.desired('d1', 'guard', 'usb')).toBe('allow');
    source.set(both('a', 'b'));
    await a.clock.flush();
    expect(b.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });
});

describe('a hub in trouble', () => {
  test('is tried again later and later, told once, and worked on when it is back', async () => {
    const fleet = createFleet(2);
    const down = switchable(fleet);
    const { controller, log, status } = await startOn(fleet, BASE, { hub: down.hub });
    await fleet.clock.advance(3_600_000);
    const warnings = log.lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(warnings.map(({ message }) => message)).toEqual(['The hub could not be listed']);
    expect(readyOf(status())).toMatchObject({ status: 'False', reason: 'ListFailed', message: 'nobody listens there' });
    expect(status().lastAppliedRevision).toBeUndefined();
    down.isDown = false;
    await fleet.clock.advance(PERIOD_MS);
    expect(readyOf(status())?.status).toBe('True');
    expect(fleet.patches).toHaveLength(2);
    expect(log.lines.filter(({ message }) => message === 'The hub can be listed again')).toHaveLength(1);
    await controller.stop();
  });

  test('one that can not be connected to waits for the next regular turn, and says why', async () => {
    const fleet = createFleet(1);
    let refusals = 1;
    const connect = async (): Promise<{ hub: Hub; mode: 'Enforce' }> => {
      if ((refusals -= 1) >= 0) throw new HubError('Unauthorized', 'Set IOTHUB_CONNECTION_STRING.');
      return { hub: fleet.hub, mode: 'Enforce' };
    };
    const { controller, status } = await startOn(fleet, BASE, { connect });
    expect(status().conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'ConnectFailed', message: 'Set IOTHUB_CONNECTION_STRING.' },
      { type: 'Reconciling' },
      { type: 'Stalled', status: 'True', reason: 'ConnectFailed' },
    ]);
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(status().conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    await controller.stop();
  });

  test('one that throws what nobody expected is a bug, told as one, and tried again', async () => {
    const fleet = createFleet(1);
    let bugs = 1;
    const hub: Hub = {
      ...fleet.hub,
      listDevices(signal) {
        if ((bugs -= 1) >= 0) throw new TypeError('what?');
        return fleet.hub.listDevices(signal);
      },
    };
    const { controller, metrics, status } = await startOn(fleet, BASE, { hub });
    expect(readyOf(status())).toMatchObject({ status: 'False', reason: 'ListFailed' });
    expect(metrics.total('controller_runtime_reconcile_panics_total')).toBe(1);
    await fleet.clock.advance(1_000);
    expect(readyOf(status())?.status).toBe('True');
    await controller.stop();
  });

  test('a list that became empty is not believed, and nothing is forgotten', async () => {
    const fleet = createFleet(3);
    let isEmpty = false;
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices(signal) {
        if (isEmpty) yield [];
        else yield* fleet.hub.listDevices(signal);
      },
    };
    const { controller, status } = await startOn(fleet, BASE, { hub });
    isEmpty = true;
    controller.requestResync();
    await fleet.clock.advance(60_000);
    expect(readyOf(status())).toMatchObject({ status: 'False', reason: 'ListEmpty' });
    expect(status().counts).toMatchObject({ devices: 3, twins: 3, actions: { Equal: 3 } });
    isEmpty = false;
    await fleet.clock.advance(PERIOD_MS);
    expect(readyOf(status())?.status).toBe('True');
    expect(fleet.patches).toHaveLength(3);
    await controller.stop();
  });

  test('twins that are refused are counted, named, and retried when the manifests change', async () => {
    const fleet = createFleet(40);
    let isRefusing = true;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, patch, etag, signal) =>
        isRefusing ? refusing('Invalid') : fleet.hub.patchModuleTwin(ref, patch, etag, signal),
    };
    const { controller, source, log, status } = await startOn(fleet, BASE, { hub });
    expect(readyOf(status())).toMatchObject({
      status: 'False',
      reason: 'TwinsFailing',
      message: '40 twins could not be reconciled.',
    });
    expect(status()).toMatchObject({ moreOffenders: 30, counts: { actions: { Patch: 40 } } });
    expect(status().offenders.map(({ reason }) => reason)).toEqual(Array.from({ length: 10 }, () => 'Invalid'));
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(10);
    isRefusing = false;
    source.set(EDITED);
    await fleet.clock.flush();
    expect(readyOf(status())?.status).toBe('True');
    expect(status().offenders).toEqual([]);
    await controller.stop();
  });

  test('one that throttles gets its writes later, all of them', async () => {
    const fleet = createFleet(20);
    const untilMs = fleet.clock.now() + 60_000;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, patch, etag, signal) =>
        fleet.clock.now() < untilMs ? refusing('Throttled') : fleet.hub.patchModuleTwin(ref, patch, etag, signal),
    };
    const { controller, status } = await startOn(fleet, BASE, { hub });
    expect(status().pending).toBe(20);
    await fleet.clock.advance(600_000);
    expect(fleet.patches).toHaveLength(20);
    expect(status().pending).toBe(0);
    await controller.stop();
  });

  test('one whose quota is spent is left alone until the next day', async () => {
    const fleet = createFleet(3);
    let attempts = 0;
    let isSpent = true;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin(ref, patch, etag, signal) {
        attempts += 1;
        return isSpent ? refusing('QuotaExceeded') : fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
    };
    const { controller } = await startOn(fleet, BASE, { hub });
    await fleet.clock.advance(11 * 3_600_000);
    expect(attempts).toBe(3);
    isSpent = false;
    await fleet.clock.advance(1.1 * 3_600_000);
    expect(fleet.patches).toHaveLength(3);
    await controller.stop();
  });
});

describe('readiness', () => {
  test('waits for good manifests', async () => {
    const fleet = createFleet(1);
    const { controller, source } = await startOn(fleet, 'kind: [');
    let isReady = false;
    void controller.ready.then(() => (isReady = true));
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(isReady).toBe(false);
    expect(controller.status()).toMatchObject({
      hubs: [],
      conditions: [
        { type: 'SourceReady', status: 'False', reason: 'InvalidManifests' },
        { type: 'Ready', status: 'False', reason: 'WaitingForSource' },
      ],
    });
    source.set(BASE);
    await fleet.clock.flush();
    expect(isReady).toBe(true);
    await controller.stop();
  });

  test('does not wait for a hub that is down', async () => {
    const fleet = createFleet(1);
    const { controller } = await startOn(fleet, BASE, { hub: switchable(fleet).hub });
    await expect(controller.ready).resolves.toBeUndefined();
    await controller.stop();
  });
});

describe('the end', () => {
  test('lets what is in flight finish, begins nothing more, and leaves no timer', async () => {
    const fleet = createFleet(40);
    const gate = Promise.withResolvers<void>();
    let closed = 0;
    const hub: Hub = {
      ...fleet.hub,
      async patchModuleTwin(ref, patch, etag, signal) {
        await gate.promise;
        return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
      close: () => void (closed += 1),
    };
    const { controller, source, log } = await startOn(fleet, BASE, { hub, concurrency: 4 });
    let isStopped = false;
    void controller.stop().then(() => (isStopped = true));
    await fleet.clock.advance(5_000);
    expect([isStopped, closed]).toEqual([false, 0]);
    gate.resolve();
    await fleet.clock.flush();
    expect([isStopped, closed]).toEqual([true, 1]);
    expect(fleet.patches).toHaveLength(4);
    expect(log.lines.map(({ message }) => message)).not.toContain('Revision applied');
    await expect(controller.done).resolves.toBeUndefined();
    source.set(EDITED);
    controller.requestResync();
    await fleet.clock.advance(NEXT_PASS_MS);
    expect([fleet.patches.length, fleet.clock.pending]).toEqual([4, 0]);
    await expect(controller.stop()).resolves.toBeUndefined();
  });

  const hanging = (): Promise<never> => new Promise(() => {});
  const untilAborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new HubError('Aborted', 'stopped')), { once: true });
    });
  const EDIT: Readonly<Record<string, (hub: Hub) => Partial<Hub>>> = {
    'a write that ends when aborted': () => ({
      patchModuleTwin: (_ref, _patch, _etag, signal) => untilAborted(signal),
    }),
    'a write that never ends': () => ({ patchModuleTwin: hanging }),
    'a read that never ends': () => ({ getModuleTwin: hanging }),
    'a list that never ends': () => ({
      async *listDevices() {
        yield await hanging();
      },
    }),
    'a list of twins that never ends': () => ({
      async *listModuleTwins() {
        yield await hanging();
      },
    }),
  };

  test.each(Object.entries(EDIT))('comes within ten seconds whatever hangs: %s', async (_name, edit) => {
    const fleet = createFleet(3);
    const { controller } = await startOn(fleet, BASE, { hub: { ...fleet.hub, ...edit(fleet.hub) } });
    let isStopped = false;
    void controller.stop().then(() => (isStopped = true));
    await fleet.clock.advance(10_000);
    expect(isStopped).toBe(true);
    expect(fleet.clock.pending).toBe(0);
  });

  test('during a pass does not take for done what it forgot', async () => {
    const fleet = createFleet(5);
    let lists = 0;
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices(signal) {
        lists += 1;
        if (lists === 2) await untilAborted(signal);
        yield* fleet.hub.listDevices(signal);
      },
      patchModuleTwin: () => refusing('Unavailable'),
    };
    const { controller, log, status } = await startOn(fleet, BASE, { hub });
    controller.requestResync();
    await fleet.clock.flush();
    expect(status().pending).toBe(5);
    await controller.stop();
    await fleet.clock.flush();
    expect(lists).toBe(2);
    expect(status().lastAppliedRevision).toBeUndefined();
    expect(log.lines.map(({ message }) => message)).not.toContain('Revision applied');
  });

  test('comes at once where nothing is in flight', async () => {
    const fleet = createFleet(3);
    const { controller } = await startOn(fleet, BASE);
    await controller.stop();
    expect(fleet.clock.pending).toBe(0);
  });

  test('begins no new hub while an old one is still ending', async () => {
    const fleet = createFleet(1);
    let connections = 0;
    const hub: Hub = { ...fleet.hub, patchModuleTwin: hanging };
    const connect = async (): Promise<{ hub: Hub; mode: 'Enforce' }> => {
      connections += 1;
      return { hub, mode: 'Enforce' };
    };
    const { controller, source } = await startOn(fleet, BASE, { connect });
    source.set(BASE.replace('mode: Enforce', 'mode: Observe'));
    await fleet.clock.advance(1_000);
    const stopping = controller.stop();
    await fleet.clock.advance(10_000);
    await stopping;
    expect([connections, controller.status().hubs]).toEqual([1, []]);
  });

  test('does not wait for a connection, and closes one that comes too late', async () => {
    const fleet = createFleet(1);
    const gate = Promise.withResolvers<void>();
    let closed = 0;
    const connect = async (): Promise<{ hub: Hub; mode: 'Enforce' }> => {
      await gate.promise;
      return { hub: { ...fleet.hub, close: () => void (closed += 1) }, mode: 'Enforce' };
    };
    const { controller } = await startOn(fleet, BASE, { connect });
    await controller.stop();
    gate.resolve();
    await fleet.clock.flush();
    expect([closed, fleet.patches.length]).toEqual([1, 0]);
  });

  test('comes before there are manifests too', async () => {
    const fleet = createFleet(1);
    const { controller } = await startOn(fleet, undefined);
    await controller.stop();
    await expect(controller.done).resolves.toBeUndefined();
    expect(fleet.clock.pending).toBe(0);
  });
});

test('a crash between two writes is made good by the next start, without a second write of the first', async () => {
  const fleet = createFleet(6);
  const first = await startOn(fleet, BASE, {
    concurrency: 1,
    hub: {
      ...fleet.hub,
      patchModuleTwin(ref, patch, etag, signal) {
        if (fleet.patches.length === 3) return new Promise(() => {});
        return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
    },
  });
  expect(fleet.patches).toHaveLength(3);
  const controller = startController({
    source: createSource(BASE),
    connect: async () => ({ hub: fleet.hub, mode: 'Enforce' }),
    clock: fleet.clock,
    random: HALF,
    log: createLog(),
    metrics: createMetrics(),
  });
  await fleet.clock.flush();
  expect(fleet.patches).toHaveLength(6);
  expect(new Set(fleet.patches.map(({ ref }) => ref.deviceId)).size).toBe(6);
  const stopping = Promise.all([first.controller.stop(), controller.stop()]);
  await fleet.clock.advance(10_000);
  await stopping;
});
