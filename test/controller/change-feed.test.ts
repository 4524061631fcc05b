// A hub that tells of changes: looked at without waiting for the pass, believed in nothing, missed by nobody when it is silent.
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/controller/loop/connection.ts';
import { inProcessFeed, type InProcessFeed } from '../../src/emulator/in-process-feed.ts';
import type { Change } from '../../src/model/change.ts';
import { HubError } from '../../src/model/errors.ts';
import { getPath, type JsonObject } from '../../src/model/json.ts';
import type { ChangeFeed } from '../../src/ports/change-feed.ts';
import type { Hub } from '../../src/ports/hub.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import {
  createFleet,
  createLease,
  createMetrics,
  manifests,
  MODULE,
  NEVER,
  PERIOD_MS,
  PROD,
  readyOf,
  startOn,
  type Fleet,
  type Running,
} from './fixture.ts';

const NEXT_PASS_MS = PERIOD_MS * 1.1;
const BASE = { base: `${PROD}, settings: {scan: PT1H, usb: block}` };

function listening(configurations: Readonly<Record<string, string>> = BASE, hubFields = ''): string {
  return manifests(configurations).replace(
    'mode: Enforce}',
    `mode: Enforce, events: {secretRef: {env: EVENTS}}${hubFields}}`,
  );
}

interface Told extends Running {
  readonly fleet: Fleet;
  readonly feed: InProcessFeed;
}

async function startTold(
  fleetOrSize: Fleet | number,
  text = listening(),
  { failure, ...options }: { readonly failure?: HubError } & Parameters<typeof startOn>[2] = {},
): Promise<Told> {
  const fleet = typeof fleetOrSize === 'number' ? createFleet(fleetOrSize) : fleetOrSize;
  const feed = inProcessFeed(fleet.iot);
  feed.fail(failure);
  const running = await startOn(fleet, text, { connectFeed: async () => feed, ...options });
  return { ...running, fleet, feed };
}

/** What passes here waits while it is shut. */
function gate(): { passed(): Promise<void>; shut(): void; open(): void } {
  let shut = Promise.withResolvers<void>();
  shut.resolve();
  return {
    passed: () => shut.promise,
    shut: () => void (shut = Promise.withResolvers<void>()),
    open: () => shut.resolve(),
  };
}

/** The fleet's hub, whose list of module twins can be held up before its first row and after its last. */
function gated(fleet: Fleet): { hub: Hub; ahead: ReturnType<typeof gate>; behind: ReturnType<typeof gate> } {
  const [ahead, behind] = [gate(), gate()];
  const hub: Hub = {
    ...fleet.hub,
    async *listModuleTwins(moduleIds, signal, options) {
      await ahead.passed();
      yield* fleet.hub.listModuleTwins(moduleIds, signal, options);
      await behind.passed();
    },
  };
  return { hub, ahead, behind };
}

const lost = (): HubError => new HubError('Unavailable', 'the connection was cut');
const tagsOf = (fleet: Fleet, deviceId: string): JsonObject =>
  fleet.iot.getTwin({ deviceId, moduleId: MODULE })['tags'] as JsonObject;
const recordOf = (fleet: Fleet, deviceId: string): JsonObject =>
  getPath(tagsOf(fleet, deviceId), ['twinward', 'default']) as JsonObject;

