// The REST API: paths, headers, envelopes, bodies.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { BODY_BYTES_MAX } from '../../../src/emulator/rest/requests.ts';
import { createFixture, HOST, sasToken } from './hub-fixture.ts';

async function object(response: Response): Promise<JsonObject> {
  return (await response.json()) as JsonObject;
}

describe('headers', () => {
  test('an answer carries what a real hub sends', async () => {
    const response = await createFixture().send({ path: '/twins/d' });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      vary: 'Origin',
      server: 'Microsoft-HTTPAPI/2.0',
      'x-ms-request-id': expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
    });
    expect(response.headers.has('iothub-errorcode')).toBe(false);
  });

  test('no two answers share a request id', async () => {
    const { send } = createFixture();
    const ids = [
      await send({ path: '/twins/d' }),
      await send({ path: '/twins/none' }),
      await send({ path: '/nowhere' }),
    ];
    expect(new Set(ids.map((response) => response.headers.get('x-ms-request-id'))).size).toBe(3);
  });
});

describe('api-version', () => {
  const rows = [
    ['2018-06-30', 200],
    ['2020-05-31-preview', 200],
    ['2020-09-30', 200],
    ['2021-04-12', 200],
    ['2024-03-31', 200],
    ['2019-01-01', 400],
    ['', 400],
    [undefined, 400],
  ] as const;

  test.each(rows)('%s', async (version, want) => {
    const { app, policies } = createFixture();
    const authorization = sasToken({ key: policies[0]?.primaryKey ?? '', skn: 'iothubowner' });
    const query = version === undefined ? '' : `?api-version=${version}`;
    const response = await app.request(`https://${HOST}/twins/d${query}`, { headers: { authorization } });
    expect(response.status).toBe(want);
    expect(response.headers.get('iothub-errorcode')).toBe(want === 200 ? null : 'InvalidProtocolVersion');
  });
});

describe('devices', () => {
  test('are created without If-Match and updated with it', async () => {
    const { send } = createFixture();
    const created = await send({ method: 'PUT', path: '/devices/new', body: { deviceId: 'new' } });
    expect(created.status).toBe(200);
    const { etag } = await object(created);
    const again = await send({ method: 'PUT', path: '/devices/new', body: { deviceId: 'new' } });
    expect([again.status, again.headers.get('iothub-errorcode')]).toEqual([409, 'DeviceAlreadyExists']);
    const headers = { 'if-match': `"${String(etag)}"` };
    const body = { deviceId: 'new', status: 'disabled' };
    const updated = await send({ method: 'PUT', path: '/devices/new', body, headers });
    expect(await object(updated)).toMatchObject({ status: 'disabled' });
  });

  test('are deleted with If-Match only, with 204 and no body', async () => {
    const { send } = createFixture();
    expect((await send({ method: 'DELETE', path: '/devices/d' })).status).toBe(412);
    const deleted = await send({ method: 'DELETE', path: '/devices/d', headers: { 'if-match': '*' } });
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    expect((await send({ path: '/devices/d' })).status).toBe(404);
  });

  test('are listed at the path with a slash, at most `top`', async () => {
    const { send, hub } = createFixture();
    hub.createDevice('e', { deviceId: 'e' });
    const all = (await (await send({ path: '/devices/' })).json()) as JsonObject[];
    expect(all.map(({ deviceId }) => deviceId)).toEqual(['d', 'e']);
    expect(await (await send({ path: '/devices?top=1' })).json()).toHaveLength(1);
    expect(await (await send({ path: '/devices?top=0' })).json()).toHaveLength(2);
    expect(await (await send({ path: '/devices?top=-1' })).json()).toHaveLength(2);
    expect((await send({ path: '/devices?top=many' })).status).toBe(400);
  });

  const ids = ['a%b', 'a%41', 'a#b', 'a?b', 'a+b', "a'b", 'a:b', 'a@b=$;,(!)*_.-', '__proto__', 'constructor'];

  test.each(ids)('may be called %s', async (id) => {
    const { send } = createFixture();
    const path = encodeURIComponent(id);
    const created = await send({ method: 'PUT', path: `/devices/${path}`, body: { deviceId: id } });
    expect(await object(created)).toMatchObject({ deviceId: id });
    const module = await send({ method: 'PUT', path: `/devices/${path}/modules/${path}`, body: {} });
    expect(await object(module)).toMatchObject({ deviceId: id, moduleId: id });
    const twin = await send({ path: `/twins/${path}/modules/${path}` });
    expect(await object(twin)).toMatchObject({ deviceId: id, moduleId: id });
  });
});

