import { describe, expect, test } from 'vitest';
import { reconcile, type Reconciled } from '../../../src/controller/reconcile/reconcile.ts';
import { workOn } from '../../../src/controller/reconcile/worker.ts';
import type { HubContext } from '../../../src/controller/context/hub-context.ts';
import { HubError, type HubErrorCode } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  createContext,
  manifests,
  MODULE,
  NEVER,
  plannerFor,
  PROD,
  type Fleet,
} from '../fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}` });
const CREATE = manifests({ base: `${PROD}, settings: {scan: PT1H}, module: {whenMissing: Create}` });
const KEY = `d1/${MODULE}`;
const REF = { deviceId: 'd1', moduleId: MODULE };

function throwing(code: HubErrorCode): Promise<never> {
  return Promise.reject(new HubError(code, `the hub says ${code}`));
}

/** The fleet's hub, with something done before the n-th call of one kind. */
function before(fleet: Fleet, method: 'patchModuleTwin' | 'createModule', what: (count: number) => void): Hub {
  let count = 0;
  return {
    ...fleet.hub,
    patchModuleTwin(ref, patch, etag, signal) {
      if (method === 'patchModuleTwin') what((count += 1));
      return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
    },
    createModule(ref, signal) {
      if (method === 'createModule') what((count += 1));
      return fleet.hub.createModule(ref, signal);
    },
  };
}

const look = (context: HubContext): Promise<Reconciled> => workOn(context, KEY, NEVER);

describe('one look at one twin', () => {
  test('writes what is missing with the etag it was read with', async () => {
    const fleet = createFleet(1);
    const etags: string[] = [];
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin(ref, patch, etag, signal) {
        etags.push(etag);
        return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      },
    };
    const { etag } = await fleet.hub.getModuleTwin(REF, NEVER);
    const context = createContext(fleet, BASE, { hub });
    expect(await look(context)).toMatchObject({ result: 'Written', outcome: { kind: 'Settled' } });
    expect(etags).toEqual([etag]);
    expect(context.writes).toBe(1);
    expect(context.twins.state(KEY)).toMatchObject({ type: 'Equal', acknowledgement: 'Written', failure: undefined });
  });

  test('reads the device too where it is written for the first time, and only then', async () => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    await look(context);
    expect(fleet.reads).toEqual({ device: 1, module: 1 });
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    expect(await look(context)).toMatchObject({ result: 'Written', action: { reason: 'Drift' } });
    expect(fleet.reads).toEqual({ device: 1, module: 2 });
  });

  test('finds out that there is nothing to do without writing', async () => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    await look(context);
    expect(await look(context)).toMatchObject({ result: 'Unchanged', outcome: { kind: 'Settled' } });
    expect(fleet.patches).toHaveLength(1);
  });

  test.each([
    { name: 'deleted', device: false },
    { name: 'deleted with its device', device: true },
  ])('forgets what was $name', async ({ device }) => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    await look(context);
    if (device) fleet.iot.deleteDevice('d1', '*');
    else fleet.iot.deleteModule('d1', MODULE, '*');
    expect(await look(context)).toMatchObject({ result: 'Unchanged', outcome: { kind: 'Settled' } });
    expect(context.twins.state(KEY)?.type).toBe(device ? undefined : 'Wait');
    expect(context.devices.size).toBe(device ? 0 : 1);
  });
});

