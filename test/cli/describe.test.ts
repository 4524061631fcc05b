// `describe`: one resource's manifest and its status.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderOf, HOST, serveFleet, twinward, type Printed, type ServedHub } from './fixture.ts';

const MANIFESTS = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: dev}
spec: {hostName: ${HOST}, mode: Enforce, capacity: {tier: S3, units: 2}, guards: {maxChanged: 50%}}
---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, sensitive: [badge]}
---
apiVersion: twinward.dev/v1alpha1
kind: DeviceGroup
metadata: {name: kiosks}
spec: {selector: {matchTags: {hw: kiosk}, matchExpressions: [{key: tags.site, operator: Exists}]}}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosk-guard}
spec:
  groups: [kiosks]
  profile: acme-guard
  settings: {usbPolicy: block, badge: s3cret-badge}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: gates}
spec:
  selector: {deviceIds: [a, b, c, d, e, f]}
  profile: acme-guard
  settings: {usbPolicy: audit}
`;

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;

beforeAll(async () => {
  hub = await serveFleet(60);
  manifests = folderOf({ 'all.yaml': MANIFESTS });
});
afterAll(async () => {
  manifests.remove();
  await hub.close();
});

async function run(command: string): Promise<Printed> {
  const { eagerClock } = await import('../support/eager-clock.ts');
  return twinward([...command.split(' '), '-f', manifests.path], { env: hub.env, clock: eagerClock(hub.clock) });
}

const withoutFolder = (text: string): string => text.replaceAll(`${manifests.path}/`, '');

test('a configuration that is to be written', async () => {
  const { code, out } = await run('describe configuration kiosk-guard');
  expect(code).toBe(0);
  expect(withoutFolder(out)).toMatch(
    new RegExp(
      [
        String.raw`^SecurityConfiguration kiosk-guard   all\.yaml:16`,
        '  profile +acme-guard, module acmeGuard',
        '  priority +0',
        '  mode +Enforce',
        '  selects +group kiosks',
        String.raw`  settings +badge \(sensitive\)   all\.yaml:22`,
        String.raw`           +usbPolicy "block"   all\.yaml:22`,
        '  deletionPolicy +Retain',
        '  whenMissing +Wait',
        '  digest +[0-9a-f]{12}',
        '',
        `dev   ${HOST.replaceAll('.', String.raw`\.`)}   mode Enforce`,
        '  5 managed devices, 5 twins = 5 Patch',
        String.raw`  Ready +False   Progressing   5 twins of 5 to write\.`,
        String.raw`  Reconciling +True +Progressing   5 twins to write\.`,
        '$',
      ].join('\n'),
    ),
  );
});

describe('after it was written', () => {
  beforeAll(async () => {
    await run('apply --yes');
  });

  test('it is ready, and counts each twin once', async () => {
    const { out } = await run('describe SecurityConfiguration kiosk-guard -o json');
    const { hubs } = JSON.parse(out) as { hubs: { counts: { twins: number; actions: Record<string, number> } }[] };
    expect(JSON.parse(out)).toMatchObject({
      kind: 'Description',
      resource: { kind: 'SecurityConfiguration', name: 'kiosk-guard' },
      hubs: [{ hub: 'dev', conditions: [{ type: 'Ready', status: 'True', reason: 'Succeeded' }] }],
    });
    expect(out).not.toContain('s3cret-badge');
    const { twins, actions = {} } = hubs[0]?.counts ?? {};
    expect(Object.values(actions).reduce((sum, count) => sum + count, 0)).toBe(twins);
  });

  test('drift is a condition of its own', async () => {
    hub.iot.patchTwin(
      { deviceId: 'kiosk-01', moduleId: 'acmeGuard' },
      { properties: { desired: { guard: { usbPolicy: 'allow' } } } },
    );
    expect((await run('describe group kiosks')).out).toMatch(
      /DriftDetected +True +Drift +1 twin changed by somebody else\./,
    );
  });

  test.each([
    ['group kiosks', /selector +tags\.hw In "kiosk"\n +tags\.site Exists\n +configurations +kiosk-guard\n/],
    [
      'hub dev',
      /capacity +S3, units: 2\n +budget +40 % of the throttle, 10 % of the daily messages\n +guards +maxChanged:/,
    ],
    ['profile defender-legacy', /AgentProfile defender-legacy {3}built in\n +module +azureiotsecurity\n/],
    ['configuration gates', /selects +deviceIds a, b, c, d, e and 1 more\n[^]*Ready +True +NoTwins/],
  ])('%s', async (what, has) => {
    expect((await run(`describe ${what}`)).out).toMatch(has);
  });
});

const ANYWHERE = `
apiVersion: twinward.dev/v1alpha1
kind: DeviceGroup
metadata: {name: all}
spec: {selector: {matchAll: true}}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: micro}
spec:
  groups: [all]
  profile: defender-micro-agent
  module: {whenMissing: Skip}
  settings: {Process_MessageFrequency: High}
