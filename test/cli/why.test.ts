// `why`, word for word: each file in golden/ is what a person sees. Dates are those of the test clock; paths and digests,
// which differ from run to run, are left out.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/model/json.ts';
import { folderOf, HUB, serveFleet, twinward, type Printed, type ServedHub } from './fixture.ts';

const PROFILE = `apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec:
  extends: generic
  moduleId: acmeGuard
  section: /guard
  acknowledgement: {type: Mirror}
  sensitive: [badge]
  deny: [serial]
  defaults: {usb: allow}
  schema:
    type: object
    properties: {usb: {type: string}, scan: {type: string}, low: {type: integer}, high: {type: integer}, badge: {type: string}}
  rules:
    - {type: NotGreater, lesser: low, greater: high, as: number, severity: error, message: low must not be above high.}
`;

/** One resource on about three lines. */
function resource(kind: string, name: string, spec: string): string {
  return `apiVersion: twinward.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

function configuration(name: string, spec: string): string {
  return resource('SecurityConfiguration', name, `{profile: acme-guard, ${spec}}`);
}

const ALL = 'selector: {matchTags: {env: prod}}';
/** Another way to select the same device: the manifests do not prove the overlap. */
const RING = 'selector: {matchTags: {ring: "2"}}';
const BASE = configuration('base', `${ALL}, settings: {usb: block, scan: PT6H}`);

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;

beforeAll(async () => {
  hub = await serveFleet(1);
});
afterAll(() => hub.close());
beforeEach(() => {
  manifests = folderOf({ 'hub.yaml': HUB, 'profile.yaml': PROFILE });
  addDevice('atm-1');
  return () => {
    manifests.remove();
    for (const { deviceId } of hub.iot.query("SELECT deviceId FROM devices WHERE tags.env = 'prod'").items) {
      hub.iot.deleteDevice(String(deviceId), '*');
    }
  };
});

function addDevice(deviceId: string, module: object = {}, device: object = {}): void {
  hub.iot.createDevice(deviceId, { deviceId, ...device });
  hub.iot.patchTwin({ deviceId }, { tags: { env: 'prod', ring: '2' } });
  hub.iot.putModule(deviceId, 'acmeGuard', { deviceId, moduleId: 'acmeGuard', ...module }, undefined);
}

function byHand(guard: JsonObject | null): void {
  hub.iot.patchTwin({ deviceId: 'atm-1', moduleId: 'acmeGuard' }, { properties: { desired: { guard } } });
}

function run(command: string): Promise<Printed> {
  return twinward([...command.split(' '), '-f', manifests.path], { env: hub.env, clock: hub.clock });
}

/** Manifests of this name say this from now on; nothing takes them away. */
function put(files: Readonly<Record<string, string | undefined>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(manifests.path, `${name}.yaml`);
    if (text === undefined) rmSync(path);
    else writeFileSync(path, text);
  }
}

async function apply(): Promise<void> {
  const { code, err } = await run('apply --yes');
  expect(err).toBe('');
  expect(code).toBe(0);
}

/** The printed text. */
async function told(asked = 'why atm-1 usb'): Promise<string> {
  const { out, err } = await run(asked);
  return `$ twinward ${asked}\n${out}${err}`
    .replaceAll(`${manifests.path}/`, '')
    .replaceAll(/sha256:[0-9a-f]{12}/g, 'sha256:REVISION')
    .replaceAll(/by Twinward \([0-9a-f]{12}\)/g, 'by Twinward (REVISION)');
}

function golden(name: string): string {
  return `golden/why-${name}.txt`;
}

describe('what decides', () => {
  test('won, lost and out', async () => {
    put({
      base: BASE,
      lyon: configuration('lyon', `priority: 60, groups: [atms], settings: {usb: audit}`),
      group: resource(
        'DeviceGroup',
        'atms',
        '{selector: {matchTags: {env: prod}, matchExpressions: [{key: tags.ring, operator: In, values: ["1", "2"]}]}}',
      ),
      quiet: configuration('quiet', `${ALL}, priority: 30, mode: Observe, settings: {usb: log}`),
      inc: resource(
        'SecurityException',
        'inc-812',
        '{profile: acme-guard, selector: {matchTags: {ring: "1"}}, settings: {usb: allow}, owner: soc, reason: INC-812, expiresAt: "2026-11-24T12:00:00Z"}',
      ),
    });
    await apply();
    await expect(await told()).toMatchFileSnapshot(golden('won-lost-out'));
  });

  test('all settings of a device, others last', async () => {
    put({
      base: BASE,
      secret: configuration('secret', `${ALL}, settings: {badge: s3cret}`),
      far: configuration('far', 'selector: {matchTags: {env: lab}}, settings: {low: 1}'),
    });
    await apply();
    await expect(await told('why atm-1')).toMatchFileSnapshot(golden('device'));
    expect((await run('why atm-1 -o json')).out).not.toContain('s3cret');
  });

  test('an exception', async () => {
    put({
      base: BASE,
      inc: resource(
        'SecurityException',
        'inc-812',
        `{profile: acme-guard, ${ALL}, settings: {usb: allow}, owner: soc, reason: INC-812, expiresAt: "2026-11-24T12:00:00Z"}`,
      ),
    });
    await apply();
    await expect(await told()).toMatchFileSnapshot(golden('exception'));
    put({ inc: undefined });
    await expect(await told()).toMatchFileSnapshot(golden('exception-ended'));
  });

  test('a module that is not there', async () => {
    put({ base: BASE });
    hub.iot.deleteModule('atm-1', 'acmeGuard', '*');
    await expect(await told()).toMatchFileSnapshot(golden('module-missing'));
  });
});

describe('changes by other writers', () => {
  test('drift', async () => {
    put({ base: BASE });
    await apply();
    byHand({ usb: 'allow' });
    await expect(await told()).toMatchFileSnapshot(golden('drift'));
  });

  test('again and again', async () => {
    put({ base: BASE });
    await apply();
    for (let time = 0; time < 6; time += 1) {
      byHand({ usb: 'allow' });
      await apply();
    }
    await expect(await told()).toMatchFileSnapshot(golden('contested'));
  });

  test('a foreign setting', async () => {
    put({ base: BASE });
    byHand({ theirs: { url: 'https://example.com' }, token: 'abc' });
    await apply();
    await expect(await told('why atm-1 theirs')).toMatchFileSnapshot(golden('foreign'));
    await expect(await told('why atm-1 token')).toMatchFileSnapshot(golden('foreign-secret'));
  });

  test('a setting that another installation of ours has', async () => {
    put({ base: BASE });
    await apply();
    const own = { profile: 'acme-guard', section: '/guard', digest: '0', deletionPolicy: 'Retain', keys: ['low'] };
    hub.iot.patchTwin(
      { deviceId: 'atm-1', moduleId: 'acmeGuard' },
      {
        properties: { desired: { guard: { low: 4 } } },
        tags: { twinward: { lab: { v: 1, own: { 'SecurityConfiguration/probe': own } } } },
      },
    );
    await expect(await told('why atm-1 low')).toMatchFileSnapshot(golden('foreign-instance'));
  });

  test('an undeclared setting that a profile knows', async () => {
    put({ base: BASE });
    await apply();
    await expect(await told('why atm-1 high')).toMatchFileSnapshot(golden('undeclared'));
    await expect(await told('why atm-1 serial')).toMatchFileSnapshot(golden('undeclarable'));
    byHand({ serial: 'X1' });
    await expect(await told('why atm-1 serial')).toMatchFileSnapshot(golden('foreign-denied'));
    expect((await run('why atm-1 hihg')).err).toContain('Did you mean "high"?');
    const { twins } = JSON.parse((await run('why atm-1 high -o json')).out) as { twins: { settings: object[] }[] };
    expect(twins[0]?.settings).toMatchObject([{ name: 'high', whose: expect.stringMatching(/^no owner: /) as string }]);
  });

  test('a setting that does not exist', async () => {
    put({ base: BASE });
    await apply();
    await expect(await told('why atm-1 ubs')).toMatchFileSnapshot(golden('unknown'));
    await expect(await told('why atm-1 completelyDifferent')).toMatchFileSnapshot(golden('unknown-far'));
  });
});

describe('what a manifest let go of', () => {
  test('a setting that is no longer declared is removed', async () => {
    put({ base: BASE });
    await apply();
    put({ base: configuration('base', `${ALL}, settings: {scan: PT6H}`) });
    await expect(await told()).toMatchFileSnapshot(golden('setting-removed'));
  });

  test('a configuration that left with Remove is not forgotten', async () => {
    put({ base: configuration('base', `${ALL}, deletionPolicy: Remove, settings: {usb: block}`) });
    await apply();
    put({ base: undefined });
    await expect(await told()).toMatchFileSnapshot(golden('owner-removed'));
    await expect(await told('why atm-1')).toMatchFileSnapshot(golden('owner-removed-device'));
  });

  test('one that left with Retain lets go, and is forgotten then', async () => {
    put({ base: BASE });
    await apply();
    put({ base: undefined });
    await expect(await told()).toMatchFileSnapshot(golden('retained'));
    await apply();
    put({ other: configuration('other', `${ALL}, settings: {scan: PT6H}`) });
    await expect(await told()).toMatchFileSnapshot(golden('released'));
  });

  test('a device that left the group', async () => {
    put({
      base: BASE,
      ring: configuration('ring', 'priority: 5, selector: {matchTags: {ring: "2"}}, settings: {low: 1}'),
    });
    await apply();
    hub.iot.patchTwin({ deviceId: 'atm-1' }, { tags: { ring: '1' } });
    await expect(await told('why atm-1 low')).toMatchFileSnapshot(golden('left-group'));
    put({ base: undefined });
    await expect(await told('why atm-1 low')).toMatchFileSnapshot(golden('unassigned'));
  });
});

describe('what keeps us from writing', () => {
  test('a person', async () => {
    put({ base: BASE });
    await apply();
    byHand({ usb: 'allow' });
    const given = { env: { ...hub.env, USER: 'ana', HOSTNAME: 'desk' }, clock: hub.clock };
    const suspended = await twinward(
      ['suspend', '--device', 'atm-1', '--reason', 'INC-9', '-f', manifests.path],
      given,
    );
    expect(suspended.code).toBe(0);
    await expect(await told()).toMatchFileSnapshot(golden('suspended'));
    await run('resume --all');
  });

  test('a guard, perhaps', async () => {
    put({ base: BASE });
    await apply();
    put({
      hub: HUB.replace('Enforce', 'Enforce, guards: {maxChanged: 7%, maxRemoved: 0, maxCreated: 3}'),
      base: configuration('base', `${ALL}, module: {whenMissing: Create}, settings: {scan: PT8H}`),
    });
    await expect(await told('why atm-1')).toMatchFileSnapshot(golden('guards'));
    const { twins } = JSON.parse((await run('why atm-1 -o json')).out) as { twins: { guards?: string[] }[] };
    expect(twins.map(({ guards }) => guards)).toEqual([['ListShort', 'TooManyChanged', 'TooManyRemoved']]);
    hub.iot.deleteModule('atm-1', 'acmeGuard', '*');
    await expect(await told('why atm-1')).toMatchFileSnapshot(golden('guards-create'));
    put({ hub: HUB });
  });

  test('no guard, where nothing is to be written', async () => {
    put({ base: BASE });
    await apply();
    hub.iot.patchTwin({ deviceId: 'atm-1' }, { tags: { env: 'lab' } });
    const { out } = await run('why atm-1 -o json');
    hub.iot.patchTwin({ deviceId: 'atm-1' }, { tags: { env: 'prod' } });
    const { twins } = JSON.parse(out) as { twins: object[] };
    expect(twins).toMatchObject([{ state: { type: 'Keep', reason: 'Unassigned' } }]);
    expect(twins[0]).not.toHaveProperty('guards');
  });

  test('the mode, of the configuration, of a group or of the hub', async () => {
    put({ base: configuration('base', `${ALL}, mode: Observe, settings: {usb: block}`) });
    byHand({ usb: 'allow' });
    await expect(await told()).toMatchFileSnapshot(golden('observed'));
    put({ base: BASE, lab: resource('DeviceGroup', 'lab', `{${RING}, mode: Observe}`) });
    await expect(await told()).toMatchFileSnapshot(golden('observed-group'));
    put({ lab: undefined, hub: HUB.replace('Enforce', 'Observe') });
    await expect(await told()).toMatchFileSnapshot(golden('observed-hub'));
  });
});

describe('what holds a twin', () => {
  test.each<[reason: string, files: Readonly<Record<string, string>>]>([
    ['conflicted', { base: BASE, rival: configuration('rival', `${RING}, settings: {usb: allow}`) }],
    [
      'rules-violated',
      {
        base: BASE,
        low: configuration('low', `${ALL}, settings: {low: 9}`),
        high: configuration('high', `${RING}, settings: {high: 1}`),
      },
    ],
    [
      'profiles-overlap',
      {
        base: BASE,
        second: PROFILE.replace('acme-guard', 'acme-guard-2'),
        other: configuration('other', `${RING}, settings: {low: 1}`).replace('acme-guard', 'acme-guard-2'),
      },
    ],
    [
      'exception-too-wide',
      {
        base: BASE,
        inc: resource(
          'SecurityException',
          'inc-812',
          `{profile: acme-guard, ${ALL}, maxDevices: 1, settings: {usb: allow}, owner: soc, reason: INC-812, expiresAt: "2026-11-24T12:00:00Z"}`,
        ),
      },
    ],
  ])('%s', async (reason, files) => {
    addDevice('atm-2');
    put(files);
    await expect(await told()).toMatchFileSnapshot(golden(`held-${reason}`));
  });

  test('a record of a newer version', async () => {
    put({ base: BASE });
    hub.iot.patchTwin({ deviceId: 'atm-1', moduleId: 'acmeGuard' }, { tags: { twinward: { default: { v: 2 } } } });
    await expect(await told()).toMatchFileSnapshot(golden('held-record-newer'));
    byHand({ scan: 'PT1H', theirs: 1 });
    expect(await told('why atm-1 theirs')).toContain(`
next     nothing while the twin is held (RecordNewer)
whose    not known: the record on the twin can not be read
`);
  });

  test('a profile that is gone', async () => {
    put({ base: configuration('base', `${ALL}, deletionPolicy: Remove, settings: {usb: block}`) });
    await apply();
    put({ base: undefined, profile: undefined });
    await expect(await told()).toMatchFileSnapshot(golden('held-profile-unknown'));
  });

  test('too much on the twin', async () => {
    put({ base: BASE });
    const rest = Array.from({ length: 9 }, (_, index) => [`k${index}`, 'x'.repeat(3_638)]);
    byHand(Object.fromEntries(rest) as JsonObject);
    await expect(await told()).toMatchFileSnapshot(golden('held-twin-too-large'));
  });

  test('IoT Edge', async () => {
    put({ base: BASE });
    addDevice('edge-1', { managedBy: 'IotEdge' }, { capabilities: { iotEdge: true } });
    await expect(await told('why edge-1 usb')).toMatchFileSnapshot(golden('held-managed-by-edge'));
  });

  test('an automatic configuration', async () => {
    put({ base: BASE });
    const targetCondition = "from devices.modules where moduleId = 'acmeGuard'";
    const content = {
      moduleContent: { 'properties.desired.guard.usb': 'audit', 'properties.desired.guard.high': 3 },
    };
    hub.iot.putConfiguration('soc', { id: 'soc', targetCondition, content }, undefined);
    await hub.clock.advance(300_000);
    await expect(await told()).toMatchFileSnapshot(golden('held-automatic-configuration'));
    put({ base: configuration('base', `${ALL}, settings: {scan: PT6H}`) });
    await expect(await told('why atm-1 high')).toMatchFileSnapshot(golden('foreign-automatic'));
    hub.iot.deleteConfiguration('soc', '*');
  });
});

test.each([
  ['why', ['why', '']],
  ['why of a path', ['why', 'a/b']],
  ['suspend', ['suspend', '--device', '', '--reason', 'x']],
  ['resume', ['resume', '--device', 'x y']],
  ['demo tamper', ['demo', 'tamper', '']],
])('%s refuses what can be no id before it calls', async (_command, argv) => {
  const { code, err } = await twinward([...argv, '-f', manifests.path]);
  expect(code).toBe(1);
  expect(err).toMatch(/id of (a|the) device|The id of the device is empty/);
});

test.each([
  ['why', 'why nope'],
  ['suspend', 'suspend --device nope --reason x'],
  ['demo tamper', 'demo tamper nope'],
])('%s says that a hub has no such device', async (_command, command) => {
  put({ base: BASE });
  const { code, err } = await run(command);
  expect(code).toBe(1);
  expect(err).toContain('There is no device "nope" on hub dev.');
});
