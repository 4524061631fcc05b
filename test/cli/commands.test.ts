import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../src/emulator/rest/certificates.ts';
import { folderOf, HOST, HUB, serveFleet, twinward, type Given, type Printed, type ServedHub } from './fixture.ts';

const KIOSKS = `apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec:
  extends: generic
  moduleId: acmeGuard
  section: /guard
  acknowledgement: {type: Mirror}
  sensitive: [uploadToken, badge]
  deny: [uploadToken]
---
apiVersion: twinward.dev/v1alpha1
kind: DeviceGroup
metadata: {name: kiosks}
spec: {selector: {matchTags: {hw: kiosk}}}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosk-guard}
spec:
  groups: [kiosks]
  profile: acme-guard
  settings: {scanInterval: PT6H, usbPolicy: block, badge: s3cret-badge}
`;

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;

beforeAll(async () => {
  hub = await serveFleet(60);
});
afterAll(() => hub.close());
beforeEach(() => {
  manifests = folderOf({ 'hub.yaml': HUB, 'kiosks.yaml': KIOSKS });
  return () => manifests.remove();
});

function run(command: string, given: Given = {}): Promise<Printed> {
  const argv = command.split(' ');
  return twinward([...argv, '-f', manifests.path], { env: hub.env, clock: hub.clock, ...given });
}

const kiosks = (): string[] =>
  hub.iot
    .query("SELECT deviceId FROM devices WHERE tags.hw = 'kiosk'")
    .items.map(({ deviceId }) => String(deviceId))
    .toSorted();

function guardOf(deviceId: string): unknown {
  const twin = hub.iot.getTwin({ deviceId, moduleId: 'acmeGuard' }) as { properties: { desired: { guard?: unknown } } };
  return twin.properties.desired.guard;
}

