import { describe, expect, test } from 'vitest';
import { applyOnce, type ApplyOptions, type ApplyReport } from '../../../src/controller/once/apply.ts';
import { HubError, type HubErrorCode } from '../../../src/model/errors.ts';
import type { Twin } from '../../../src/model/twin.ts';
import type { Mode } from '../../../src/model/declared.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  HALF,
  manifests,
  MODULE,
  plannerFor,
  PROD,
  type Fleet,
} from '../fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}` });

/** Runs to the end, moving time as far as retries need. */
async function run(
  fleet: Fleet,
  text: string,
  options: Partial<ApplyOptions> & { readonly hubMode?: Mode } = {},
): Promise<ApplyReport> {
  const { hubMode, ...more } = options;
  const report = applyOnce({
    planner: plannerFor(text, hubMode),
    hub: fleet.hub,
    hubName: 'dev',
    clock: fleet.clock,
    random: HALF,
    log: createLog(),
    metrics: createMetrics(),
    signal: new AbortController().signal,
    ...more,
  });
  let isDone = false;
  void report.catch(() => {}).finally(() => (isDone = true));
  for (let turn = 0; turn < 100 && !isDone; turn += 1) await fleet.clock.advance(5_000);
  return report;
}

function throwing(code: HubErrorCode): HubError {
  return new HubError(code, `the hub says ${code}`);
}

describe('a pass', () => {
  test('writes every selected twin once and the second writes nothing', async () => {
    const fleet = createFleet(5);
    const first = await run(fleet, BASE);
    expect(first.outcomes).toMatchObject({ Written: 5, Failed: 0 });
    expect(first).toMatchObject({ writes: 5, counts: { devices: 5, twins: 5, actions: { Equal: 5 } } });
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
    const second = await run(fleet, BASE);
    expect(second.writes).toBe(0);
    expect(second.outcomes).toMatchObject({ Unchanged: 5, Written: 0 });
    expect(fleet.patches).toHaveLength(5);
  });

  test('sends exactly the one key that changed to exactly the devices it is declared for', async () => {
    const fleet = createFleet(4);
    fleet.addDevice('lab1', { tags: { env: 'lab' } });
    await run(fleet, BASE);
    fleet.patches.length = 0;
    await run(fleet, manifests({ base: `${PROD}, settings: {scan: PT2H, usb: block}` }));
    expect(fleet.patches.map(({ ref }) => ref.deviceId).toSorted()).toEqual(['d1', 'd2', 'd3', 'd4']);
    for (const { patch } of fleet.patches) expect(patch.properties?.desired).toEqual({ guard: { scan: 'PT2H' } });
  });

  test('puts back what drifted and leaves the rest of the twin alone', async () => {
    const fleet = createFleet(3);
    await run(fleet, BASE);
    fleet.tamper('d2', { guard: { usb: 'allow' }, theirs: { a: 1 } });
    const metrics = createMetrics();
    const report = await run(fleet, BASE, { metrics });
    expect(report.outcomes).toMatchObject({ Written: 1, Unchanged: 2 });
    expect(fleet.desired('d2', 'guard', 'usb')).toBe('block');
    expect(fleet.desired('d2', 'theirs')).toEqual({ a: 1 });
    expect(metrics.total('twinward_drift_corrected_total')).toBe(1);
  });

  test('removes a key that its configuration no longer declares', async () => {
    const fleet = createFleet(2);
    await run(fleet, BASE);
    await run(fleet, manifests({ base: `${PROD}, settings: {scan: PT1H}` }));
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT1H' });
  });

  test.each([
    { policy: 'Retain', guard: { scan: 'PT1H', usb: 'block' } },
    { policy: 'Remove', guard: { scan: 'PT1H' } },
  ])('does with a configuration that left the source what it said: $policy', async ({ policy, guard }) => {
    const fleet = createFleet(2);
    const usb = `${PROD}, settings: {usb: block}, deletionPolicy: ${policy}`;
    await run(fleet, manifests({ base: `${PROD}, settings: {scan: PT1H}`, usb }));
    await run(fleet, manifests({ base: `${PROD}, settings: {scan: PT1H}` }));
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual(guard);
    expect((await run(fleet, manifests({ base: `${PROD}, settings: {scan: PT1H}` }))).writes).toBe(0);
  });

  test('takes away what a device got from a group it left, and nothing where that was the last', async () => {
    const fleet = createFleet(2);
    const text = manifests({
      base: 'selector: {matchTags: {env: prod}}, settings: {scan: PT1H}',
      ring: 'selector: {matchTags: {ring: one}}, settings: {usb: audit}',
    });
    for (const id of fleet.ids()) fleet.tag(id, { ring: 'one' });
    await run(fleet, text);
    fleet.tag('d1', { ring: 'two' });
    fleet.tag('d2', { ring: 'two', env: 'lab' });
    const report = await run(fleet, text);
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H' });
    expect(fleet.desired('d2', 'guard')).toEqual({ scan: 'PT1H', usb: 'audit' });
    expect(report.counts.actions).toMatchObject({ Equal: 1, Keep: 1 });
  });

  test('creates a missing module where the configuration says so and waits where it does not', async () => {
    const create = createFleet(0);
    create.addDevice('d1', { module: false });
    const report = await run(
      create,
      manifests({ base: `${PROD}, settings: {scan: PT1H}, module: {whenMissing: Create}` }),
    );
    expect(report.outcomes).toMatchObject({ Created: 1 });
    expect(create.desired('d1', 'guard')).toEqual({ scan: 'PT1H' });

    const wait = createFleet(0);
    wait.addDevice('d1', { module: false });
    const waiting = await run(wait, BASE);
    expect(waiting).toMatchObject({ writes: 0, outcomes: { Unchanged: 1 }, counts: { actions: { Wait: 1 } } });
    wait.iot.putModule('d1', MODULE, { deviceId: 'd1', moduleId: MODULE }, undefined);
    expect((await run(wait, BASE)).outcomes).toMatchObject({ Written: 1 });
  });

  test('reads nothing directly for modules that need not exist', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const report = await run(fleet, manifests({ base: `${PROD}, settings: {a: 1}, module: {whenMissing: Skip}` }));
    expect(report).toMatchObject({ writes: 0, counts: { actions: { Skip: 1 } } });
    expect(fleet.reads).toEqual({ device: 0, module: 0 });
  });

  test('writes nothing in Observe, whatever is declared or gone', async () => {
    const fleet = createFleet(3);
    const report = await run(fleet, BASE, { hubMode: 'Observe' });
    expect(report).toMatchObject({ writes: 0, outcomes: { Observed: 3 } });
    await run(fleet, manifests({ base: `${PROD}, settings: {usb: block}, deletionPolicy: Remove` }));
    const gone = await run(fleet, manifests({}), { hubMode: 'Observe' });
    expect(gone).toMatchObject({ writes: 0, outcomes: { Observed: 3 } });
  });

  test('works on what is selected only', async () => {
    const fleet = createFleet(3);
    const report = await run(fleet, BASE, { select: ({ deviceId }) => deviceId === 'd2' });
    expect(report.results.map(({ ref, outcome }) => [ref.deviceId, outcome])).toEqual([['d2', 'Written']]);
    expect(fleet.patches).toHaveLength(1);
  });

  test('tells how far it is', async () => {
    const fleet = createFleet(3);
    const seen: string[] = [];
    await run(fleet, BASE, { onProgress: ({ done, total }) => void seen.push(`${done}/${total}`) });
    expect(seen.at(-1)).toBe('3/3');
  });
});

