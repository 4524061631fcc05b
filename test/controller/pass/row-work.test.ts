import { describe, expect, test } from 'vitest';
import { takeRow } from '../../../src/controller/pass/row-work.ts';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';
import type { HubScope } from '../../../src/controller/reconcile/hub-context.ts';
import { survey, type Row } from '../../../src/controller/pass/list-fleet.ts';
import { WorkQueue } from '../../../src/controller/queue/work-queue.ts';
import {
  createFleet,
  createMetrics,
  createScope,
  HALF,
  manifests,
  MODULE,
  NEVER,
  plannerFor,
  PROD,
  type Fleet,
} from '../fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}` });
const KEY = `d1/${MODULE}`;

/** Where one pass puts the twins that it starts work on. */
async function lanesOf(scope: HubScope, isChange: boolean): Promise<{ Change: number; Drift: number; Resync: number }> {
  const metrics = createMetrics();
  const { clock } = scope;
  const queue = new WorkQueue({
    name: 'dev',
    concurrency: 0,
    clock,
    random: HALF,
    metrics,
    process: () => Promise.reject(),
  });
  const visit = (row: Row): void => {
    const priority = takeRow(scope, row, isChange);
    if (priority !== undefined) queue.add(row.key, priority);
  };
  await survey(scope, visit, NEVER);
  const depth = (priority: string): number => metrics.total('workqueue_depth', { priority });
  return { Change: depth('Change'), Drift: depth('Drift'), Resync: depth('Resync') };
}

async function configured(): Promise<{ fleet: Fleet; scope: HubScope }> {
  const fleet = createFleet(1);
  const scope = createScope(fleet, BASE);
  await reconcile(scope, KEY, NEVER);
  return { fleet, scope };
}

const NOTHING = { Change: 0, Drift: 0, Resync: 0 };

describe('what a pass queues', () => {
  test('is nothing for a twin in sync', async () => {
    const { scope } = await configured();
    expect(await lanesOf(scope, true)).toEqual(NOTHING);
  });

  test('goes first where a person changed something', async () => {
    const { scope } = await configured();
    scope.open = plannerFor(manifests({ base: `${PROD}, settings: {scan: PT2H, usb: block}` }));
    expect(await lanesOf(scope, true)).toEqual({ ...NOTHING, Change: 1 });
  });

  test('goes before routine where somebody else changed something', async () => {
    const { fleet, scope } = await configured();
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    expect(await lanesOf(scope, false)).toEqual({ ...NOTHING, Drift: 1 });
  });

  test('is routine where a device is new', async () => {
    expect(await lanesOf(createScope(createFleet(1), BASE), false)).toEqual({ ...NOTHING, Resync: 1 });
  });

  test('goes last where only the record is to be written, also after a change', async () => {
    const { scope } = await configured();
    scope.open = plannerFor(manifests({ other: `${PROD}, settings: {scan: PT1H, usb: block}` }));
    expect(await lanesOf(scope, true)).toEqual({ ...NOTHING, Resync: 1 });
  });
});

describe('a module that is not listed', () => {
  test('is read once, and then not again while nothing changes', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const scope = createScope(fleet, BASE);
    expect(await lanesOf(scope, false)).toEqual({ ...NOTHING, Resync: 1 });
    await reconcile(scope, KEY, NEVER);
    expect(await lanesOf(scope, false)).toEqual(NOTHING);
  });

  test('is never read where it need not exist', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const scope = createScope(fleet, manifests({ base: `${PROD}, settings: {a: 1}, module: {whenMissing: Skip}` }));
    expect(await lanesOf(scope, true)).toEqual(NOTHING);
    expect(scope.view.state(KEY)?.type).toBe('Skip');
  });

  test('is held for the reason there is now', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    fleet.tag('d1', { ring: 'one', site: 'lyon' });
    const conflict = (key: string): string =>
      manifests({
        a: `selector: {matchTags: {ring: one}}, settings: {${key}: 1}`,
        b: `selector: {matchTags: {site: lyon}}, settings: {${key}: 2}`,
      });
    const scope = createScope(fleet, conflict('first'));
    await reconcile(scope, KEY, NEVER);
    expect(scope.view.state(KEY)?.detail).toContain('"first"');
    scope.open = plannerFor(conflict('second'));
    expect(await lanesOf(scope, true)).toEqual(NOTHING);
    expect(scope.view.state(KEY)?.detail).toContain('"second"');
  });
});

describe('a twin that failed', () => {
  test('counts as failing until it is written or in sync, and is tried again by each pass', async () => {
    const { fleet, scope } = await configured();
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await lanesOf(scope, false);
    const state = scope.view.state(KEY);
    scope.view.note(KEY, state && { ...state, failure: 'Invalid' });
    expect(await lanesOf(scope, false)).toEqual({ ...NOTHING, Drift: 1 });
    expect(scope.view.state(KEY)).toMatchObject({ type: 'Patch', failure: 'Invalid' });
    fleet.tamper('d1', { guard: { usb: 'block' } });
    expect(await lanesOf(scope, false)).toEqual(NOTHING);
    expect(scope.view.state(KEY)).toMatchObject({ type: 'Equal', failure: undefined });
  });
});
