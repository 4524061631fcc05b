// Edge deployments: on their own, layered, and applied to one device directly.
import { describe, expect, test } from 'vitest';
import type { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import type { JsonObject } from '../../../../src/model/json.ts';
import { createTestClock, type TestClock } from '../../../support/test-clock.ts';
import { newHub, refusal } from '../new-hub.ts';

const SOON_MS = 1000;
const PERIOD_MS = 5 * 60_000;

function manifest(modules: Record<string, JsonObject>): JsonObject {
  const images = Object.fromEntries(Object.keys(modules).map((name) => [name, { image: `acme/${name}` }]));
  const settings = Object.entries(modules).map(([name, desired]) => [name, { 'properties.desired': desired }]);
  return {
    $edgeAgent: { 'properties.desired': { schemaVersion: '1.1', modules: images } },
    $edgeHub: { 'properties.desired': { routes: {} } },
    ...(Object.fromEntries(settings) as JsonObject),
  };
}

function edge(): { hub: IotHub; clock: TestClock } {
  const clock = createTestClock();
  const { hub } = newHub({ clock });
  hub.createDevice('e', { capabilities: { iotEdge: true } });
  hub.createDevice('leaf', {});
  return { hub, clock };
}

function modulesOf(hub: IotHub): unknown[] {
  return hub.listModules('e').map(({ moduleId, managedBy }) => [moduleId, managedBy]);
}

function desiredOf(hub: IotHub, moduleId: string): JsonObject {
  const { properties } = hub.getTwin({ deviceId: 'e', moduleId }) as { properties: { desired: JsonObject } };
  const { $metadata: _metadata, $version: _version, ...desired } = properties.desired;
  return desired;
}

const RUNTIME = [
  ['$edgeAgent', 'iotEdge'],
  ['$edgeHub', 'iotEdge'],
];

describe('content applied to one device', () => {
  test('makes its modules and sets their desired properties at once', () => {
    const { hub } = edge();
    hub.applyConfigurationContent('e', { modulesContent: manifest({ sensor: { rate: 5 } }) });
    expect(modulesOf(hub)).toEqual([...RUNTIME, ['sensor', 'iotEdge']]);
    expect(desiredOf(hub, 'sensor')).toEqual({ rate: 5 });
    expect(desiredOf(hub, '$edgeAgent')).toEqual({
      schemaVersion: '1.1',
      modules: { sensor: { image: 'acme/sensor' } },
    });
    expect(hub.identityKeys({ deviceId: 'e', moduleId: 'sensor' })).toBeDefined();
  });

  test('replaces the manifest before it, and leaves modules of others alone', () => {
    const { hub } = edge();
    hub.putModule('e', 'mine', {}, undefined);
    hub.applyConfigurationContent('e', { modulesContent: manifest({ a: { x: 1, y: 1 }, b: {} }) });
    hub.patchTwin({ deviceId: 'e', moduleId: 'a' }, { tags: { kept: 1 } });
    hub.applyConfigurationContent('e', { modulesContent: manifest({ a: { x: 2 }, c: {} }) });
    expect(modulesOf(hub)).toEqual([...RUNTIME, ['mine', null], ['a', 'iotEdge'], ['c', 'iotEdge']]);
    expect(desiredOf(hub, 'a')).toEqual({ x: 2 });
    expect(hub.getTwin({ deviceId: 'e', moduleId: 'a' })['tags']).toEqual({ kept: 1 });
  });

  test('may bring desired properties of the device itself', () => {
    const { hub } = edge();
    const deviceContent = { 'properties.desired.level': 1 };
    hub.applyConfigurationContent('e', { modulesContent: manifest({}), deviceContent });
    expect(hub.getTwin({ deviceId: 'e' })).toMatchObject({ properties: { desired: { level: 1 } } });
  });

  const rows: [sentence: string, deviceId: string, content: unknown, status: number, code: string][] = [
    ['a device that is no edge device', 'leaf', { modulesContent: manifest({}) }, 400, 'ArgumentInvalid'],
    ['a missing device', 'none', { modulesContent: manifest({}) }, 404, 'DeviceNotFound'],
    ['no modules', 'e', { deviceContent: { 'properties.desired.a': 1 } }, 400, 'InvalidConfigurationContent'],
    ['no agent', 'e', { modulesContent: { $edgeHub: {} } }, 400, 'InvalidConfigurationContent'],
    ['nothing', 'e', null, 400, 'InvalidConfigurationContent'],
  ];
  test.each(rows)('is refused for %s, and nothing is written', (_sentence, deviceId, content, status, code) => {
    const { hub } = edge();
    const before = hub.dump();
    expect(refusal(() => hub.applyConfigurationContent(deviceId, content))).toMatchObject({ status, code });
    expect(hub.dump()).toEqual(before);
  });

  test('too many modules are refused', () => {
    const { hub } = newHub({ limits: { modulesPerDeviceMax: 3 } });
    hub.createDevice('e', { capabilities: { iotEdge: true } });
    const content = { modulesContent: manifest({ a: {}, b: {} }) };
    expect(refusal(() => hub.applyConfigurationContent('e', content)).code).toBe('TooManyModulesOnDevice');
  });
});

describe('deployments', () => {
  const deploy = (hub: IotHub, id: string, modulesContent: JsonObject, priority: number): unknown =>
    hub.putConfiguration(id, { content: { modulesContent }, targetCondition: '*', priority }, undefined);

  test('reach edge devices alone, and say so on the agent', async () => {
    const { hub, clock } = edge();
    deploy(hub, 'base', manifest({ sensor: { rate: 5 } }), 1);
    await clock.advance(SOON_MS);
    expect(modulesOf(hub)).toEqual([...RUNTIME, ['sensor', 'iotEdge']]);
    expect(desiredOf(hub, 'sensor')).toEqual({ rate: 5 });
    const agent = hub.getTwin({ deviceId: 'e', moduleId: '$edgeAgent' });
    expect(agent['configurations']).toEqual({ base: { status: 'Applied' } });
    expect(hub.getConfiguration('base')).toMatchObject({
      systemMetrics: {
        results: { targetedCount: 1, appliedCount: 1, reportedSuccessfulCount: 0, reportedFailedCount: 0 },
      },
    });
    expect(hub.getTwin({ deviceId: 'leaf' })['configurations']).toBeUndefined();
  });

  test('what the agent reports is counted', async () => {
    const { hub, clock } = edge();
    deploy(hub, 'base', manifest({}), 1);
    await clock.advance(SOON_MS);
    const agent = hub.connect({ deviceId: 'e', moduleId: '$edgeAgent' }, () => {});
    agent.report({ lastDesiredVersion: agent.getTwin().desired['$version'] ?? null, lastDesiredStatus: { code: 200 } });
    await clock.advance(PERIOD_MS);
    expect(hub.getConfiguration('base')).toMatchObject({
      systemMetrics: { results: { reportedSuccessfulCount: 1, reportedFailedCount: 0 } },
    });
  });

  test('one base counts, with the layers above it', async () => {
    const { hub, clock } = edge();
    const route = (name: string): JsonObject => ({
      $edgeAgent: {},
      $edgeHub: { [`properties.desired.routes.${name}`]: 'x' },
    });
    deploy(hub, 'old', manifest({ a: { v: 1 } }), 1);
    deploy(hub, 'below', route('below'), 2);
    deploy(hub, 'new', manifest({ b: { v: 2 } }), 3);
    deploy(hub, 'above', route('above'), 4);
    await clock.advance(SOON_MS);
    expect(modulesOf(hub)).toEqual([...RUNTIME, ['b', 'iotEdge']]);
    expect(desiredOf(hub, '$edgeHub')).toEqual({ routes: { above: 'x' } });
    expect(hub.getTwin({ deviceId: 'e', moduleId: '$edgeAgent' })['configurations']).toEqual({
      old: { status: 'Targeted' },
      below: { status: 'Targeted' },
      new: { status: 'Applied' },
      above: { status: 'Applied' },
    });
  });

  test('another base takes the modules and values of the one before away', async () => {
    const { hub, clock } = edge();
    deploy(hub, 'one', manifest({ a: { v: 1 }, shared: { x: 1, y: 1 } }), 1);
    await clock.advance(SOON_MS);
    deploy(hub, 'two', manifest({ shared: { y: 2 } }), 2);
    await clock.advance(SOON_MS);
    expect(modulesOf(hub)).toEqual([...RUNTIME, ['shared', 'iotEdge']]);
    expect(desiredOf(hub, 'shared')).toEqual({ y: 2 });
    expect(desiredOf(hub, '$edgeAgent')['modules']).toEqual({ a: {}, shared: { image: 'acme/shared' } });
  });

  test('a manifest applied directly stays until the deployment changes; a deleted deployment leaves its own', async () => {
    const { hub, clock } = edge();
    deploy(hub, 'base', manifest({ a: { v: 1 } }), 1);
    await clock.advance(SOON_MS);
    hub.applyConfigurationContent('e', { modulesContent: manifest({ a: { v: 9 } }) });
    await clock.advance(PERIOD_MS);
    expect(desiredOf(hub, 'a')).toEqual({ v: 9 });
    const { etag: _etag, ...body } = hub.getConfiguration('base');
    hub.putConfiguration('base', { ...body, priority: 5 }, '"*"');
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'a')).toEqual({ v: 1 });
    hub.deleteConfiguration('base', undefined);
    await clock.advance(SOON_MS);
    expect(desiredOf(hub, 'a')).toEqual({ v: 1 });
    expect(modulesOf(hub)).toEqual([...RUNTIME, ['a', 'iotEdge']]);
  });
});