describe('races', () => {
  test('a 412 means read and decide again: what the other one wrote stays', async () => {
    const fleet = createFleet(1);
    const hub = before(fleet, 'patchModuleTwin', (count) => {
      if (count === 1) fleet.tamper('d1', { guard: { scan: 'PT1H' }, theirs: 1 });
    });
    expect(await look(createContext(fleet, BASE, { hub }))).toMatchObject({ result: 'Written' });
    expect(fleet.desired('d1')).toMatchObject({ guard: { scan: 'PT1H', usb: 'block' }, theirs: 1 });
    expect(fleet.patches.map(({ patch }) => patch.properties?.desired)).toEqual([
      { guard: { scan: 'PT1H', usb: 'block' } },
      { guard: { usb: 'block' } },
    ]);
  });

  test('nothing is written where the other one wrote just that', async () => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    await look(context);
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    const hub = before(fleet, 'patchModuleTwin', () => fleet.tamper('d1', { guard: { usb: 'block' } }));
    const writes = context.writes;
    expect(await look({ ...context, hub })).toMatchObject({ result: 'Unchanged', outcome: { kind: 'Settled' } });
    expect(context.writes).toBe(writes);
  });

  test('a writer that always wins sends it back to the queue', async () => {
    const fleet = createFleet(1);
    const metrics = createMetrics();
    let value = 0;
    const hub = before(fleet, 'patchModuleTwin', () => fleet.tamper('d1', { theirs: (value += 1) }));
    const context = createContext(fleet, BASE, { hub, metrics });
    expect(await look(context)).toMatchObject({
      result: 'Failed',
      outcome: { kind: 'Retry', pace: 'Normal' },
      error: { code: 'PreconditionFailed' },
    });
    expect(fleet.patches).toHaveLength(4);
    expect(metrics.total('twinward_patches_total', { result: 'conflict' })).toBe(3);
    expect(metrics.total('twinward_patches_total', { result: 'failed' })).toBe(1);
  });

  test.each(['Timeout', 'Unavailable'] as const)(
    'a write that landed while its answer was lost (%s) is not repeated',
    async (code) => {
      const fleet = createFleet(1);
      let isLost = true;
      const hub: Hub = {
        ...fleet.hub,
        async patchModuleTwin(ref, patch, etag, signal) {
          const answer = await fleet.hub.patchModuleTwin(ref, patch, etag, signal);
          if (isLost) return throwing(code);
          return answer;
        },
      };
      const context = createContext(fleet, BASE, { hub });
      expect(await look(context)).toMatchObject({ result: 'Failed', outcome: { kind: 'Retry' } });
      isLost = false;
      expect(await look(context)).toMatchObject({ result: 'Unchanged' });
      expect(fleet.patches).toHaveLength(1);
    },
  );

  test('a module that is deleted and made again between read and write is configured anew', async () => {
    const fleet = createFleet(1);
    const hub = before(fleet, 'patchModuleTwin', (count) => {
      if (count > 1) return;
      // An etag starts anew with the identity: the second one has had more writes than the first.
      fleet.iot.deleteModule('d1', MODULE, '*');
      fleet.iot.putModule('d1', MODULE, REF, undefined);
      fleet.tamper('d1', { theirs: 1 });
    });
    expect(await look(createContext(fleet, BASE, { hub }))).toMatchObject({ result: 'Written' });
    expect(fleet.desired('d1')).toMatchObject({ guard: { scan: 'PT1H', usb: 'block' }, theirs: 1 });
  });

  test('a module that is deleted between read and write is waited for', async () => {
    const fleet = createFleet(1);
    const hub = before(fleet, 'patchModuleTwin', () => fleet.iot.deleteModule('d1', MODULE, '*'));
    const context = createContext(fleet, BASE, { hub });
    expect(await look(context)).toMatchObject({ result: 'Unchanged', action: { type: 'Wait' } });
    expect(context.twins.state(KEY)?.type).toBe('Wait');
  });

  test('a device that was retagged since it was listed is not written to', async () => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    context.devices.set({ deviceId: 'd1', status: 'enabled', iotEdge: false, tags: { env: 'prod' } });
    fleet.tag('d1', { env: 'lab' });
    expect(await look(context)).toMatchObject({ result: 'Unchanged' });
    expect(fleet.patches).toEqual([]);
    expect(context.devices.get('d1')?.tags).toEqual({ env: 'lab' });
  });

  test('nothing is taken away because a list says that a device left: the device itself is asked', async () => {
    const fleet = createFleet(1);
    const text = manifests({
      base: `${PROD}, settings: {scan: PT1H}`,
      ring: 'selector: {matchTags: {ring: one}}, settings: {usb: audit}',
    });
    fleet.tag('d1', { ring: 'one' });
    const context = createContext(fleet, text);
    await look(context);
    context.devices.set({ deviceId: 'd1', status: 'enabled', iotEdge: false, tags: { env: 'prod' } });
    expect(await look(context)).toMatchObject({ result: 'Unchanged' });
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H', usb: 'audit' });
  });

  test('a revision that comes between reading and writing decides', async () => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    const planner = plannerFor(manifests({ base: `${PROD}, settings: {scan: PT9H, usb: block}` }));
    const newer = { ...context.rules, planner };
    const hub: Hub = {
      ...fleet.hub,
      getDeviceTwin(deviceId, signal) {
        context.rules = newer;
        return fleet.hub.getDeviceTwin(deviceId, signal);
      },
    };
    Object.assign(context, { hub });
    expect(await look(context)).toMatchObject({ result: 'Written' });
    expect(fleet.patches.map(({ patch }) => patch.properties?.desired)).toEqual([
      { guard: { scan: 'PT9H', usb: 'block' } },
    ]);
  });

  test('where revisions come without end the last word is not an old one', async () => {
    const fleet = createFleet(1);
    const context = createContext(fleet, BASE);
    const hub: Hub = {
      ...fleet.hub,
      getDeviceTwin(deviceId, signal) {
        context.rules = { ...context.rules, planner: plannerFor(BASE) };
        return fleet.hub.getDeviceTwin(deviceId, signal);
      },
    };
    Object.assign(context, { hub });
    fleet.tag('d1', { x: 1 });
    expect(await look(context)).toMatchObject({ result: 'Failed', outcome: { kind: 'Retry' } });
    expect(fleet.patches).toEqual([]);
  });
});

