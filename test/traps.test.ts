// The traps that other tools fell into, each as a test that names it: who fell, and what must not happen here.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../src/adapters/system-clock.ts';
import { HubError, SourceError, type HubErrorCode } from '../src/model/errors.ts';
import { hasNull, type Json, type JsonObject } from '../src/model/json.ts';
import type { DeviceFacts } from '../src/model/twin.ts';
import { patchOf } from './plan/actions.ts';
import { actionDocument } from '../src/plan/report/document.ts';
import type { Hub } from '../src/ports/hub.ts';
import type { ControllerEvent } from '../src/model/event.ts';
import { folderOf, HUB as SERVED, serveFleet, twinward } from './cli/fixture.ts';
import { openHttpsHub } from './contract/https-hub.ts';
import {
  createFleet,
  manifests,
  MODULE,
  NEVER,
  PERIOD_MS,
  plannerFor,
  PROD,
  startOn,
  type Fleet,
} from './controller/fixture.ts';
import { eagerClock } from './support/eager-clock.ts';

const BASE = manifests({ base: `${PROD}, deletionPolicy: Remove, settings: {scan: PT1H, usb: block}` });
const ALL_SETTINGS = { scan: 'PT1H', usb: 'block' };

/** What Twinward wrote below properties.desired, in order. */
function sent({ patches }: Fleet): (JsonObject | undefined)[] {
  return patches.map(({ patch }) => patch.properties?.desired);
}

describe('unknown taken for empty (Greengrass nucleus#1826)', () => {
  const failing: [sentence: string, hub: (fleet: Fleet) => Partial<Hub>][] = [
    ...(['Unauthorized', 'Timeout', 'Malformed', 'QuotaExceeded'] as const).map(
      (code): [string, (fleet: Fleet) => Partial<Hub>] => [
        `the lists are refused (${code})`,
        () => ({ listDevices: () => broken(code), listModuleTwins: () => broken(code) }),
      ],
    ),
    ['the lists are empty', () => ({ listDevices: () => pages([]), listModuleTwins: () => pages([]) })],
    [
      'the lists end too early',
      (fleet) => ({
        listDevices: (signal) => firstPageOnly(fleet.hub.listDevices(signal)),
        listModuleTwins: (ids, signal) => firstPageOnly(fleet.hub.listModuleTwins(ids, signal)),
      }),
    ],
    ['the list of devices alone is empty', () => ({ listDevices: () => pages([]) })],
  ];
  test.each(failing)('removes nothing where %s', async (_sentence, hubOf) => {
    const fleet = createFleet(3);
    const first = await startOn(fleet, BASE);
    await first.controller.stop();
    const written = fleet.patches.length;
    const { controller, source } = await startOn(fleet, BASE, { hub: { ...fleet.hub, ...hubOf(fleet) } });
    await fleet.clock.advance(2 * PERIOD_MS);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual(ALL_SETTINGS);
    expect(fleet.patches).toHaveLength(written);
    expect(source.reads.count).toBeGreaterThan(1);
    await controller.stop();
  });

  test.each<[sentence: string, content: string | undefined | Error]>([
    ['an empty folder', undefined],
    ['a folder that can’t be read', new SourceError('Unreadable', 'permission denied')],
    ['half a file', BASE.slice(0, BASE.length - 40)],
  ])('removes nothing for %s', async (_sentence, content) => {
    const fleet = createFleet(2);
    const { controller, source } = await startOn(fleet, BASE);
    source.set(content);
    await fleet.clock.advance(2 * PERIOD_MS);
    for (const id of fleet.ids()) expect(fleet.desired(id, 'guard')).toEqual(ALL_SETTINGS);
    await controller.stop();
  });
});

