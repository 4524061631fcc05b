// `doctor`: what can be wrong, found without a write, each with its fix.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { checkCredential } from '../../src/cli/doctor/doctor-checks.ts';
import { serveEvents } from '../../src/emulator/events/amqp-server.ts';
import { EventLog } from '../../src/emulator/events/event-log.ts';
import { createPolicies } from '../../src/emulator/rest/policies.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { folderOf, HOST, serveFleet, twinward, type Given, type Printed, type ServedHub } from './fixture.ts';

const HUB = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: dev}
spec: {hostName: ${HOST}, mode: Enforce, capacity: {tier: S1, units: 1}}
`;
const MICRO = `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: micro}
spec:
  selector: {matchTags: {env: prod}}
  profile: defender-micro-agent
  module: {whenMissing: Skip}
  settings: {Process_MessageFrequency: High}
`;

let hub: ServedHub;

beforeAll(async () => {
  hub = await serveFleet(40);
});
afterAll(() => hub.close());

async function examine(manifest: string, given: Given = {}): Promise<Printed> {
  const folder = folderOf({ 'hub.yaml': manifest });
  const printed = await twinward(['doctor', '-f', folder.path, ...(given.input === 'json' ? ['-o', 'json'] : [])], {
    env: hub.env,
    clock: systemClock,
    ...given,
  });
  folder.remove();
  return printed;
}

const dump = (): string => JSON.stringify(hub.iot.query('SELECT * FROM devices').items.length);

test('the device that is reserved for Twinward is not counted', async () => {
  hub.iot.createDevice('twinward-default', { deviceId: 'twinward-default', status: 'disabled' });
  expect((await examine(HUB + MICRO)).out).toContain('registry read: 40 devices counted');
  hub.iot.deleteDevice('twinward-default', '*');
});

test('a hub that is as it should be', async () => {
  const before = dump();
  const { code, out } = await examine(HUB + MICRO);
  expect(out).toBe(`  ok       manifests: 2 documents, 0 errors, 1 warning (TW2104)
dev
  ok       credential: one for ${HOST}
  ok       address: ${hub.endpoint}, on this machine; the name ${HOST} is only that of its certificate and credential
  ok       clock: ${hub.endpoint} answers; the clocks are alike
  ok       registry read: 40 devices counted
  ok       read twins: lists and direct reads work
  ok       write twins: allowed
  ok       registry write: allowed
  ok       mode: Enforce: differences are written
  ok       capacity: S1 with 1 unit, 400,000 messages a day; one pass over 40 devices takes about 32, so our share allows one every 2 min
  ok       change events: none are declared: changes by others are found by the next pass, by default every 5 min
           To find them at once, add \`events: {secretRef: {env: NAME}}\` into the Hub: see "Change events" in docs/hub-sign-in.md.
  ok       automatic configurations: none writes a declared setting
`);
  expect(code).toBe(0);
  expect(dump()).toBe(before);
});

