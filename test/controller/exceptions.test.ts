// Exceptions in the loop: they end at their time by themselves, whatever the source and the passes do.
import { describe, expect, test } from 'vitest';
import { createTestClock } from '../support/test-clock.ts';
import { createFleet, manifests, PERIOD_MS, PROD, startOn } from './fixture.ts';

const START_MS = Date.UTC(2026, 10, 23, 12);
const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H}` });

function exception(name: string, spec: string, endsInMs: number): string {
  const until = new Date(START_MS + endsInMs).toISOString();
  return `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityException
metadata: {name: ${name}}
spec: {profile: acme-guard, ${PROD}, ${spec}, owner: soc, reason: INC-812, expiresAt: "${until}"}
`;
}

/** Ten passes after the start, and between two of them. */
const LATER_MS = 10.5 * PERIOD_MS;
const INCIDENT = BASE + exception('inc', 'settings: {scan: PT5M, usb: audit}', LATER_MS);

function fleetOf(size: number) {
  const fleet = createFleet(size, createTestClock(START_MS));
  for (const id of fleet.ids()) fleet.tamper(id, { guard: { usb: 'allow' } });
  return fleet;
}

describe('an exception', () => {
  test('reaches all of its devices at once, ends at its time and leaves each as it was', async () => {
    const fleet = fleetOf(3);
    const { controller, status } = await startOn(fleet, INCIDENT);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT5M', usb: 'audit' });
    await fleet.clock.advance(LATER_MS - 1);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT5M', usb: 'audit' });
    await fleet.clock.advance(1);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT1H', usb: 'allow' });
    expect(fleet.patches).toHaveLength(6);
    expect(status()).toMatchObject({ pending: 0, counts: { actions: { Equal: 3 } } });
    await fleet.clock.advance(5 * PERIOD_MS);
    expect(fleet.patches).toHaveLength(6);
    await controller.stop();
  });

  test('ends at its time while the source can not be read', async () => {
    const fleet = fleetOf(1);
    const { controller, source } = await startOn(fleet, INCIDENT);
    source.set(new Error('gone'));
    await fleet.clock.advance(LATER_MS);
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H', usb: 'allow' });
    await controller.stop();
  });

  test('that had ended before the start is put back by the first pass, and told', async () => {
    const fleet = fleetOf(1);
    const first = await startOn(fleet, INCIDENT);
    await first.controller.stop();
    await fleet.clock.advance(LATER_MS);
    const { controller, log } = await startOn(fleet, INCIDENT);
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H', usb: 'allow' });
    expect(log.lines.filter(({ fields }) => fields?.['code'] === 'TW2110')).toHaveLength(1);
    await controller.stop();
  });

  test('is told to have ended once it has', async () => {
    const fleet = fleetOf(1);
    const { controller } = await startOn(fleet, INCIDENT);
    expect(controller.status().source.diagnostics).toEqual([]);
    await fleet.clock.advance(LATER_MS + PERIOD_MS);
    expect(controller.status().source.diagnostics).toMatchObject([{ code: 'TW2110', severity: 'warning' }]);
    await controller.stop();
  });

  test('that contradicts another is refused until one of them has ended', async () => {
    const fleet = fleetOf(1);
    const other = exception('other', 'settings: {scan: PT9M}', 20 * PERIOD_MS);
    const { controller, source } = await startOn(fleet, BASE);
    source.set(INCIDENT + other);
    await fleet.clock.flush();
    expect(controller.status().source.diagnostics).toMatchObject([{ code: 'TW1405' }]);
    expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT1H');
    await fleet.clock.advance(LATER_MS + PERIOD_MS);
    expect(controller.status().source.diagnostics).toMatchObject([{ code: 'TW2110' }]);
    expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT9M');
    await controller.stop();
  });
});

describe('an exception for at most two devices', () => {
  const narrow = BASE + exception('inc', 'settings: {scan: PT5M}, maxDevices: 2', LATER_MS);

  test('is held where three are selected, and written once there are two', async () => {
    const fleet = fleetOf(3);
    const { controller, status } = await startOn(fleet, narrow);
    expect(status().counts.actions).toMatchObject({ Hold: 3 });
    expect(status().offenders[0]).toMatchObject({ reason: 'ExceptionTooWide' });
    expect(fleet.patches).toHaveLength(0);
    fleet.tag('d3', { env: 'lab' });
    await fleet.clock.advance(1.2 * PERIOD_MS);
    expect(fleet.desired('d1', 'guard', 'scan')).toBe('PT5M');
    expect(fleet.desired('d3', 'guard', 'scan')).toBeUndefined();
    await controller.stop();
  });

  test('freezes where it is when a third comes', async () => {
    const fleet = fleetOf(2);
    const { controller, status } = await startOn(fleet, narrow);
    expect(fleet.desired('d2', 'guard', 'scan')).toBe('PT5M');
    fleet.addDevice('d3');
    await fleet.clock.advance(1.2 * PERIOD_MS);
    expect(fleet.desired('d3', 'guard', 'scan')).toBeUndefined();
    expect(fleet.desired('d2', 'guard', 'scan')).toBe('PT5M');
    expect(status().counts.actions).toMatchObject({ Hold: 3 });
    await controller.stop();
  });
});