test('a null for a missing key that wiped its siblings (azure-iot-sdk-node#683): only what was just read is nulled', async () => {
  const fleet = createFleet(1);
  const { controller, source } = await startOn(fleet, BASE);
  fleet.tamper('d1', { guard: { theirs: 1 } });
  fleet.iot.setNullHazard(true);
  // The lists still show the key that another writer removes now.
  fleet.iot.setLag({ modules: 2 * PERIOD_MS });
  fleet.tamper('d1', { guard: { usb: null } });
  source.set(manifests({ base: `${PROD}, deletionPolicy: Remove, settings: {scan: PT1H}` }));
  await fleet.clock.advance(3 * PERIOD_MS);
  expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H', theirs: 1 });
  await controller.stop();
});

test('a null that toggles (azure-iot-sdk-csharp#86): what is gone is removed once, and never again', async () => {
  const fleet = createFleet(1);
  const { controller, source } = await startOn(fleet, BASE);
  source.set(manifests({ base: `${PROD}, settings: {scan: PT1H}` }));
  await fleet.clock.advance(4 * PERIOD_MS);
  expect(sent(fleet)).toEqual([{ guard: ALL_SETTINGS }, { guard: { usb: null } }]);
  expect(fleet.desired('d1', 'guard')).toEqual({ scan: 'PT1H' });
  await controller.stop();
});

test('a 200 for what was ignored: the answer is looked at, and what is not in it is not counted as written', async () => {
  const fleet = createFleet(1);
  const state = { ignored: 3 };
  const hub: Hub = {
    ...fleet.hub,
    patchModuleTwin(ref, patch, etag, signal) {
      if (state.ignored === 0) return fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      state.ignored -= 1;
      return fleet.hub.getModuleTwin(ref, signal);
    },
  };
  const { controller, status } = await startOn(fleet, BASE, { hub });
  expect(status()).toMatchObject({
    counts: { actions: { Equal: 0 } },
    offenders: [{ deviceId: 'd1', reason: 'UnexpectedAnswer' }],
  });
  await fleet.clock.advance(60_000);
  expect(status().counts.actions).toMatchObject({ Equal: 1 });
  expect(fleet.desired('d1', 'guard')).toEqual(ALL_SETTINGS);
  await controller.stop();
});

test('etags quoted here and bare there: what is read is what guards the write', async () => {
  const { hub, embedded, close } = await openHttpsHub();
  try {
    const ref = { deviceId: 'd', moduleId: 'm' };
    embedded.createDevice('d', { deviceId: 'd' });
    embedded.putModule('d', 'm', { ...ref }, undefined);
    const { etag } = await hub.getModuleTwin(ref, NEVER);
    expect(etag).not.toContain('"');
    const answer = await hub.patchModuleTwin(ref, { tags: { a: 1 } }, etag, NEVER);
    await hub.patchModuleTwin(ref, { tags: { a: 2 } }, answer.etag, NEVER);
    await expect(hub.patchModuleTwin(ref, { tags: { a: 3 } }, etag, NEVER)).rejects.toMatchObject({
      code: 'PreconditionFailed',
    });
    expect((await hub.getModuleTwin(ref, NEVER)).tags).toEqual({ a: 2 });
  } finally {
    await close();
  }
});

test('a 429 without Retry-After: every try waits ten seconds at least, and the work is done in the end', async () => {
  const fleet = createFleet(1);
  const tries: number[] = [];
  const hub: Hub = {
    ...fleet.hub,
    patchModuleTwin(ref, patch, etag, signal) {
      tries.push(fleet.clock.now());
      return tries.length <= 4 ? refuse('Throttled') : fleet.hub.patchModuleTwin(ref, patch, etag, signal);
    },
  };
  const { controller } = await startOn(fleet, BASE, { hub, resyncPeriodMs: 24 * 3_600_000 });
  await fleet.clock.advance(30 * 60_000);
  expect(tries).toHaveLength(5);
  for (const [index, at] of tries.slice(1).entries()) expect(at - (tries[index] ?? 0)).toBeGreaterThanOrEqual(10_000);
  expect(fleet.desired('d1', 'guard')).toEqual(ALL_SETTINGS);
  await controller.stop();
});

