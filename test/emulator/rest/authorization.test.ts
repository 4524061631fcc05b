// Which token authorizes which call.
import { describe, expect, test } from 'vitest';
import { createAuthorize } from '../../../src/emulator/rest/authorization.ts';
import { createFixture, HOST, NOW_MS, sasToken, type Fixture } from './hub-fixture.ts';

const VERSION = 'api-version=2021-04-12';
const IN_AN_HOUR = NOW_MS / 1000 + 3600;

async function status(fixture: Fixture, path: string, authorization: string | undefined): Promise<number> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const response = await fixture.app.request(`https://${HOST}${path}?${VERSION}`, { headers });
  return response.status;
}

function policyKey({ policies }: Fixture, name: string, which: 'primaryKey' | 'secondaryKey' = 'primaryKey'): string {
  return policies.find((policy) => policy.name === name)?.[which] ?? '';
}

describe('tokens', () => {
  const fixture = createFixture();
  const key = policyKey(fixture, 'iothubowner');
  const skn = 'iothubowner';
  const good = sasToken({ key, skn });
  const rows: readonly (readonly [what: string, token: string | undefined, want: number])[] = [
    ['a good token is taken', good, 200],
    ['the secondary key signs as well', sasToken({ key: policyKey(fixture, skn, 'secondaryKey'), skn }), 200],
    ['fields come in any order', good.replace(/(sr=[^&]+)&(.+)$/, '$2&$1'), 200],
    ['unknown fields are ignored', `${good}&extra=1`, 200],
    ['the host is the same in capitals', sasToken({ key, skn, sr: HOST.toUpperCase() }), 200],
    ['sr may be a prefix of the path, encoded', sasToken({ key, skn, sr: `${HOST}%2Ftwins%2Fd` }), 200],
    ['sr is signed as sent, lower-case escapes too', sasToken({ key, skn, sr: `${HOST}%2ftwins%2fd` }), 200],
    ['sr may be unencoded', sasToken({ key, skn, sr: `${HOST}/twins/d` }), 200],
    ['sr of another device is refused', sasToken({ key, skn, sr: `${HOST}%2Ftwins%2Fe` }), 401],
    ['a prefix ends at a segment', sasToken({ key, skn, sr: `${HOST}%2Ftwin` }), 401],
    ['sr beyond the path is refused', sasToken({ key, skn, sr: `${HOST}%2Ftwins%2Fd%2Fmodules` }), 401],
    ['another host is refused', sasToken({ key, skn, sr: 'other.azure-devices.net' }), 401],
    ['the last second is good', sasToken({ key, skn, se: NOW_MS / 1000 + 1 }), 200],
    ['an expired token is refused', sasToken({ key, skn, se: NOW_MS / 1000 }), 401],
    ['an expiry that is no number is refused', sasToken({ key, skn, se: 'soon' }), 401],
    ['a changed expiry breaks the signature', good.replace(`se=${IN_AN_HOUR}`, `se=${IN_AN_HOUR + 1}`), 401],
    ['a changed resource breaks the signature', good.replace(`sr=${HOST}`, `sr=${HOST}%2Ftwins`), 401],
    ['the key of another policy is refused', sasToken({ key: policyKey(fixture, 'service'), skn }), 401],
    ['an unknown policy is refused', sasToken({ key, skn: 'nobody' }), 401],
    ['a policy key without its name is refused', sasToken({ key }), 401],
    ['a name from the prototype is no policy', sasToken({ key, skn: 'constructor' }), 401],
    ['a short signature is refused', good.replace(/sig=[^&]+/, 'sig=AAAA'), 401],
    ['an empty signature is refused', good.replace(/sig=[^&]+/, 'sig='), 401],
    ['a field twice is refused', `${good}&se=${IN_AN_HOUR}`, 401],
    ['a broken escape is refused', good.replace(/sig=[^&]+/, 'sig=%zz'), 401],
    ['no header is refused', undefined, 401],
    ['an Entra token is refused', 'Bearer eyJhbGciOi', 401],
    ['garbage is refused', 'SharedAccessSignature &&=&', 401],
  ];

  test.each(rows)('%s', async (_what, token, want) => {
    expect(await status(fixture, '/twins/d', token)).toBe(want);
  });
});

test('a token that was good once is held to its time, its path and its policy all the same', () => {
  const fixture = createFixture();
  let nowMs = NOW_MS;
  const authorize = createAuthorize(fixture, { now: () => nowMs, schedule: () => () => {} });
  const header = sasToken({ key: policyKey(fixture, 'service'), skn: 'service', sr: `${HOST}%2Ftwins%2Fd` });
  const use = (path: string, permission: 'ServiceConnect' | 'RegistryRead' = 'ServiceConnect') =>
    authorize({ header, path: path.split('/') }, { permission });
  expect(use('twins/d')).toBe('signature');
  expect(use('twins/d')).toBe('signature');
  expect(() => use('twins/e')).toThrow('Unauthorized');
  expect(() => use('twins/d', 'RegistryRead')).toThrow('Unauthorized');
  nowMs = IN_AN_HOUR * 1000;
  expect(() => use('twins/d')).toThrow('Unauthorized');
});