describe('a module that does not exist', () => {
  test('is created and configured in one go', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const context = createContext(fleet, CREATE);
    expect(await look(context)).toMatchObject({ result: 'Created', outcome: { kind: 'Settled' } });
    expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H' });
    expect(context.writes).toBe(2);
  });

  test('is held, and not done, where its first settings are refused once it is there', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const context = createContext(fleet, CREATE);
    const { planner, gates } = context.rules;
    const refusal = { refusedBy: 'Guards', message: 'Too many.' } as const;
    context.rules = { planner, gates: { ...gates, allows: ({ type }) => (type === 'Create' ? 'Allowed' : refusal) } };
    expect(await look(context)).toMatchObject({ result: 'Held', action: { reason: 'GuardRefused' } });
    expect(context.writes).toBe(1);
  });

  test('is configured where somebody else created it at the same moment', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const hub = before(fleet, 'createModule', () => {
      fleet.iot.putModule('d1', MODULE, REF, undefined);
      fleet.tamper('d1', { theirs: 1 });
    });
    expect(await look(createContext(fleet, CREATE, { hub }))).toMatchObject({ result: 'Written' });
    expect(fleet.desired('d1')).toMatchObject({ guard: { scan: 'PT1H' }, theirs: 1 });
  });

  test('is not created where the device went at the same moment', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    const hub = before(fleet, 'createModule', () => fleet.iot.deleteDevice('d1', '*'));
    const context = createContext(fleet, CREATE, { hub });
    // The service answers 401 for modules of a device that is not there.
    expect(await look(context)).toMatchObject({ result: 'Failed', outcome: { kind: 'Stalled' } });
    expect(await look(context)).toMatchObject({ result: 'Unchanged', action: undefined });
    expect(context.twins.state(KEY)).toBeUndefined();
  });

  test('is waited for on a disabled device, where the hub creates none', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    fleet.iot.updateDevice('d1', { deviceId: 'd1', status: 'disabled' }, '*');
    const context = createContext(fleet, CREATE);
    expect(await look(context)).toMatchObject({ result: 'Unchanged', action: { type: 'Wait' } });
    fleet.iot.updateDevice('d1', { deviceId: 'd1', status: 'enabled' }, '*');
    expect(await look(context)).toMatchObject({ result: 'Created' });
  });

  test('is not created where only the list says that the device is selected', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false, tags: { env: 'lab' } });
    const context = createContext(fleet, CREATE);
    context.devices.set({ deviceId: 'd1', status: 'enabled', iotEdge: false, tags: { env: 'prod' } });
    expect(await look(context)).toMatchObject({ result: 'Unchanged' });
    expect(fleet.iot.listModules('d1')).toEqual([]);
  });

  test('that was created but not configured is configured the next time, not created again', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    let isDown = true;
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, patch, etag, signal) =>
        isDown ? throwing('Unavailable') : fleet.hub.patchModuleTwin(ref, patch, etag, signal),
    };
    const context = createContext(fleet, CREATE, { hub });
    expect(await look(context)).toMatchObject({ result: 'Failed', outcome: { kind: 'Retry' } });
    isDown = false;
    expect(await look(context)).toMatchObject({ result: 'Written' });
  });

  test('a creation that the hub takes and does not do is not repeated without end', async () => {
    const fleet = createFleet(0);
    fleet.addDevice('d1', { module: false });
    let creations = 0;
    const hub: Hub = { ...fleet.hub, createModule: async () => void (creations += 1) };
    expect(await look(createContext(fleet, CREATE, { hub }))).toMatchObject({
      result: 'Failed',
      outcome: { kind: 'Retry' },
    });
    expect(creations).toBe(1);
  });
});