describe('queries that lag and show ghosts: a direct read comes before every write', () => {
  test('a row from before our own write starts no second one', async () => {
    const fleet = createFleet(2);
    const before = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], NEVER));
    const hub: Hub = { ...fleet.hub, listModuleTwins: () => pages(...before) };
    const { controller } = await startOn(fleet, BASE, { hub });
    expect(fleet.patches).toHaveLength(2);
    await fleet.clock.advance(5 * PERIOD_MS);
    expect(fleet.patches).toHaveLength(2);
    await controller.stop();
  });

  test('a device that is gone is neither written nor made again', async () => {
    const fleet = createFleet(2);
    const devices = await Array.fromAsync(fleet.hub.listDevices(NEVER));
    const twins = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], NEVER));
    fleet.iot.deleteDevice('d2', '*');
    const hub: Hub = { ...fleet.hub, listDevices: () => pages(...devices), listModuleTwins: () => pages(...twins) };
    const text = manifests({ base: `${PROD}, module: {whenMissing: Create}, settings: {usb: block}` });
    const { controller } = await startOn(fleet, text, { hub });
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(fleet.patches.map(({ ref }) => ref.deviceId)).toEqual(['d1']);
    expect(fleet.ids()).toEqual(['d1']);
    await controller.stop();
  });

  test('a device that left its group is not written by its old tags', async () => {
    const fleet = createFleet(1);
    const devices = await Array.fromAsync(fleet.hub.listDevices(NEVER));
    fleet.tag('d1', { env: 'lab' });
    const hub: Hub = { ...fleet.hub, listDevices: () => pages(...devices) };
    const { controller } = await startOn(fleet, BASE, { hub });
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(fleet.patches).toEqual([]);
    await controller.stop();
  });
});

test('two modules of a device in one bulk call (DeviceDefinedMultipleTimes, azure-iot-sdk-csharp#3481): each has its own', async () => {
  const fleet = createFleet(2);
  for (const deviceId of fleet.ids())
    fleet.iot.putModule(deviceId, 'second', { deviceId, moduleId: 'second' }, undefined);
  const text = `${BASE}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: second-guard}
spec: {extends: generic, moduleId: second}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: second}
spec: {profile: second-guard, ${PROD}, settings: {log: all}}
`;
  const { controller, status } = await startOn(fleet, text);
  expect(fleet.patches.map(({ ref }) => `${ref.deviceId}/${ref.moduleId}`).toSorted()).toEqual(
    ['d1', 'd2'].flatMap((id) => [`${id}/${MODULE}`, `${id}/second`]),
  );
  expect(status().counts.actions).toMatchObject({ Equal: 4 });
  await controller.stop();
});

describe('differences that never end, from spelling alone (the CrowdStrike Terraform provider)', () => {
  const micro = (settings: string): string =>
    `${manifests({})}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: spelt}
spec:
  extends: generic
  moduleId: ${MODULE}
  section: /guard
  comparators:
    - {keys: [every*], comparator: duration}
    - {keys: [paths], comparator: csvSet}
    - {keys: [level], comparator: caseInsensitive}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: base}
spec: {profile: spelt, ${PROD}, settings: {${settings}}}
`;

  test.each<[sentence: string, settings: string, live: JsonObject]>([
    ['a duration', 'everyScan: PT1H', { everyScan: 'PT60M' }],
    ['white space and order in a list', 'paths: "/a,/b"', { paths: '/b, /a' }],
    ['the case of a word', 'level: High', { level: 'high' }],
    ['a number', 'size: 1.0', { size: 1 }],
    ['the order of members', 'rule: {a: 1, b: 2}', { rule: { b: 2, a: 1 } }],
  ])('%s', async (_sentence, settings, live) => {
    const fleet = createFleet(1);
    fleet.tamper('d1', { guard: live });
    const { controller, status } = await startOn(fleet, micro(settings));
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(status().counts.actions).toMatchObject({ Equal: 1 });
    expect(sent(fleet).filter((desired) => desired !== undefined)).toEqual([]);
    expect(fleet.patches).toHaveLength(1);
    expect(fleet.desired('d1', 'guard')).toEqual(live);
    await controller.stop();
  });

  test('a key that is to be absent and is', async () => {
    const fleet = createFleet(1);
    const { controller } = await startOn(fleet, manifests({ base: `${PROD}, settings: {usb: block}, unset: [log]` }));
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(sent(fleet)).toEqual([{ guard: { usb: 'block' } }]);
    await controller.stop();
  });
});