describe('what others change', () => {
  test('is put back without waiting for the pass', async () => {
    const { fleet, controller, metrics } = await startTold(3);
    fleet.tamper('d2', { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('block');
    expect(metrics.total('twinward_drift_corrected_total')).toBe(1);
    await controller.stop();
  });

  test('is only a hint: the twin is read, once', async () => {
    const { fleet, controller } = await startTold(3);
    const { module, device } = { ...fleet.reads };
    fleet.tamper('d2', { other: 1 });
    await fleet.clock.flush();
    expect(fleet.reads).toEqual({ module: module + 1, device });
    expect(fleet.patches).toHaveLength(3);
    await controller.stop();
  });

  test('is seen where the record is wiped', async () => {
    const { fleet, controller } = await startTold(1);
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: { twinward: null } });
    await fleet.clock.flush();
    expect(tagsOf(fleet, 'd1')).toHaveProperty('twinward.default.own');
    await controller.stop();
  });

  test('is seen where a whole twin is written back, our record of before included', async () => {
    const { fleet, controller } = await startTold(1);
    const tags = structuredClone(tagsOf(fleet, 'd1'));
    const desired = { guard: { scan: 'PT1H', usb: 'allow' } };
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags, properties: { desired } });
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('is seen where our record of before is written back alone', async () => {
    const { fleet, source, controller } = await startTold(1);
    const before = structuredClone(tagsOf(fleet, 'd1'));
    source.set(listening({ base: `${BASE.base}, deletionPolicy: Remove` }));
    await fleet.clock.flush();
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: before });
    await fleet.clock.flush();
    expect(recordOf(fleet, 'd1')).toHaveProperty('own.SecurityConfiguration/base.deletionPolicy', 'Remove');
    await controller.stop();
  });

  test('is seen where the twin is replaced', async () => {
    const { fleet, controller } = await startTold(1);
    fleet.iot.replaceTwin({ deviceId: 'd1', moduleId: MODULE }, { properties: { desired: {} } });
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });

  test('is left to a writer who does not give in, as without a feed', async () => {
    const { fleet, controller } = await startTold(1);
    for (let round = 1; round <= 30; round += 1) {
      fleet.tamper('d1', { guard: { usb: 'allow' } });
      await fleet.clock.advance(1_000);
    }
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('allow');
    expect(fleet.patches.length).toBeLessThan(10);
    await controller.stop();
  });

  test('is none of our business on a module that nobody declares, in a tag that nobody asks for, or as the word of an agent', async () => {
    const { fleet, controller } = await startTold(2);
    fleet.iot.putModule('d1', 'another', { deviceId: 'd1', moduleId: 'another' }, undefined);
    fleet.addDevice('bench', { tags: { env: 'bench' } });
    await fleet.clock.flush();
    const reads = { ...fleet.reads };
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: 'another' }, { properties: { desired: { a: 1 } } });
    fleet.tamper('bench', { guard: { usb: 'allow' } });
    fleet.tag('d1', { site: 'b' });
    fleet.report('d1', { battery: 7 });
    await fleet.clock.flush();
    expect(fleet.reads).toEqual(reads);
    await controller.stop();
  });
});

describe('a burst of hints', () => {
  async function startCounted(): Promise<Told & { readonly tallies: () => number }> {
    let count = 0;
    const metrics = createMetrics();
    const gauge: Metrics['gauge'] = (name, labels, value) => {
      if (name === 'twinward_contested_devices') count += 1;
      metrics.gauge(name, labels, value);
    };
    const told = await startTold(5, listening(), { metrics: { ...metrics, gauge } });
    const before = count;
    return { ...told, tallies: () => count - before };
  }

  test('has the fleet counted once, and is told together', async () => {
    const { fleet, controller, tallies, log } = await startCounted();
    for (const id of fleet.ids()) {
      fleet.iot.patchTwin({ deviceId: id, moduleId: MODULE }, { tags: { twinward: null } });
      await fleet.clock.flush();
    }
    await fleet.clock.advance(1_000);
    expect(tallies()).toBe(1);
    const written = log.lines.filter(({ message }) => message === 'Twins written');
    expect(written.map(({ fields }) => fields?.['reasons'])).toEqual(['FirstConfiguration 5', 'Adopted 5']);
    await controller.stop();
  });

  test('that is not told yet is told at the end', async () => {
    const { fleet, controller, log } = await startCounted();
    fleet.iot.patchTwin({ deviceId: 'd1', moduleId: MODULE }, { tags: { twinward: null } });
    await fleet.clock.flush();
    await controller.stop();
    const written = log.lines.filter(({ message }) => message === 'Twins written');
    expect(written.at(-1)?.fields).toMatchObject({ reasons: 'Adopted 1' });
    expect(fleet.clock.pending).toBe(0);
  });
});

