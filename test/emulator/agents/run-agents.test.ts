// Agents in a hub: when they read, what they report, and what they miss while away.
import { describe, expect, test } from 'vitest';
import { getPath, type Json, type JsonObject } from '../../../src/model/json.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { type AgentKind, moduleIdOf } from '../../../src/emulator/agents/kinds.ts';
import { type AgentPlacement, runAgents, type RunningAgents } from '../../../src/emulator/agents/run-agents.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';

const SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
/** Longer than any agent takes to answer, shorter than its checks of the connection. */
const ANSWERED_MS = 2_000;
const CHECKED_MS = 20_000;

interface World {
  readonly hub: IotHub;
  readonly clock: TestClock;
  readonly agents: RunningAgents;
  patch(desired: JsonObject): void;
  reported(...path: string[]): Json | undefined;
  twin(): JsonObject;
}

function createWorld(
  kind: AgentKind,
  more: { isOnline?: boolean; hasModule?: boolean; desired?: JsonObject } = {},
): World {
  const { isOnline = true, hasModule = true, desired } = more;
  const clock = createTestClock();
  const random = createSeededRandom(1);
  const hub = new IotHub({ hostName: 'h.azure-devices.net', clock, random });
  const ref = { deviceId: 'd', moduleId: moduleIdOf(kind) };
  hub.createDevice('d', {});
  if (hasModule) hub.putModule('d', ref.moduleId, {}, undefined);
  if (desired !== undefined) hub.patchTwin(ref, { properties: { desired } });
  const placement: AgentPlacement = { deviceId: 'd', agent: { kind, firmware: '2.0' }, isOnline };
  return {
    hub,
    clock,
    agents: runAgents(hub, [placement], clock, random),
    patch: (desired) => {
      hub.patchTwin(ref, { properties: { desired } });
    },
    reported: (...path) => getPath(hub.getTwin(ref), ['properties', 'reported', ...path]),
    twin: () => hub.getTwin(ref),
  };
}

describe('online', () => {
  test('an agent connects at once, as device and module, and reports a little later', async () => {
    const { twin, hub, clock, reported } = createWorld('micro');
    expect(twin()).toMatchObject({ connectionState: 'Connected' });
    expect(hub.serviceStatistics()).toEqual({ connectedDeviceCount: 1 });
    expect(reported('latest_state')).toBeUndefined();
    await clock.advance(ANSWERED_MS);
    expect(reported('latest_state')).toBe('success');
  });

  test('a change is answered with a report that is newer', async () => {
    const { patch, clock, reported } = createWorld('micro');
    await clock.advance(ANSWERED_MS);
    patch({ Process_Mode: 9 });
    expect(reported('latest_state')).toBe('success');
    await clock.advance(ANSWERED_MS);
    expect(reported('latest_state')).toBe('failed');
    expect(reported('latest_invalid_fields')).toEqual(['Process_Mode']);
    patch({ Process_Mode: 2 });
    await clock.advance(ANSWERED_MS);
    expect([reported('latest_state'), reported('latest_invalid_fields')]).toEqual(['success', undefined]);
  });

  test('a patch that comes before the first read does no harm: the read has it', async () => {
    const { patch, clock, agents } = createWorld('legacy-cs', {
      desired: { [SECTION]: { snapshotFrequency: { value: 'PT2H' } } },
    });
    patch({ [SECTION]: { eventPriorityLogin: { value: 'Off' } } });
    await clock.advance(ANSWERED_MS);
    expect(agents.settingsOf('d')).toMatchObject({ snapshotFrequency: 'PT2H', eventPriorityLogin: 'Off' });
  });

  test('the smallest patch leaves the twin right and the legacy agent wrong', async () => {
    const { patch, clock, agents, twin, reported } = createWorld('legacy-cs', {
      desired: { [SECTION]: { snapshotFrequency: { value: 'PT2H' } } },
    });
    await clock.advance(ANSWERED_MS);
    patch({ [SECTION]: { eventPriorityLogin: { value: 'Off' } } });
    await clock.advance(ANSWERED_MS);
    expect(getPath(twin(), ['properties', 'desired', SECTION, 'snapshotFrequency', 'value'])).toBe('PT2H');
    expect(agents.settingsOf('d')).toMatchObject({ snapshotFrequency: 'PT13H', eventPriorityLogin: 'Off' });
    expect(reported(SECTION, 'snapshotFrequency', 'value')).toBe('PT13H');
    agents.restart('d');
    await clock.advance(ANSWERED_MS);
    expect(reported(SECTION, 'snapshotFrequency', 'value')).toBe('PT2H');
  });

  test('what was removed from the configuration stays in the report', async () => {
    const path = { baselineCustomChecksFilePath: { value: '/a.xml' } };
    const { patch, clock, reported } = createWorld('legacy-c', { desired: { [SECTION]: path } });
    await clock.advance(ANSWERED_MS);
    patch({ [SECTION]: null });
    await clock.advance(ANSWERED_MS);
    expect(reported(SECTION, 'baselineCustomChecksFilePath', 'value')).toBe('/a.xml');
  });

  test('a property is acknowledged with the version that was written', async () => {
    const { patch, clock, reported } = createWorld('osconfig');
    await clock.advance(ANSWERED_MS);
    patch({ SecurityBaseline: { __t: 'c', remediateA: 'x' } });
    await clock.advance(ANSWERED_MS);
    expect(reported('SecurityBaseline', 'remediateA')).toEqual({ value: 'x', ac: 200, ad: '-', av: 2 });
  });
});