describe('bulk', () => {
  test('answers 200 where all went well and 400 with the same shape where not', async () => {
    const { send } = createFixture();
    const entry = { id: 'b', importMode: 'Create' };
    const first = await send({ method: 'POST', path: '/devices', body: [entry] });
    expect([first.status, await first.json()]).toEqual([200, { isSuccessful: true, errors: [], warnings: [] }]);
    const second = await send({ method: 'POST', path: '/devices', body: [entry] });
    expect(second.status).toBe(400);
    expect(await object(second)).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'b', errorCode: 'DeviceAlreadyExists' }],
    });
  });

  test('refuses two modules of one device', async () => {
    const { send } = createFixture();
    const body = ['m', 'n'].map((moduleId) => ({ id: 'd', moduleId, importMode: 'updateTwin', tags: { a: 1 } }));
    const response = await send({ method: 'POST', path: '/devices', body });
    expect([response.status, response.headers.get('iothub-errorcode')]).toEqual([400, 'DeviceDefinedMultipleTimes']);
  });
});

describe('module identities', () => {
  test('a second one is refused in envelope 2', async () => {
    const response = await createFixture().send({ method: 'PUT', path: '/devices/d/modules/m', body: {} });
    expect([response.status, response.headers.get('iothub-errorcode')]).toEqual([409, 'ModuleAlreadyExistsOnDevice']);
    expect(await object(response)).toEqual({
      errorCode: 409301,
      message: 'Device d in IotHub acme-test already contains Module m.',
      trackingId: expect.stringMatching(/^[0-9A-F]{32}-G2:-TimeStamp:2026-11-23T17:40:00/) as string,
      timestampUtc: '2026-11-23T17:40:00.000Z',
    });
  });

  test('are listed and deleted', async () => {
    const { send } = createFixture();
    expect(await (await send({ path: '/devices/d/modules' })).json()).toMatchObject([{ moduleId: 'm' }]);
    const headers = { 'if-match': '"*"' };
    expect((await send({ method: 'DELETE', path: '/devices/d/modules/m', headers })).status).toBe(204);
    expect(await (await send({ path: '/devices/d/modules' })).json()).toEqual([]);
  });
});

