// The demo fleet: the same from the same seed, and what the screens say of it is so.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { getPath } from '../../../src/model/json.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { moduleIdOf } from '../../../src/emulator/agents/kinds.ts';
import { runAgents } from '../../../src/emulator/agents/run-agents.ts';
import { buildFleet } from '../../../src/emulator/fleet/demo-fleet.ts';
import { loadFleet } from '../../../src/emulator/fleet/load-fleet.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { createTestClock } from '../../support/test-clock.ts';

const DEMO = { devices: 500, seed: 1 };

describe('500 devices', () => {
  const { devices, summary } = buildFleet(DEMO);

  test('are 210 legacy, 250 micro and 40 acme-guard', () => {
    expect(summary).toMatchObject({
      devices: 500,
      byKind: { 'legacy-cs': 126, 'legacy-c': 84, micro: 250, osconfig: 0, 'acme-guard': 40 },
      offline: 20,
      withoutModule: 5,
    });
    expect(summary.brownfield).toBeGreaterThan(80);
  });

  test('three kiosks in production, online and with a module, will refuse', () => {
    expect(summary.rejecting).toHaveLength(3);
    const rejecting = devices.filter(({ deviceId }) => summary.rejecting.includes(deviceId));
    for (const device of rejecting) {
      expect(device).toMatchObject({
        agent: { kind: 'acme-guard', firmware: '1.2' },
        tags: { env: 'prod', hw: 'kiosk' },
        isOnline: true,
        hasModule: true,
      });
    }
  });

  test('are mostly in production, in every ring and on every site', () => {
    const production = devices.filter(({ tags }) => tags['env'] === 'prod').length;
    expect(production / devices.length).toBeGreaterThan(0.8);
    expect(production / devices.length).toBeLessThan(0.9);
    expect(new Set(devices.map(({ tags }) => tags['ring']))).toEqual(new Set(['0', '1', '2', '3']));
    expect(new Set(devices.map(({ tags }) => tags['site']))).toEqual(new Set(['lyon', 'porto', 'gdansk']));
    expect(new Set(devices.map(({ tags }) => tags['hw']))).toEqual(new Set(['atm', 'atm2', 'kiosk', 'gate']));
  });
});

test('a seed gives the same fleet, another seed another', () => {
  expect(buildFleet(DEMO)).toEqual(buildFleet(DEMO));
  expect(buildFleet({ ...DEMO, seed: 2 })).not.toEqual(buildFleet(DEMO));
});

test('names are unique and say hardware and site, whatever the size and the seed', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.nat(), (count, seed) => {
      const { devices, summary } = buildFleet({ devices: count, seed });
      expect(new Set(devices.map(({ deviceId }) => deviceId)).size).toBe(count);
      for (const { deviceId, tags, agent } of devices) {
        const prefix = tags['hw'] === 'kiosk' ? 'kiosk' : `${String(tags['hw'])}-${String(tags['site'])}`;
        expect(deviceId).toMatch(new RegExp(`^${prefix}-\\d+$`));
        expect(agent.kind === 'acme-guard').toBe(tags['hw'] === 'kiosk');
      }
      expect(Object.values(summary.byKind).reduce((sum, kinds) => sum + kinds, 0)).toBe(count);
    }),
    { numRuns: 50 },
  );
});

describe('in a hub', () => {
  const clock = createTestClock();
  const hub = new IotHub({ hostName: 'h.azure-devices.net', clock, random: createSeededRandom(1) });
  const plan = buildFleet({ devices: 120, seed: 7 });
  loadFleet(hub, plan);

  test('every device is there with its tags, and a module unless it lacks one', () => {
    for (const { deviceId, tags, agent, hasModule, moduleTwin } of plan.devices) {
      expect(hub.getTwin({ deviceId })).toMatchObject({ tags });
      const modules = hub.listModules(deviceId).map(({ moduleId }) => moduleId);
      expect(modules).toEqual(hasModule ? [moduleIdOf(agent.kind)] : []);
      if (moduleTwin === undefined) continue;
      const twin = hub.getTwin({ deviceId, moduleId: moduleIdOf(agent.kind) });
      expect(getPath(twin, ['properties', 'desired'])).toMatchObject(moduleTwin.desired);
    }
  });

  test('agents of devices that are online report, others do not; the old firmware refuses "audit"', async () => {
    const agents = runAgents(hub, plan.devices, clock, createSeededRandom(3));
    await clock.advance(2_000);
    const guards = plan.devices.filter(({ agent }) => agent.kind === 'acme-guard');
    for (const { deviceId } of guards) {
      hub.patchTwin(
        { deviceId, moduleId: 'acmeGuard' },
        { properties: { desired: { guard: { usbPolicy: 'audit' } } } },
      );
    }
    await clock.advance(2_000);
    for (const { deviceId, agent, isOnline, hasModule } of plan.devices) {
      if (!hasModule) continue;
      const reported = getPath(hub.getTwin({ deviceId, moduleId: moduleIdOf(agent.kind) }), ['properties', 'reported']);
      expect(Number(getPath(reported, ['$version'])) > 1, deviceId).toBe(isOnline);
    }
    const refusing = guards.filter(
      ({ deviceId }) =>
        getPath(hub.getTwin({ deviceId, moduleId: 'acmeGuard' }), ['properties', 'reported', 'guard', 'usbPolicy']) ===
        'allow',
    );
    expect(refusing.map(({ deviceId }) => deviceId).toSorted()).toEqual(plan.summary.rejecting);
    agents.stop();
  });
});
