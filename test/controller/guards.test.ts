// What the guards refuse stays unwritten on every way that writes, and what a person approves is written.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyOnce, type ApplyReport } from '../../src/controller/once/apply.ts';
import { inspectHub } from '../../src/controller/once/inspect.ts';
import type { EarlierApproval } from '../../src/model/earlier-approval.ts';
import { keyOf } from '../../src/model/twin-key.ts';
import { rulesOf } from '../../src/controller/context/hub-context.ts';
import { queuePass } from '../../src/controller/pass/queue-pass.ts';
import { reconcile } from '../../src/controller/reconcile/reconcile.ts';
import { HubError } from '../../src/model/errors.ts';
import type { GuardDecision } from '../../src/plan/guard/guards.ts';
import { asPlanned, savedTwin, type SavedTwin } from '../../src/plan/report/saved-plan.ts';
import type { Hub } from '../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  createContext,
  HALF,
  manifests,
  MODULE,
  NEVER,
  PERIOD_MS,
  plannerFor,
  PROD,
  readyOf,
  startOn,
  type Fleet,
} from './fixture.ts';

/** The source with these guards on its hub, and an approval. */
function guarded(configurations: Readonly<Record<string, string>>, guards: string, approval?: string): string {
  const annotations = approval === undefined ? '' : `, annotations: {twinward.dev/approve: ${approval}}`;
  return manifests(configurations)
    .replace('metadata: {name: dev}', `metadata: {name: dev${annotations}}`)
    .replace('mode: Enforce}', `mode: Enforce, guards: {${guards}}}`);
}

const scan = (time: string): Readonly<Record<string, string>> => ({
  base: `${PROD}, settings: {scan: ${time}, usb: block}`,
});

async function apply(fleet: Fleet, text: string, hub: Hub = fleet.hub): Promise<ApplyReport> {
  const report = applyOnce({
    planner: plannerFor(text),
    hub,
    hubName: 'dev',
    clock: fleet.clock,
    random: HALF,
    log: createLog(),
    metrics: createMetrics(),
    signal: NEVER,
  });
  let isDone = false;
  void report.catch(() => {}).finally(() => (isDone = true));
  for (let turn = 0; turn < 50 && !isDone; turn += 1) await fleet.clock.advance(5_000);
  return report;
}

/** As a person reads it in a message. */
function approvalIn(message: string | undefined): string {
  return /twinward\.dev\/approve: (\S+@\d+)/.exec(message ?? '')?.[1] ?? 'none';
}

const scans = (fleet: Fleet): unknown[] => fleet.ids().map((id) => fleet.desired(id, 'guard', 'scan'));

/** The hub of the fleet, whose list of twins lacks some. */
function lacking({ hub }: Fleet, ids: () => readonly string[]): Hub {
  return {
    ...hub,
    async *listModuleTwins(moduleIds, signal) {
      for await (const page of hub.listModuleTwins(moduleIds, signal)) {
        yield page.filter(({ deviceId }) => !ids().includes(deviceId));
      }
    },
  };
}