describe('what is wrong', () => {
  test('a read-only policy is recognised, permission by permission', async () => {
    const { code, out } = await examine(HUB, {
      env: { ...hub.env, IOTHUB_CONNECTION_STRING: hub.connectionStringOf('service') },
    });
    expect(code).toBe(7);
    expect(out).toMatch(/FAILED {3}registry read: .*\n {11}It needs registry read: see docs\/hub-sign-in\.md\.\n/);
    expect(out).toMatch(/ok {7}read twins/);
    expect(out).toMatch(/FAILED {3}registry write: .*\n {11}The lease needs a device of its own/);
  });

  test.each([
    { what: 'no credential', env: {}, code: 7, says: /FAILED {3}credential: No credential for hub dev/ },
    {
      what: 'no server at the address',
      env: { TWINWARD_HUB_ENDPOINT: 'https://127.0.0.1:9' },
      code: 1,
      says: /FAILED {3}address: Could not ask the hub for the time: no server listens at 127\.0\.0\.1:9 \(.*\n +A hub on this machine must run: `npm start`/,
    },
    {
      what: 'a certificate that is not trusted',
      env: { TWINWARD_HUB_CA: '' },
      code: 1,
      says: /FAILED {3}address: .*certificate is not signed by an authority that this machine trusts .*\n +Name its authority with TWINWARD_HUB_CA/,
    },
    {
      what: 'no file of the authority',
      env: { TWINWARD_HUB_CA: '/nowhere/ca.pem' },
      code: 1,
      says: /FAILED {3}address: Could not read the certificate authority \/nowhere\/ca\.pem\..*\n +Name its authority/,
    },
  ])('$what', async ({ env, code, says }) => {
    const merged = Object.keys(env).length === 0 ? {} : { ...hub.env, ...env };
    const result = await examine(HUB, { env: merged });
    expect(result.out).toMatch(says);
    expect(result.code).toBe(code);
  });

  test('a clock that is an hour off', async () => {
    const clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };
    const { code, out } = await examine(HUB, { clock });
    expect(out).toMatch(
      /FAILED {3}clock: \S+ answers; the clocks are about 60 min apart\n {11}Set the clock of this machine/,
    );
    expect(code).toBe(1);
  });

  test('an automatic configuration of the hub that writes the same setting', async () => {
    hub.iot.putConfiguration(
      'portal-push',
      {
        id: 'portal-push',
        schemaVersion: '1.0',
        priority: 10,
        targetCondition: "FROM devices.modules WHERE moduleId = 'DefenderIotMicroAgent'",
        content: { moduleContent: { 'properties.desired.Process_MessageFrequency': 'Low' } },
      },
      undefined,
    );
    const { code, out } = await examine(HUB + MICRO);
    expect(out).toMatch(
      /warning {2}automatic configurations: The automatic configuration "portal-push" writes settings/,
    );
    expect(code).toBe(0);
    hub.iot.deleteConfiguration('portal-push', '"*"');
  });

  test('a hub too small for its fleet, and one that only observes', async () => {
    const { out } = await examine(HUB.replace('S1', 'F1').replace('Enforce', 'Observe'));
    expect(out).toMatch(/ok {7}mode: Observe: nothing is written \(as declared\)\n {11}Once the plan is right/);
    expect(out).toMatch(/warning {2}capacity: F1 with 1 unit, 8,000 messages a day/);
    expect(out).not.toContain('write twins');
  });

  test('manifests with errors: no hub is called', async () => {
    const { code, out, err } = await examine(HUB.replace('kind: Hub', 'kind: Hubb'), { env: {} });
    expect(code).toBe(3);
    expect(out).toMatch(/^ {2}FAILED {3}manifests: 1 document, 1 error, 0 warnings\n/);
    expect(err).toContain('TW1101');
  });
});

