// Sections 1.1, 1.2 and 1.7, and of 1.11 the row on identities: device identities, what is common to all calls, statistics.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { refusal, statusOf } from './refusal.ts';
import { type Answer, describeFacts } from './target.ts';

const LIST_MAX = 1_000;
const BULK_MAX = 100;
const SHA1 = 'aB'.repeat(20);
const NEVER = /^0001-01-01T00:00:00Z?$/;
const BASE64_OF_DECIMAL = /^[A-Za-z0-9+/]+={0,2}$/;

describeFacts('device identities', ({ target, isReal }) => {
  let count = 0;
  const newId = (): string => target().id(`d${(count += 1)}`);
  const pathOf = (deviceId: string): string => `/devices/${encodeURIComponent(deviceId)}`;

  function put(
    deviceId: string,
    more: JsonObject = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return target().send({ method: 'PUT', path: pathOf(deviceId), body: { deviceId, ...more }, headers });
  }

  async function created(more: JsonObject = {}): Promise<Wire> {
    const answer = await put(newId(), more);
    expect(answer.status).toBe(200);
    return answer.body as Wire;
  }

  const read = async (deviceId: string): Promise<Wire> =>
    (await target().send({ path: pathOf(deviceId) })).body as Wire;
  const remove = (deviceId: string, headers: Readonly<Record<string, string>>): Promise<Answer> =>
    target().send({ method: 'DELETE', path: pathOf(deviceId), headers });

  describe('1.1', () => {
    test.each(['2018-06-30', '2020-05-31-preview', '2020-09-30', '2021-04-12', '2024-03-31'])(
      'api-version %s is taken',
      async (version) => {
        expect(await target().send({ path: `/devices?top=1&api-version=${version}` })).toMatchObject({ status: 200 });
      },
    );

    // The body of the cloud is not known.
    test.skipIf(isReal).each(['', '2016-02-03'])(
      'api-version "%s" is 400, on the embedded hub alone',
      async (version) => {
        expect(await target().send({ path: `/devices?api-version=${version}` })).toMatchObject({
          status: 400,
          code: 'InvalidProtocolVersion',
        });
      },
    );

    test('answers carry JSON, a request id, a date and the name of a front end; refusals their code as well', async () => {
      const { deviceId } = await created();
      const common = {
        'content-type': expect.stringMatching(/application\/json/) as string,
        'x-ms-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        date: expect.any(String) as string,
      };
      const [good, bad] = [
        await target().send({ path: pathOf(deviceId) }),
        await target().send({ path: pathOf(newId()) }),
      ];
      expect(good.headers).toMatchObject({ ...common, server: 'Microsoft-HTTPAPI/2.0', vary: 'Origin' });
      expect(bad.headers).toMatchObject({ ...common, 'iothub-errorcode': 'DeviceNotFound' });
      expect(good.code).toBeUndefined();
    });
  });

  describe('1.2 PUT, create', () => {
    test('no If-Match is create-only: 200, and 409 where the device exists, even with its etag in the body', async () => {
      const { deviceId, etag } = await created();
      expect(await put(deviceId, { etag })).toMatchObject({ status: 409, code: 'DeviceAlreadyExists' });
    });

    test('the SDK sends none, and the keys it leaves empty are generated', async () => {
      const deviceId = newId();
      const { responseBody, httpResponse } = await target().registry().create({ deviceId });
      expect(httpResponse.statusCode).toBe(200);
      const { primaryKey, secondaryKey } = responseBody.authentication?.symmetricKey ?? {};
      for (const key of [primaryKey, secondaryKey]) {
        expect(Buffer.from(key ?? '', 'base64').length).toBeGreaterThanOrEqual(16);
      }
      expect(primaryKey).not.toBe(secondaryKey);
      expect(await refusal(target().registry().create({ deviceId }))).toMatchObject({
        name: 'DeviceAlreadyExistsError',
      });
    });

    test.each<[row: string, authentication: JsonObject, want: JsonObject]>([
      ['without thumbprints is sas', { symmetricKey: { primaryKey: '', secondaryKey: '' } }, { type: 'sas' }],
      [
        'with one is selfSigned, its case kept',
        { x509Thumbprint: { primaryThumbprint: SHA1 } },
        { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: SHA1 } },
      ],
    ])('an authentication of no type %s', async (_row, authentication, want) => {
      const deviceId = newId();
      const { responseBody } = await target().registry().create({ deviceId, authentication });
      expect(responseBody.authentication).toMatchObject(want);
    });

    const key = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64');
    const keys = (primaryKey: string, secondaryKey: string): JsonObject => ({
      type: 'sas',
      symmetricKey: { primaryKey, secondaryKey },
    });
    const thumbprint = (primaryThumbprint: string): JsonObject => ({
      type: 'selfSigned',
      x509Thumbprint: { primaryThumbprint },
    });
    test.each<[row: string, authentication: JsonObject, status: number]>([
      ['keys of 16 and 64 bytes', keys(key(16), key(64)), 200],
      ['a key of 15 bytes', keys(key(15), key(32)), 400],
      ['a key of 65 bytes', keys(key(65), key(32)), 400],
      ['one key without the other', keys(key(32), ''), 400],
      ['a key that is not base64', keys('no key', key(32)), 400],
      ['a thumbprint', thumbprint(SHA1), 200],
      ['a thumbprint with separators', thumbprint('AB:'.repeat(19) + 'AB'), 400],
      ['a certificate authority', { type: 'certificateAuthority' }, 200],
      ['the type none', { type: 'none' }, 400],
      ['an unknown type', { type: 'password' }, 400],
    ])('authentication by %s', async (_row, authentication, status) => {
      expect((await put(newId(), { authentication })).status).toBe(status);
    });

    test.each<[row: string, idOf: () => string, status: number]>([
      ['of every legal character', () => `${newId()}Az09-:.+%_#*?!(),=@;$'`, 200],
      ['of 128 characters', () => newId().padEnd(128, 'x'), 200],
      ['of 129', () => newId().padEnd(129, 'x'), 400],
      ['with a space', () => `${newId()} x`, 400],
      ['with a slash', () => `${newId()}/x`, 400],
      ['beyond ASCII', () => `${newId()}é`, 400],
    ])('an id %s', async (_row, idOf, status) => {
      const deviceId = idOf();
      const answer = await put(deviceId);
      expect(answer.status).toBe(status);
      // Not an id that is cleaned up at the end.
      await remove(deviceId, { 'if-match': '*' });
    });

    test('ids differ by case', async () => {
      const [lower, upper] = [newId(), newId().replace(/d(\d+)$/, 'D$1')];
      await put(lower);
      expect((await put(upper)).status).toBe(200);
      expect((await target().send({ path: pathOf(upper.replace(/D(\d+)$/, 'd$1')) })).status).toBe(404);
      await remove(upper, { 'if-match': '*' });
    });

    test('the JSON of an identity: its fields, and times that never were', async () => {
      const { deviceId } = await created();
      expect(await read(deviceId)).toEqual({
        deviceId,
        generationId: expect.stringMatching(/^\d{15,20}$/) as string,
        etag: expect.stringMatching(BASE64_OF_DECIMAL) as string,
        connectionState: 'Disconnected',
        status: 'enabled',
        statusReason: null,
        connectionStateUpdatedTime: expect.stringMatching(NEVER) as string,
        statusUpdatedTime: expect.stringMatching(NEVER) as string,
        lastActivityTime: expect.stringMatching(NEVER) as string,
        cloudToDeviceMessageCount: 0,
        authentication: {
          symmetricKey: { primaryKey: expect.any(String) as string, secondaryKey: expect.any(String) as string },
          x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
          type: 'sas',
        },
        capabilities: { iotEdge: false },
      });
    });

    test('an edge device has a scope of its own, and two modules of the hub', async () => {
      const deviceId = newId();
      await target()
        .registry()
        .create({ deviceId, capabilities: { iotEdge: true } });
      const { capabilities, deviceScope } = await read(deviceId);
      expect(capabilities).toEqual({ iotEdge: true });
      expect(deviceScope).toMatch(new RegExp(`^ms-azure-iot-edge://${deviceId}-\\d+$`));
      const { responseBody } = await target().registry().getModulesOnDevice(deviceId);
      expect(responseBody.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId))).toMatchObject(
        ['$edgeAgent', '$edgeHub'].map((moduleId) => ({
          moduleId,
          managedBy: 'iotEdge',
          authentication: { type: 'none' },
        })),
      );
    });
  });

  describe('1.2 PUT, update', () => {
    test.each<[form: string, header: (etag: string) => string]>([
      ['"*"', () => '"*"'],
      ['*', () => '*'],
      ['the etag, quoted', (etag) => `"${etag}"`],
      ['the etag, bare', (etag) => etag],
    ])('If-Match of %s is taken', async (_form, header) => {
      const { deviceId, etag } = await created();
      const answer = await put(deviceId, { status: 'disabled' }, { 'if-match': header(etag) });
      expect(answer).toMatchObject({ status: 200, body: { status: 'disabled' } });
    });

    test('a missing device is 404, a stale etag 412', async () => {
      expect(await put(newId(), {}, { 'if-match': '"*"' })).toMatchObject({ status: 404, code: 'DeviceNotFound' });
      const { deviceId, etag } = await created();
      await put(deviceId, {}, { 'if-match': `"${etag}"` });
      expect(await put(deviceId, {}, { 'if-match': `"${etag}"` })).toMatchObject({
        status: 412,
        code: 'PreconditionFailed',
      });
    });

    test('replaces the whole: what is left out is gone, and without authentication the keys are new', async () => {
      const before = await created({ status: 'disabled', statusReason: 'because' });
      const { body } = await put(before.deviceId, {}, { 'if-match': '*' });
      const after = body as Wire;
      expect(after).toMatchObject({ status: 'enabled', statusReason: null, generationId: before.generationId });
      expect(after.authentication.symmetricKey.primaryKey).not.toBe(before.authentication.symmetricKey.primaryKey);
      const kept = await put(after.deviceId, { authentication: after.authentication as never }, { 'if-match': '*' });
      expect((kept.body as Wire).authentication).toEqual(after.authentication);
    });

    test('the SDK forces: the last writer wins, whatever etag it holds', async () => {
      const { deviceId, etag } = await created();
      for (const statusReason of ['first', 'second']) {
        await target().registry().update({ deviceId, etag, status: 'disabled', statusReason });
        expect((await target().registry().get(deviceId)).responseBody).toMatchObject({ statusReason });
      }
    });
  });

  describe('1.2 GET', () => {
    test('200, 404, and 200 again where If-None-Match has its etag: unsupported', async () => {
      const { deviceId, etag } = await created();
      expect((await target().registry().get(deviceId)).responseBody).toMatchObject({ deviceId, etag });
      expect(await refusal(target().registry().get(newId()))).toMatchObject({
        name: 'DeviceNotFoundError',
        status: 404,
      });
      const headers = { 'if-none-match': `"${etag}"` };
      expect(await target().send({ path: pathOf(deviceId), headers })).toMatchObject({
        status: 200,
        body: { deviceId },
      });
    });

    test('a list has as many as it is asked for; the SDK asks for /devices/', async () => {
      await created();
      await created();
      const list = async (query: string): Promise<Wire[]> =>
        (await target().send({ path: `/devices${query}` })).body as Wire[];
      expect(await list('?top=1')).toHaveLength(1);
      expect((await target().registry().list()).responseBody.length).toBeGreaterThan(1);
      for (const query of ['/', '', '?top=0', '?top=1001', '?top=-1']) {
        expect((await list(query)).length).toBeGreaterThan(1);
      }
    });

    test.skipIf(isReal)('a list never has more than 1000, on the embedded hub alone', async () => {
      const ids = Array.from({ length: LIST_MAX + 1 }, newId);
      for (let at = 0; at < ids.length; at += BULK_MAX) {
        await target()
          .registry()
          .addDevices(ids.slice(at, at + BULK_MAX).map((deviceId) => ({ deviceId })));
      }
      expect((await target().registry().list()).responseBody).toHaveLength(LIST_MAX);
      for (const top of [0, LIST_MAX, LIST_MAX + 1]) {
        expect((await target().send({ path: `/devices?top=${top}` })).body).toHaveLength(LIST_MAX);
      }
      for (let at = 0; at < ids.length; at += BULK_MAX) {
        const batch = ids.slice(at, at + BULK_MAX).map((deviceId) => ({ deviceId, etag: '*' }));
        await target().registry().removeDevices(batch, true);
      }
    });
  });

  describe('1.2 DELETE', () => {
    test('needs If-Match: 412 "Etag missing" without, 412 where stale, 204, and then 404 even with *', async () => {
      const { deviceId, etag } = await created();
      const missing = await remove(deviceId, {});
      expect(missing).toMatchObject({ status: 412, code: 'PreconditionFailed' });
      expect((missing.body as { Message: string }).Message).toContain('Etag missing');
      await put(deviceId, {}, { 'if-match': '*' });
      expect(await remove(deviceId, { 'if-match': `"${etag}"` })).toMatchObject({ status: 412 });
      expect(await remove(deviceId, { 'if-match': '*' })).toMatchObject({ status: 204, body: undefined });
      expect(await remove(deviceId, { 'if-match': '*' })).toMatchObject({ status: 404, code: 'DeviceNotFound' });
    });

    test('takes the twin and all modules with it; a new device of the name has another generation', async () => {
      const { deviceId, generationId } = await created();
      const registry = target().registry();
      await registry.addModule({ deviceId, moduleId: 'm' });
      await registry.updateTwin(deviceId, { tags: { a: 1 } }, '*');
      expect((await registry.delete(deviceId)).httpResponse.statusCode).toBe(204);
      expect(await statusOf(registry.getTwin(deviceId))).toBe(404);
      expect(await statusOf(registry.getModuleTwin(deviceId, 'm'))).toBe(404);
      await registry.create({ deviceId });
      expect((await registry.getModulesOnDevice(deviceId)).responseBody).toEqual([]);
      expect((await registry.getTwin(deviceId)).responseBody.tags).toEqual({});
      expect((await read(deviceId)).generationId).not.toBe(generationId);
    });
  });

  describe('1.2 and 1.11, the etag of an identity', () => {
    test('is the base64 of a decimal counter, unquoted, and moves on writes of the identity alone', async () => {
      const before = await created();
      expect(Buffer.from(before.etag, 'base64').toString()).toMatch(/^\d+$/);
      await target()
        .registry()
        .updateTwin(before.deviceId, { tags: { a: 1 } }, '*');
      await target().registry().addModule({ deviceId: before.deviceId, moduleId: 'm' });
      expect((await read(before.deviceId)).etag).toBe(before.etag);
      const etags = [before.etag];
      for (const statusReason of ['a', 'b']) {
        etags.push(((await put(before.deviceId, { statusReason }, { 'if-match': '*' })).body as Wire).etag);
      }
      expect(new Set(etags).size).toBe(3);
    });
  });

  describe('1.7', () => {
    test('statistics are three numbers of devices, and one of connections', async () => {
      await created();
      const { responseBody } = await target().registry().getRegistryStatistics();
      expect(responseBody).toEqual({
        totalDeviceCount: expect.any(Number) as number,
        enabledDeviceCount: expect.any(Number) as number,
        disabledDeviceCount: expect.any(Number) as number,
      });
      expect(await target().send({ path: '/statistics/service' })).toMatchObject({
        status: 200,
        body: { connectedDeviceCount: expect.any(Number) as number },
      });
    });

    // A real hub's lag.
    test.skipIf(isReal)('statistics count, on the embedded hub alone', async () => {
      const read = async () => (await target().registry().getRegistryStatistics()).responseBody;
      const before = await read();
      await created();
      await created({ status: 'disabled' });
      expect(await read()).toEqual({
        totalDeviceCount: before.totalDeviceCount + 2,
        enabledDeviceCount: before.enabledDeviceCount + 1,
        disabledDeviceCount: before.disabledDeviceCount + 1,
      });
    });
  });
});

interface Wire {
  readonly deviceId: string;
  readonly etag: string;
  readonly generationId: string;
  readonly capabilities: { readonly iotEdge: boolean };
  readonly deviceScope?: string;
  readonly authentication: { readonly symmetricKey: { readonly primaryKey: string } };
}
