// Sections 4.1, 4.3, 4.4, 4.5 and 8.4: who is authorized, the form of refusals, and the SDK's errors for them.
import { createHash } from 'node:crypto';
import iothub from 'azure-iothub';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../../src/emulator/faults/fault.ts';
import type { ServiceCode } from '../../../src/emulator/hub/service-error.ts';
import type { TokenParts } from '../../emulator/rest/hub-fixture.ts';
import { refusal, statusOf } from './refusal.ts';
import { type Answer, describeFacts } from './target.ts';

const UNAUTHORIZED = { status: 401, code: 'IotHubUnauthorizedAccess' };
const TRACKING_ID = /^Tracking ID:[0-9A-Fa-f]{32}-G\d*:\d*-TimeStamp:\d/;

describeFacts('authentication and errors', ({ target, isReal }) => {
  let deviceId: string;
  let keys: { readonly device: string; readonly module: string };

  beforeAll(async () => {
    deviceId = target().id('e');
    const registry = target().registry();
    const device = (await registry.create({ deviceId })).responseBody;
    const module = (await registry.addModule({ deviceId, moduleId: 'm' })).responseBody;
    keys = { device: keyOf(device), module: keyOf(module) };
  }, 60_000);

  const keyOf = (identity: unknown): string =>
    (identity as { authentication: { symmetricKey: { primaryKey: string } } }).authentication.symmetricKey.primaryKey;
  const get = (path: string, authorization: string): Promise<Answer> =>
    target().send({ path, headers: { authorization } });
  const nowSeconds = (): number => Math.floor(target().now() / 1_000);
  const host = (): string => target().hostName;

  describe('4.1 SAS', () => {
    /** The given fields in another order. */
    const reordered = (token: string): string => {
      const [scheme = '', fields = ''] = token.split(' ');
      return `${scheme} ${fields.split('&').toReversed().join('&')}`;
    };

    test.each<[row: string, token: () => string]>([
      ['as the SDK signs: the bare host', () => target().token()],
      ['its fields in another order', () => reordered(target().token())],
      ['the resource encoded, and signed so', () => target().token({ sr: encodeURIComponent(`${host()}/devices`) })],
      ['of a prefix of the path', () => target().token({ sr: `${host()}/devices/${deviceId}` })],
      ['of the host in capitals', () => target().token({ sr: host().toUpperCase() })],
    ])('a token %s is taken', async (_row, token) => {
      expect((await get(`/devices/${deviceId}`, token())).status).toBe(200);
    });

    test.each<[row: string, parts: () => Partial<TokenParts>]>([
      ['that has ended', () => ({ se: nowSeconds() - 3_600 })],
      ['of another key', () => ({ key: createHash('sha256').update('another').digest('base64') })],
      ['of an unknown policy', () => ({ skn: 'nobody' })],
      ['of another host', () => ({ sr: 'other.azure-devices.net' })],
      ['of another path', () => ({ sr: `${host()}/devices/other` })],
      ['of half a segment', () => ({ sr: `${host()}/dev` })],
      ['whose end is no number', () => ({ se: 'soon' })],
    ])('a token %s is 401', async (_row, parts) => {
      expect(await get(`/devices/${deviceId}`, target().token(parts()))).toMatchObject(UNAUTHORIZED);
    });

    test.each<[row: string, header: () => string]>([
      ['no token', () => ''],
      ['another scheme', () => `Basic ${target().token().split(' ')[1] ?? ''}`],
      [
        'a token without a signature',
        () =>
          target()
            .token()
            .replace(/sig=[^&]*/, 'sig='),
      ],
      [
        'a token signed for another spelling of its resource',
        () => target().token().replace(`sr=${host()}`, `sr=${host()}%2Fdevices`),
      ],
    ])('%s is 401', async (_row, header) => {
      expect(await get(`/devices/${deviceId}`, header())).toMatchObject(UNAUTHORIZED);
    });

    test('a fixed token of the SDK is of the host it names', async () => {
      const fixed = iothub.Registry.fromSharedAccessSignature(target().token());
      const registry = isReal ? fixed : target().embedded().led(fixed);
      expect((await registry.get(deviceId)).responseBody.deviceId).toBe(deviceId);
    });

    test.each<[row: string, identity: string, path: string]>([
      ['a device', '', ''],
      ['a module', '/modules/m', '/modules/m'],
    ])('the key of %s does not open the service', async (_row, identity, path) => {
      const key = identity === '' ? keys.device : keys.module;
      const sr = encodeURIComponent(`${host()}/devices/${deviceId}${identity}`);
      const token = target().token({ key, sr, skn: undefined });
      expect(await get(`/twins/${deviceId}${path}`, token)).toMatchObject(UNAUTHORIZED);
    });

    // For a real hub only the owner's connection string is known.
    describe.skipIf(isReal)('by policy, on the embedded hub alone', () => {
      const calls: [action: string, call: (registry: iothub.Registry) => Parameters<typeof statusOf>[0]][] = [
        ['read identities', (registry) => registry.get(deviceId)],
        ['write identities', (registry) => registry.create({ deviceId })],
        ['read twins', (registry) => registry.getTwin(deviceId)],
        ['write twins', (registry) => registry.updateTwin(deviceId, { tags: {} }, '*')],
        ['read configurations', (registry) => registry.getConfigurations()],
      ];
      const all = calls.map(([action]) => action);
      test.each<[policy: string, may: string[]]>([
        ['iothubowner', all],
        ['service', ['read twins', 'write twins', 'read configurations']],
        ['device', []],
        ['registryRead', ['read identities']],
        ['registryReadWrite', ['read identities', 'write identities']],
      ])('%s', async (policy, may) => {
        const { connectionString, led } = target().embedded();
        const registry = led(iothub.Registry.fromConnectionString(connectionString(policy)));
        const allowed: string[] = [];
        for (const [action, call] of calls) if ((await statusOf(call(registry))) !== 401) allowed.push(action);
        expect(allowed).toEqual(may);
      });
    });
  });

  describe('4.4 bodies', () => {
    const refused: [
      row: string,
      path: string,
      code: string,
      text: string,
      headers?: Readonly<Record<string, string>>,
    ][] = [
      ['a missing twin', '/twins/{none}', 'DeviceNotFound', '{none}'],
      ['a missing device', '/devices/{none}', 'DeviceNotFound', '{none}'],
      ['no right', '/twins/{id}', 'IotHubUnauthorizedAccess', 'Unauthorized', { authorization: 'none' }],
      ['a body that is none', 'PUT /twins/{id}', 'ArgumentInvalid', 'BadRequest'],
      [
        'an id that exists',
        'PUT /devices/{id}',
        'DeviceAlreadyExists',
        "A device with ID '{id}' is already registered.",
      ],
      ['no etag', 'DELETE /devices/{id}', 'PreconditionFailed', 'Etag missing'],
    ];
    test.each(refused)('envelope 1, of %s', async (_row, call, code, text, headers = {}) => {
      const filled = (template: string): string =>
        template.replace('{id}', deviceId).replace('{none}', target().id('none'));
      const [path = '', method = 'GET'] = filled(call).split(' ').toReversed();
      const body = method === 'PUT' ? (path.startsWith('/twins') ? [] : { deviceId }) : undefined;
      const answer = await target().send({ method, path, headers, ...(body === undefined ? {} : { body }) });
      expect(answer.code).toBe(code);
      expect(answer.body).toEqual({
        Message: expect.stringContaining(`ErrorCode:${code};${filled(text)}`) as string,
        ExceptionMessage: expect.stringMatching(TRACKING_ID) as string,
      });
    });

    test.each<[row: string, header: string, text: RegExp]>([
      [
        'stale',
        Buffer.from('1').toString('base64'),
        /ETag may be invalid|Device version did not match, existingVersion:\d+ newVersion:1/,
      ],
      ['none of its kind', 'AAAAAAAAAAE=', /ETag may be invalid|did not match/],
    ])('412 of an etag that is %s', async (_row, header, text) => {
      const { status, body } = await target().send({
        method: 'DELETE',
        path: `/devices/${deviceId}`,
        headers: { 'if-match': `"${header}"` },
      });
      expect(status).toBe(412);
      expect((body as { Message: string }).Message).toMatch(text);
    });

    test('envelope 2, of module identities', async () => {
      const { body, code } = await target().send({ path: `/devices/${deviceId}/modules/none` });
      expect(code).toBe('ModuleNotFound');
      expect(body).toMatchObject({
        errorCode: 404010,
        message: expect.any(String) as string,
        trackingId: expect.any(String) as string,
        timestampUtc: expect.any(String) as string,
      });
    });
  });

  describe('8.4 error classes, 4.3 status codes', () => {
    test.each<[name: string, message: RegExp, status: number, call: (registry: iothub.Registry) => Promise<unknown>]>([
      ['ArgumentError', /^BadRequest$/, 400, (registry) => registry.createQuery('none').next()],
      ['UnauthorizedError', /./, 401, (registry) => registry.getModule(target().id('none'), 'm')],
      [
        'TooManyDevicesError',
        /^'Tags' size should be less than 8192 bytes\.$/,
        403,
        (registry) => registry.updateTwin(deviceId, { tags: { a: LONG, b: LONG, c: LONG } }, '*'),
      ],
      ['DeviceNotFoundError', /none$/, 404, (registry) => registry.getTwin(target().id('none'))],
      ['Error', /^Not found$/, 404, (registry) => registry.getModule(deviceId, 'none')],
      ['DeviceAlreadyExistsError', /already registered/, 409, (registry) => registry.create({ deviceId })],
      ['DeviceAlreadyExistsError', /./, 409, (registry) => registry.addModule({ deviceId, moduleId: 'm' })],
      ['InvalidEtagError', /./, 412, (registry) => registry.updateTwin(deviceId, { tags: {} }, 'AAAAAAAAAGM=')],
    ])('%s %s of %i', async (name, message, status, call) => {
      const refused = await refusal(call(target().registry()));
      expect(refused).toMatchObject({ name, status, message: expect.stringMatching(message) as string });
      expect(refused.code).toEqual(expect.any(String));
      expect(JSON.parse(refused.text)).toBeInstanceOf(Object);
    });

    test('2xx without a body: 204 is fine for what removes', async () => {
      await target().registry().addModule({ deviceId, moduleId: 'gone' });
      const { responseBody, httpResponse } = await target().registry().removeModule(deviceId, 'gone');
      expect([httpResponse.statusCode, responseBody]).toEqual([204, '']);
    });

    // A real hub can't be made to fail on demand.
    describe.skipIf(isReal)('on order, on the embedded hub alone', () => {
      afterEach(() => target().embedded().front.faults.clear());

      const order = (fault: Fault): void =>
        target()
          .embedded()
          .front.faults.set([{ count: 1, fault }]);

      test.each<[code: ServiceCode, name: string, status: number]>([
        ['IotHubNotFound', 'UnauthorizedError', 401],
        ['DeviceDisabled', 'TooManyDevicesError', 403],
        ['IotHubQuotaExceeded', 'TooManyDevicesError', 403],
        ['OperationNotAllowedInCurrentState', 'Error', 405],
        ['MessageTooLarge', 'Error', 413],
        ['ThrottlingException', 'ThrottlingError', 429],
        ['ServerError', 'InternalServerError', 500],
        ['ServiceUnavailable', 'ServiceUnavailableError', 503],
        ['GatewayTimeout', 'GatewayTimeoutError', 504],
      ])('%s is %s of %i', async (code, name, status) => {
        order({ kind: 'refusal', code });
        expect(await refusal(target().registry().getTwin(deviceId))).toMatchObject({ name, status, code });
      });

      test('4.5 a throttled call has no Retry-After, and its connection is closed', async () => {
        const { front } = target().embedded();
        front.setThrottle({ tier: 'S1', units: 1, burstSeconds: 0, backlogSeconds: 0 });
        const call = (): Promise<Answer> => target().send({ path: '/configurations' });
        const answers = [await call(), await call()];
        front.setThrottle(undefined);
        const throttled = answers.at(-1);
        expect(throttled).toMatchObject({
          status: 429,
          code: 'ThrottlingBacklogTimeout',
          body: {
            Message:
              'ErrorCode:ThrottlingBacklogTimeout;The request has been throttled. Wait 10 seconds and try again. Operation type: ConfigurationRead',
          },
        });
        expect(throttled?.headers).toMatchObject({ connection: 'close' });
        expect(throttled?.headers).not.toHaveProperty('retry-after');
      });

      test('8.2 a connection that is cut is an error without an answer, and the SDK does not try again', async () => {
        const before = (await target().registry().getTwin(deviceId)).responseBody.etag;
        order({ kind: 'reset', when: 'after' });
        const lost = await refusal(
          target()
            .registry()
            .updateTwin(deviceId, { tags: { a: 1 } }, '*'),
        );
        expect(lost).toMatchObject({ name: 'Error', message: 'socket hang up', status: undefined });
        expect((await target().registry().getTwin(deviceId)).responseBody).toMatchObject({
          etag: expect.not.stringMatching(before) as string,
          tags: { a: 1 },
        });
      });
    });
  });
});

const LONG = 'x'.repeat(4_000);