describe('change events', () => {
  const MANIFEST = HUB.replace(`hostName: ${HOST}`, `hostName: ${HOST}, events: {secretRef: {env: EVENTS}}`);
  const WRONG_KEY = 'SharedAccessKey=aGVsbG8=';
  let busy: ServedHub;

  beforeAll(async () => {
    busy = await serveFleet(1);
  });
  afterAll(() => busy.close());

  const events = (): string => busy.eventsConnectionStringOf('service');
  const examineEvents = (connectionString: string): Promise<Printed> =>
    examine(MANIFEST, { env: { ...busy.env, EVENTS: connectionString } });

  test('of which none is kept: whether there is a route is for a person to say', async () => {
    const { code, out } = await examineEvents(events());
    expect(out).toMatch(
      /warning {2}change events: the endpoint answers; it has no event\n {11}If twins were changed lately, there is no route: create one with the source TwinChangeEvents/,
    );
    expect(code).toBe(0);
  });

  test('of which none is of a twin', async () => {
    busy.iot.createDevice('comes', { deviceId: 'comes' });
    busy.iot.deleteDevice('comes', '*');
    const { out } = await examineEvents(events());
    expect(out).toContain('warning  change events: the endpoint answers; none of the last 2 events is of a twin\n');
  });

  test('that come', async () => {
    busy.iot.createDevice('changes', { deviceId: 'changes' });
    busy.iot.patchTwin({ deviceId: 'changes' }, { tags: { a: 1 } }, undefined);
    busy.iot.deleteDevice('changes', '*');
    const { code, out } = await examineEvents(events());
    const at = new Date(busy.clock.now()).toISOString();
    expect(out).toContain(
      `  ok       change events: the last change of a twin is of ${at}; events of created and deleted devices arrive too\n`,
    );
    expect(code).toBe(0);
  });

  test.each([
    {
      what: 'a wrong key',
      given: () => events().replace(/SharedAccessKey=[^;]+/, WRONG_KEY),
      says: 'Could not read the change events: the endpoint refuses the credential.',
      code: 7,
    },
    {
      what: 'no server at the address',
      given: () => events().replace(/127\.0\.0\.1:\d+/, '127.0.0.1:9'),
      says: 'Could not read the change events: the connection failed (ECONNREFUSED).',
      code: 1,
    },
    {
      what: 'a variable that is not set',
      given: () => '',
      says: 'The environment variable EVENTS, which should hold a secret, is not set.',
      code: 7,
    },
    {
      what: "the hub's own connection string",
      given: () => busy.connectionStringOf('service'),
      says: "can not be used: it is a hub's; that of its built-in endpoint is needed.",
      code: 7,
    },
  ])('$what', async ({ given, says, code }) => {
    const printed = await examineEvents(given());
    const [, line = '', fix = ''] = /FAILED {3}change events: (.*)\n {11}(.*)\n/.exec(printed.out) ?? [];
    expect(line).toContain(says);
    expect(fix).toMatch(/^It needs the connection string of this hub's built-in endpoint/);
    expect(printed.code).toBe(code);
    expect(printed.out).not.toMatch(/SharedAccessKey|aGVsbG8/);
  });

  test('of another hub', async () => {
    const other = new EventLog({ createdAtMs: 0 });
    other.append({
      source: 'twinChangeEvents',
      operation: 'updateTwin',
      deviceId: 'd',
      moduleId: 'm',
      atMs: 0,
      body: {},
    });
    const policies = createPolicies(createSeededRandom(3));
    const endpoint = { log: other, hostName: 'acme.azure-devices.net', policies, clock: busy.clock, port: 0 };
    const served = await serveEvents(endpoint);
    const { out, code } = await examineEvents(served.connectionString('service') ?? '');
    expect(out).toContain('FAILED   change events: the endpoint has events of acme, not of twinward-demo\n');
    expect(code).toBe(1);
    await served.close();
  });
});

test.each([
  ['iothubowner', 'https://acme.azure-devices.net', 'Enforce', 'registry read, registry write and service connect'],
  ['iothubowner', 'https://acme.azure-devices.net', 'Observe', 'registry read and service connect'],
  ['iothubowner', 'https://127.0.0.1:8443', 'Enforce', undefined],
  ['twinward', 'https://acme.azure-devices.net', 'Enforce', undefined],
  [undefined, 'https://acme.azure-devices.net', 'Enforce', undefined],
] as const)('the policy %s on %s in %s: a better one has only %s', (policy, endpoint, mode, better) => {
  const { verdict, fix } = checkCredential({ hostName: 'acme.azure-devices.net', endpoint, policy, mode });
  expect(verdict).toBe(better === undefined ? 'ok' : 'warning');
  expect(fix).toBe(better === undefined ? undefined : `Create a policy with only ${better}: see docs/hub-sign-in.md.`);
});

test('as a document', async () => {
  const { out } = await examine(HUB, { input: 'json' });
  expect(JSON.parse(out)).toMatchObject({ kind: 'Doctor', healthy: true });
});
