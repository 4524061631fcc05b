import { expect, test } from 'vitest';
import type { Planner } from '../../src/plan/planner.ts';
import { reconcile } from '../../src/controller/reconcile/reconcile.ts';
import { createFleet, createContext, manifests, MODULE, NEVER, plannerFor, PROD } from '../controller/fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}, deletionPolicy: Remove` });
const KEY = `d1/${MODULE}`;

/** The planner of an observed hub, with targets that say it may write. */
function observing(text: string): Planner {
  const { targetsFor, targetFor } = plannerFor(text, 'Enforce');
  return { ...plannerFor(text, 'Observe'), targetsFor, targetFor };
}

test('whatever is decided for a target that may be written, nothing is written', async () => {
  const fleet = createFleet(1);
  fleet.addDevice('d2', { module: false });
  const context = createContext(fleet, BASE);
  await reconcile(context, KEY, NEVER);
  fleet.patches.length = 0;
  for (const text of [
    manifests({ base: `${PROD}, settings: {scan: PT2H}, module: {whenMissing: Create}` }),
    manifests({ renamed: `${PROD}, settings: {scan: PT1H, usb: block}` }),
    manifests({}),
  ]) {
    context.rules = { ...context.rules, planner: observing(text) };
    expect((await reconcile(context, KEY, NEVER)).result).toBe('Observed');
    await reconcile(context, `d2/${MODULE}`, NEVER);
  }
  expect(fleet.patches).toEqual([]);
  expect(fleet.iot.listModules('d2')).toEqual([]);
  expect(context.writes).toBe(1);
});

test('observes what it would have written', async () => {
  const fleet = createFleet(1);
  const context = createContext(fleet, BASE);
  context.rules = { ...context.rules, planner: observing(BASE) };
  const { action } = await reconcile(context, KEY, NEVER);
  expect(action).toMatchObject({ type: 'Observe', reason: 'ModeObserve' });
  expect(Object.keys(action ?? {})).not.toContain('patch');
  expect(action?.observed.map(({ name, after }) => [name, after])).toEqual([
    ['scan', 'PT1H'],
    ['usb', 'block'],
  ]);
});