describe('failures', () => {
  test.each(['getModuleTwin', 'getDeviceTwin'] as const)(
    'a %s that fails is not taken for something that is gone',
    async (method) => {
      const fleet = createFleet(1);
      const context = createContext(fleet, BASE);
      await look(context);
      fleet.iot.deleteModule('d1', MODULE, '*');
      const failing = { ...context, hub: { ...fleet.hub, [method]: () => throwing('Unavailable') } };
      expect(await look(failing)).toMatchObject({ result: 'Failed', outcome: { kind: 'Retry' } });
      expect(context.twins.state(KEY)).toMatchObject({ type: 'Equal', failure: 'Unavailable' });
      expect(context.devices.size).toBe(1);
    },
  );

  test.each([
    { code: 'Invalid', outcome: { kind: 'Stalled' } },
    { code: 'TooLarge', outcome: { kind: 'Stalled' } },
    { code: 'Throttled', outcome: { kind: 'Retry', pace: 'Throttled' } },
    { code: 'Malformed', outcome: { kind: 'Retry', pace: 'Normal' } },
  ] as const)('$code is noted, counted and told', async ({ code, outcome }) => {
    const fleet = createFleet(1);
    const log = createLog();
    const context = createContext(fleet, BASE, { log });
    await look(context);
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    const failing = { ...context, hub: { ...fleet.hub, patchModuleTwin: () => throwing(code) } };
    expect(await look(failing)).toMatchObject({ result: 'Failed', outcome });
    expect(context.twins.state(KEY)?.failure).toBe(code);
    expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { device: 'd1', code } }]);
    expect(await look(context)).toMatchObject({ result: 'Written' });
    expect(context.twins.state(KEY)?.failure).toBeUndefined();
  });

  test('being stopped is no failure of the twin', async () => {
    const fleet = createFleet(1);
    const log = createLog();
    const context = createContext(fleet, BASE, { log });
    const stopping = new AbortController();
    stopping.abort();
    expect(await reconcile(context, KEY, stopping.signal)).toMatchObject({
      outcome: { kind: 'Settled' },
      error: { code: 'Aborted' },
    });
    expect(log.lines).toEqual([]);
  });

  test('an answer that is not what was written is a failure until a read shows otherwise', async () => {
    const fleet = createFleet(1);
    const metrics = createMetrics();
    const hub: Hub = {
      ...fleet.hub,
      patchModuleTwin: (ref, _patch, _etag, signal) => fleet.hub.getModuleTwin(ref, signal),
    };
    const context = createContext(fleet, BASE, { hub, metrics });
    expect(await look(context)).toMatchObject({ result: 'Failed', outcome: { kind: 'Retry' } });
    expect(context.twins.state(KEY)).toMatchObject({ type: 'Patch', failure: 'UnexpectedAnswer' });
    expect(metrics.total('twinward_unexpected_answer_total')).toBe(1);
    Object.assign(context, { hub: fleet.hub });
    expect(await look(context)).toMatchObject({ result: 'Written' });
    expect(context.twins.state(KEY)?.failure).toBeUndefined();
  });

  test('what is not a HubError is a bug and gets out', async () => {
    const fleet = createFleet(1);
    const hub: Hub = { ...fleet.hub, getModuleTwin: () => Promise.reject(new TypeError('what?')) };
    await expect(reconcile(createContext(fleet, BASE, { hub }), KEY, NEVER)).rejects.toThrow('what?');
  });
});