describe('a change that is too large', () => {
  test('is refused whole by apply, says how it is approved, and is written once it is', async () => {
    const fleet = createFleet(4);
    await apply(fleet, manifests(scan('PT1H')));
    fleet.patches.length = 0;
    const refused = await apply(fleet, guarded(scan('PT2H'), 'maxChanged: 50%'));
    expect(refused.outcomes).toMatchObject({ Held: 4, Written: 0 });
    expect(refused.guards?.refusedBy).toEqual(['TooManyChanged']);
    expect(refused.results.map(({ action }) => action?.reason)).toEqual(Array(4).fill('GuardRefused'));
    expect(fleet.patches).toEqual([]);
    const approval = approvalIn(refused.results[0]?.action?.message);
    const written = await apply(fleet, guarded(scan('PT2H'), 'maxChanged: 50%', approval));
    expect(written.outcomes).toMatchObject({ Held: 0, Written: 4 });
    expect(scans(fleet)).toEqual(Array(4).fill('PT2H'));
  });

  test('is not approved by the word for another change, nor for fewer twins', async () => {
    const fleet = createFleet(4);
    await apply(fleet, manifests(scan('PT1H')));
    const refused = await apply(fleet, guarded(scan('PT2H'), 'maxChanged: 50%'));
    const approval = approvalIn(refused.guards?.message);
    expect((await apply(fleet, guarded(scan('PT3H'), 'maxChanged: 50%', approval))).writes).toBe(0);
    fleet.addDevice('d5');
    fleet.iot.patchTwin({ deviceId: 'd5', moduleId: MODULE }, { properties: { desired: { guard: { scan: 'PT9H' } } } });
    expect((await apply(fleet, guarded(scan('PT2H'), 'maxChanged: 50%', approval))).writes).toBe(0);
  });

  // Found by simulation: each twin was read directly where a page of the list was missing, and no guard had counted it.
  test('is no smaller where the list lacks twins: what was not counted waits', async () => {
    const fleet = createFleet(4);
    await apply(fleet, manifests(scan('PT1H')));
    const hub = lacking(fleet, () => ['d2', 'd3', 'd4']);
    const { results } = await apply(fleet, guarded(scan('PT2H'), 'maxChanged: 1'), hub);
    expect(scans(fleet)).toEqual(['PT2H', 'PT1H', 'PT1H', 'PT1H']);
    expect(results.filter(({ outcome }) => outcome === 'Held').map(({ action }) => action?.message)).toEqual(
      Array(3).fill(
        'Not written before a pass over the whole hub has counted it. Look again later: its lists can lag by half an hour.',
      ),
    );
  });

  test('is not applied before what a list lacked is counted and written', async () => {
    const fleet = createFleet(4);
    let lacked: readonly string[] = [];
    const { source, status } = await startOn(fleet, manifests(scan('PT1H')), { hub: lacking(fleet, () => lacked) });
    lacked = ['d2'];
    source.set(guarded(scan('PT2H'), 'maxChanged: 3'));
    await fleet.clock.flush();
    expect(scans(fleet)).toEqual(['PT2H', 'PT1H', 'PT2H', 'PT2H']);
    expect(readyOf(status())).toMatchObject({
      reason: 'Progressing',
      message: '1 twin to count with the next look at the hub.',
    });
    lacked = [];
    await fleet.clock.advance(PERIOD_MS * 1.1);
    expect(scans(fleet)).toEqual(Array(4).fill('PT2H'));
    expect(readyOf(status())).toMatchObject({ status: 'True', message: '4 of 4 twins in sync.' });
  });

  test('waits in the controller while drift is corrected, and is told once', async () => {
    const fleet = createFleet(4);
    const { source, status, log, metrics } = await startOn(fleet, manifests(scan('PT1H')));
    source.set(
      guarded({ ...scan('PT1H'), ring: `selector: {deviceIds: [d1, d2]}, settings: {audit: all}` }, 'maxChanged: 1'),
    );
    await fleet.clock.flush();
    expect(readyOf(status())).toMatchObject({ status: 'False', reason: 'GuardRefused' });
    expect(status().counts.actions).toMatchObject({ Hold: 2, Equal: 2 });
    fleet.tamper('d3', { guard: { usb: 'allow' } });
    await fleet.clock.advance(PERIOD_MS * 1.1);
    expect(fleet.desired('d3', 'guard', 'usb')).toBe('block');
    expect(fleet.desired('d1', 'guard', 'audit')).toBeUndefined();
    expect(log.lines.filter(({ message }) => message === 'The guards refuse a change')).toHaveLength(1);
    expect(metrics.total('twinward_guard_refusals_total', { guard: 'TooManyChanged' })).toBeGreaterThan(1);
  });

  test('is written by the controller once it is approved, without a new connection', async () => {
    const fleet = createFleet(4);
    const { source, status } = await startOn(fleet, manifests(scan('PT1H')));
    source.set(guarded(scan('PT2H'), 'maxChanged: 1'));
    await fleet.clock.flush();
    const approval = approvalIn(readyOf(status())?.message);
    const before = status().writes;
    source.set(guarded(scan('PT2H'), 'maxChanged: 1', approval));
    await fleet.clock.flush();
    expect(scans(fleet)).toEqual(Array(4).fill('PT2H'));
    expect(status().writes).toBe(before + 4);
    expect(readyOf(status())).toMatchObject({ status: 'True' });
  });

  test('leaves an approval behind that does nothing any more, told in the status and once in the log', async () => {
    const fleet = createFleet(4);
    const { source, status, log } = await startOn(fleet, manifests(scan('PT1H')));
    source.set(guarded(scan('PT2H'), 'maxChanged: 1'));
    await fleet.clock.flush();
    source.set(guarded(scan('PT2H'), 'maxChanged: 1', approvalIn(readyOf(status())?.message)));
    await fleet.clock.flush();
    expect(status().notes).toEqual([]);
    await fleet.clock.advance(PERIOD_MS * 3);
    const told = expect.stringMatching(/^The approval [0-9a-f]{12}@4 of Hub "dev" does nothing now/) as string;
    expect(status().notes).toEqual([told]);
    expect(log.lines.filter(({ message }) => message === 'An approval does nothing')).toHaveLength(1);
    source.set(guarded(scan('PT2H'), 'maxChanged: 1'));
    await fleet.clock.flush();
    expect(status().notes).toEqual([]);
  });

  test('stays approved while its work is half done', async () => {
    const fleet = createFleet(0);
    for (const id of ['a1', 'a2', 'a3', 'b1']) fleet.addDevice(id, { tags: { env: 'prod', kind: id.slice(0, 1) } });
    const two = (time: string): Readonly<Record<string, string>> => ({
      one: `selector: {matchTags: {kind: a}}, settings: {scan: ${time}}`,
      two: `selector: {matchTags: {kind: b}}, settings: {usb: ${time}}`,
    });
    let isBroken = false;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, ...rest) =>
        isBroken && ref.deviceId.startsWith('a')
          ? new Promise(() => {}) // hangs until the loop gives up
          : fleet.hub.patchModuleTwin(ref, ...rest),
    };
    const { source, status } = await startOn(fleet, manifests(two('PT1H')), { hub });
    source.set(guarded(two('PT2H'), 'maxChanged: 1'));
    await fleet.clock.flush();
    const approval = approvalIn(readyOf(status())?.message);
    isBroken = true;
    source.set(guarded(two('PT2H'), 'maxChanged: 1', approval));
    await fleet.clock.flush();
    expect(fleet.desired('b1', 'guard', 'usb')).toBe('PT2H');
    await fleet.clock.advance(PERIOD_MS * 1.1);
    expect(readyOf(status())?.reason).not.toBe('GuardRefused');
  });

  test('may be a first configuration, creations or removals, each by its own limit', async () => {
    const fleet = createFleet(3);
    expect((await apply(fleet, guarded(scan('PT1H'), 'maxChanged: 2'))).outcomes).toMatchObject({ Held: 3 });
    await apply(fleet, manifests(scan('PT1H')));
    const less = { base: `${PROD}, settings: {usb: block}` };
    expect((await apply(fleet, guarded(less, 'maxRemoved: 2'))).outcomes).toMatchObject({ Held: 3 });
    expect((await apply(fleet, guarded(less, 'maxRemoved: 3'))).outcomes).toMatchObject({ Written: 3 });
    const bare = createFleet(0);
    for (const id of ['n1', 'n2']) bare.addDevice(id, { module: false });
    const create = { base: `${PROD}, settings: {usb: block}, module: {whenMissing: Create}` };
    expect((await apply(bare, guarded(create, 'maxCreated: 1'))).outcomes).toMatchObject({ Held: 2 });
    expect((await apply(bare, guarded(create, 'maxCreated: 2'))).outcomes).toMatchObject({ Created: 2 });
  });

  test.each(['maxCreated: 2', 'maxChanged: 2'])(
    'is none where modules are made within %s: each gets its first settings too',
    async (guards) => {
      const fleet = createFleet(0);
      for (const id of ['n1', 'n2']) fleet.addDevice(id, { module: false });
      const create = { base: `${PROD}, settings: {usb: block}, module: {whenMissing: Create}` };
      const { outcomes } = await apply(fleet, guarded(create, guards));
      expect(outcomes).toMatchObject({ Created: 2, Held: 0 });
      expect(fleet.ids().map((id) => fleet.desired(id, 'guard', 'usb'))).toEqual(['block', 'block']);
    },
  );
});