describe('when the world is unkind', () => {
  test('another writer between read and write is read again, and its key survives', async () => {
    const fleet = createFleet(1);
    let races = 2;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin(ref, patch, etag, signal) {
        if (races > 0) fleet.tamper(ref.deviceId, { theirs: (races -= 1) });
        return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
    };
    const report = await run(fleet, BASE, { hub });
    expect(report.outcomes).toMatchObject({ Written: 1 });
    expect(fleet.desired('d1')).toMatchObject({ guard: { scan: 'PT1H', usb: 'block' }, theirs: 0 });
    expect(report.writes).toBe(1);
  });

  test('a writer that always wins is given up in the end', async () => {
    const fleet = createFleet(1);
    const hub: Hub = { ...fleet.hub, patchModuleTwin: () => Promise.reject(throwing('PreconditionFailed')) };
    const report = await run(fleet, BASE, { hub });
    expect(report.results).toMatchObject([{ outcome: 'Failed', error: { code: 'PreconditionFailed' } }]);
    expect(report.results[0]?.state?.failure).toBe('PreconditionFailed');
  });

  test.each(['Timeout', 'Unavailable'] as const)('a lost answer (%s) is not written twice', async (code) => {
    const fleet = createFleet(3);
    const lost = new Set<string>();
    const hub: Hub = {
      ...fleet.hub,
      async patchModuleTwin(ref, patch, etag, signal) {
        const answer = await fleet.hub.patchModuleTwin(ref, patch, etag, signal);
        if (lost.has(ref.deviceId)) return answer;
        lost.add(ref.deviceId);
        throw throwing(code);
      },
    };
    const report = await run(fleet, BASE, { hub });
    expect(report.outcomes).toMatchObject({ Failed: 0, Unchanged: 3 });
    expect(fleet.patches).toHaveLength(3);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual({ scan: 'PT1H', usb: 'block' });
  });

  test('a list that breaks off is told, and what was seen is worked on', async () => {
    const fleet = createFleet(3);
    const hub: Hub = {
      ...fleet.hub,
      async *listModuleTwins(moduleIds, signal) {
        for await (const page of fleet.hub.listModuleTwins(moduleIds, signal)) {
          yield page.slice(0, 1);
          throw throwing('Unavailable');
        }
      },
    };
    const report = await run(fleet, BASE, { hub });
    expect(report.error?.code).toBe('Unavailable');
    expect(report.outcomes).toMatchObject({ Written: 1 });
  });

  test('a list that is empty though the hub counts devices is a failure, not an empty hub', async () => {
    const fleet = createFleet(3);
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices() {
        yield [];
      },
    };
    const report = await run(fleet, BASE, { hub });
    expect(report).toMatchObject({ writes: 0, results: [], error: { code: 'Malformed' } });
  });

  test('a bug in a list ends it, and nothing is written behind its back', async () => {
    const fleet = createFleet(40);
    const hub: Hub = {
      ...fleet.hub,
      async *listModuleTwins(moduleIds, signal) {
        yield* fleet.hub.listModuleTwins(moduleIds, signal);
        throw new TypeError('what?');
      },
    };
    await expect(run(fleet, BASE, { hub, concurrency: 1 })).rejects.toThrow('what?');
    const written = fleet.patches.length;
    await fleet.clock.advance(60_000);
    expect(written).toBeLessThan(40);
    expect(fleet.patches).toHaveLength(written);
  });

  test('rows from long ago start work and decide nothing', async () => {
    const fleet = createFleet(2);
    const old: Twin[] = [];
    for await (const page of fleet.hub.listModuleTwins([MODULE], new AbortController().signal)) old.push(...page);
    await run(fleet, BASE);
    const hub: Hub = {
      ...fleet.hub,
      async *listModuleTwins() {
        yield old;
      },
    };
    const report = await run(fleet, BASE, { hub });
    expect(report).toMatchObject({ writes: 0, outcomes: { Unchanged: 2 } });
  });

  test('what turns out to remove something waits for guards that have seen everything, and says so', async () => {
    const fleet = createFleet(1);
    const old = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], new AbortController().signal));
    await run(fleet, BASE);
    const hub: Hub = {
      ...fleet.hub,
      async *listModuleTwins() {
        yield* old;
        throw throwing('Unavailable');
      },
    };
    const report = await run(fleet, manifests({ base: `${PROD}, settings: {usb: allow}` }), { hub });
    expect(report.results).toMatchObject([{ outcome: 'Held', action: { reason: 'GuardRefused' } }]);
    expect(report.results[0]?.action?.message).toBe(
      'Not written before the guards have judged a pass over the whole hub with these manifests.',
    );
  });

  test('a row of a device that is gone is forgotten', async () => {
    const fleet = createFleet(2);
    const devices = await Array.fromAsync(fleet.hub.listDevices(new AbortController().signal));
    const twins = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], new AbortController().signal));
    fleet.iot.deleteDevice('d1', '*');
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices() {
        yield* devices;
      },
      async *listModuleTwins() {
        yield* twins;
      },
    };
    const report = await run(fleet, BASE, { hub });
    expect(report.outcomes).toMatchObject({ Written: 1, Unchanged: 1 });
    expect(report.counts).toMatchObject({ devices: 1, twins: 1 });
  });

  test('a membership that only the list claims is not written to', async () => {
    const fleet = createFleet(1);
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices() {
        yield [{ deviceId: 'd1', status: 'enabled', iotEdge: false, tags: { env: 'prod' } }];
      },
    };
    fleet.tag('d1', { env: 'lab' });
    expect((await run(fleet, BASE, { hub })).writes).toBe(0);
  });

  test('an answer that is not what was written is counted and not taken for success', async () => {
    const fleet = createFleet(1);
    const metrics = createMetrics();
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, _patch, _etag, signal) => fleet.hub.getModuleTwin(ref, signal),
    };
    const report = await run(fleet, BASE, { hub, metrics });
    expect(report.results).toMatchObject([{ outcome: 'Failed', state: { failure: 'UnexpectedAnswer' } }]);
    expect(metrics.total('twinward_unexpected_answer_total')).toBeGreaterThan(0);
  });

  test('one that can not be written holds up no other', async () => {
    const fleet = createFleet(4);
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, patch, etag, signal) =>
        ref.deviceId === 'd3'
          ? Promise.reject(throwing('Invalid'))
          : fleet.hub.patchModuleTwin(ref, patch, etag, signal),
    };
    const report = await run(fleet, BASE, { hub });
    expect(report.outcomes).toMatchObject({ Written: 3, Failed: 1 });
  });

  test('a bug while working on one key is counted and stays inside', async () => {
    const fleet = createFleet(2);
    const metrics = createMetrics();
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin(ref, patch, etag, signal) {
        if (ref.deviceId === 'd1') throw new TypeError('not a HubError');
        return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
    };
    const report = await run(fleet, BASE, { hub, metrics });
    expect(report.outcomes).toMatchObject({ Written: 1, Failed: 1 });
    expect(metrics.total('controller_runtime_reconcile_panics_total')).toBeGreaterThan(0);
  });

  test('an abort ends it and what was not reached has failed', async () => {
    const fleet = createFleet(40);
    const stop = new AbortController();
    const hub: Hub = {
      ...fleet.hub,
      async patchModuleTwin(ref, patch, etag, signal) {
        if (fleet.patches.length === 5) stop.abort();
        return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
    };
    const { outcomes } = await run(fleet, BASE, { hub, signal: stop.signal });
    expect(outcomes.Failed).toBeGreaterThan(20);
    expect(outcomes.Failed + outcomes.Written).toBe(40);
  });
});
