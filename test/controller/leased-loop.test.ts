// The controller under a lease: one writes, others wait, and whoever loses it stops at once.
import { expect, test } from 'vitest';
import type { Hub } from '../../src/ports/hub.ts';
import {
  createFleet,
  createLease,
  manifests,
  NEVER,
  PERIOD_MS,
  PROD,
  readyOf,
  startOn,
  suspend,
  type Fleet,
} from './fixture.ts';

const scan = (time: string): string => manifests({ base: `${PROD}, settings: {scan: ${time}}` });
const TTL_MS = 90_000;

test('the first writes, the second waits, looks at nothing, and says for whom', async () => {
  const fleet = createFleet(3);
  const first = await startOn(fleet, scan('PT1H'), { holder: 'a@one/1' });
  const second = await startOn(fleet, scan('PT2H'), { holder: 'b@two/2' });
  await fleet.clock.advance(PERIOD_MS * 2);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT1H');
  expect(readyOf(first.status())).toMatchObject({ status: 'True' });
  expect(readyOf(second.status())).toMatchObject({ status: 'Unknown', reason: 'WaitingForLease' });
  expect(readyOf(second.status())?.message).toContain('a@one/1 (run)');
  expect(second.status()).toMatchObject({ writes: 0, lastAppliedRevision: undefined, counts: { twins: 0 } });
  expect(first.metrics.total('leader_election_master_status')).toBe(1);
  expect(second.metrics.total('leader_election_master_status')).toBe(0);
  expect(second.log.lines.filter(({ message }) => message === 'Waiting for the lease')).toHaveLength(1);
});

test('the second goes on soon after the first stopped, and leaves no trace of waiting', async () => {
  const fleet = createFleet(3);
  const first = await startOn(fleet, scan('PT1H'), { holder: 'a' });
  const second = await startOn(fleet, scan('PT2H'), { holder: 'b' });
  await first.controller.stop();
  await fleet.clock.advance(TTL_MS / 3);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT2H');
  expect(readyOf(second.status())).toMatchObject({ status: 'True' });
  await second.controller.stop();
  expect(fleet.clock.pending).toBe(0);
});

test('the second goes on when the first died', async () => {
  const fleet = createFleet(3);
  const dead: Fleet = { ...fleet, clock: { ...fleet.clock, schedule: () => () => {} } };
  await startOn(dead, scan('PT1H'), { holder: 'a' });
  await startOn(fleet, scan('PT2H'), { holder: 'b' });
  await fleet.clock.advance(TTL_MS - 1);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT1H');
  await fleet.clock.advance(TTL_MS / 3 + 1);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT2H');
});

test('a lost lease ends what is in flight and what is queued, and is no revision applied', async () => {
  const fleet = createFleet(40);
  let isSlow = false;
  const hub: Hub = {
    ...fleet.hub,
    patchModuleTwin: async (ref, patch, etag, signal) => {
      if (isSlow) await new Promise<void>((resolve) => void fleet.clock.schedule(200_000, resolve));
      signal.throwIfAborted();
      return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
    },
  };
  const running = await startOn(fleet, scan('PT1H'), { holder: 'a', hub });
  isSlow = true;
  running.source.set(scan('PT2H'));
  await fleet.clock.flush();
  expect(running.status().pending).toBe(40);
  const thief = createLease(fleet, 'thief', { kind: 'apply' });
  await thief.acquire(NEVER, true);
  await fleet.clock.advance(TTL_MS / 3);
  expect(running.status().pending).toBe(0);
  expect(readyOf(running.status())?.reason).toBe('WaitingForLease');
  expect(running.status().lastAppliedRevision).not.toBe(running.status().lastAttemptedRevision);
  await fleet.clock.advance(PERIOD_MS);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT1H');
  isSlow = false;
  await thief.release();
  await fleet.clock.advance(TTL_MS / 3);
  expect(fleet.desired('d40', 'guard', 'scan')).toBe('PT2H');
  expect(running.status().lastAppliedRevision).toBe(running.status().lastAttemptedRevision);
});

test('a hub that is only observed has no lease and no reserved device', async () => {
  const fleet = createFleet(2);
  await startOn(fleet, scan('PT1H'), { holder: 'a', mode: 'Observe' });
  await fleet.clock.advance(PERIOD_MS);
  expect(fleet.ids()).toEqual(['d1', 'd2']);
});