describe('twins', () => {
  const MODULE = '/twins/d/modules/m';

  test('a patch answers the whole new twin', async () => {
    const { send } = createFixture();
    const body = { tags: { site: 'lyon' }, properties: { desired: { a: { b: 1 } } } };
    const twin = await object(await send({ method: 'PATCH', path: MODULE, body }));
    expect(twin).toMatchObject({ deviceId: 'd', moduleId: 'm', etag: 'AAAAAAAAAAI=', tags: { site: 'lyon' } });
    expect(await object(await send({ path: MODULE }))).toEqual(twin);
  });

  test('PUT replaces and refuses null', async () => {
    const { send } = createFixture();
    await send({ method: 'PATCH', path: MODULE, body: { tags: { a: 1, b: 2 } } });
    const refused = await send({ method: 'PUT', path: MODULE, body: { tags: { a: null } } });
    expect(refused.status).toBe(400);
    expect((await object(refused))['Message']).toBe(
      'ErrorCode:ArgumentInvalid;Value of Property or Tag cannot be null. Error in Property/Tag a',
    );
    expect(await object(await send({ method: 'PUT', path: MODULE, body: { tags: { b: 3 } } }))).toMatchObject({
      tags: { b: 3 },
    });
  });

  test.each([
    ['"AAAAAAAAAAE="', 200],
    ['W/"AAAAAAAAAAE="', 200],
    ['AAAAAAAAAAE=', 200],
    ['*', 200],
    ['"*"', 200],
    ['"AAAAAAAAAAI="', 412],
    ['"nonsense"', 412],
  ])('If-Match %s gives %d', async (ifMatch, want) => {
    const { send } = createFixture();
    const response = await send({
      method: 'PATCH',
      path: MODULE,
      body: { tags: { a: 1 } },
      headers: { 'if-match': ifMatch },
    });
    expect(response.status).toBe(want);
  });

  test('a missing module is DeviceNotFound in envelope 1', async () => {
    const response = await createFixture().send({ path: '/twins/d/modules/none' });
    expect([response.status, response.headers.get('iothub-errorcode')]).toEqual([404, 'DeviceNotFound']);
    expect(await object(response)).toEqual({
      Message: 'ErrorCode:DeviceNotFound;d',
      ExceptionMessage: expect.stringMatching(/^Tracking ID:[0-9A-F]{32}-G2:-TimeStamp:2026-11-23T17:40:00/) as string,
    });
  });

  test('a section that is too large is 403, with the number in no place but the name', async () => {
    const { send } = createFixture();
    const texts = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, 'x'.repeat(4000)]));
    const response = await send({ method: 'PATCH', path: MODULE, body: { properties: { desired: texts } } });
    expect([response.status, response.headers.get('iothub-errorcode')]).toEqual([
      403,
      'DeviceModelMaxPropertiesExceeded',
    ]);
  });

  test('hostile keys are keys like others', async () => {
    const { send } = createFixture();
    const body = '{"tags":{"__proto__":{"polluted":true},"constructor":1}}';
    const text = await (await send({ method: 'PATCH', path: MODULE, body })).text();
    expect(text).toContain('"tags":{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('bodies', () => {
  const rows: readonly (readonly [what: string, body: string, want: number])[] = [
    ['JSON that is none', '{"tags":', 400],
    ['nothing', '', 400],
    ['an array', '[]', 400],
    ['null', 'null', 400],
    ['tags that are no object', '{"tags":1}', 400],
    ['more than the limit', `{"x":"${'x'.repeat(BODY_BYTES_MAX)}"}`, 413],
    ['the limit itself', JSON.stringify({ x: 'x'.repeat(BODY_BYTES_MAX - 8) }), 200],
    ['deep nesting below an ignored field', `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 200],
    ['deep nesting', `{"tags":{"x":${'{"x":'.repeat(20_000)}1${'}'.repeat(20_000)}}}`, 400],
  ];

  test.each(rows)('%s', async (_what, body, want) => {
    const { send } = createFixture();
    expect((await send({ method: 'PATCH', path: '/twins/d', body })).status).toBe(want);
    const announced = { 'content-length': String(Buffer.byteLength(body)) };
    expect((await send({ method: 'PATCH', path: '/twins/d', body, headers: announced })).status).toBe(want);
  });

  test('bytes that are no UTF-8 are refused', async () => {
    const { app, policies } = createFixture();
    const authorization = sasToken({ key: policies[0]?.primaryKey ?? '', skn: 'iothubowner' });
    const body = Buffer.concat([Buffer.from('{"tags":{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]);
    const url = `https://${HOST}/twins/d?api-version=2021-04-12`;
    const response = await app.request(url, { method: 'PATCH', headers: { authorization }, body });
    expect(response.status).toBe(400);
  });
});

describe('queries', () => {
  test('page until the continuation is gone', async () => {
    const { send, hub } = createFixture();
    for (const id of ['e', 'f']) hub.createDevice(id, { deviceId: id });
    const body = { query: 'SELECT * FROM devices' };
    const seen: unknown[] = [];
    let continuation: string | null = null;
    do {
      const token: Record<string, string> = continuation === null ? {} : { 'x-ms-continuation': continuation };
      const headers = { 'x-ms-max-item-count': '2', ...token };
      const response = await send({ method: 'POST', path: '/devices/query', body, headers });
      expect(response.headers.get('x-ms-item-type')).toBe('Twin');
      seen.push(...((await response.json()) as JsonObject[]).map(({ deviceId }) => deviceId));
      continuation = response.headers.get('x-ms-continuation');
    } while (continuation !== null);
    expect(seen).toEqual(['d', 'e', 'f']);
  });

  test('projections are Raw', async () => {
    const body = { query: 'SELECT deviceId FROM devices' };
    const response = await createFixture().send({ method: 'POST', path: '/devices/query', body });
    expect(response.headers.get('x-ms-item-type')).toBe('Raw');
    expect(await response.json()).toEqual([{ deviceId: 'd' }]);
  });

  const bad: readonly (readonly [what: string, body: unknown, headers: Record<string, string>])[] = [
    ['a query that is none', { query: 'DROP TABLE devices' }, {}],
    ['no query', {}, {}],
    ['a query that is no text', { query: 1 }, {}],
    ['null', null, {}],
    ['a bad page size', { query: 'SELECT * FROM devices' }, { 'x-ms-max-item-count': 'many' }],
    ['a bad continuation', { query: 'SELECT * FROM devices' }, { 'x-ms-continuation': 'nonsense' }],
  ];

  test.each(bad)('%s is the bare 400', async (_what, body, headers) => {
    const response = await createFixture().send({ method: 'POST', path: '/devices/query', body, headers });
    expect([response.status, (await object(response))['Message']]).toEqual([
      400,
      'ErrorCode:ArgumentInvalid;BadRequest',
    ]);
  });
});

test('statistics count devices', async () => {
  const { send, hub } = createFixture();
  hub.createDevice('off', { deviceId: 'off', status: 'disabled' });
  hub.connect({ deviceId: 'd' }, () => {});
  const counts = { totalDeviceCount: 2, enabledDeviceCount: 1, disabledDeviceCount: 1 };
  expect(await (await send({ path: '/statistics/devices' })).json()).toEqual(counts);
  expect(await (await send({ path: '/statistics/service' })).json()).toEqual({ connectedDeviceCount: 1 });
});

describe('what is not there', () => {
  const rows = [
    ['POST', '/jobs/create', 501],
    ['GET', '/jobs', 501],
    ['DELETE', '/jobs/1', 501],
    ['POST', '/twins/d/methods', 501],
    ['POST', '/twins/d/modules/m/methods', 501],
    ['GET', '/digitaltwins/d', 501],
    ['GET', '/nowhere', 404],
    ['POST', '/twins/d', 404],
    ['GET', '/', 404],
  ] as const;

  test.each(rows)('%s %s', async (method, path, want) => {
    const response = await createFixture().send({ method, path });
    expect(response.status).toBe(want);
    expect((await object(response))['Message']).toMatch(
      want === 501 ? /^ErrorCode:NotImplemented;/ : /^ErrorCode:NotFound;/,
    );
  });
});