test('tags that somebody wiped take nothing from more devices than agreed', async () => {
  const fleet = createFleet(4);
  const two = { base: 'selector: {matchAll: true}, settings: {usb: block}', ring: `${PROD}, settings: {scan: PT1H}` };
  await apply(fleet, guarded(two, 'maxUnassigned: 1'));
  for (const id of fleet.ids()) fleet.tag(id, { env: 'lost' });
  const refused = await apply(fleet, guarded(two, 'maxUnassigned: 1'));
  expect(refused.outcomes).toMatchObject({ Held: 4, Written: 0 });
  expect(scans(fleet)).toEqual(Array(4).fill('PT1H'));
  expect(refused.guards?.refusedBy).toEqual(['TooManyUnassigned']);
});

describe('a source that shrank', () => {
  const all = {
    a: `${PROD}, settings: {a: 1}, deletionPolicy: Remove`,
    b: `${PROD}, settings: {b: 1}, deletionPolicy: Remove`,
    c: `${PROD}, settings: {c: 1}`,
  };

  test('by half its configurations removes nothing and forgets nothing, without any limit declared', async () => {
    const fleet = createFleet(2);
    await apply(fleet, manifests(all));
    fleet.patches.length = 0;
    const report = await apply(fleet, manifests({ c: all.c }));
    expect(report.outcomes).toMatchObject({ Held: 2 });
    expect(report.guards?.message).toContain('SecurityConfiguration/a, SecurityConfiguration/b');
    expect(fleet.patches).toEqual([]);
    expect(fleet.desired('d1', 'guard')).toEqual({ a: 1, b: 1, c: 1 });
  });

  test('by half is held in the controller too, on twins that drifted as well', async () => {
    const fleet = createFleet(2);
    const { source, status } = await startOn(fleet, manifests(all));
    source.set(manifests({ c: all.c }));
    await fleet.clock.flush();
    fleet.tamper('d1', { guard: { c: 2 } });
    await fleet.clock.advance(PERIOD_MS * 1.1);
    expect(status().counts.actions.Hold).toBe(2);
    expect(fleet.desired('d1', 'guard')).toEqual({ a: 1, b: 1, c: 2 });
  });

  test('on purpose is approved like any change', async () => {
    const fleet = createFleet(2);
    await apply(fleet, manifests(all));
    const refused = await apply(fleet, manifests({ c: all.c }));
    const approved = guarded({ c: all.c }, '', approvalIn(refused.guards?.message));
    expect((await apply(fleet, approved)).outcomes).toMatchObject({ Written: 2 });
    expect(fleet.desired('d1', 'guard')).toEqual({ c: 1 });
  });

  test('by one configuration is an ordinary edit', async () => {
    const fleet = createFleet(2);
    await apply(fleet, manifests(all));
    expect((await apply(fleet, manifests({ a: all.a, c: all.c }))).outcomes).toMatchObject({ Written: 2 });
  });
});

