import { expect, test } from 'vitest';
import { withCeiling } from '../../src/plan/observe-only.ts';
import { reconcile } from '../../src/controller/reconcile/reconcile.ts';
import { createFleet, createScope, manifests, MODULE, NEVER, plannerFor, PROD } from '../controller/fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}, deletionPolicy: Remove` });
const KEY = `d1/${MODULE}`;

test('whatever a planner decides that thinks it may write, nothing is written', async () => {
  const fleet = createFleet(1);
  fleet.addDevice('d2', { module: false });
  const scope = createScope(fleet, BASE);
  await reconcile(scope, KEY, NEVER);
  fleet.patches.length = 0;
  for (const text of [
    manifests({ base: `${PROD}, settings: {scan: PT2H}, module: {whenMissing: Create}` }),
    manifests({ renamed: `${PROD}, settings: {scan: PT1H, usb: block}` }),
    manifests({}),
  ]) {
    scope.planner = withCeiling(plannerFor(text, 'Enforce'), 'Observe');
    expect((await reconcile(scope, KEY, NEVER)).result).toBe('Observed');
    await reconcile(scope, `d2/${MODULE}`, NEVER);
  }
  expect(fleet.patches).toEqual([]);
  expect(fleet.iot.listModules('d2')).toEqual([]);
  expect(scope.writes).toBe(1);
});

test('tells what it would have written', async () => {
  const fleet = createFleet(1);
  const scope = createScope(fleet, BASE);
  scope.planner = withCeiling(plannerFor(BASE, 'Enforce'), 'Observe');
  const { action } = await reconcile(scope, KEY, NEVER);
  expect(action).toMatchObject({ type: 'Observe', reason: 'ModeObserve', changes: [], patch: undefined });
  expect(action?.observed.map(({ name, after }) => [name, after])).toEqual([
    ['scan', 'PT1H'],
    ['usb', 'block'],
  ]);
});