`;

describe('counts', () => {
  const given = folderOf({ 'hub.yaml': MANIFESTS.slice(0, MANIFESTS.indexOf('---')), 'all.yaml': ANYWHERE });
  afterAll(() => given.remove());
  const look = async (command: string): Promise<string> => {
    const words = [...command.split(' '), '-f', given.path, '--instance', 'counting'];
    return (await twinward(words, { env: hub.env, clock: hub.clock })).out;
  };

  test('are the same in every command: of a hub all devices, of a group those with a twin', async () => {
    const micro = [...(await look('get devices')).matchAll(/ DefenderIotMicroAgent /g)].length;
    expect(micro).toBeGreaterThan(0);
    expect(micro).toBeLessThan(60);
    const sum = `60 devices, ${micro} twins`;
    expect(await look('plan')).toContain(`dev   ${sum}\n`);
    expect(await look('status')).toContain(`\n${sum}, 0 in sync\n`);
    expect(await look('describe hub dev')).toContain(`dev   ${HOST}   mode Enforce\n  ${sum} = `);
    expect(await look('get groups')).toMatch(new RegExp(`^all .* ${micro}$`, 'm'));
    for (const what of ['group all', 'configuration micro']) {
      expect(await look(`describe ${what}`)).toContain(`\n  ${micro} managed devices, ${micro} twins = `);
    }
  });

  test('are the same in documents', async () => {
    const plan = JSON.parse(await look('plan -o json')) as { summary: { twins: number } };
    const { twins } = plan.summary;
    for (const command of ['status', 'describe hub dev']) {
      expect(JSON.parse(await look(`${command} -o json`))).toMatchObject({
        hubs: [{ counts: { devices: 60, twins } }],
      });
    }
  });
});

test('hubs that it is not on are not called', async () => {
  const hubOf = (name: string, hostName: string, endpoint: string): string => `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: ${name}}
spec: {hostName: ${hostName}, endpoint: "${endpoint}", caFile: ${hub.caFile}, auth: {type: ConnectionString, secretRef: {env: ${name.toUpperCase()}}}}
---
`;
  const kiosks = ANYWHERE.replace('spec: {selector', 'spec: {hubs: [dev], selector');
  const two = folderOf({
    'all.yaml':
      hubOf('dev', HOST, hub.endpoint) + hubOf('far', 'far.azure-devices.net', 'https://127.0.0.1:1') + kiosks,
  });
  const env = { DEV: hub.env['IOTHUB_CONNECTION_STRING'] ?? '' };
  for (const what of ['group all', 'configuration micro', 'hub dev']) {
    const { code, out } = await twinward(['describe', ...what.split(' '), '-f', two.path], { env, clock: hub.clock });
    expect([code, out.match(/mode Enforce$/gm)]).toEqual([0, ['mode Enforce']]);
  }
  two.remove();
});

test.each([
  ['device kiosk-01', 'For a device: twinward why kiosk-01.'],
  ['grop x', 'There are hub, group, configuration, exception, profile.'],
  ['constructor x', 'There is no kind "constructor" to describe.'],
  ['group kiosk', 'Did you mean "kiosks"?'],
  ['exception any', 'There are: none.'],
])('describe %s: %s', async (what, says) => {
  expect(await run(`describe ${what}`)).toMatchObject({ code: 1, err: expect.stringContaining(says) as string });
});