describe('in this order: plan, apply, plan again', () => {
  test('plan says what would change, in shapes and counts that add up, and writes nothing', async () => {
    const before = kiosks().map(guardOf);
    const { code, out } = await run('plan');
    expect(code).toBe(0);
    expect(out).toContain('dev   60 devices, 5 twins');
    expect(out).toContain('+ usbPolicy     "block"');
    expect(out).toContain('5 twins = 5 to change');
    expect(kiosks().map(guardOf)).toEqual(before);
  });

  test('plan -o json is one document whose counts add up, and no sensitive value is in it', async () => {
    const { code, out } = await run('plan -o json --detailed-exitcode');
    expect(code).toBe(2);
    expect(out).not.toContain('s3cret-badge');
    const plan = JSON.parse(out) as Record<string, unknown> & {
      actions: { changes: { op: string; path: string }[]; patch: { properties: { desired: { guard: object } } } }[];
    };
    expect(plan).toMatchObject({ schemaVersion: 1, kind: 'Plan', partial: false, instance: 'default' });
    expect(plan['summary']).toMatchObject({ twins: 5, actions: { Patch: 5, Equal: 0 } });
    expect(plan['revision']).toMatch(/^sha256:[0-9a-f]{12}$/);
    expect(plan.actions).toHaveLength(5);
    for (const action of plan.actions) {
      expect(action).toMatchObject({
        hub: 'dev',
        moduleId: 'acmeGuard',
        action: 'Patch',
        reason: 'FirstConfiguration',
        owners: ['SecurityConfiguration/kiosk-guard'],
        etag: expect.stringMatching(/^AAAAAAAAAA.=$/) as string,
      });
      expect(action.patch.properties.desired.guard).toMatchObject({ usbPolicy: 'block', badge: '(sensitive)' });
      expect(action.changes.map(({ op }) => op)).not.toContain('remove');
    }
  });

  test('apply asks, and without anybody to ask writes nothing', async () => {
    const { code, err } = await run('apply');
    expect(code).toBe(1);
    expect(err).toContain('Use --yes to write.');
    const no = await run('apply', { answer: 'no' });
    expect(no.code).toBe(1);
    expect(no.err).toContain('dev: 5 twins to change. Go on? Type "yes" to confirm: ');
    expect(no.err).toContain('The answer was not "yes", and nothing was written.\n');
    const json = await run('apply -o json', { answer: '' });
    expect([json.code, (JSON.parse(json.out) as { hubs: unknown[] }).hubs]).toEqual([1, []]);
    expect(kiosks().map(guardOf)).not.toContainEqual(expect.objectContaining({ usbPolicy: 'block' }));
  });

  test('apply --yes -o json writes and gives the outcome of each', async () => {
    const { code, out } = await run('apply --yes -o json');
    expect(code).toBe(0);
    expect(out).not.toContain('s3cret-badge');
    const report = JSON.parse(out) as { actions: object[] };
    expect(report).toMatchObject({
      schemaVersion: 1,
      kind: 'Apply',
      summary: { twins: 5, outcomes: { Written: 5, Failed: 0 } },
      hubs: [{ name: 'dev', writes: 5 }],
    });
    for (const action of report.actions) expect(action).toMatchObject({ action: 'Patch', outcome: 'Written' });
    for (const id of kiosks()) {
      expect(guardOf(id)).toMatchObject({ scanInterval: 'PT6H', usbPolicy: 'block', badge: 's3cret-badge' });
    }
  });

  test('a second apply writes nothing, and plan has nothing to say', async () => {
    expect((await run('apply --yes')).out).toContain('dev   5 Unchanged   0.0 s, nothing was written\n');
    const plan = await run('plan --detailed-exitcode');
    expect(plan).toMatchObject({ code: 0, out: 'dev   60 devices, 5 twins\n\n5 twins = 5 equal\n' });
  });

  test('a hand edit is drift in the plan, and apply corrects it with one write', async () => {
    const [victim = ''] = kiosks();
    hub.iot.patchTwin(
      { deviceId: victim, moduleId: 'acmeGuard' },
      { properties: { desired: { guard: { usbPolicy: 'allow' } } } },
    );
    const plan = await run('plan');
    expect(plan.out).toContain(`1 twin  acmeGuard  Drift  ${victim}`);
    expect(plan.out).toContain('~ usbPolicy  "allow" → "block"');
    expect((await run('apply --yes')).out).toContain('dev   1 Written + 4 Unchanged   0.0 s\n');
  });

  test('apply from a part of the source leaves the owners that are not in it alone', async () => {
    const { code, out } = await twinward(['plan', '-f', '-', '--detailed-exitcode'], {
      env: hub.env,
      input: `${HUB}---\n${KIOSKS.split('---\n').slice(0, 2).join('---\n')}`,
    });
    expect(code).toBe(0);
    expect(out).toContain('5 kept');
  });
});

describe('looking', () => {
  test('status counts every twin once', async () => {
    const { out } = await run('status -o json');
    const { hubs } = JSON.parse(out) as { hubs: { counts: { twins: number; actions: Record<string, number> } }[] };
    expect(hubs[0]?.counts).toMatchObject({ devices: 60, twins: 5 });
    const { actions = {}, twins } = hubs[0]?.counts ?? {};
    expect(Object.values(actions).reduce((sum, count) => sum + count, 0)).toBe(twins);
    expect((await run('status')).out).toContain('60 devices, 5 twins, 5 in sync');
  });

  test.each([
    { list: 'devices', has: /^kiosk-\d\d +dev +acmeGuard +Unreachable/m },
    { list: 'groups', has: /^kiosks +Enforce +dev +1 +5$/m },
    { list: 'configurations', has: /^kiosk-guard +acme-guard +0 +Enforce +5 +5/m },
    { list: 'profiles', has: /^defender-legacy +azureiotsecurity/m },
  ])('get $list is a table', async ({ list, has }) => {
    expect(await run(`get ${list}`)).toMatchObject({ code: 0, out: expect.stringMatching(has) as string });
    const { out } = await run(`get ${list} -o json`);
    expect(JSON.parse(out)).toMatchObject({ kind: 'List', list });
  });

  test('get of something else says what there is', async () => {
    expect(await run('get device')).toMatchObject({ code: 0 });
    expect((await run('get grops')).err).toContain('Did you mean groups?');
  });

  test('why names the manifest, the line and what the agent does without it', async () => {
    const [id = ''] = kiosks();
    const { code, out } = await run(`why ${id}`);
    expect(code).toBe(0);
    expect(out).toContain(`dev / ${id} / acmeGuard`);
    expect(out).toMatch(/WON +0 +kiosk-guard +"block" +\S+kiosks.yaml:\d+:\d+ +group kiosks/);
    expect(out).not.toContain('s3cret-badge');
    expect((await run(`why ${id} -o json`)).out).not.toContain('s3cret-badge');
    const one = await run(`why ${id} usbPolicy`);
    expect(one.out).toContain('declared "block"');
    expect(one.out).not.toContain('scanInterval');
  });

  test.each([
    { asked: 'why nobody', says: 'There is no device "nobody" on hub dev.' },
    { asked: 'why KIOSK usbPolcy', says: 'Did you mean "usbPolicy"?' },
    { asked: 'plan --hub prod', says: 'There is no hub "prod" in the manifests.' },
  ])('$asked: $says', async ({ asked, says }) => {
    const [id = ''] = kiosks();
    expect((await run(asked.replace('KIOSK', id))).err).toContain(says);
  });
});

