import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectHub } from '../../../src/cli/connect/connect.ts';
import { IMPLICIT_HUB } from '../../../src/manifest/hub.ts';
import type { DeclaredHub } from '../../../src/model/declared.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { folderOf } from '../fixture.ts';

const PROD = 'acme-prod.azure-devices.net';
const STRING = `HostName=${PROD};SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0`;
const NO_METRICS = { count: () => {}, gauge: () => {}, observe: () => {} };

let folder: ReturnType<typeof folderOf>;
beforeAll(() => {
  folder = folderOf({ secret: `${STRING}\n`, 'ca.pem': '-----BEGIN CERTIFICATE-----\n' });
});
afterAll(() => folder.remove());

function declare(fields: Partial<DeclaredHub>): DeclaredHub {
  return { ...IMPLICIT_HUB, name: 'prod', hostName: PROD, ...fields };
}

async function connect(fields: Partial<DeclaredHub>, env: Record<string, string> = {}, hubCount = 1) {
  const connected = await connectHub(declare(fields), { env, clock: createTestClock(), metrics: NO_METRICS, hubCount });
  connected.hub.close();
  const { mode, hostName, endpoint, capacity } = connected;
  return { mode, hostName, endpoint, capacity };
}

describe('the ceiling', () => {
  test.each([
    { of: 'a hub in the cloud that says nothing', hub: {}, mode: 'Observe' },
    { of: 'a hub in the cloud that says Enforce', hub: { mode: 'Enforce' }, mode: 'Enforce' },
    { of: 'a hub on loopback', hub: { endpoint: 'https://127.0.0.1:8443' }, mode: 'Enforce' },
    {
      of: 'a hub on loopback that says Observe',
      hub: { endpoint: 'https://[::1]:8443', mode: 'Observe' },
      mode: 'Observe',
    },
    { of: 'a hub at another address in the cloud', hub: { endpoint: 'https://10.0.0.5:443' }, mode: 'Observe' },
    { of: 'a name that only looks like loopback', hub: { endpoint: 'https://localhost.example.org' }, mode: 'Observe' },
  ] as const)('of $of is $mode', async ({ hub, mode }) => {
    expect(await connect(hub, { IOTHUB_CONNECTION_STRING: STRING })).toMatchObject({ mode });
  });
});

describe('what the hub can take', () => {
  const env = { IOTHUB_CONNECTION_STRING: STRING };

  test('is what the manifest says', async () => {
    expect(await connect({ capacity: { tier: 'S3', units: 2 } }, env)).toMatchObject({
      capacity: { tier: 'S3', units: 2 },
    });
  });

  test('is the least of a paid hub where the manifest is silent', async () => {
    expect(await connect({}, env)).toMatchObject({ capacity: { tier: 'S1', units: 1 } });
  });

  test('is anything on this machine', async () => {
    expect((await connect({ endpoint: 'https://127.0.0.1:8443' }, env)).capacity).toBeUndefined();
  });
});

describe('the credential', () => {
  const file = (): DeclaredHub['authentication'] => ({
    type: 'ConnectionString',
    secret: { file: `${folder.path}/secret` },
  });

  test('comes from the environment, whatever the case of the host name', async () => {
    const env = { IOTHUB_CONNECTION_STRING: STRING.replace('acme', 'ACME') };
    expect(await connect({}, env)).toMatchObject({ hostName: PROD, endpoint: `https://${PROD}` });
  });

  test('comes from the file or the variable that the Hub names', async () => {
    expect(await connect({ authentication: file() })).toMatchObject({ hostName: PROD });
    const authentication = { type: 'ConnectionString', secret: { env: 'MINE' } } as const;
    expect(await connect({ authentication }, { MINE: STRING })).toMatchObject({ hostName: PROD });
  });

  test('of the Hub is used where the environment has one for another hub', async () => {
    const env = { IOTHUB_CONNECTION_STRING: STRING.replace('acme-prod', 'acme-dev') };
    expect(await connect({ authentication: file() }, env)).toMatchObject({ hostName: PROD });
  });

  test('may name the hub where no manifest does', async () => {
    expect(await connect({ hostName: undefined }, { IOTHUB_CONNECTION_STRING: STRING })).toMatchObject({
      hostName: PROD,
    });
  });

  test('is found for Entra without a secret', async () => {
    expect(await connect({ authentication: { type: 'Entra' } })).toMatchObject({ hostName: PROD, mode: 'Observe' });
  });

  test.each([
    { when: 'there is none', hub: {}, env: {}, says: 'No credential for hub prod.' },
    {
      when: 'it is for another hub',
      hub: {},
      env: { IOTHUB_CONNECTION_STRING: STRING.replace('acme-prod', 'acme-dev') },
      says: `The credential is for acme-dev.azure-devices.net, the Hub is ${PROD}: refused.`,
    },
    {
      when: 'its variable is not set',
      hub: { authentication: { type: 'ConnectionString', secret: { env: 'MINE' } } },
      env: {},
      says: 'The environment variable MINE, which should hold a secret, is not set.',
    },
    {
      when: 'its file is not there',
      hub: { authentication: { type: 'ConnectionString', secret: { file: '/nowhere/secret' } } },
      env: {},
      says: 'Could not read the secret in /nowhere/secret.',
    },
  ] as const)('is refused where $when', async ({ hub, env, says }) => {
    await expect(connect(hub, env)).rejects.toMatchObject({ name: 'HubError', code: 'Unauthorized' });
    await expect(connect(hub, env)).rejects.toThrow(says);
    await expect(connect(hub, env)).rejects.not.toThrow('c2VjcmV0');
  });
});

describe('the address of the environment', () => {
  const env = { IOTHUB_CONNECTION_STRING: STRING, TWINWARD_HUB_ENDPOINT: 'https://127.0.0.1:9443' };

  test('wins over the manifest', async () => {
    const hub = { endpoint: 'https://127.0.0.1:8443' };
    expect(await connect(hub, env)).toMatchObject({ endpoint: 'https://127.0.0.1:9443' });
  });

  test('is refused where it could mean several hubs', async () => {
    await expect(connect({}, env, 2)).rejects.toThrow('the manifests have 2 hubs');
  });

  test('must be one of TLS', async () => {
    const plain = { ...env, TWINWARD_HUB_ENDPOINT: 'http://127.0.0.1:9443' };
    await expect(connect({}, plain)).rejects.toThrow('not an https address');
  });
});
