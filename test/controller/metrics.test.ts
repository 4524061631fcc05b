import { expect, test } from 'vitest';
import { prometheusMetrics } from '../../src/adapters/prometheus-metrics.ts';
import type { Hub } from '../../src/ports/hub.ts';
import { createFleet, manifests, PERIOD_MS, PROD, startOn } from './fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}, module: {whenMissing: Create}` });

test('every number that the loop counts is declared, with its labels', async () => {
  const fleet = createFleet(3);
  fleet.addDevice('new', { module: false });
  let calls = 0;
  const hub: Hub = {
    ...fleet.hub,
    patchModuleTwin(ref, patch, etag, signal) {
      calls += 1;
      if (calls === 1) throw new TypeError('what?');
      if (calls === 2) return fleet.hub.getModuleTwin(ref, signal);
      if (calls === 3) fleet.tamper(ref.deviceId, { theirs: 1 });
      return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
    },
  };
  const metrics = prometheusMetrics();
  const { controller, status } = await startOn(fleet, BASE, { hub, metrics });
  await fleet.clock.advance(60_000);
  fleet.tamper('d1', { guard: { usb: 'allow' } });
  fleet.iot.deleteDevice('d3', '*');
  await fleet.clock.advance(PERIOD_MS * 1.1);
  expect(status()).toMatchObject({ pending: 0, counts: { twins: 3, actions: { Equal: 3 } } });
  await controller.stop();
  const text = await metrics.text();
  for (const line of [
    'twinward_devices{hub="dev",state="Written"} 3',
    'twinward_patches_total{hub="dev",result="created"} 1',
    'twinward_patches_total{hub="dev",result="conflict"} 1',
    'twinward_drift_corrected_total{hub="dev"} 1',
    'twinward_unexpected_answer_total{hub="dev"} 1',
    'controller_runtime_reconcile_panics_total{controller="dev"} 1',
    'workqueue_depth{name="dev",priority="Change"} 0',
    'controller_runtime_active_workers{controller="dev"} 0',
  ]) {
    expect(text).toContain(line);
  }
});
