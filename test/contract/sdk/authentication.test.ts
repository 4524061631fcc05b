// Section 4.2: bearer tokens of the test issuer that replaces Entra. Only on the embedded hub: on a real one, role
// assignments decide what a token grants.
import iothub from 'azure-iothub';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Role, ROLES } from '../../../src/emulator/rest/roles.ts';
import { createTokenIssuer, generateIssuerKey, type TokenIssuer } from '../../../src/emulator/rest/token-issuer.ts';
import { describeFacts } from './target.ts';

const CONTRIBUTOR = 'IoT Hub Data Contributor';
const READER = 'IoT Hub Data Reader';
const REGISTRY = 'IoT Hub Registry Contributor';
const TWINS = 'IoT Hub Twin Contributor';
const SCOPE = 'https://iothubs.azure.net/.default';
const MINUTE_MS = 60_000;

type Scopes = string | string[];

describeFacts('bearer tokens', ({ target, isReal }) => {
  describe.skipIf(isReal)('4.2, on the embedded hub alone', () => {
    let deviceId: string;
    beforeAll(async () => {
      deviceId = target().id('d');
      await target().registry().create({ deviceId });
      await target().registry().addModule({ deviceId, moduleId: 'm' });
    });

    /** In place of `@azure/identity`. */
    function credential(roles: readonly Role[], { lifetimeMinutes = 60, asked = [] as Scopes[] } = {}) {
      return {
        getToken: async (scopes: Scopes) => {
          asked.push(scopes);
          const nowMs = target().now();
          const lifetimeSeconds = lifetimeMinutes * 60;
          const token = target().embedded().issuer.issue({ principal: 'somebody', roles, nowMs, lifetimeSeconds });
          return { token, expiresOnTimestamp: nowMs + lifetimeMinutes * MINUTE_MS };
        },
      };
    }

    const registry = (...given: Parameters<typeof credential>): iothub.Registry =>
      target()
        .embedded()
        .led(iothub.Registry.fromTokenCredential(target().hostName, credential(...given)));
    const jobs = (...given: Parameters<typeof credential>): iothub.JobClient =>
      target()
        .embedded()
        .led(iothub.JobClient.fromTokenCredential(target().hostName, credential(...given)));

    const desired = { properties: { desired: { a: 1 } } };
    const configuration = { id: 'c', content: { deviceContent: { 'properties.desired.a': 1 } } } as never;
    const at = new Date(8.64e14);
    test.each<[action: string, call: (roles: readonly Role[]) => Promise<unknown>, granted: readonly Role[]]>([
      ['devices/read', (roles) => registry(roles).get(deviceId), [CONTRIBUTOR, READER, REGISTRY]],
      ['devices/read of modules', (roles) => registry(roles).getModule(deviceId, 'm'), [CONTRIBUTOR, READER, REGISTRY]],
      ['devices/write', (roles) => registry(roles).update({ deviceId }), [CONTRIBUTOR, REGISTRY]],
      ['devices/delete', (roles) => registry(roles).delete('none'), [CONTRIBUTOR, REGISTRY]],
      ['twins/read', (roles) => registry(roles).getModuleTwin(deviceId, 'm'), [CONTRIBUTOR, READER, TWINS]],
      [
        'twins/read by query',
        (roles) => registry(roles).createQuery('SELECT * FROM devices').next(),
        [CONTRIBUTOR, READER, TWINS],
      ],
      ['twins/write', (roles) => registry(roles).updateModuleTwin(deviceId, 'm', desired, '*'), [CONTRIBUTOR, TWINS]],
      ['configurations/read', (roles) => registry(roles).getConfigurations(), [CONTRIBUTOR, READER]],
      ['configurations/write', (roles) => registry(roles).addConfiguration(configuration), [CONTRIBUTOR]],
      ['configurations/delete', (roles) => registry(roles).removeConfiguration('none'), [CONTRIBUTOR]],
      ['jobs/read', (roles) => jobs(roles).getJob('none'), [CONTRIBUTOR, READER]],
      ['jobs/write', (roles) => jobs(roles).scheduleTwinUpdate('j', '*', { etag: '*' }, at, 60), [CONTRIBUTOR]],
      ['jobs/delete', (roles) => jobs(roles).cancelJob('none'), [CONTRIBUTOR]],
      ['statistics/read', (roles) => registry(roles).getRegistryStatistics(), [CONTRIBUTOR, READER]],
    ])('%s', async (_action, call, granted) => {
      const isLetIn = async (role: Role): Promise<boolean> => {
        const error: unknown = await call([role]).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        return !(error instanceof Error && error.name === 'UnauthorizedError');
      };
      const allowed: Role[] = [];
      for (const role of ROLES) if (await isLetIn(role)) allowed.push(role);
      expect(allowed).toEqual(granted);
    });

    test('the SDK asks for the scope of all hubs, once, and again nine minutes before the end', async () => {
      const asked: Scopes[] = [];
      const reader = registry([READER], { asked });
      for (let call = 0; call < 3; call += 1) await reader.get(deviceId);
      expect(asked).toEqual([SCOPE]);
      const short: Scopes[] = [];
      const hasty = registry([READER], { asked: short, lifetimeMinutes: 8 });
      for (let call = 0; call < 2; call += 1) await hasty.get(deviceId);
      expect(short).toEqual([SCOPE, SCOPE]);
    });

    test('a valid token without the right is refused by its name', async () => {
      await expect(registry([]).getTwin(deviceId)).rejects.toMatchObject({
        name: 'UnauthorizedError',
        message: `Principal somebody is not authorized for GET on /twins/${deviceId} due to no assigned permissions`,
      });
    });

    test.each<[row: string, token: () => string]>([
      ['that has ended', () => issueWith(target().embedded().issuer, -60)],
      ['of another issuer', () => issueWith(createTokenIssuer(generateIssuerKey()), 60)],
      ['that is none', () => 'a.b.c'],
    ])('a token %s is refused as a bad signature is', async (_row, token) => {
      const headers = { authorization: `Bearer ${token()}` };
      expect(await target().send({ path: `/twins/${deviceId}`, headers })).toMatchObject({
        status: 401,
        code: 'IotHubUnauthorizedAccess',
      });
    });

    const issueWith = (issuer: TokenIssuer, lifetimeSeconds: number): string =>
      issuer.issue({ principal: 'somebody', roles: [CONTRIBUTOR], nowMs: target().now(), lifetimeSeconds });

    test('a module of a missing device is 404 where a signature is 401, and a disabled device is no hindrance', async () => {
      const [entra, signed] = [registry([CONTRIBUTOR]), target().registry()];
      const statusOf = (call: Promise<{ httpResponse: { statusCode?: number } }>): Promise<number | undefined> =>
        call.then(
          ({ httpResponse }) => httpResponse.statusCode,
          (error: { response: { statusCode: number } }) => error.response.statusCode,
        );
      expect([await statusOf(entra.getModule('none', 'm')), await statusOf(signed.getModule('none', 'm'))]).toEqual([
        404, 401,
      ]);
      await entra.update({ deviceId, status: 'disabled' });
      expect([await statusOf(entra.getModule(deviceId, 'm')), await statusOf(signed.getModule(deviceId, 'm'))]).toEqual(
        [200, 401],
      );
    });
  });
});
