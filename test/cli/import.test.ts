// `import`: manifests for a fleet as it is, which change nothing.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eagerClock } from '../support/eager-clock.ts';
import { HOST, serveFleet, twinward, type Given, type Printed, type ServedHub } from './fixture.ts';

const PROFILE = `apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec:
  extends: generic
  moduleId: acmeGuard
  section: /guard
  comparators: [{keys: [scanInterval], comparator: duration}]
`;
const HUB = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: prod}
spec: {hostName: ${HOST}, capacity: {tier: S1, units: 1}, mode: Enforce}
`;

let hub: ServedHub;
let folder: string;
let before: string;

const allTwins = (): string => JSON.stringify(hub.iot.query('SELECT * FROM devices.modules').items);

beforeAll(async () => {
  hub = await serveFleet(90);
  hub.iot.patchTwin(
    { deviceId: 'kiosk-01', moduleId: 'acmeGuard' },
    { properties: { desired: { guard: { uploadToken: 'demo-token-of-kiosk-01', scanInterval: 'PT6H' } } } },
  );
  before = allTwins();
});
afterAll(() => hub.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twinward-import-'));
  writeFileSync(join(folder, 'profile.yaml'), PROFILE);
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(command: string, given: Given = {}): Promise<Printed> {
  const argv = command.split(' ').map((word) => word.replace('FOLDER', folder));
  return twinward(argv, { env: hub.env, clock: eagerClock(hub.clock), ...given });
}

const IMPORT = 'import -f FOLDER/profile.yaml --group-by hw --out FOLDER/imported';

function filesOf(): Record<string, string> {
  const path = join(folder, 'imported');
  return Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'utf8')]));
}

test('the device that is reserved for Twinward is neither counted nor imported', async () => {
  hub.iot.createDevice('twinward-default', { deviceId: 'twinward-default', status: 'disabled' });
  const { out, err } = await run(`${IMPORT} --yes`);
  expect(err).toContain('Reading 90 devices');
  expect(out).toContain('twinward-demo   90 devices, 89 security twins');
  hub.iot.deleteDevice('twinward-default', '*');
});

describe('the manifests it makes', () => {
  test('plan to no change, observed and enforced, and hold no secret', async () => {
    const { code, out } = await run(`${IMPORT} --yes`);
    expect(code).toBe(0);
    expect(out).toContain('twinward-demo   90 devices, 89 security twins');
    const files = filesOf();
    expect(Object.values(files).join('')).not.toMatch(/demo-token|uploadToken|hubResourceId|appTeam/);
    expect(files['hub.yaml']).toContain('mode: Observe');
    expect(files['groups.yaml']?.match(/mode: Observe/g)?.length).toBe(4);
    const observed = await run('plan --detailed-exitcode --whole -f FOLDER/profile.yaml -f FOLDER/imported');
    expect(observed).toMatchObject({ code: 0, out: expect.stringMatching(/twins = \d+ equal\n$/) as string });
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, 'imported', name), text.replaceAll('mode: Observe', 'mode: Enforce'));
    }
    const enforced = await run('plan --detailed-exitcode --whole -f FOLDER/profile.yaml -f FOLDER/imported');
    expect(enforced).toMatchObject({ code: 0, out: expect.stringMatching(/twins = \d+ to record\n/) as string });
    expect(allTwins()).toBe(before);
  });

  test('what was found is told: variants, who differs, what was left alone', async () => {
    const { out } = await run(`${IMPORT} --yes`);
    expect(out).toMatch(/\ndefender-legacy {3}\d+ twins, \d+ with settings in \d variants\n/);
    expect(out).toMatch(/\n {2}hw-gate +\d+ twins +\d+ alike +no settings\n/);
    expect(out).toMatch(/\n {2}\d+ twins unlike their group, in \d ways\n/);
    expect(out).toMatch(/ {2}left alone {2}uploadToken {2}\d twins?: it is or looks like a secret\n/);
    expect(out).toMatch(/ {2}left alone {2}appTeam {2}\d twins?: the profile does not know it, or not this value\n/);
    expect(out).toContain('then set the Hub and one DeviceGroup after the other to Enforce.');
    const json = await run(`${IMPORT}-2 --yes -o json`);
    expect(JSON.parse(json.out)).toMatchObject({ kind: 'Import', hub: 'twinward-demo', twins: 89, leftOut: [] });
  });

  test('with a Hub in the manifests there is no other, and what it costs is said first', async () => {
    writeFileSync(join(folder, 'profile.yaml'), `${PROFILE}---\n${HUB}`);
    const { err, out } = await run(IMPORT, { answer: 'yes' });
    expect(err).toMatch(
      /^Reading 90 devices and their modules: about \d+ messages \((?:0\.\d|less than 0\.1) % of 400,000 a day\), \d+ s\. Nothing is written\.$/m,
    );
    expect(Object.keys(filesOf())).not.toContain('hub.yaml');
    expect(out).toContain('prod   90 devices');
    expect(out).toContain('then set one DeviceGroup after the other to Enforce.');
  });

  test('devices that can not be declared as they are are left out by name', async () => {
    const id = String(hub.iot.query("SELECT deviceId FROM devices WHERE tags.hw = 'gate'").items[0]?.['deviceId']);
    hub.iot.patchTwin({ deviceId: id }, { tags: { hw: { model: 'x' } } });
    const { out } = await run(`${IMPORT} --yes`);
    expect(out).toContain(`LEFT OUT  ${id}  their settings can not be declared as they are`);
    hub.iot.patchTwin({ deviceId: id }, { tags: { hw: null } });
    hub.iot.patchTwin({ deviceId: id }, { tags: { hw: 'gate' } });
  });

  test('a snapshot will do, and needs no question', async () => {
    await run('snapshot -f FOLDER/profile.yaml --out FOLDER/fleet.snapshot');
    const { code } = await run(`${IMPORT} --snapshot FOLDER/fleet.snapshot`, { env: {} });
    const offline = filesOf();
    await run(`${IMPORT}-2 --yes`);
    expect(code).toBe(0);
    expect(offline['groups.yaml']).toBe(readFileSync(join(folder, 'imported-2', 'groups.yaml'), 'utf8'));
  });
});

test('twins that are managed already are told, with what that means for each installation', async () => {
  const { deviceId, moduleId } = { deviceId: 'kiosk-01', moduleId: 'acmeGuard' };
  const record = (owner: string): object => ({ v: 1, own: { [`SecurityConfiguration/${owner}`]: {} } });
  const twinward = { default: record('base'), lab: record('probe') };
  hub.iot.patchTwin({ deviceId, moduleId }, { tags: { twinward } });
  hub.iot.patchTwin({ deviceId: 'kiosk-02', moduleId }, { tags: { twinward: { default: record('kiosks') } } });
  const { out } = await run(`${IMPORT} --yes`);
  const json = JSON.parse((await run(`${IMPORT}-2 --yes -o json`)).out) as { managed: unknown };
  for (const id of ['kiosk-01', 'kiosk-02']) {
    hub.iot.patchTwin({ deviceId: id, moduleId }, { tags: { twinward: null } });
  }
  expect(out).toContain(`security twins
