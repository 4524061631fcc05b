// The complete output of `plan` and `apply` on one small fleet, compared with the files in golden/.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/model/json.ts';
import { eagerClock } from '../support/eager-clock.ts';
import { gitCheckout, type GitCheckout } from '../support/git-checkout.ts';
import { HOST, serveFleet, twinward, type Given, type Printed, type ServedHub } from './fixture.ts';

const MICRO = 'DefenderIotMicroAgent';
const GUARD = 'acmeGuard';

function document(kind: string, name: string, spec: string): string {
  return `apiVersion: twinward.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {${spec}}\n---\n`;
}

function micro(name: string, selector: string, settings: string, more = ''): string {
  return document(
    'SecurityConfiguration',
    name,
    `selector: {${selector}}, profile: defender-micro-agent, settings: {${settings}}${more}`,
  );
}

function kiosks(settings: string): string {
  const more = `selector: {matchTags: {hw: kiosk}}, profile: acme-guard, module: {whenMissing: Create}`;
  return document('SecurityConfiguration', 'kiosk-guard', `${more}, settings: {${settings}}`);
}

const hubWith = (more: string, annotations = ''): string =>
  `apiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: prod${annotations}}\nspec: {hostName: ${HOST}, mode: Enforce${more}}\n`;
const CAPACITY = ', capacity: {tier: S1, units: 1}';

const PROFILE = document(
  'AgentProfile',
  'acme-guard',
  `extends: generic, moduleId: ${GUARD}, section: /guard, sensitive: [badge]`,
);
const LAB = document('DeviceGroup', 'lab', 'selector: {matchTags: {env: test}}, mode: Observe');
const AUDIT = document(
  'SecurityConfiguration',
  'gdansk-audit',
  'selector: {matchTags: {hw: kiosk, site: gdansk}}, profile: acme-guard, priority: 10, settings: {log: all, keepDays: 30}',
);

/** Applied first. */
const BEFORE: Readonly<Record<string, string>> = {
  'atm.yaml': micro('atm-micro', 'matchTags: {hw: atm}', 'Process_MessageFrequency: High, Login_Disabled: true'),
  'edge.yaml': micro(
    'gate-micro',
    'matchTags: {hw: gate}',
    'Process_MessageFrequency: Low',
    ', module: {whenMissing: Wait}',
  ),
  'kiosk.yaml': PROFILE + kiosks('usbPolicy: block, badge: s3cret-badge'),
  'lab.yaml': LAB,
  'gdansk.yaml': AUDIT + micro('porto-cache', 'matchTags: {hw: atm, site: porto}', 'Process_CacheSize: 512'),
};

/** The manifests of a pull request. */
const AFTER: Readonly<Record<string, string>> = {
  ...BEFORE,
  'atm.yaml':
    micro('atm-micro', 'matchTags: {hw: atm}', 'Process_MessageFrequency: Medium') +
    micro('lyon-quiet', 'deviceIds: [atm-lyon-02]', 'Process_MessageFrequency: Low') +
    micro('ring-two', 'matchTags: {ring: 2}', 'Login_Disabled: true', ', priority: 5') +
    micro('madrid', 'matchTags: {site: madrid}', 'Login_Disabled: true'),
  'incident.yaml': document(
    'SecurityException',
    'inc-812',
    'selector: {deviceIds: [atm-lyon-03]}, profile: defender-micro-agent, settings: {Process_MessageFrequency: High}, ' +
      'owner: soc, reason: INC-812, expiresAt: "2026-12-24T06:00:00Z"',
  ),
  'gdansk.yaml': '# audited by hand from now on\n',
};

let hub: ServedHub;
let checkout: GitCheckout;

interface NewDevice {
  readonly moduleId?: string;
  readonly edge?: boolean;
  readonly managedBy?: string;
  readonly desired?: JsonObject;
}

function addDevice(deviceId: string, tags: JsonObject, { moduleId, edge, managedBy, desired }: NewDevice = {}): void {
  const { iot } = hub;
  iot.createDevice(deviceId, { deviceId, ...(edge === true ? { capabilities: { iotEdge: true } } : {}) });
  iot.patchTwin({ deviceId }, { tags });
  if (moduleId === undefined) return;
  iot.putModule(
    deviceId,
    moduleId,
    { deviceId, moduleId, ...(managedBy === undefined ? {} : { managedBy }) },
    undefined,
  );
  if (desired !== undefined) iot.patchTwin({ deviceId, moduleId }, { properties: { desired } });
}

function tamper(deviceId: string, moduleId: string, desired: JsonObject): void {
  hub.iot.patchTwin({ deviceId, moduleId }, { properties: { desired } });
}

