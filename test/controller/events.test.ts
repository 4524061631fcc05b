// What a controller tells: each thing when it begins and when it is over, however many passes see it.
import { expect, test } from 'vitest';
import { EVENT_REASONS } from '../../src/controller/status/event-reasons.ts';
import { HubError, SourceError } from '../../src/model/errors.ts';
import type { Hub } from '../../src/ports/hub.ts';
import type { ControllerEvent } from '../../src/ports/recorder.ts';
import {
  createFleet,
  createLease,
  manifests,
  NEVER,
  PERIOD_MS,
  PROD,
  startOn,
  type Fleet,
  type Running,
} from './fixture.ts';

const USB = manifests({ base: `${PROD}, settings: {usb: block}` });
const MIRROR = USB.replace('section: /guard', 'section: /guard, acknowledgement: {type: Mirror}');
const NEXT_PASS_MS = 1.2 * PERIOD_MS;

interface Told extends Running {
  /** Since the last call, as `TYPE REASON WHERE: MESSAGE`. */
  told(): string[];
}

async function start(fleet: Fleet, text: string, options: Parameters<typeof startOn>[2] = {}): Promise<Told> {
  const events: ControllerEvent[] = [];
  const record = (event: ControllerEvent): void => {
    expect(EVENT_REASONS[event.type]).toContain(event.reason);
    events.push(event);
  };
  const running = await startOn(fleet, text, { recorder: { record }, ...options });
  const told = (): string[] =>
    events
      .splice(0)
      .map(({ type, reason, hub = 'source', deviceId, message }) => `${type} ${reason} ${deviceId ?? hub}: ${message}`);
  return { ...running, told };
}

test('an agent that refuses, a module of IoT Edge, a module that is made', async () => {
  const fleet = createFleet(1);
  fleet.addDevice('edge', { edge: true, managedBy: 'IotEdge' });
  fleet.addDevice('new', { module: false });
  const text = MIRROR.replace('settings:', 'module: {whenMissing: Create}, settings:');
  const { told, controller } = await start(fleet, text);
  expect(told().toSorted()).toEqual([
    'Normal FirstConfiguration d1: + usb "block"',
    'Normal FirstConfiguration new: + usb "block"',
    expect.stringMatching(/^Normal Loaded source: Revision sha256:\w+ is loaded\.$/),
    'Normal ModuleCreated new: It was missing, and a configuration asks for it.',
    expect.stringMatching(/^Warning ManagedByEdge edge: IoT Edge manages this module/),
  ]);
  await fleet.clock.advance(1_000);
  fleet.report('d1', { guard: { usb: 'allow' } });
  await fleet.clock.advance(NEXT_PASS_MS);
  expect(told()).toEqual(['Warning Rejected d1: usb']);
  await fleet.clock.advance(3 * 60 * 60_000);
  expect(told()).toEqual([]);
  fleet.report('d1', { guard: { usb: 'block' } });
  await fleet.clock.advance(NEXT_PASS_MS);
  expect(told()).toEqual(['Normal Recovered d1: Rejected is over.']);
  await controller.stop();
});

