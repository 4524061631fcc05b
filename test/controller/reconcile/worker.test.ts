import { expect, test } from 'vitest';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';
import { workOn } from '../../../src/controller/reconcile/worker.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createFleet, createLog, createMetrics, createContext, manifests, MODULE, NEVER, PROD } from '../fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H}` });
const KEY = `d1/${MODULE}`;

test.each([
  { name: 'nothing to do', error: undefined, label: 'success', counts: [0, 0, 0], failure: undefined },
  { name: 'a failure', error: new HubError('Timeout', 'x'), label: 'requeue', counts: [1, 0, 0], failure: 'Timeout' },
  { name: 'a refusal', error: new HubError('Invalid', 'x'), label: 'error', counts: [1, 1, 0], failure: 'Invalid' },
  {
    name: 'a spent quota',
    error: new HubError('QuotaExceeded', 'x'),
    label: 'requeue_after',
    counts: [1, 0, 0],
    failure: 'QuotaExceeded',
  },
  { name: 'a bug', error: new TypeError('what?'), label: 'requeue', counts: [1, 0, 1], failure: 'Bug' },
])('$name is counted as what it is and stays inside', async ({ error, label, counts, failure }) => {
  const fleet = createFleet(1);
  const metrics = createMetrics();
  const log = createLog();
  const context = createContext(fleet, BASE, { metrics, log });
  await reconcile(context, KEY, NEVER);
  const getModuleTwin: Hub['getModuleTwin'] = (ref, signal) =>
    error === undefined ? fleet.hub.getModuleTwin(ref, signal) : Promise.reject(error);
  const hub = { ...fleet.hub, getModuleTwin };
  const { result } = await workOn({ ...context, hub }, KEY, NEVER);
  expect(result).toBe(error === undefined ? 'Unchanged' : 'Failed');
  expect(metrics.total('controller_runtime_reconcile_total', { result: label })).toBe(1);
  expect([
    metrics.total('controller_runtime_reconcile_errors_total'),
    metrics.total('controller_runtime_terminal_reconcile_errors_total'),
    metrics.total('controller_runtime_reconcile_panics_total'),
  ]).toEqual(counts);
  expect(context.twins.state(KEY)?.failure).toBe(failure);
  expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(failure === 'Bug' ? 1 : 0);
});

test('every line of one reconcile names the twin and the reconcile', async () => {
  const fleet = createFleet(1);
  const log = createLog();
  const context = createContext(fleet, BASE, { log });
  const hub: Hub = { ...fleet.hub, getModuleTwin: () => Promise.reject(new HubError('Timeout', 'x')) };
  for (let count = 0; count < 2; count += 1) await workOn(Object.assign(context, { hub }), KEY, NEVER);
  const getModuleTwin: Hub['getModuleTwin'] = () => Promise.reject(new TypeError('what?'));
  await workOn(Object.assign(context, { hub: { ...fleet.hub, getModuleTwin } }), KEY, NEVER);
  const prefix = fleet.clock.now().toString(36);
  const fields = log.lines.map((line) => line.fields);
  expect(fields).toMatchObject(
    [1, 2, 3].map((count) => ({ device: 'd1', module: MODULE, reconcileID: `${prefix}-${count}` })),
  );
  expect(fields[0]).toMatchObject({ code: 'Timeout', error: 'x' });
  expect(fields[2]).toMatchObject({ controller: 'dev', doing: `reconcile ${KEY}` });
});
