// `doctor`: what can be wrong, found without a write, each with its fix.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { checkCredential } from '../../src/cli/doctor-checks.ts';
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
  ok       clock: ${hub.endpoint} answers; the clocks are alike
  ok       registry read: 40 devices counted
  ok       read twins: lists and direct reads work
  ok       write twins: allowed
  ok       registry write: allowed
  ok       mode: Enforce: what differs is written
  ok       capacity: S1 with 1 unit, 400,000 messages a day; one look at all 40 devices takes about 32, so our share pays for one every 2 min
  ok       automatic configurations: none writes what is declared here
`);
  expect(code).toBe(0);
  expect(dump()).toBe(before);
});

describe('what is wrong', () => {
  test('a policy that may only read is told apart, permission by permission', async () => {
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
      what: 'nobody at the address',
      env: { TWINWARD_HUB_ENDPOINT: 'https://127.0.0.1:9' },
      code: 1,
      says: /FAILED {3}address: Could not ask the hub for the time: nobody listens at this address/,
    },
    {
      what: 'a certificate that is not trusted',
      env: { TWINWARD_HUB_CA: '' },
      code: 1,
      says: /FAILED {3}address: .*certificate/,
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
    expect(out).toMatch(/ok {7}mode: Observe: nothing is written \(as declared\)\n {11}When a plan is as you like it/);
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

test.each([
  [
    'iothubowner',
    'https://acme.azure-devices.net',
    'Enforce',
    'registry read, registry write and service connect alone',
  ],
  ['iothubowner', 'https://acme.azure-devices.net', 'Observe', 'registry read and service connect alone'],
  ['iothubowner', 'https://127.0.0.1:8443', 'Enforce', undefined],
  ['twinward', 'https://acme.azure-devices.net', 'Enforce', undefined],
  [undefined, 'https://acme.azure-devices.net', 'Enforce', undefined],
] as const)('the policy %s on %s in %s: a better one has %s', (policy, endpoint, mode, better) => {
  const { verdict, fix } = checkCredential({ hostName: 'acme.azure-devices.net', endpoint, policy, mode });
  expect(verdict).toBe(better === undefined ? 'ok' : 'warning');
  expect(fix).toBe(better === undefined ? undefined : `Make a policy with ${better}: see docs/hub-sign-in.md.`);
});

test('as a document', async () => {
  const { out } = await examine(HUB, { input: 'json' });
  expect(JSON.parse(out)).toMatchObject({ kind: 'Doctor', healthy: true });
});