test('a mark of what was rolled out that outlives a change of group (flightctl#3141): who comes back is written again', async () => {
  const fleet = createFleet(1);
  const text = manifests({
    base: 'selector: {matchAll: true}, settings: {log: all}',
    prod: `${PROD}, settings: {usb: block}`,
  });
  const { controller } = await startOn(fleet, text);
  for (const env of ['lab', 'prod', 'lab', 'prod']) {
    fleet.tag('d1', { env });
    await fleet.clock.advance(2 * PERIOD_MS);
    expect(fleet.desired('d1', 'guard')).toEqual(env === 'prod' ? { log: 'all', usb: 'block' } : { log: 'all' });
  }
  await controller.stop();
});

test('success before verification (hawkBit#3185): written is not applied until the agent says so', async () => {
  const fleet = createFleet(1);
  const text = BASE.replace('section: /guard', 'section: /guard, acknowledgement: {type: Mirror}');
  const { controller, status } = await startOn(fleet, text);
  expect(status().counts.acknowledgements).toMatchObject({ Applied: 0, Unreachable: 1 });
  await fleet.clock.advance(1_000);
  fleet.report('d1', { guard: { ...ALL_SETTINGS, usb: 'allow' } });
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(status().counts.acknowledgements).toMatchObject({ Applied: 0, Rejected: 1 });
  fleet.report('d1', { guard: ALL_SETTINGS });
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(status().counts.acknowledgements).toMatchObject({ Applied: 1, Rejected: 0 });
  await controller.stop();
});

test.each(['leaf', 'section'])(
  'clear, then set (thin-edge.io#3570): an agent never sees a value gone that only changes (%s)',
  async (granularity) => {
    const fleet = createFleet(1);
    const seen: JsonObject[] = [];
    fleet.iot.connect({ deviceId: 'd1', moduleId: MODULE }, (patch) => void seen.push(patch));
    const profile = (text: string): string =>
      text.replace('section: /guard', `section: /guard, patchGranularity: ${granularity}`);
    const { controller, source } = await startOn(fleet, profile(BASE));
    for (const usb of ['audit', 'allow', 'block']) {
      source.set(profile(manifests({ base: `${PROD}, deletionPolicy: Remove, settings: {scan: PT1H, usb: ${usb}}` })));
      await fleet.clock.advance(PERIOD_MS);
      expect(fleet.desired('d1', 'guard', 'usb')).toBe(usb);
    }
    expect(seen).toHaveLength(4);
    for (const patch of seen) expect(hasNull(patch)).toBe(false);
    await controller.stop();
  },
);