test('nothing is taken away by a list that lacks devices which the hub counts', async () => {
  const fleet = createFleet(10);
  await apply(fleet, manifests(scan('PT1H')));
  const short: Hub = {
    ...fleet.hub,
    async *listDevices(signal) {
      for await (const page of fleet.hub.listDevices(signal)) yield page.slice(0, 5);
    },
  };
  const less = manifests({ base: `${PROD}, settings: {usb: block}` });
  const report = await apply(fleet, less, short);
  expect(report.guards?.refusedBy).toEqual(['ListShort']);
  expect(report.outcomes).toMatchObject({ Held: 10 });
  expect(scans(fleet)).toEqual(Array(10).fill('PT1H'));
});

test('a hub that does not count its devices is worked on all the same', async () => {
  const fleet = createFleet(2);
  await apply(fleet, manifests(scan('PT1H')));
  const hub: Hub = { ...fleet.hub, countDevices: () => fleet.hub.getDeviceTwin('nobody', NEVER).then(() => 0) };
  const report = await apply(fleet, manifests({ base: `${PROD}, settings: {usb: block}` }), hub);
  expect(report.outcomes).toMatchObject({ Written: 2 });
});

describe('until a whole pass was made', () => {
  test('a key that waits for another try is not written by the new manifests either', async () => {
    const fleet = createFleet(3);
    let broken: 'Nothing' | 'Patches' | 'Lists' = 'Nothing';
    const hub: Hub = {
      ...fleet.hub,
      listDevices: (signal) => (broken === 'Lists' ? hangs() : fleet.hub.listDevices(signal)),
      patchModuleTwin: (...call) =>
        broken === 'Patches' ? Promise.reject(new HubError('Unavailable', 'no')) : fleet.hub.patchModuleTwin(...call),
    };
    const { source, status, controller } = await startOn(fleet, manifests(scan('PT1H')), { hub });
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    broken = 'Patches';
    controller.requestResync();
    await fleet.clock.flush();
    expect(status().pending).toBe(1);
    broken = 'Lists';
    source.set(guarded(scan('PT2H'), 'maxChanged: 0'));
    await fleet.clock.advance(60_000);
    expect(status().pending).toBe(0);
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H', usb: 'allow' });
  });

  async function* hangs(): AsyncGenerator<never> {
    await new Promise(() => {});
    yield* [];
  }

  test('one twin alone is held, and drift is not', async () => {
    const fleet = createFleet(3);
    const context = createContext(fleet, manifests(scan('PT1H')));
    const first = await queuePass(context, { isChange: true, enqueue: () => {} }, NEVER);
    expect(first.kind).toBe('Complete');
    for (const id of fleet.ids()) await reconcile(context, `${id}/${MODULE}`, NEVER);
    context.rules = rulesOf(plannerFor(guarded(scan('PT2H'), 'maxChanged: 1')));
    const queued: string[] = [];
    const end = await queuePass(context, { isChange: true, enqueue: (key) => void queued.push(key) }, NEVER);
    expect(end).toMatchObject({ kind: 'Complete', guards: { refusedBy: ['TooManyChanged'], twins: 3 } });
    expect(queued).toEqual([]);
    expect((await reconcile(context, `d1/${MODULE}`, NEVER)).result).toBe('Held');
  });
});

