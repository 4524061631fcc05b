// Callers with bearer tokens: what each role may do, and where Entra's answers differ from those to signatures.
import { describe, expect, test } from 'vitest';
import { type Role, ROLES } from '../../../src/emulator/rest/roles.ts';
import { createFixture, type Fixture, NOW_MS } from './hub-fixture.ts';

const CONTRIBUTOR = 'IoT Hub Data Contributor';
const READER = 'IoT Hub Data Reader';
const REGISTRY = 'IoT Hub Registry Contributor';
const TWINS = 'IoT Hub Twin Contributor';

function call(
  fixture: Fixture,
  roles: readonly Role[],
  request: { method: string; path: string; body?: unknown },
): Promise<Response> {
  const authorization = `Bearer ${fixture.token(roles)}`;
  return fixture.send({ ...request, headers: { authorization } });
}

describe('roles', () => {
  const rows: [method: string, path: string, allowed: readonly Role[]][] = [
    ['GET', '/devices', [CONTRIBUTOR, READER, REGISTRY]],
    ['GET', '/devices/d', [CONTRIBUTOR, READER, REGISTRY]],
    ['PUT', '/devices/n', [CONTRIBUTOR, REGISTRY]],
    ['DELETE', '/devices/d', [CONTRIBUTOR, REGISTRY]],
    ['POST', '/devices', [CONTRIBUTOR, REGISTRY]],
    ['GET', '/devices/d/modules', [CONTRIBUTOR, READER, REGISTRY]],
    ['GET', '/devices/d/modules/m', [CONTRIBUTOR, READER, REGISTRY]],
    ['PUT', '/devices/d/modules/n', [CONTRIBUTOR, REGISTRY]],
    ['DELETE', '/devices/d/modules/m', [CONTRIBUTOR, REGISTRY]],
    ['GET', '/twins/d', [CONTRIBUTOR, READER, TWINS]],
    ['GET', '/twins/d/modules/m', [CONTRIBUTOR, READER, TWINS]],
    ['PATCH', '/twins/d', [CONTRIBUTOR, TWINS]],
    ['PUT', '/twins/d/modules/m', [CONTRIBUTOR, TWINS]],
    ['POST', '/devices/query', [CONTRIBUTOR, READER, TWINS]],
    ['GET', '/statistics/devices', [CONTRIBUTOR, READER]],
    ['GET', '/statistics/service', [CONTRIBUTOR, READER]],
    ['GET', '/configurations', [CONTRIBUTOR, READER]],
    ['GET', '/configurations/c', [CONTRIBUTOR, READER]],
    ['PUT', '/configurations/c', [CONTRIBUTOR]],
    ['DELETE', '/configurations/c', [CONTRIBUTOR]],
    ['POST', '/configurations/testQueries', [CONTRIBUTOR]],
    ['POST', '/devices/d/applyConfigurationContent', [CONTRIBUTOR]],
    ['GET', '/jobs/v2/query', [CONTRIBUTOR, READER]],
    ['GET', '/jobs/v2/j', [CONTRIBUTOR, READER]],
    ['PUT', '/jobs/v2/j', [CONTRIBUTOR]],
    ['POST', '/jobs/v2/j/cancel', [CONTRIBUTOR]],
  ];
  test.each(rows)('%s %s', async (method, path, allowed) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    const granted = await Promise.all(
      ROLES.map(async (role) => {
        const response = await call(createFixture(), [role], { method, path, body });
        return response.status === 401 ? undefined : role;
      }),
    );
    expect(granted.filter((role) => role !== undefined)).toEqual(allowed);
  });

  test('two together may do what either may', async () => {
    const fixture = createFixture();
    for (const path of ['/devices/d', '/twins/d']) {
      expect((await call(fixture, [REGISTRY, TWINS], { method: 'GET', path })).status).toBe(200);
    }
  });
});