test('secrets in exports: a sensitive value is in no plan, event, log, status or metric', async () => {
  const SECRET = 'hunter2-very-secret';
  const text = manifests({ base: `${PROD}, settings: {uploadKey: ${SECRET}, usb: block}` }).replace(
    'section: /guard',
    'section: /guard, sensitive: [uploadKey]',
  );
  const fleet = createFleet(2);
  fleet.tamper('d2', { guard: { uploadKey: `old-${SECRET}` } });
  const events: ControllerEvent[] = [];
  const told: Json[] = [];
  const planner = plannerFor(text);
  for await (const page of fleet.hub.listModuleTwins([MODULE], NEVER)) {
    for (const twin of page) {
      const device: DeviceFacts = { deviceId: twin.deviceId, status: 'enabled', iotEdge: false, tags: { env: 'prod' } };
      const action = planner.plan(planner.targetFor(device, MODULE), device, twin, fleet.clock.now());
      expect(JSON.stringify(patchOf(action))).toContain(SECRET);
      const { profiles } = planner.declared;
      told.push(actionDocument({ hub: 'dev', profiles }, action, twin) as unknown as Json);
    }
  }
  const { controller, log, status } = await startOn(fleet, text, {
    recorder: { record: (event) => void events.push(event) },
  });
  // Another writer contests it: that is reported too.
  for (let round = 0; round < 8; round += 1) {
    fleet.tamper('d1', { guard: { uploadKey: `theirs-${SECRET}` } });
    controller.requestResync();
    await fleet.clock.advance(60_000);
  }
  expect(status().offenders).toMatchObject([{ deviceId: 'd1', reason: 'Contested' }]);
  expect(events.length).toBeGreaterThan(5);
  expect(told).toHaveLength(2);
  for (const shown of [told, events, log.lines, status(), controller.status()]) {
    expect(JSON.stringify(shown)).not.toContain(SECRET);
  }
  await controller.stop();
});

test('secrets in exports: nor is one in anything that a command prints or leaves in a file', async () => {
  const hub = await serveFleet(60);
  const folder = folderOf({
    'all.yaml': `${SERVED}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, sensitive: [badge], deny: [uploadToken]}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosks}
spec: {selector: {matchTags: {hw: kiosk}}, profile: acme-guard, settings: {usb: block, badge: hunter2-badge}}
`,
  });
  const bare = folderOf({ 'hub.yaml': SERVED });
  hub.iot.patchTwin(
    { deviceId: 'kiosk-01', moduleId: 'acmeGuard' },
    { properties: { desired: { guard: { badge: 'hunter2-other', uploadToken: 'demo-token-1' } } } },
  );
  const commands = [
    'validate -o json',
    'plan',
    'plan -o json',
    'plan --out FOLDER/plan.saved',
    'snapshot',
    'snapshot --out FOLDER/fleet.snapshot',
    'why kiosk-01',
    'apply --yes -o json',
    'status -o json',
    'get devices -o json',
    'get configurations',
    'describe configuration kiosks -o json',
    'why kiosk-01 -o json',
    'doctor -o json',
    'import --yes --group-by hw --out FOLDER/imported',
  ];
  const keys = /SharedAccessKey=([^;]+)/.exec(hub.env['IOTHUB_CONNECTION_STRING'] ?? '')?.[1] ?? 'none';
  for (const command of commands) {
    const from = command.startsWith('import') ? bare.path : folder.path;
    const argv = [...command.replace('FOLDER', folder.path).split(' '), '-f', from];
    // The doctor compares clocks, and a server of HTTPS goes by that of the system.
    const clock = command.startsWith('doctor') ? systemClock : eagerClock(hub.clock);
    const { code, out, err } = await twinward(argv, { env: hub.env, clock });
    expect(`${command}: ${code} ${err}`).toMatch(/: 0 /);
    for (const secret of ['hunter2', 'demo-token', keys]) expect(`${out}${err}`, command).not.toContain(secret);
  }
  const left = readdirSync(folder.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.length).toBeGreaterThan(5);
  for (const { parentPath, name } of left) {
    if (name === 'all.yaml') continue;
    const text = readFileSync(join(parentPath, name), 'utf8');
    for (const secret of ['hunter2', 'demo-token', keys]) expect(text, name).not.toContain(secret);
  }
  folder.remove();
  bare.remove();
  await hub.close();
});