test('the reserved device is no device of the fleet, whatever selects everything', async () => {
  const fleet = createFleet(2);
  const everything = manifests({
    base: 'selector: {matchAll: true}, settings: {scan: PT1H}, module: {whenMissing: Create}',
  });
  const { status } = await startOn(fleet, everything, { holder: 'a' });
  await fleet.clock.advance(PERIOD_MS);
  expect(fleet.ids()).toEqual(['d1', 'd2', 'twinward-default']);
  expect(status().counts).toMatchObject({ devices: 2, twins: 2 });
  expect(fleet.iot.listModules('twinward-default')).toEqual([]);
});

test('a hub that holds nothing but the reserved device is believed to be empty', async () => {
  const fleet = createFleet(0);
  const { status } = await startOn(fleet, scan('PT1H'), { holder: 'a' });
  expect(readyOf(status())).toMatchObject({ status: 'True' });
});

test('a suspension is noticed at the next renewal and freezes; its end is noticed by itself', async () => {
  const fleet = createFleet(2);
  const { source, status } = await startOn(fleet, scan('PT1H'), { holder: 'a' });
  const untilMs = fleet.clock.now() + 3_600_000;
  await suspend(fleet, () => [{ scope: 'Device', name: 'd1', who: 'me@here', reason: 'INC-1', untilMs }]);
  await fleet.clock.advance(TTL_MS / 3);
  source.set(scan('PT2H'));
  fleet.tamper('d1', { guard: { scan: 'PT9H' } });
  await fleet.clock.advance(PERIOD_MS * 1.1);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT9H');
  expect(fleet.desired('d2', 'guard', 'scan')).toBe('PT2H');
  expect(status()).toMatchObject({ counts: { actions: { Equal: 1 } }, suspensions: [{ name: 'd1', reason: 'INC-1' }] });
  await fleet.clock.advance(3_600_000);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT2H');
});

test('without a lease a suspension is noticed at the next pass', async () => {
  const fleet = createFleet(2);
  await startOn(fleet, scan('PT1H'));
  await suspend(fleet, () => [{ scope: 'All', who: 'me@here', reason: 'INC-1', untilMs: undefined }]);
  fleet.tamper('d1', { guard: { scan: 'PT9H' } });
  await fleet.clock.advance(PERIOD_MS * 1.1);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT9H');
  await suspend(fleet, () => []);
  await fleet.clock.advance(PERIOD_MS * 1.1);
  expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT1H');
});

test('what was approved is remembered on the hub for whoever goes on after a crash', async () => {
  const fleet = createFleet(0);
  for (const [id, kind] of Object.entries({ a1: 'a', a2: 'a', a3: 'a', b1: 'b' })) {
    fleet.addDevice(id, { tags: { env: 'prod', kind } });
  }
  const two = (time: string, metadata: string): string =>
    manifests({
      one: `selector: {matchTags: {kind: a}}, settings: {scan: ${time}}`,
      two: `selector: {matchTags: {kind: b}}, settings: {usb: ${time}}`,
    })
      .replace('metadata: {name: dev}', `metadata: {name: dev${metadata}}`)
      .replace('mode: Enforce}', 'mode: Enforce, guards: {maxChanged: 1}}');
  const approve = (text = ''): string =>
    `, annotations: {twinward.dev/approve: ${/approve: (\S+@\d+)/.exec(text)?.[1] ?? 'none'}}`;
  const before = await startOn(fleet, two('PT1H', '').replace('maxChanged: 1', ''), { holder: 'a' });
  before.source.set(two('PT2H', ''));
  await fleet.clock.flush();
  let isCrashed = false;
  const hub: Hub = {
    ...fleet.hub,
    patchModuleTwin: (ref, ...rest) =>
      isCrashed || ref.deviceId.startsWith('a') ? new Promise(() => {}) : fleet.hub.patchModuleTwin(ref, ...rest),
  };
  const message = readyOf(before.status())?.message;
  await before.controller.stop();
  const crashing = await startOn(fleet, two('PT2H', approve(message)), { holder: 'b', hub });
  isCrashed = true;
  expect(fleet.desired('b1', 'guard', 'usb')).toBe('PT2H');
  expect(fleet.desired('a1', 'guard', 'scan')).toBe('PT1H');
  void crashing.controller.stop();
  await fleet.clock.advance(TTL_MS);
  const after = await startOn(fleet, two('PT2H', approve(message)), { holder: 'c' });
  await fleet.clock.advance(TTL_MS);
  expect(fleet.desired('a3', 'guard', 'scan')).toBe('PT2H');
  expect(readyOf(after.status())).toMatchObject({ status: 'True' });
});
