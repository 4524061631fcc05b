import { describe, expect, test } from 'vitest';
import { priorityOfRow } from '../../../src/controller/pass/row-priority.ts';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';
import { rulesOf, type HubContext } from '../../../src/controller/context/hub-context.ts';
import type { Row } from '../../../src/controller/pass/list-fleet.ts';
import { makePass } from '../../../src/controller/pass/pass.ts';
import { RETRY } from '../../../src/controller/queue/outcome.ts';
import { WorkQueue } from '../../../src/controller/queue/work-queue.ts';
import {
  createFleet,
  createMetrics,
  createContext,
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
async function lanesOf(
  context: HubContext,
  isChange: boolean,
): Promise<{ Change: number; Drift: number; Resync: number }> {
  const metrics = createMetrics();
  const { clock } = context;
  const queue = new WorkQueue({
    name: 'dev',
    concurrency: 0,
    clock,
    random: HALF,
    metrics,
    process: () => Promise.reject(),
    onBug: () => RETRY,
  });
  const onRow = (row: Row): void => {
    const priority = priorityOfRow(context, row, isChange);
    if (priority !== undefined) queue.add(row.key, priority);
  };
  await makePass(context, { onRow }, NEVER);
  const depth = (priority: string): number => metrics.total('workqueue_depth', { priority });
  return { Change: depth('Change'), Drift: depth('Drift'), Resync: depth('Resync') };
}

async function configured(): Promise<{ fleet: Fleet; context: HubContext }> {
  const fleet = createFleet(1);
  const context = createContext(fleet, BASE);
  await reconcile(context, KEY, NEVER);
  return { fleet, context };
}

const NOTHING = { Change: 0, Drift: 0, Resync: 0 };

describe('what a pass queues', () => {
  test('is nothing for a twin in sync', async () => {
    const { context } = await configured();
    expect(await lanesOf(context, true)).toEqual(NOTHING);
  });

  test('goes first where a person changed something', async () => {
    const { context } = await configured();
    context.rules = rulesOf(plannerFor(manifests({ base: `${PROD}, settings: {scan: PT2H, usb: block}` })));
    expect(await lanesOf(context, true)).toEqual({ ...NOTHING, Change: 1 });
  });

  test('goes before routine where somebody else changed something', async () => {
    const { fleet, context } = await configured();
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    expect(await lanesOf(context, false)).toEqual({ ...NOTHING, Drift: 1 });
  });

  test('is routine where a device is new', async () => {
    expect(await lanesOf(createContext(createFleet(1), BASE), false)).toEqual({ ...NOTHING, Resync: 1 });
  });

  test('goes last where only the record is to be written, also after a change', async () => {
    const { context } = await configured();
    context.rules = rulesOf(plannerFor(manifests({ other: `${PROD}, settings: {scan: PT1H, usb: block}` })));
    expect(await lanesOf(context, true)).toEqual({ ...NOTHING, Resync: 1 });
  });
});

describe('a module that is not listed', () => {
  test('is read once, and then not again while nothing changes', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const context = createContext(fleet, BASE);
    expect(await lanesOf(context, false)).toEqual({ ...NOTHING, Resync: 1 });
    await reconcile(context, KEY, NEVER);
    expect(await lanesOf(context, false)).toEqual(NOTHING);
  });

  test('is never read where it need not exist', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const context = createContext(fleet, manifests({ base: `${PROD}, settings: {a: 1}, module: {whenMissing: Skip}` }));
    expect(await lanesOf(context, true)).toEqual(NOTHING);
    expect(context.twins.state(KEY)?.type).toBe('Skip');
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
    const context = createContext(fleet, conflict('first'));
    await reconcile(context, KEY, NEVER);
    expect(context.twins.state(KEY)?.detail).toContain('"first"');
    context.rules = rulesOf(plannerFor(conflict('second')));
    expect(await lanesOf(context, true)).toEqual(NOTHING);
    expect(context.twins.state(KEY)?.detail).toContain('"second"');
  });
});

describe('a twin that failed', () => {
  test('counts as failing until it is written or in sync, and is tried again by each pass', async () => {
    const { fleet, context } = await configured();
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    await lanesOf(context, false);
    const state = context.twins.state(KEY);
    context.twins.setState(KEY, state && { ...state, failure: 'Invalid' });
    expect(await lanesOf(context, false)).toEqual({ ...NOTHING, Drift: 1 });
    expect(context.twins.state(KEY)).toMatchObject({ type: 'Patch', failure: 'Invalid' });
    fleet.tamper('d1', { guard: { usb: 'block' } });
    expect(await lanesOf(context, false)).toEqual(NOTHING);
    expect(context.twins.state(KEY)).toMatchObject({ type: 'Equal', failure: undefined });
  });
});