describe('what goes wrong', () => {
  test('invalid manifests are all told with their places, in text and in JSON, with exit code 3', async () => {
    const broken = folderOf({ 'hub.yaml': HUB, 'bad.yaml': KIOSKS.replace('usbPolicy', 'usbPolicy: x\n    a\t') });
    const text = await twinward(['plan', '-f', broken.path], { env: hub.env });
    expect(text.code).toBe(3);
    expect(text.err).toMatch(/bad\.yaml:\d+:\d+ error TW10\d\d /);
    const json = await twinward(['validate', '-f', broken.path, '-o', 'json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.out)).toMatchObject({ kind: 'Validation', valid: false });
    broken.remove();
  });

  test.each([
    { when: 'no credential', env: {}, code: 7, says: 'Set IOTHUB_CONNECTION_STRING' },
    {
      when: 'a credential of another hub',
      env: {
        IOTHUB_CONNECTION_STRING: 'HostName=other.azure-devices.net;SharedAccessKeyName=a;SharedAccessKey=aGVsbG8=',
      },
      code: 7,
      says: `The credential is for other.azure-devices.net, the Hub is ${HOST}: refused.`,
    },
    {
      when: 'a connection string of a device',
      env: { IOTHUB_CONNECTION_STRING: `HostName=${HOST};DeviceId=d;SharedAccessKey=aGVsbG8=` },
      code: 7,
      says: "it is a device's",
    },
    {
      when: 'an address where no server listens',
      env: { TWINWARD_HUB_ENDPOINT: 'https://127.0.0.1:9' },
      code: 1,
      says: 'no server listens at 127.0.0.1:9 (ECONNREFUSED)',
    },
    {
      when: 'no CA file',
      env: { TWINWARD_HUB_CA: '/nowhere/ca.pem' },
      code: 1,
      says: 'certificate authority /nowhere/ca.pem',
    },
    {
      when: 'an address without TLS',
      env: { TWINWARD_HUB_ENDPOINT: 'http://127.0.0.1:8080' },
      code: 1,
      says: 'is not an https address',
    },
  ])('$when: exit code $code', async ({ env, code, says }) => {
    const merged = Object.keys(env).length === 0 ? {} : { ...hub.env, ...env };
    const result = await run('plan', { env: merged });
    expect(result.err).toContain(says);
    expect(result.code).toBe(code);
    expect(result.err).not.toContain('aGVsbG8=');
    const json = await run('plan -o json', { env: merged });
    expect(JSON.parse(json.out)).toMatchObject({ kind: 'Failure', exitCode: code });
  });

  test.each([
    ['that of a hub that ran before', async () => (await createAuthority(hub.clock)).certificate, 'in FILE ('],
    ['that of the system', undefined, 'that this machine trusts ('],
    ['no certificate at all', () => Promise.resolve('PEM'), 'There is no certificate in the form of PEM in FILE'],
  ])('another certificate authority, %s: the cause, the file and the way out', async (_what, pem, says) => {
    const file = join(manifests.path, 'other.pem');
    if (pem !== undefined) writeFileSync(file, await pem());
    const { code, err } = await run('status', { env: { ...hub.env, TWINWARD_HUB_CA: pem === undefined ? '' : file } });
    expect(code).toBe(1);
    expect(err).toContain(says.replace('FILE', file));
    expect(err).toMatch(/\n +Name its authority with TWINWARD_HUB_CA=FILE.*\.twinward\/ca\.pem/);
  });

  test('a folder that is not there', async () => {
    expect(await twinward(['plan', '-f', '/nowhere'])).toMatchObject({
      code: 1,
      err: 'error /nowhere does not exist.\n',
    });
  });

  test('an interrupted command says so with 130', async () => {
    const { code } = await run('plan', { signal: AbortSignal.abort() });
    expect(code).toBe(130);
  });

  test('an interrupted apply tells once what it left, and what to do, and calls it no failure', async () => {
    const interruption = new AbortController();
    const connections = kiosks().map((deviceId) => {
      const ref = { deviceId, moduleId: 'acmeGuard' };
      hub.iot.patchTwin(ref, { properties: { desired: { guard: { usbPolicy: 'allow' } } } });
      return hub.iot.connect(ref, () => interruption.abort());
    });
    const { code, out } = await run('apply --yes', { signal: interruption.signal });
    for (const connection of connections) connection.close();
    expect(code).toBe(130);
    expect(out).toMatch(/^dev {3}.*\b[1-5] Stopped\b/);
    expect(out).not.toMatch(/Failed|FAILED|Stopped during/);
    expect(out).toMatch(
      /\n {2}Writes in flight when it stopped may have landed\. Run the same command again to continue\.\n$/,
    );
  });
});

describe('without a hub', () => {
  test('validate counts what there is', async () => {
    const { code, out } = await twinward(['validate', '-f', manifests.path]);
    expect(code).toBe(0);
    expect(out).toBe(
      'valid: 4 documents (1 Hub, 1 AgentProfile, 1 DeviceGroup, 1 SecurityConfiguration), 0 errors, 0 warnings\n',
    );
  });

  test('schema is JSON Schema that editors understand', async () => {
    const { out } = await twinward(['schema', 'devicegroup']);
    expect(JSON.parse(out)).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'DeviceGroup' });
    expect((await twinward(['schema', 'all'])).out).toContain('oneOf');
    expect((await twinward(['schema', 'DeviceGrup'])).err).toContain('Did you mean DeviceGroup?');
  });

  test('version', async () => {
    expect((await twinward(['version'])).out).toMatch(/^twinward \d+\.\d+\.\d+ \(Node \d+/);
    expect((await twinward(['--version'])).out).toBe((await twinward(['version'])).out);
    expect(JSON.parse((await twinward(['version', '-o', 'json'])).out)).toMatchObject({ kind: 'Version' });
  });

  test.each([
    { argv: ['plan', '--no-such'], says: "unknown option '--no-such'" },
    { argv: ['pln'], says: 'Did you mean plan?' },
    { argv: ['get'], says: "missing required argument 'devices|groups|configurations|exceptions|profiles'" },
    { argv: ['plan', '-o', 'xml'], says: 'Allowed choices are text, json.' },
    { argv: ['run', '--log-level', 'loud'], says: 'Allowed choices are debug, info, warn, error.' },
    { argv: ['plan', '--instance', 'A B'], says: 'for the name of an instance' },
    { argv: ['run', '--resync-period', '1'], says: 'Write it as 30s, 5m or 1h.' },
    { argv: ['run', '--bind-address', 'nowhere'], says: 'Write it as 127.0.0.1:8080.' },
  ])('$argv is refused: $says', async ({ argv, says }) => {
    const { code, err } = await twinward(argv);
    expect(code).toBe(1);
    expect(err).toContain(says);
  });

  test('a variable of the environment with a value that is not allowed is named', async () => {
    const { code, err } = await twinward(['run'], { env: { TWINWARD_LOG_LEVEL: 'loud' } });
    expect(code).toBe(1);
    expect(err).toContain('TWINWARD_LOG_LEVEL is "loud"; allowed are debug, info, warn, error.');
  });

  test.each([['--help'], ['plan', '--help'], ['help', 'plan']])('%s is no failure', async (...argv) => {
    expect(await twinward(argv)).toMatchObject({ code: 0, out: expect.stringContaining('Usage: twinward') as string });
  });
});