test('another writer that never gives in: each correction, then the contest, then its end', async () => {
  const fleet = createFleet(1);
  const { told, controller } = await start(fleet, USB);
  told();
  for (let round = 0; round < 8; round += 1) {
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    controller.requestResync();
    await fleet.clock.advance(60_000);
  }
  const [contest, ...corrections] = told().toReversed();
  expect(new Set(corrections)).toEqual(new Set(['Normal Drift d1: ~ usb "allow" → "block"']));
  expect(contest).toMatch(/^Warning Contested d1: Another writer keeps changing "usb" \(corrected/);
  await fleet.clock.advance(4 * 60 * 60_000);
  expect(told()).toEqual(['Normal Drift d1: ~ usb "allow" → "block"', 'Normal Recovered d1: Contested is over.']);
  await controller.stop();
});

test('what the guards refuse, once for the hub, and that they refuse nothing any more', async () => {
  const fleet = createFleet(9);
  const guarded = USB.replace('mode: Enforce', 'mode: Enforce, guards: {maxChanged: 5}');
  const { told, source, controller } = await start(fleet, guarded);
  expect(told()).toEqual([
    expect.stringMatching(/^Normal Loaded/),
    expect.stringMatching(/^Warning GuardRefused dev: Hub "dev" approves it with .*9 twins would change/),
  ]);
  await fleet.clock.advance(3 * NEXT_PASS_MS);
  expect(told()).toEqual([]);
  source.set(USB);
  await fleet.clock.flush();
  expect(told()).toContain('Normal Recovered dev: GuardRefused is over.');
  await controller.stop();
});

test('a lease that somebody else has, takes and gives back', async () => {
  const fleet = createFleet(1);
  const other = createLease(fleet, 'ben@desk/2', { kind: 'apply' });
  await other.acquire(NEVER);
  const { told, controller } = await start(fleet, USB, { holder: 'anna@desk/1' });
  expect(told()).toEqual([
    expect.stringMatching(/^Normal Loaded/),
    'Normal WaitingForLease dev: Waiting for ben@desk/2 (apply) to release the lease.',
  ]);
  await other.release();
  await fleet.clock.advance(60_000);
  expect(told()).toEqual([
    'Normal LeaseAcquired dev: This controller writes from now on.',
    'Normal FirstConfiguration d1: + usb "block"',
  ]);
  await other.acquire(NEVER, true);
  await fleet.clock.advance(60_000);
  expect(told()[0]).toBe('Warning LeaseLost dev: Nothing is written until it is held again: ben@desk/2 has it now.');
  await other.release();
  await controller.stop();
});

test('a hub that can not be listed, and manifests that can not be used', async () => {
  const fleet = createFleet(1);
  const state = { isDown: true };
  const hub: Hub = {
    ...fleet.hub,
    async *listDevices(signal) {
      if (state.isDown) throw new HubError('Unavailable', 'The hub is away.');
      yield* fleet.hub.listDevices(signal);
    },
  };
  const { told, source, controller } = await start(fleet, USB, { hub });
  await fleet.clock.advance(NEXT_PASS_MS);
  expect(told()).toEqual([expect.stringMatching(/^Normal Loaded/), 'Warning ListFailed dev: The hub is away.']);
  state.isDown = false;
  await fleet.clock.advance(NEXT_PASS_MS);
  expect(told()).toContain('Normal Recovered dev: ListFailed is over.');
  source.set(USB.replace('settings', 'setings'));
  await fleet.clock.advance(NEXT_PASS_MS);
  source.set(new SourceError('Unreadable', 'The folder is away.'));
  await fleet.clock.advance(NEXT_PASS_MS);
  source.set(USB);
  await fleet.clock.advance(NEXT_PASS_MS);
  expect(told()).toEqual([
    expect.stringMatching(/^Warning InvalidManifests source: TW\d+ .*still decides\.$/),
    expect.stringMatching(/^Warning ReadFailed source: The folder is away\. Revision .* still decides\.$/),
    expect.stringMatching(/^Normal Loaded source/),
  ]);
  await controller.stop();
});

test('an agent that repeats a secret does not put it into an event', async () => {
  const fleet = createFleet(1);
  const text = MIRROR.replace('section: /guard', 'section: /guard, sensitive: [badge]').replace(
    'usb: block',
    'usb: block, badge: s3cret-badge',
  );
  const { told, status, controller } = await start(fleet, text);
  await fleet.clock.advance(1_000);
  const lastError = 'badge "s3cret-badge" is not known';
  fleet.report('d1', { guard: { usb: 'block', badge: 's3cret-badge', lastError } });
  await fleet.clock.advance(NEXT_PASS_MS);
  expect(told()).toContain('Warning Rejected d1: badge "(sensitive)" is not known');
  expect(status().offenders[0]?.detail).toBe('badge "(sensitive)" is not known');
  expect(fleet.desired('d1', 'guard', 'badge')).toBe('s3cret-badge');
  await controller.stop();
});