describe('answers to Entra’s callers', () => {
  test('a good token without the right is named, with the call', async () => {
    const response = await call(createFixture(), [], { method: 'GET', path: '/twins/d' });
    expect(response.status).toBe(401);
    expect(response.headers.get('iothub-errorcode')).toBe('IotHubUnauthorized');
    expect(await response.json()).toMatchObject({
      Message:
        'ErrorCode:IotHubUnauthorized;Principal test-principal is not authorized for GET on /twins/d due to no assigned permissions',
    });
  });

  test.each(['Bearer ', 'Bearer x', 'Bearer a.b.c', 'bearer'])(
    '%j is refused as a bad signature is',
    async (authorization) => {
      const response = await createFixture().send({ path: '/twins/d', headers: { authorization } });
      expect(response.status).toBe(401);
      expect(response.headers.get('iothub-errorcode')).toBe('IotHubUnauthorizedAccess');
    },
  );

  test('without an issuer no token is good', async () => {
    const fixture = createFixture({ hasIssuer: false });
    expect((await call(fixture, [CONTRIBUTOR], { method: 'GET', path: '/twins/d' })).status).toBe(401);
  });

  const rows: [sentence: string, method: string, path: string, bearer: number, signature: number][] = [
    ['a module of a missing device', 'GET', '/devices/none/modules/m', 404, 401],
    ['the modules of a missing device', 'GET', '/devices/none/modules', 404, 401],
    ['deleting a module of a missing device', 'DELETE', '/devices/none/modules/m', 404, 401],
    ['a module of a disabled device', 'GET', '/devices/off/modules/m', 200, 401],
    ['the modules of a disabled device', 'GET', '/devices/off/modules', 200, 401],
    ['the twin of a module of a missing device', 'GET', '/twins/none/modules/m', 404, 404],
    ['the twin of a module of a disabled device', 'GET', '/twins/off/modules/m', 200, 200],
    ['a missing module', 'GET', '/devices/d/modules/none', 404, 404],
  ];
  test.each(rows)('%s', async (_sentence, method, path, bearer, signature) => {
    const fixture = createFixture();
    fixture.hub.createDevice('off', { status: 'disabled' });
    fixture.hub.putModule('off', 'm', {}, undefined);
    const headers = { 'if-match': '*' };
    const byToken = await fixture.send({
      method,
      path,
      headers: { ...headers, authorization: `Bearer ${fixture.token([CONTRIBUTOR])}` },
    });
    const bySignature = await fixture.send({ method, path, headers });
    expect([byToken.status, bySignature.status]).toEqual([bearer, signature]);
  });
});

describe('tokens from the control endpoint', () => {
  const fixture = createFixture({ hasFront: true });
  const ask = (body: unknown, more: object = {}): Promise<Response> =>
    fixture.send({ method: 'POST', path: '/emulator/tokens', body, ...more });

  test('an hour of everything where nothing is said', async () => {
    const response = await ask({});
    const { token, expiresOnTimestamp } = (await response.json()) as { token: string; expiresOnTimestamp: number };
    expect(expiresOnTimestamp).toBe(NOW_MS + 3_600_000);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fixture.send({ method: 'PUT', path: '/devices/new', body: {}, headers })).status).toBe(200);
  });

  test('with the roles and the name that are asked for', async () => {
    const response = await ask({ principal: 'somebody', roles: [READER], lifetimeSeconds: 60 });
    const { token, expiresOnTimestamp } = (await response.json()) as { token: string; expiresOnTimestamp: number };
    expect(expiresOnTimestamp).toBe(NOW_MS + 60_000);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fixture.send({ path: '/twins/d', headers })).status).toBe(200);
    const refused = await fixture.send({ method: 'PATCH', path: '/twins/d', body: {}, headers });
    expect(((await refused.json()) as { Message: string }).Message).toContain('Principal somebody is not authorized');
  });

  const authorization = `Bearer ${fixture.token([CONTRIBUTOR])}`;
  test.each<[sentence: string, body: unknown, more: object, status: number]>([
    ['a role that is none', { roles: ['Owner'] }, {}, 400],
    ['a field that is none', { role: READER }, {}, 400],
    ['a lifetime beyond a day', { lifetimeSeconds: 86_401 }, {}, 400],
    ['another policy', {}, { policy: 'service' }, 401],
    ['a token itself, whatever it may do', {}, { headers: { authorization } }, 401],
  ])('%s is refused', async (_sentence, body, more, status) => {
    expect((await ask(body, more)).status).toBe(status);
  });
});