MANAGED already  2 twins by instance "default": SecurityConfiguration/base, SecurityConfiguration/kiosks
  Continue with the manifests that have these configurations. If they are lost, the new ones can take the settings over.
MANAGED already  1 twin by instance "lab": SecurityConfiguration/probe
  Another installation manages them. Two installations that write the same settings overwrite each other: remove one with npx twinward uninstall --hub twinward-demo --instance lab.
`);
  expect(json.managed).toEqual([
    { instance: 'default', twins: 2, owners: ['SecurityConfiguration/base', 'SecurityConfiguration/kiosks'] },
    { instance: 'lab', twins: 1, owners: ['SecurityConfiguration/probe'] },
  ]);
});

describe('what it refuses', () => {
  test.each([
    { given: {}, says: 'Use --yes to read.', code: 1 },
    { given: { answer: 'no' }, says: 'Reading 90 devices', code: 1 },
  ])('$given: $says', async ({ given, says, code }) => {
    const result = await run(IMPORT, given);
    expect(result).toMatchObject({ code, err: expect.stringContaining(says) as string });
    expect(readdirSync(folder)).not.toContain('imported');
  });

  test.each([
    ['hww', `No device of hub ${HOST} has a tag "hww" to group by.`, 'Did you mean --group-by hw?'],
    [
      'nothing.there',
      `No device of hub ${HOST} has a tag "nothing.there" to group by.`,
      'They have: env, hw, ring, site.',
    ],
  ])('a tag that no device has: %s', async (tag, message, hint) => {
    const { code, err } = await run(`${IMPORT.replace('hw', tag)} --yes`);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining(`error ${message}\n      ${hint}\n`) as string,
    });
    expect(readdirSync(folder)).not.toContain('imported');
  });

  test('a tag that holds tags, and names those', async () => {
    hub.iot.patchTwin({ deviceId: 'kiosk-01' }, { tags: { place: { floor: 3 } } });
    const { code, err } = await run(`${IMPORT.replace('hw', 'place')} --yes`);
    expect(code).toBe(1);
    expect(err).toContain('They have: env, hw, place.floor, ring, site.');
    const grouped = await run(`${IMPORT.replace('hw', 'place.floor')} --yes`);
    expect(grouped.out).toMatch(/\n {2}place-floor-3 +1 twin +/);
    hub.iot.patchTwin({ deviceId: 'kiosk-01' }, { tags: { place: null } });
  });

  test('a fleet without any module that a profile knows', async () => {
    const bare = await serveFleet(0);
    bare.iot.createDevice('a', { deviceId: 'a' });
    const { code, err } = await run(`${IMPORT.replace('--group-by hw ', '')} --yes`, { env: bare.env });
    await bare.close();
    expect(code).toBe(1);
    expect(err).toContain(
      `error No device of hub ${HOST} (1 device) has a security module that a profile knows.\n      Known: DefenderIotMicroAgent, acmeGuard,`,
    );
    expect(readdirSync(folder)).not.toContain('imported');
  });

  test('a folder with something in it', async () => {
    await run(`${IMPORT} --yes`);
    expect((await run(`${IMPORT} --yes`)).err).toContain('imported already exists and is not empty.');
  });

  test('manifests that have configurations already', async () => {
    await run(`${IMPORT} --yes`);
    expect((await run('import -f FOLDER/profile.yaml -f FOLDER/imported --out FOLDER/again --yes')).err).toContain(
      'import writes the first ones.',
    );
  });
});
