// An agent that forgets what a notification does not name, on the embedded hub, and what the planner makes of its reports.
import { describe, expect, test } from 'vitest';
import { runAgents } from '../../../src/emulator/agents/run-agents.ts';
import type { AgentKind } from '../../../src/emulator/agents/kinds.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { loadManifests } from '../../../src/manifest/load.ts';
import { invariant } from '../../../src/model/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { asTwin, deviceFacts, type Twin } from '../../../src/model/twin.ts';
import type { TwinAction } from '../../../src/model/action.ts';
import { needsOf, patchOf } from '../actions.ts';
import { composeNudges, nextNudge, readNudges, type Nudges } from '../../../src/plan/record/nudge.ts';
import { createPlanner, type Planner } from '../../../src/plan/planner.ts';
import { readRecord } from '../../../src/plan/record/record.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { NOW_MS } from '../fixture.ts';

const REF = { deviceId: 'atm-1', moduleId: 'azureiotsecurity' };
const SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const MINUTE_MS = 60_000;
const SETTINGS = 'eventPriorityLogin: Low, snapshotFrequency: PT1H';

interface World {
  readonly iot: IotHub;
  readonly writes: { count: number };
  live(): Twin;
  plan(settings?: string, mode?: string): TwinAction;
  /** Plans, writes, and lets the agent answer. */
  pass(settings?: string, mode?: string): Promise<TwinAction>;
  /** Another writer, and the agent's answer. */
  tamper(desired: JsonObject): Promise<void>;
  wait(ms: number): Promise<void>;
  settings(): JsonObject | undefined;
}

const PLANNERS = new Map<string, Planner>();

function plannerFor(settings: string, mode: string): Planner {
  const text = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: dev}