describe('policies', () => {
  const fixture = createFixture();
  const rows: readonly (readonly [method: string, path: string, allowed: readonly string[]])[] = [
    ['GET', '/devices', ['iothubowner', 'registryRead', 'registryReadWrite']],
    ['GET', '/devices/d', ['iothubowner', 'registryRead', 'registryReadWrite']],
    ['GET', '/devices/d/modules', ['iothubowner', 'registryRead', 'registryReadWrite']],
    ['GET', '/statistics/devices', ['iothubowner', 'registryRead', 'registryReadWrite']],
    ['PUT', '/devices/d', ['iothubowner', 'registryReadWrite']],
    ['POST', '/devices', ['iothubowner', 'registryReadWrite']],
    ['DELETE', '/devices/d/modules/none', ['iothubowner', 'registryReadWrite']],
    ['GET', '/twins/d/modules/m', ['iothubowner', 'service']],
    ['PATCH', '/twins/d', ['iothubowner', 'service']],
    ['POST', '/devices/query', ['iothubowner', 'service']],
    ['GET', '/statistics/service', ['iothubowner', 'service']],
  ];

  test.each(rows)('%s %s', async (method, path, allowed) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    const granted = await Promise.all(
      fixture.policies.map(async (policy) => {
        const response = await fixture.send({ method, path, policy: policy.name, body });
        return response.status === 401 ? undefined : policy.name;
      }),
    );
    expect(granted.filter((name) => name !== undefined)).toEqual(allowed);
  });
});

describe('identity keys', () => {
  const fixture = createFixture();
  fixture.hub.createDevice('e', { deviceId: 'e' });
  const device = fixture.hub.identityKeys({ deviceId: 'd' })?.primary ?? '';
  const module = fixture.hub.identityKeys({ deviceId: 'd', moduleId: 'm' })?.primary ?? '';
  const deviceToken = sasToken({ key: device, sr: `${HOST}%2Fdevices%2Fd` });
  const moduleToken = sasToken({ key: module, sr: `${HOST}%2Fdevices%2Fd%2Fmodules%2Fm` });
  const rows: readonly (readonly [what: string, path: string, token: string, want: number])[] = [
    ['a device reads its module, as the legacy agent does', '/devices/d/modules/m', deviceToken, 200],
    ['a device lists its modules', '/devices/d/modules', deviceToken, 200],
    ['a module reads itself', '/devices/d/modules/m', moduleToken, 200],
    ['a module does not list its device', '/devices/d/modules', moduleToken, 401],
    ['a device does not read itself', '/devices/d', deviceToken, 401],
    ['a device reads no twin here', '/twins/d', deviceToken, 401],
    ['a device does not read another', '/devices/e/modules', deviceToken, 401],
    ['a device key for the whole host is refused', '/devices/d/modules', sasToken({ key: device }), 401],
    [
      'a device key for another device is refused',
      '/devices/e/modules',
      sasToken({ key: device, sr: `${HOST}%2Fdevices%2Fe` }),
      401,
    ],
  ];

  test.each(rows)('%s', async (_what, path, token, want) => {
    expect(await status(fixture, path, token)).toBe(want);
  });
});

describe('module identities of devices that cannot be used', () => {
  const fixture = createFixture();
  fixture.hub.createDevice('off', { deviceId: 'off', status: 'disabled' });
  const rows = [
    ['a missing device is 401, not 404', '/devices/none/modules/m', 401],
    ['a disabled device is 401 as well', '/devices/off/modules', 401],
    ['the twin of a missing device is 404', '/twins/none/modules/m', 404],
    ['a missing module of a good device is 404', '/devices/d/modules/none', 404],
  ] as const;

  test.each(rows)('%s', async (_what, path, want) => {
    const response = await fixture.send({ path });
    expect(response.status).toBe(want);
  });

  test('the 401 is the second envelope as text in the first', async () => {
    const response = await fixture.send({ path: '/devices/none/modules/m' });
    const { Message, ExceptionMessage } = (await response.json()) as { Message: string; ExceptionMessage: string };
    expect(JSON.parse(Message)).toMatchObject({ errorCode: 401002 });
    expect(ExceptionMessage).toBe('');
    expect(response.headers.get('iothub-errorcode')).toBe('IotHubUnauthorizedAccess');
  });
});

test('a refusal says nothing about keys', async () => {
  const fixture = createFixture();
  const key = policyKey(fixture, 'service');
  const response = await fixture.app.request(`https://${HOST}/devices?${VERSION}`, {
    headers: { authorization: sasToken({ key, skn: 'service' }) },
  });
  const text = await response.text();
  expect(response.status).toBe(401);
  expect(text).toMatch(
    /^\{"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized","ExceptionMessage":"Tracking ID:/,
  );
  expect(text).not.toContain(key);
});