test('a look at a hub says what the guards would, and counts no device of our own', async () => {
  const fleet = createFleet(3);
  fleet.iot.createDevice('twinward-default', { deviceId: 'twinward-default', status: 'disabled' });
  const { devices, guards } = await inspectHub(
    {
      planner: plannerFor(guarded(scan('PT1H'), 'maxChanged: 33%')),
      hub: fleet.hub,
      hubName: 'dev',
      clock: fleet.clock,
      log: createLog(),
      metrics: createMetrics(),
      signal: NEVER,
    },
    () => {},
  );
  expect(devices.size).toBe(3);
  expect(guards.checks).toContainEqual({ guard: 'TooManyChanged', count: 3, limit: 1, isRefused: true });
  expect(guards.checks).toContainEqual({ guard: 'ListShort', count: 0, limit: undefined, isRefused: false });
});

test('a look at a hub takes an approval whose work is half done for one', async () => {
  const fleet = createFleet(3);
  const look = async (approve: string | undefined, earlier?: EarlierApproval): Promise<GuardDecision | undefined> => {
    const text = guarded(scan('PT1H'), 'maxChanged: 1', approve);
    const { guards } = await inspectHub(
      {
        planner: plannerFor(text),
        hub: fleet.hub,
        hubName: 'dev',
        clock: fleet.clock,
        log: createLog(),
        metrics: createMetrics(),
        signal: NEVER,
        earlier,
      },
      () => {},
    );
    return guards;
  };
  const { shapes = [] } = (await look(undefined)) ?? {};
  // Of two shapes one is written by now, so that what is left has a fingerprint of its own.
  const earlier = { fingerprint: 'aaaaaaaaaaaa', shapes: [...shapes, 'bbbbbbbbbbbb'] };
  expect((await look('aaaaaaaaaaaa@3'))?.isApproved).toBe(false);
  expect((await look('aaaaaaaaaaaa@3', earlier))?.isApproved).toBe(true);
});