beforeAll(async () => {
  hub = await serveFleet(0);
  checkout = gitCheckout();
  for (const [site, count] of Object.entries({ lyon: 8, porto: 3 })) {
    for (let number = 1; number <= count; number += 1) {
      const tags = { env: 'prod', hw: 'atm', site, ring: number % 2 === 0 ? '2' : '1' };
      const desired = number === 1 ? { Process_MessageFrequency: 'Low' } : {};
      addDevice(`atm-${site}-0${number}`, tags, { moduleId: MICRO, desired });
    }
  }
  for (const number of [1, 2])
    addDevice(`kiosk-0${number}`, { env: 'prod', hw: 'kiosk', site: 'lyon' }, { moduleId: GUARD });
  addDevice('kiosk-04', { env: 'prod', hw: 'kiosk', site: 'gdansk' }, { moduleId: GUARD });
  addDevice('kiosk-03', { env: 'prod', hw: 'kiosk', site: 'porto' });
  const gate = { env: 'prod', hw: 'gate', site: 'gdansk' };
  addDevice('gate-01', gate, { moduleId: MICRO, edge: true, managedBy: 'IotEdge' });
  addDevice('gate-02', gate, { moduleId: MICRO, edge: true });
  addDevice('gate-03', gate);
  addDevice('lab-01', { env: 'test', hw: 'atm', site: 'lyon' }, { moduleId: MICRO });
});
afterAll(async () => {
  checkout.remove();
  await hub.close();
});

/** Exactly these files. */
function write(files: Readonly<Record<string, string>>): void {
  for (const name of new Set([...Object.keys(BEFORE), ...Object.keys(AFTER), 'hub.yaml'])) {
    rmSync(join(checkout.path, name), { force: true });
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(checkout.path, name), text);
}

async function run(command: string, given: Given = {}): Promise<Printed> {
  const argv = [...command.split(' '), '-f', checkout.path];
  return twinward(argv, {
    env: { ...hub.env, USER: 'anna', HOSTNAME: 'desk' },
    clock: eagerClock(hub.clock),
    ...given,
  });
}

/** Both streams and the exit code, without what differs from run to run: folders, commits, digests over them, times. */
function shown(command: string, { code, out, err }: Printed): string {
  const said = err === '' ? '' : `--- stderr\n${err}`;
  const revision = /"revision": "sha256:([0-9a-f]{12})"/.exec(out)?.[1] ?? 'no revision';
  return `$ twinward ${command}\n${out}${said}--- exit ${code}\n`
    .replaceAll(`${checkout.path}/`, 'policies/')
    .replaceAll(revision, 'REVISION')
    .replaceAll(/[0-9a-f]{7} → [0-9a-f]{7}/g, '77b0d12 → 3f9c2e1')
    .replaceAll(/\b\d+\.\d s\b/g, '0.0 s');
}

async function printed(command: string, given: Given = {}): Promise<string> {
  const text = shown(command, await run(command, given));
  expect(text).not.toContain('s3cret');
  return text;
}

describe('in this order', () => {
  test('a fleet that nobody governed', async () => {
    write({ ...BEFORE, 'hub.yaml': hubWith(CAPACITY) });
    await expect(await printed('plan --detailed-exitcode')).toMatchFileSnapshot('golden/first.txt');
    await expect(await printed('apply', { answer: 'no' })).toMatchFileSnapshot('golden/first-question.txt');
  });

  test('the same, applied', async () => {
    write({ ...BEFORE, 'hub.yaml': hubWith('') });
    await expect(await printed('apply --yes')).toMatchFileSnapshot('golden/first-applied.txt');
  });

  test('a pull request, beside drift, a contest and a suspension', async () => {
    for (let round = 0; round < 6; round += 1) {
      tamper('kiosk-02', GUARD, { guard: { usbPolicy: 'audit' } });
      await run('apply --yes');
    }
    tamper('kiosk-01', GUARD, { guard: { usbPolicy: 'allow' } });
    await run('suspend --device atm-lyon-06 --reason outage');
    write({ ...AFTER, 'hub.yaml': hubWith(CAPACITY) });
    await expect(await printed('plan --detailed-exitcode')).toMatchFileSnapshot('golden/changes.txt');
    await expect(await printed('plan -o json')).toMatchFileSnapshot('golden/changes-json.txt');
  });

  test('the same of a snapshot, with another tag to count by', async () => {
    const file = join(checkout.path, 'fleet.snapshot');
    await run(`snapshot --out ${file}`);
    await expect(await printed(`plan --by ring --snapshot ${file}`, { env: {} })).toMatchFileSnapshot(
      'golden/changes-snapshot.txt',
    );
    rmSync(file);
  });

  test('the same as commits', async () => {
    write({});
    checkout.commit({ ...BEFORE, 'hub.yaml': hubWith(CAPACITY) });
    checkout.commit({ ...AFTER, 'hub.yaml': hubWith(CAPACITY) });
    await expect(await printed('plan --from HEAD~1 --to HEAD --detailed-exitcode')).toMatchFileSnapshot(
      'golden/from-to.txt',
    );
  });

  test('the same under guards, and applied under them', async () => {
    write({ ...AFTER, 'hub.yaml': hubWith(', guards: {maxChanged: 2, maxRemoved: 2}') });
    await expect(await printed('plan --detailed-exitcode')).toMatchFileSnapshot('golden/guards.txt');
    await expect(await printed('apply --yes')).toMatchFileSnapshot('golden/guards-applied.txt');
  });

  test('the same on a hub that is only observed', async () => {
    write({ ...AFTER, 'hub.yaml': hubWith('').replace('mode: Enforce', 'mode: Observe') });
    await expect(await printed('plan --detailed-exitcode')).toMatchFileSnapshot('golden/observed.txt');
  });
});