describe('offline', () => {
  test('nothing is connected or reported', async () => {
    const { twin, patch, clock, reported } = createWorld('micro', { isOnline: false });
    patch({ Process_Mode: 2 });
    await clock.advance(CHECKED_MS);
    expect(twin()).toMatchObject({ connectionState: 'Disconnected' });
    expect(reported('latest_state')).toBeUndefined();
  });

  test('what happened meanwhile is read on the way back, but not by C#', async () => {
    for (const [kind, login] of [
      ['legacy-c', 'off'],
      ['legacy-cs', 'High'],
    ] as const) {
      const { agents, patch, clock, reported } = createWorld(kind);
      await clock.advance(ANSWERED_MS);
      agents.setOnline('d', false);
      patch({ [SECTION]: { eventPriorityLogin: { value: 'Off' } } });
      await clock.advance(ANSWERED_MS);
      agents.setOnline('d', true);
      await clock.advance(ANSWERED_MS);
      expect(reported(SECTION, 'eventPriorityLogin', 'value')).toBe(login);
    }
  });

  test('an answer that was under way is not given', async () => {
    const { agents, clock, reported } = createWorld('micro');
    agents.setOnline('d', false);
    await clock.advance(CHECKED_MS);
    expect(reported('latest_state')).toBeUndefined();
  });
});

describe('modules that come and go', () => {
  test('an agent waits for its module', async () => {
    const { hub, clock, reported, agents } = createWorld('acme-guard', { hasModule: false });
    await clock.advance(CHECKED_MS);
    expect(hub.serviceStatistics()).toEqual({ connectedDeviceCount: 1 });
    expect(agents.settingsOf('d')).toBeUndefined();
    hub.putModule('d', 'acmeGuard', {}, undefined);
    await clock.advance(CHECKED_MS);
    expect(reported('guardStatus')).toBe('running');
  });

  test('and reconnects to a recreated one', async () => {
    const { hub, clock, reported } = createWorld('acme-guard');
    await clock.advance(ANSWERED_MS);
    hub.deleteModule('d', 'acmeGuard', '*');
    hub.putModule('d', 'acmeGuard', {}, undefined);
    await clock.advance(CHECKED_MS);
    expect(reported('guardStatus')).toBe('running');
  });

  test('a disabled device is let in again once it is enabled', async () => {
    const { hub, clock, twin } = createWorld('micro');
    hub.updateDevice('d', { deviceId: 'd', status: 'disabled' }, '*');
    await clock.advance(CHECKED_MS);
    expect(twin()).toMatchObject({ connectionState: 'Disconnected' });
    hub.updateDevice('d', { deviceId: 'd', status: 'enabled' }, '*');
    await clock.advance(CHECKED_MS);
    expect(twin()).toMatchObject({ connectionState: 'Connected' });
  });
});

test('stopping leaves no connection and no timer', async () => {
  const { agents, clock, hub, twin } = createWorld('micro');
  await clock.advance(CHECKED_MS);
  agents.stop();
  agents.stop();
  expect(clock.pending).toBe(0);
  expect(hub.serviceStatistics()).toEqual({ connectedDeviceCount: 0 });
  expect(twin()).toMatchObject({ connectionState: 'Disconnected' });
});

test('names without an agent are ignored', () => {
  const { agents } = createWorld('micro');
  agents.setOnline('none', true);
  agents.restart('none');
  expect(agents.settingsOf('none')).toBeUndefined();
});