describe('whatever happens while a change is refused', () => {
  const first = {
    base: `${PROD}, settings: {scan: PT1H, usb: block}`,
    ring: 'selector: {matchTags: {ring: one}}, settings: {audit: all}',
  };
  const edits = [
    { base: `${PROD}, settings: {scan: PT2H, usb: block}`, ring: first.ring },
    { base: `${PROD}, settings: {usb: block}`, ring: first.ring },
    { ring: first.ring },
    { base: first.base },
    { base: `${PROD}, settings: {scan: PT1H, usb: block, more: true}`, ring: first.ring },
    first,
  ];
  const step = fc.oneof(
    fc.record({ edit: fc.nat(edits.length - 1) }),
    fc.record({ tamper: fc.nat(3), fails: fc.nat(3) }),
    fc.record({ tag: fc.nat(3), ring: fc.constantFrom('one', 'two') }),
    fc.record({ waitMs: fc.nat(2 * PERIOD_MS) }),
  );

  test('only drift is written: on no way a setting changes otherwise or goes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const fleet = createFleet(0);
        for (const id of ['d0', 'd1', 'd2', 'd3']) fleet.addDevice(id, { tags: { env: 'prod', ring: 'one' } });
        let fails = 0;
        const hub: Hub = {
          ...fleet.hub,
          patchModuleTwin: (...call) => {
            fails -= 1;
            if (fails >= 0) return Promise.reject(new HubError('Unavailable', 'not now'));
            return fleet.hub.patchModuleTwin(...call);
          },
        };
        const refusing = (configurations: Readonly<Record<string, string>>): string =>
          guarded(configurations, 'maxChanged: 0, maxRemoved: 0, maxUnassigned: 0, maxCreated: 0');
        const { source, controller } = await startOn(fleet, manifests(first), { hub });
        source.set(refusing(first));
        await fleet.clock.flush();
        for (const one of steps) {
          if ('edit' in one) source.set(refusing(edits[one.edit] ?? first));
          if ('tamper' in one) {
            // The correction fails at first, so that its key waits for another try, whatever is declared by then.
            fails = one.fails;
            fleet.tamper(`d${one.tamper}`, { guard: { usb: 'allow', scan: 'PT9H' } });
            controller.requestResync();
          }
          if ('tag' in one) fleet.tag(`d${one.tag}`, { ring: one.ring });
          await fleet.clock.advance('waitMs' in one ? one.waitMs : 100);
        }
        await controller.stop();
        for (const id of fleet.ids()) {
          const found = fleet.desired(id, 'guard') as Record<string, unknown>;
          expect(Object.keys(found).toSorted()).toEqual(['audit', 'scan', 'usb']);
          expect(['PT1H', 'PT9H']).toContain(found['scan']);
          expect(found['audit']).toBe('all');
        }
      }),
      { numRuns: 40 },
    );
  });
});

test('whatever the limit and the fleet, a pass and a saved plan write all of a change or none of it', async () => {
  const way = fc.constantFrom('apply', 'saved plan');
  await fc.assert(
    fc.asyncProperty(way, fc.nat(8), fc.nat(8), fc.nat(9), async (by, selected, others, limit) => {
      const fleet = createFleet(selected);
      for (let index = 0; index < others; index += 1) fleet.addDevice(`lab-${index}`, { tags: { env: 'lab' } });
      await apply(fleet, manifests(scan('PT6H')));
      const before = fleet.patches.length;
      const text = guarded(scan('PT1H'), `maxChanged: ${limit}`);
      const { guards } = by === 'apply' ? await apply(fleet, text) : await applySaved(fleet, text);
      const written = selected > limit ? 0 : selected;
      expect(scans(fleet).filter((value) => value === 'PT1H')).toHaveLength(written);
      expect(fleet.patches.length - before).toBe(written);
      expect(guards?.refusedBy).toEqual(selected > limit ? ['TooManyChanged'] : []);
    }),
    { numRuns: 60 },
  );
});

/** As `plan --out` and `apply FILE` do: what a look decided is written, and nothing else. */
async function applySaved(fleet: Fleet, text: string): Promise<ApplyReport> {
  const planned = new Map<string, SavedTwin>();
  const look = {
    planner: plannerFor(text),
    hub: fleet.hub,
    hubName: 'dev',
    clock: fleet.clock,
    log: createLog(),
    metrics: createMetrics(),
    signal: NEVER,
  } as const;
  await inspectHub(look, ({ ref, action }) => {
    const saved = savedTwin(action);
    if (saved !== undefined) planned.set(keyOf(ref.deviceId, ref.moduleId), saved);
  });
  return applyOnce({ ...look, planner: asPlanned(look.planner, planned, keyOf), random: HALF });
}