spec: {hostName: dev.azure-devices.net, mode: Enforce}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: base}
spec: {profile: defender-legacy, selector: {matchAll: true}, mode: ${mode}, settings: {${settings}}}
`;
  let planner = PLANNERS.get(text);
  if (planner === undefined) {
    const files = [{ path: 'all.yaml', bytes: Buffer.from(text) }];
    const { declared, diagnostics } = loadManifests({ revision: 'sha256:1', files, partial: false });
    const hub = declared?.hubs[0];
    invariant(declared !== undefined && hub !== undefined, JSON.stringify(diagnostics));
    planner = createPlanner(declared, { hub, hubMode: 'Enforce', instance: 'default' });
    PLANNERS.set(text, planner);
  }
  return planner;
}

async function worldWith(kind: AgentKind): Promise<World> {
  const clock = createTestClock();
  const iot = new IotHub({ hostName: 'dev.azure-devices.net', clock, random: createSeededRandom(1) });
  iot.createDevice(REF.deviceId, { deviceId: REF.deviceId });
  iot.putModule(REF.deviceId, REF.moduleId, { ...REF }, undefined);
  const placement = { deviceId: REF.deviceId, agent: { kind, firmware: '1.0' }, isOnline: true };
  const agents = runAgents(iot, [placement], clock, createSeededRandom(2));
  await clock.advance(5_000);
  const writes = { count: 0 };
  const world: World = {
    iot,
    writes,
    live() {
      const twin = asTwin(iot.getTwin(REF));
      invariant(twin !== undefined, 'the module has a twin');
      return twin;
    },
    plan(settings = SETTINGS, mode = 'Enforce') {
      const planner = plannerFor(settings, mode);
      const device = deviceFacts(iot.getTwin({ deviceId: REF.deviceId }) as unknown as Twin);
      return planner.plan(planner.targetFor(device, REF.moduleId), device, world.live(), clock.now());
    },
    async pass(settings, mode) {
      const action = world.plan(settings, mode);
      if ('patch' in action) {
        writes.count += 1;
        iot.patchTwin(REF, action.patch, `"${action.etag}"`);
      }
      await clock.advance(5_000);
      return action;
    },
    async tamper(desired) {
      iot.patchTwin(REF, { properties: { desired } });
      await clock.advance(5_000);
    },
    wait: (ms) => clock.advance(ms),
    settings: () => agents.settingsOf(REF.deviceId),
  };
  return world;
}

/** With another agent of the same module, which has no nudges; goes into the braces of the settings. */
const TWO_AGENTS = `${SETTINGS}}}
---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: second}
spec: {extends: generic, moduleId: ${REF.moduleId}, section: /second}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: second}
spec: {profile: second, selector: {matchAll: true}, settings: {a: 1`;

/** With another configuration of the same agent, which only looks. */
const BESIDE_OBSERVED = `${SETTINGS}}}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: looks}
spec: {profile: defender-legacy, priority: 5, mode: Observe, selector: {matchAll: true}, settings: {eventPriorityProcessCreate: Low`;

const FOREIGN: JsonObject = { [SECTION]: { eventPriorityDiagnostic: { value: 'Off' } } };

describe.each([['legacy-cs'], ['legacy-c']] as const)('the %s agent', (kind) => {
  test('is sent nothing while a configuration of it only looks, also where a setting is contested', async () => {
    const world = await worldWith(kind);
    await world.pass();
    for (let count = 0; count < 6; count += 1) {
      await world.tamper({ [SECTION]: { eventPriorityLogin: { value: 'Off' } } });
      await world.pass();
    }
    await world.tamper({ [SECTION]: { eventPriorityLogin: { value: 'Off' } } });
    expect(world.plan()).toMatchObject({ type: 'Patch', reason: 'Nudge' });
    const beside = world.plan(BESIDE_OBSERVED);
    expect(beside).toMatchObject({ type: 'Observe', reason: 'Contested' });
    expect(patchOf(beside)).toBeUndefined();
  });

  test('is sent its section also where another agent of the module asks for no nudges', async () => {
    const world = await worldWith(kind);
    await world.pass(TWO_AGENTS);
    await world.tamper(FOREIGN);
    const action = world.plan(TWO_AGENTS);
    expect(action.reason).toBe('Nudge');
    expect(Object.keys(patchOf(action)?.properties?.desired ?? {})).toEqual([SECTION]);
  });

  test('forgets the rest after somebody else’s partial patch, and is sent the section once more', async () => {
    const world = await worldWith(kind);
    await world.pass();
    expect(world.plan()).toMatchObject({ type: 'Equal' });
    await world.tamper(FOREIGN);
    expect(String(world.settings()?.['eventPriorityLogin']).toLowerCase()).toBe('high');
    const before = world.live();
    const action = await world.pass();
    expect(action).toMatchObject({ type: 'Patch', reason: 'Nudge', changes: [] });
    expect(needsOf(action)).toEqual({ moduleTwin: true, deviceTwin: false });
    expect(action.message).toContain('"eventPriorityLogin", "snapshotFrequency"');
    expect(patchOf(action)?.properties?.desired).toEqual({ [SECTION]: before.properties.desired[SECTION] });
    expect(String(world.settings()?.['eventPriorityLogin']).toLowerCase()).toBe('low');
    expect(String(world.settings()?.['eventPriorityDiagnostic']).toLowerCase()).toBe('off');
    const after = world.live();
    expect(after.properties.desired[SECTION]).toEqual(before.properties.desired[SECTION]);
    expect(world.plan()).toMatchObject({ type: 'Equal' });
  });

  test('forgets all after a patch beside the section, too', async () => {
    const world = await worldWith(kind);
    await world.pass();
    await world.tamper({ theirs: 1 });
    expect(await world.pass()).toMatchObject({ type: 'Patch', reason: 'Nudge' });
    expect(world.plan()).toMatchObject({ type: 'Equal' });
  });

  test('is nudged three times at most, further and further apart, and not again for a day', async () => {
    const world = await worldWith(kind);
    await world.pass();
    const nudges: number[] = [];
    for (let minute = 0; minute < 60; minute += 1) {
      await world.tamper({ theirs: minute });
      if ((await world.pass()).reason === 'Nudge') nudges.push(minute);
      await world.wait(50_000);
    }
    expect(nudges).toEqual([0, 4, 20]);
    await world.wait(22 * 60 * MINUTE_MS);
    expect(await world.pass()).toMatchObject({
      reason: 'InSync',
      message: expect.stringContaining('they were sent again, and are not sent for now') as string,
    });
    await world.wait(2 * 60 * MINUTE_MS);
    expect(await world.pass()).toMatchObject({ reason: 'Nudge' });
  });

  test('is not nudged before it has answered the other writer', async () => {
    const world = await worldWith(kind);
    await world.pass();
    world.iot.patchTwin(REF, { properties: { desired: { theirs: 1 } } });
    expect(world.plan()).toMatchObject({ type: 'Equal' });
  });

  test('is not nudged where its defaults are what is declared', async () => {
    const world = await worldWith(kind);
    await world.pass('eventPriorityLogin: High');
    await world.tamper({ theirs: 1 });
    expect(world.plan('eventPriorityLogin: High')).toMatchObject({ type: 'Equal' });
  });

  test('is not nudged where the configuration only looks on', async () => {
    const world = await worldWith(kind);
    await world.pass();
    await world.tamper({ theirs: 1 });
    expect(world.plan(SETTINGS, 'Observe')).toMatchObject({ type: 'Equal' });
  });

  test('gets drift corrected, and no nudge besides', async () => {
    const world = await worldWith(kind);
    await world.pass();
    await world.tamper({ [SECTION]: { eventPriorityLogin: { value: 'Off' } } });
    expect(await world.pass()).toMatchObject({ reason: 'Drift' });
    expect(world.plan()).toMatchObject({ type: 'Equal' });
    expect(world.writes.count).toBe(2);
  });
});

test('an agent that refuses what we wrote, and so goes on with its defaults, is not nudged', async () => {
  const world = await worldWith('legacy-c');
  // Another writer's value in the same section makes it refuse all of it.
  await world.tamper({ [SECTION]: { maxMessageSizeInBytes: { value: 'many' } } });
  await world.pass();
  expect(String(world.settings()?.['eventPriorityLogin']).toLowerCase()).toBe('high');
  expect(world.plan()).toMatchObject({ type: 'Equal' });
});

test('settings that were only adopted are sent to an agent that had forgotten them before', async () => {
  const world = await worldWith('legacy-cs');
  await world.tamper({ [SECTION]: { eventPriorityLogin: { value: 'Low' }, snapshotFrequency: { value: 'PT1H' } } });
  await world.tamper({ theirs: 1 });
  expect(await world.pass()).toMatchObject({ type: 'Record', reason: 'Adopted' });
  expect(await world.pass()).toMatchObject({ type: 'Patch', reason: 'Nudge' });
  expect(world.settings()?.['eventPriorityLogin']).toBe('Low');
});

describe('when there may be another nudge', () => {
  const at = NOW_MS / 1_000;
  const rows: [sentence: string, before: Nudges | undefined, afterSeconds: number, count: number | undefined][] = [
    ['the first at once', undefined, 0, 1],
    ['no second within four minutes', { count: 1, atSeconds: at }, 239, undefined],
    ['a second after four', { count: 1, atSeconds: at }, 240, 2],
    ['no third within sixteen', { count: 2, atSeconds: at }, 959, undefined],
    ['a third after sixteen', { count: 2, atSeconds: at }, 960, 3],
    ['no fourth', { count: 3, atSeconds: at }, 80_000, undefined],
    ['a first again after a day', { count: 3, atSeconds: at }, 86_400, 1],
    ['none too soon by a clock that went back', { count: 1, atSeconds: at }, -100, undefined],
  ];
  test.each(rows)('%s', (_sentence, before, afterSeconds, count) => {
    expect(nextNudge(before, NOW_MS + afterSeconds * 1_000)?.count).toBe(count);
  });

  test('the record remembers, and a damaged memory is none', () => {
    expect(readNudges(composeNudges({ count: 2, atSeconds: at }))).toEqual({ count: 2, atSeconds: at });
    for (const raw of [undefined, 1, {}, { n: 0, at }, { n: 'x', at }]) expect(readNudges(raw)).toBeUndefined();
    const record = { v: 1, own: {}, nudge: 'no', contest: 7, desired: 'x' };
    expect(readRecord({ tags: { twinward: { default: record } } }, 'default')).toMatchObject({ kind: 'valid' });
  });
});