describe('what others change during the first pass', () => {
  test('is put back when the pass has ended', async () => {
    const fleet = createFleet(2);
    const { hub, behind } = gated(fleet);
    behind.shut();
    const { controller } = await startTold(fleet, listening(), { hub });
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    const { module } = fleet.reads;
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect([fleet.desired('d1', 'guard', 'usb'), fleet.reads.module]).toEqual(['allow', module]);
    behind.open();
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('is put back though nothing is known of the device yet', async () => {
    const fleet = createFleet(1);
    const first = await startTold(fleet);
    await first.controller.stop();
    const list = gate();
    const stale = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], NEVER));
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices(signal, options) {
        await list.passed();
        yield* fleet.hub.listDevices(signal, options);
      },
      async *listModuleTwins() {
        yield* stale;
      },
    };
    list.shut();
    const { controller } = await startTold(fleet, listening(), { hub });
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    fleet.addDevice('bench', { tags: { env: 'bench' } });
    fleet.tamper('bench', { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    list.open();
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    expect(fleet.desired('bench', 'guard', 'usb')).toBe('allow');
    await controller.stop();
  });

  test('and a device that enters a group meanwhile', async () => {
    const fleet = createFleet(1);
    fleet.addDevice('d2', { tags: { env: 'bench' } });
    const { hub, behind } = gated(fleet);
    behind.shut();
    const { controller } = await startTold(fleet, listening(), { hub });
    fleet.tag('d2', { env: 'prod' });
    await fleet.clock.flush();
    behind.open();
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });
});