describe('a patch that the agent takes for everything (the legacy security agents)', () => {
  test('one changed setting sends the whole section, others’ included, and nothing where nothing changes', async () => {
    const fleet = createFleet(1);
    fleet.tamper('d1', { guard: { theirs: 1 } });
    const whole = (text: string): string =>
      text.replace('section: /guard', 'section: /guard, patchGranularity: section');
    const { controller, source } = await startOn(fleet, whole(BASE));
    source.set(whole(manifests({ base: `${PROD}, settings: {scan: PT1H, usb: audit}` })));
    await fleet.clock.advance(3 * PERIOD_MS);
    expect(sent(fleet).at(-1)).toEqual({ guard: { theirs: 1, scan: 'PT1H', usb: 'audit' } });
    expect(fleet.patches).toHaveLength(2);
    await controller.stop();
  });
});

test('two writers at war (the Terraform provider’s own warning, iotedge#2914): the hub and the battery have peace', async () => {
  const fleet = createFleet(1);
  const { controller, status, metrics } = await startOn(fleet, BASE);
  const before = fleet.patches.length;
  for (let minute = 0; minute < 60; minute += 1) {
    fleet.tamper('d1', { guard: { usb: 'allow' } });
    controller.requestResync();
    await fleet.clock.advance(60_000);
  }
  expect(fleet.patches.length - before).toBeLessThanOrEqual(6);
  expect(status().offenders).toMatchObject([{ deviceId: 'd1', reason: 'Contested' }]);
  expect(status().offenders[0]?.detail).toMatch(/"usb" \(corrected about 4 times an hour, left alone since 2026-/);
  expect(metrics.total('twinward_contested_devices')).toBe(1);
  // The other writer has stopped.
  await fleet.clock.advance(3 * 3_600_000);
  expect(fleet.desired('d1', 'guard')).toEqual(ALL_SETTINGS);
  expect(status().offenders).toEqual([]);
  expect(metrics.total('twinward_contested_devices')).toBe(0);
  await controller.stop();
});

test('a war with a writer that replaces the whole twin, our record included, comes to peace as well', async () => {
  const fleet = createFleet(1);
  const { controller, status } = await startOn(fleet, BASE);
  const before = fleet.patches.length;
  for (let minute = 0; minute < 60; minute += 1) {
    fleet.iot.replaceTwin(
      { deviceId: 'd1', moduleId: MODULE },
      { properties: { desired: { guard: { usb: 'allow' } } } },
    );
    controller.requestResync();
    await fleet.clock.advance(60_000);
  }
  expect(fleet.patches.length - before).toBeLessThanOrEqual(6);
  expect(status().offenders).toMatchObject([{ deviceId: 'd1', reason: 'Contested' }]);
  await fleet.clock.advance(3 * 3_600_000);
  expect(fleet.desired('d1', 'guard')).toEqual(ALL_SETTINGS);
  await controller.stop();
});

test('a module that is repeatedly recreated (iot-identity-service#600) is configured each time', async () => {
  const fleet = createFleet(1);
  const { controller } = await startOn(fleet, BASE);
  for (let round = 0; round < 10; round += 1) {
    fleet.iot.deleteModule('d1', MODULE, '*');
    fleet.iot.putModule('d1', MODULE, { deviceId: 'd1', moduleId: MODULE }, undefined);
    controller.requestResync();
    await fleet.clock.advance(60_000);
    expect(fleet.desired('d1', 'guard')).toEqual(ALL_SETTINGS);
  }
  await controller.stop();
});

async function* pages<T>(...all: readonly (readonly T[])[]): AsyncGenerator<readonly T[]> {
  yield* all;
}

// oxlint-disable-next-line require-yield
async function* broken(code: HubErrorCode): AsyncGenerator<never> {
  throw new HubError(code, `the hub says ${code}`);
}

/** As a hub whose connection ends in the middle of a list. */
async function* firstPageOnly<T>(all: AsyncIterable<readonly T[]>): AsyncGenerator<readonly T[]> {
  for await (const page of all) {
    yield page.slice(0, 1);
    throw new HubError('Unavailable', 'the connection was cut');
  }
}

function refuse(code: HubErrorCode): Promise<never> {
  return Promise.reject(new HubError(code, `the hub says ${code}`));
}