describe('the messages of the day', () => {
  const MINUTE_MS = 60_000;
  /** 8,000 a day, of which a tenth is ours and a quarter of that for hints: 200, and 50 of them at once. */
  const F1 = { tier: 'F1', units: 1 };

  test('are spent on hints up to a share, which is told once, and then passes find what there is', async () => {
    const fleet = createFleet(40);
    const connect = async (): Promise<Connection> => ({ hub: fleet.hub, mode: 'Enforce', capacity: F1 });
    const { controller, status, log } = await startTold(fleet, listening(), { connect });
    await fleet.clock.advance(MINUTE_MS);
    const { module } = fleet.reads;
    // Beside each module its device is read.
    const spent = (): number => 2 * (fleet.reads.module - module);
    const burst = async (): Promise<void> => {
      for (const id of fleet.ids()) fleet.tag(id, { env: 'prod' });
      await fleet.clock.advance(10 * MINUTE_MS);
    };
    await burst();
    expect(spent()).toBe(50);
    for (let bursts = 1; bursts < 24 * 6; bursts += 1) await burst();
    expect(spent()).toBeGreaterThan(190);
    expect(spent()).toBeLessThanOrEqual(200);
    const warnings = log.lines.filter(({ message }) => message.startsWith('Hints wait'));
    expect(warnings.map(({ level, fields }) => [level, fields])).toEqual([['warn', { hub: 'dev', messages: 200 }]]);
    expect(status().notes).toEqual([expect.stringMatching(/^The next pass finds what others change/)]);

    // A module costs less than a device: one or two may still be looked at.
    for (const id of ['d3', 'd2', 'd1']) fleet.tamper(id, { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('allow');
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');

    await fleet.clock.advance(8 * 60 * MINUTE_MS);
    expect(status().notes).toEqual([]);
    fleet.tamper('d2', { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('are counted by what a twin takes', async () => {
    const fleet = createFleet(20);
    const big = { notes: Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, 'x'.repeat(3_000)])) };
    for (const id of fleet.ids()) fleet.tamper(id, big);
    const connect = async (): Promise<Connection> => ({ hub: fleet.hub, mode: 'Enforce', capacity: F1 });
    const { controller } = await startTold(fleet, listening(), { connect, concurrency: 1 });
    await fleet.clock.advance(MINUTE_MS);
    const { module } = fleet.reads;
    for (const id of fleet.ids()) fleet.tamper(id, { other: 1 });
    await fleet.clock.advance(MINUTE_MS);
    expect(fleet.reads.module - module).toBe(13);
    await controller.stop();
  });

  test('are not spent by a pass whose devices are hinted at after they were listed', async () => {
    const fleet = createFleet(60);
    const { hub, ahead } = gated(fleet);
    const connect = async (): Promise<Connection> => ({ hub, mode: 'Enforce', capacity: F1 });
    const { controller } = await startTold(fleet, listening(), { connect });
    await fleet.clock.advance(MINUTE_MS);
    const { module } = fleet.reads;
    ahead.shut();
    controller.requestResync();
    await fleet.clock.advance(MINUTE_MS);
    for (const id of fleet.ids()) fleet.tag(id, { env: 'prod' });
    await fleet.clock.advance(MINUTE_MS);
    ahead.open();
    await fleet.clock.advance(MINUTE_MS);
    expect(fleet.reads.module - module).toBe(25);
    await controller.stop();
  });

  test('do not make passes rarer where hints are looked at during one', async () => {
    const fleet = createFleet(30);
    const { hub, behind } = gated(fleet);
    let lists = 0;
    const metered: Hub = {
      ...hub,
      listDevices(signal, options) {
        lists += 1;
        return hub.listDevices(signal, options);
      },
      messagesSpent: () => fleet.reads.device + fleet.reads.module,
    };
    const connect = async (): Promise<Connection> => ({ hub: metered, mode: 'Enforce', capacity: F1 });
    const { controller } = await startTold(fleet, listening(), { connect });
    await fleet.clock.advance(MINUTE_MS);
    behind.shut();
    controller.requestResync();
    await fleet.clock.advance(MINUTE_MS);
    const before = metered.messagesSpent();
    for (const id of fleet.ids()) fleet.tag(id, { env: 'prod' });
    await fleet.clock.advance(MINUTE_MS);
    expect(metered.messagesSpent()).toBe(before + 50);
    behind.open();
    await fleet.clock.flush();
    lists = 0;
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(lists).toBe(1);
    await controller.stop();
  });

  test('do not limit what a pass asks for too', async () => {
    const fleet = createFleet(60);
    const reads = gate();
    const hub: Hub = {
      ...fleet.hub,
      async getModuleTwin(ref, signal) {
        await reads.passed();
        return fleet.hub.getModuleTwin(ref, signal);
      },
    };
    const connect = async (): Promise<Connection> => ({ hub, mode: 'Enforce', capacity: F1 });
    const { controller, source } = await startTold(fleet, listening(), { connect, concurrency: 1 });
    await fleet.clock.advance(MINUTE_MS);
    reads.shut();
    for (const id of fleet.ids()) fleet.tag(id, { env: 'prod' });
    source.set(listening({ base: `${PROD}, settings: {scan: PT2H, usb: block}` }));
    await fleet.clock.advance(MINUTE_MS);
    reads.open();
    await fleet.clock.advance(MINUTE_MS);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard', 'scan')).toBe('PT2H');
    await controller.stop();
  });
});

test('another try of what a pass asked for is not limited by what hints may take', async () => {
  const fleet = createFleet(60);
  const reads = gate();
  let isBroken = false;
  const hub: Hub = {
    ...fleet.hub,
    async getModuleTwin(ref, signal) {
      if (!isBroken || ref.deviceId !== 'd60') return fleet.hub.getModuleTwin(ref, signal);
      await reads.passed();
      isBroken = false;
      throw lost();
    },
  };
  const connect = async (): Promise<Connection> => ({ hub, mode: 'Enforce', capacity: { tier: 'F1', units: 1 } });
  const { controller, source } = await startTold(fleet, listening(), { connect });
  await fleet.clock.advance(60_000);
  for (const id of fleet.ids()) fleet.tag(id, { env: 'prod' });
  await fleet.clock.advance(60_000);
  isBroken = true;
  reads.shut();
  source.set(listening({ base: `${PROD}, settings: {scan: PT2H, usb: block}` }));
  await fleet.clock.advance(60_000);
  fleet.tamper('d60', { other: 1 });
  reads.open();
  await fleet.clock.advance(60_000);
  expect(fleet.desired('d60', 'guard', 'scan')).toBe('PT2H');
  await controller.stop();
});

describe('what we write ourselves', () => {
  test.each([
    ['changes of settings', { base: `${PROD}, settings: {scan: PT2H, usb: block}` }],
    ['records alone', { base: `${PROD}, settings: {scan: PT1H, usb: block}, deletionPolicy: Remove` }],
    ['removals', { base: `${PROD}, settings: {scan: PT1H}, deletionPolicy: Remove` }],
  ])('causes no read that is not made without a feed: %s', async (_row, edited) => {
    const silent = await startTold(5, manifests(BASE));
    const told = await startTold(5);
    silent.source.set(manifests(edited));
    told.source.set(listening(edited));
    for (const { fleet } of [silent, told]) {
      await fleet.clock.flush();
      expect(fleet.patches).toHaveLength(10);
    }
    expect(told.fleet.reads).toEqual(silent.fleet.reads);
    await Promise.all([silent.controller.stop(), told.controller.stop()]);
  });
});

describe('a device', () => {
  test('that comes with its module is written to at once', async () => {
    const { fleet, controller } = await startTold(1);
    fleet.addDevice('d2');
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });

  test('whose module comes later is written to then', async () => {
    const { fleet, controller } = await startTold(1);
    fleet.addDevice('d2', { module: false });
    await fleet.clock.flush();
    fleet.iot.putModule('d2', MODULE, { deviceId: 'd2', moduleId: MODULE }, undefined);
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });

  test('whose module comes while nothing is known of either is written to then', async () => {
    const everywhere = listening({ base: 'selector: {matchAll: true}, settings: {scan: PT1H}' });
    const fleet = createFleet(1);
    const feed = inProcessFeed(fleet.iot);
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const late: Hub = {
      ...fleet.hub,
      async getModuleTwin(ref, signal) {
        const read = fleet.hub.getModuleTwin(ref, signal);
        if (ref.deviceId === 'd2') await Promise.allSettled([read, answered]);
        return read;
      },
    };
    const { controller } = await startOn(fleet, everywhere, { hub: late, connectFeed: async () => feed });
    fleet.iot.createDevice('d2', { deviceId: 'd2' });
    await fleet.clock.flush();
    fleet.iot.putModule('d2', MODULE, { deviceId: 'd2', moduleId: MODULE }, undefined);
    await fleet.clock.flush();
    answer();
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H' });
    await controller.stop();
  });

  test('that enters a group is written to, by what a direct read says of its tags', async () => {
    const { fleet, controller } = await startTold(1);
    fleet.addDevice('d2', { tags: { env: 'bench' } });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toBeUndefined();
    fleet.tag('d2', { env: 'prod' });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });

  test('that goes is forgotten', async () => {
    const { fleet, controller, status } = await startTold(2);
    fleet.iot.deleteDevice('d2', '*');
    await fleet.clock.flush();
    expect(status().counts).toMatchObject({ devices: 1, twins: 1 });
    await controller.stop();
  });

  test('that is reserved for us is left alone', async () => {
    const { fleet, controller } = await startTold(1);
    const reads = { ...fleet.reads };
    fleet.addDevice('twinward-other', { tags: { env: 'prod', twinward: {} } });
    await fleet.clock.flush();
    expect(fleet.reads).toEqual(reads);
    expect(fleet.desired('twinward-other', 'guard')).toBeUndefined();
    await controller.stop();
  });
});

const EXCEPTION = `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityException
metadata: {name: inc-1}
spec:
  selector: {matchTags: {ring: "1"}}
  profile: acme-guard
  settings: {usb: allow}
  maxDevices: 1
  owner: us
  reason: INC-1
  expiresAt: "2027-01-01T00:00:00Z"
`;

describe('guards', () => {
  const RING = { ring: 'selector: {matchTags: {ring: "1"}}, settings: {usb: block}, deletionPolicy: Remove' };
  const REMOVING = { base: `${PROD}, settings: {scan: PT1H}`, ...RING };

  test('hold what takes settings away until a pass has counted it', async () => {
    const { fleet, controller, status } = await startTold(2, listening(REMOVING));
    fleet.tag('d2', { ring: '1' });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    fleet.tag('d2', { ring: '2' });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('block');
    expect(readyOf(status())).toMatchObject({ status: 'True' });
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H' });
    await controller.stop();
  });

  test('hold what changes while the devices of an exception are counted', async () => {
    const { fleet, controller } = await startTold(3, listening() + EXCEPTION);
    for (const id of fleet.ids()) fleet.tag(id, { ring: '1' });
    await fleet.clock.advance(NEXT_PASS_MS);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('hold what changes after a pass has counted devices, and the next one writes it', async () => {
    const fleet = createFleet(3);
    const { hub, ahead, behind } = gated(fleet);
    const { controller, source } = await startTold(fleet, listening() + EXCEPTION, { hub });
    ahead.shut();
    source.set(listening({ base: `${PROD}, settings: {scan: PT2H, usb: block}` }) + EXCEPTION);
    await fleet.clock.flush();
    fleet.tag('d2', { ring: '1' });
    await fleet.clock.flush();
    ahead.open();
    await fleet.clock.flush();
    const scans = (): unknown => fleet.ids().map((id) => fleet.desired(id, 'guard', 'scan'));
    expect(scans()).toEqual(['PT2H', 'PT1H', 'PT2H']);
    behind.shut();
    await fleet.clock.advance(NEXT_PASS_MS);
    behind.open();
    await fleet.clock.flush();
    expect(scans()).toEqual(['PT2H', 'PT2H', 'PT2H']);
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('allow');
    await controller.stop();
  });

  test('hold what a limit could refuse, and the pass refuses it', async () => {
    const { fleet, controller, status } = await startTold(2, listening(BASE, ', guards: {maxChanged: 2}'));
    for (const id of ['n1', 'n2', 'n3']) fleet.addDevice(id);
    await fleet.clock.flush();
    expect(fleet.desired('n1', 'guard')).toBeUndefined();
    await fleet.clock.advance(NEXT_PASS_MS);
    for (const id of ['n1', 'n2', 'n3']) expect(fleet.desired(id, 'guard')).toBeUndefined();
    expect(readyOf(status())).toMatchObject({ reason: 'GuardRefused' });
    await controller.stop();
  });

  test('let drift pass', async () => {
    const { fleet, controller } = await startTold(2, listening(BASE, ', guards: {maxChanged: 2}'));
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('let what a pass has counted pass, though somebody else writes to the twin meanwhile', async () => {
    const fleet = createFleet(2);
    const { hub, behind } = gated(fleet);
    const { controller, source } = await startTold(fleet, listening(BASE, ', guards: {maxChanged: 2}'), { hub });
    behind.shut();
    source.set(listening({ base: `${PROD}, settings: {usb: block}` }, ', guards: {maxChanged: 2}'));
    await fleet.clock.flush();
    fleet.tamper('d2', { other: 1 });
    await fleet.clock.flush();
    expect(fleet.desired('d2', 'guard', 'scan')).toBe('PT1H');
    behind.open();
    await fleet.clock.flush();
    expect(fleet.ids().map((id) => fleet.desired(id, 'guard', 'scan'))).toEqual([undefined, undefined]);
    await controller.stop();
  });

  test('let a module that is made have its first settings, though the hub tells of it in between', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('n1', { module: false });
    const create = { base: `${PROD}, settings: {usb: block}, module: {whenMissing: Create}` };
    const { controller } = await startTold(fleet, listening(create, ', guards: {maxChanged: 2}'));
    expect(fleet.desired('n1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('let nothing pass by what was counted before another had the lease', async () => {
    const fleet = createFleet(3);
    const { hub, ahead } = gated(fleet);
    const ring = 'selector: {matchTags: {ring: "1"}}, settings: {audit: all}';
    const guarded = (scan: string, approval?: string): string =>
      listening({ base: `${PROD}, settings: {scan: ${scan}}`, ring }, ', guards: {maxChanged: 1}').replace(
        'metadata: {name: dev}',
        approval === undefined ? '$&' : `metadata: {name: dev, annotations: {twinward.dev/approve: ${approval}}}`,
      );
    const { controller, source, status } = await startTold(fleet, guarded('PT1H'), { hub, holder: 'a' });
    const approval = /approve: (\S+@\d+)/.exec(readyOf(status())?.message ?? '')?.[1];
    source.set(guarded('PT1H', approval));
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H' });
    const other = createLease(fleet, 'other', { kind: 'apply' });
    await other.acquire(NEVER, true);
    await fleet.clock.advance(30_000);
    expect(readyOf(status())?.reason).toBe('WaitingForLease');
    for (const id of ['d1', 'd2', 'd3']) fleet.tag(id, { ring: '1' });
    await fleet.clock.flush();
    ahead.shut();
    await other.release();
    await fleet.clock.advance(30_000);
    for (const id of ['d1', 'd2', 'd3']) fleet.tamper(id, { other: 1 });
    await fleet.clock.flush();
    const audits = (): unknown => ['d1', 'd2', 'd3'].map((id) => fleet.desired(id, 'guard', 'audit'));
    expect(audits()).toEqual([undefined, undefined, undefined]);
    ahead.open();
    await fleet.clock.flush();
    expect(audits()).toEqual([undefined, undefined, undefined]);
    expect(readyOf(status())?.reason).toBe('GuardRefused');
    await controller.stop();
  });

  test('let what a pass has counted pass', async () => {
    const { fleet, controller } = await startTold(2, listening(BASE, ', guards: {maxChanged: 2}'));
    fleet.addDevice('n1');
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(fleet.desired('n1', 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    await controller.stop();
  });
});

describe('a feed that fails', () => {
  const warnings = ({ log }: Told): readonly string[] =>
    log.lines
      .filter(({ message }) => message.startsWith('Change events'))
      .map(({ level, message }) => `${level} ${message}`);

  test('stops nothing: passes go on', async () => {
    const told = await startTold(2, listening(), { failure: lost() });
    const { fleet, controller, status } = told;
    expect(readyOf(status())).toMatchObject({ status: 'True' });
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('is told once, in the log and in the status, until it is followed again', async () => {
    const told = await startTold(2);
    const { fleet, feed, controller, status } = told;
    expect(status().notes).toEqual([]);
    feed.fail(lost());
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(status().notes).toEqual([
      'Change events are not followed, what others change is seen by the next pass: the connection was cut',
    ]);
    feed.fail(undefined);
    await fleet.clock.advance(NEXT_PASS_MS);
    expect(status().notes).toEqual([]);
    expect(warnings(told)).toEqual([
      'info Change events are followed',
      'warn Change events are not followed',
      'info Change events are followed',
    ]);
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect(fleet.desired('d1', 'guard', 'usb')).toBe('block');
    await controller.stop();
  });

  test('is tried again later and later', async () => {
    const fleet = createFleet(1);
    const triesMs: number[] = [];
    const connectFeed = async (): Promise<never> => {
      triesMs.push(fleet.clock.now());
      throw new HubError('Unauthorized', 'the secret is not there');
    };
    const { controller } = await startOn(fleet, listening(), { connectFeed });
    await fleet.clock.advance(60_000);
    const waits = triesMs.slice(1).map((at, index) => at - (triesMs[index] ?? 0));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000]);
    await controller.stop();
  });

  test('that never answers does not hold up the end', async () => {
    const fleet = createFleet(1);
    const { controller } = await startOn(fleet, listening(), { connectFeed: () => new Promise(() => {}) });
    await controller.stop();
    expect(fleet.clock.pending).toBe(0);
  });
});

describe('an endpoint that tells of another hub', () => {
  test('is told once, in the log and in the status, and counts for nothing', async () => {
    const fleet = createFleet(2);
    const connect = async (): Promise<Connection> => ({
      hub: fleet.hub,
      mode: 'Enforce',
      hostName: 'acme-prod.azure-devices.net',
    });
    const { controller, log, status } = await startTold(fleet, listening(), { connect });
    const reads = { ...fleet.reads };
    for (const id of fleet.ids()) fleet.tamper(id, { guard: { usb: 'allow' } });
    await fleet.clock.flush();
    expect(fleet.reads).toEqual(reads);
    expect(log.lines.filter(({ message }) => message === 'Change events are of another hub')).toEqual([
      {
        level: 'warn',
        message: 'Change events are of another hub',
        fields: { hub: 'dev', hostName: 'acme-prod.azure-devices.net', theirs: 'dev' },
      },
    ]);
    expect(status().notes).toEqual([
      "Change events are of dev, not of acme-prod, so what others change is seen by the next pass: give the connection string of acme-prod's own endpoint.",
    ]);
    await controller.stop();
  });

  test('and of ours is as good as one of ours alone', async () => {
    const fleet = createFleet(1);
    let tell: (change: Change) => void = () => {};
    const feed: ChangeFeed = {
      watch({ onOpen, onChange }, signal) {
        tell = onChange;
        onOpen();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(lost())));
      },
      probe: async () => Promise.reject(lost()),
    };
    const { controller, status } = await startTold(fleet, listening(), { connectFeed: async () => feed });
    const ofHub = (hubName: string): Change => ({
      hubName,
      deviceId: 'd1',
      moduleId: MODULE,
      isLifecycle: false,
      isReplaced: false,
      tags: undefined,
      desiredVersion: 9,
    });
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    tell(ofHub('another'));
    await fleet.clock.flush();
    expect([status().notes.length, fleet.desired('d1', 'guard', 'usb')]).toEqual([1, 'allow']);
    tell(ofHub('DEV'));
    await fleet.clock.flush();
    expect([status().notes.length, fleet.desired('d1', 'guard', 'usb')]).toEqual([0, 'block']);
    tell(ofHub('another'));
    await fleet.clock.flush();
    expect(status().notes).toEqual([]);
    await controller.stop();
  });
});

test('nobody listens where no events are declared, and nobody any more after the end', async () => {
  const { feed, controller, fleet } = await startTold(1, manifests(BASE));
  expect(feed.watching).toBe(0);
  await controller.stop();
  const listened = await startTold(1);
  expect(listened.feed.watching).toBe(1);
  await listened.controller.stop();
  expect([listened.feed.watching, listened.fleet.clock.pending, fleet.clock.pending]).toEqual([0, 0, 0]);
});
