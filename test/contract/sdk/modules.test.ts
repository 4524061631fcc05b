// Section 1.5: module identities.
import type { IncomingMessage } from 'node:http';
import type { Module } from 'azure-iothub';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { refusal, statusOf } from './refusal.ts';
import { type Answer, describeFacts } from './target.ts';

const MODULES_MAX = 50;

describeFacts('module identities', ({ target, isReal }) => {
  let deviceId: string;
  let count = 0;

  beforeEach(async () => {
    deviceId = target().id(`m${(count += 1)}`);
    await target().registry().create({ deviceId });
  }, 60_000);

  const pathOf = (moduleId: string): string => `/devices/${deviceId}/modules/${encodeURIComponent(moduleId)}`;

  function put(moduleId: string, more: JsonObject = {}, ifMatch?: string): Promise<Answer> {
    return target().send({
      method: 'PUT',
      path: pathOf(moduleId),
      body: { deviceId, moduleId, ...more },
      headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
    });
  }

  const remove = (moduleId: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    target().send({ method: 'DELETE', path: pathOf(moduleId), headers });

  describe('1.5 calls', () => {
    test('PUT without If-Match creates; one that exists is 409, in the second envelope', async () => {
      expect((await put('m')).status).toBeOneOf([200, 201]);
      expect(await put('m')).toMatchObject({
        status: 409,
        code: 'ModuleAlreadyExistsOnDevice',
        body: {
          errorCode: 409301,
          message: expect.stringMatching(
            new RegExp(`^Device ${deviceId} in IotHub .+ already contains Module m\\.$`),
          ) as string,
          trackingId: expect.any(String) as string,
          timestampUtc: expect.any(String) as string,
        },
      });
    });

    test.each<[form: string, header: (etag: string) => string]>([
      ['"*"', () => '"*"'],
      ['*', () => '*'],
      ['the etag, quoted', (etag) => `"${etag}"`],
      ['the etag, bare', (etag) => etag],
    ])('an update with If-Match of %s', async (_form, header) => {
      const { etag } = (await put('m')).body as Wire;
      const { status, body } = await put('m', { managedBy: 'me' }, header(etag));
      expect([status, (body as Wire).managedBy]).toEqual([200, 'me']);
      expect((await put('m', {}, `"${etag}"`)).status).toBe(412);
    });

    test('a missing module is 404 to update, read and delete', async () => {
      expect((await put('none', {}, '*')).status).toBe(404);
      expect((await target().send({ path: pathOf('none') })).status).toBe(404);
      expect((await remove('none', { 'if-match': '*' })).status).toBe(404);
    });

    test('a deletion needs If-Match: 412 without, 204 with', async () => {
      await put('m');
      expect(await remove('m')).toMatchObject({ status: 412, code: 'PreconditionFailed' });
      expect(await remove('m', { 'if-match': '*' })).toMatchObject({ status: 204, body: undefined });
      expect(await statusOf(target().registry().getModuleTwin(deviceId, 'm'))).toBe(404);
    });

    test('PUT replaces the whole: managedBy is cleared, keys are minted', async () => {
      const before = (await put('m', { managedBy: 'me' })).body as Wire;
      const after = (await put('m', {}, '*')).body as Wire;
      expect([before.managedBy, after.managedBy ?? null]).toEqual(['me', null]);
      expect(after.authentication.symmetricKey.primaryKey).not.toBe(before.authentication.symmetricKey.primaryKey);
    });

    test('ids that begin with $ are 400', async () => {
      expect((await put('$mine')).status).toBe(400);
    });

    test('the type none becomes sas', async () => {
      expect((await put('m', { authentication: { type: 'none' } })).body).toMatchObject({
        authentication: { type: 'sas' },
      });
    });

    test('the JSON of a module: its fields, and no status', async () => {
      await put('m', { managedBy: 'me' });
      const { body } = await target().send({ path: pathOf('m') });
      expect(Object.keys(body as Wire).toSorted()).toEqual([
        'authentication',
        'cloudToDeviceMessageCount',
        'connectionState',
        'connectionStateUpdatedTime',
        'deviceId',
        'etag',
        'generationId',
        'lastActivityTime',
        'managedBy',
        'moduleId',
      ]);
      expect(body).toMatchObject({ deviceId, moduleId: 'm', managedBy: 'me', connectionState: 'Disconnected' });
      expect(Buffer.from((body as Wire).etag, 'base64').toString()).toMatch(/^\d+$/);
    });

    test('managedBy is not in the twin', async () => {
      await put('m', { managedBy: 'me' });
      const { body } = await target().send({ path: `/twins/${deviceId}/modules/m` });
      expect(body).not.toHaveProperty('managedBy');
    });

    // Fifty more calls take half a minute of a small hub's registry limit.
    test.skipIf(isReal)('a device has 50 at most, on the embedded hub alone', async () => {
      for (let made = 0; made < MODULES_MAX; made += 1) await put(`m${made}`);
      expect(await put('one-more')).toMatchObject({ status: 413, code: 'TooManyModulesOnDevice' });
      expect((await target().registry().getModulesOnDevice(deviceId)).responseBody).toHaveLength(MODULES_MAX);
    });
  });

  describe('1.5 SDK', () => {
    test('addModule, getModule and getModulesOnDevice', async () => {
      const registry = target().registry();
      for (const moduleId of ['a', 'b']) await registry.addModule({ deviceId, moduleId });
      expect(await refusal(registry.addModule({ deviceId, moduleId: 'a' }))).toMatchObject({
        name: 'DeviceAlreadyExistsError',
        code: 'ModuleAlreadyExistsOnDevice',
      });
      expect((await registry.getModule(deviceId, 'a')).responseBody).toMatchObject({ deviceId, moduleId: 'a' });
      const { responseBody } = await registry.getModulesOnDevice(deviceId);
      expect(responseBody.map(({ moduleId }) => moduleId).toSorted()).toEqual(['a', 'b']);
    });

    test('updateModule forces, or goes by the etag, or throws where it has neither', async () => {
      const registry = target().registry();
      const made = (await registry.addModule({ deviceId, moduleId: 'm' })).responseBody as Wire;
      const update = { deviceId, moduleId: 'm', managedBy: 'me' };
      expect(await statusOf(registry.updateModule({ ...update, etag: made.etag }))).toBe(200);
      expect(await statusOf(registry.updateModule({ ...update, etag: made.etag }))).toBe(412);
      expect(await statusOf(registry.updateModule({ ...update, etag: made.etag }, true))).toBe(200);
      await expect(async () => registry.updateModule(update)).rejects.toThrow('ETag');
    });

    test('removeModule forces by ids, goes by the etag of a module, and is a TypeError where that has none', async () => {
      const registry = target().registry();
      for (const moduleId of ['by-id', 'by-etag']) await registry.addModule({ deviceId, moduleId });
      expect(await statusOf(registry.removeModule(deviceId, 'by-id'))).toBe(204);
      const module = (await registry.getModule(deviceId, 'by-etag')).responseBody;
      await registry.updateModule({ deviceId, moduleId: 'by-etag' }, true);
      expect(await statusOf(removal(module))).toBe(412);
      await expect(removal({ deviceId, moduleId: 'by-etag' })).rejects.toThrow(TypeError);

      /** The SDK accepts a module without a separate id only in the form with a callback. */
      function removal(of: Module): Promise<{ httpResponse: IncomingMessage }> {
        return new Promise((resolve, reject) => {
          registry.removeModule(of as never, (error, _body, httpResponse) =>
            error ? reject(error) : resolve({ httpResponse }),
          );
        });
      }
    });
  });

  describe('1.5 under SAS', () => {
    test.each<[device: string, prepare: () => Promise<unknown>]>([
      ['missing', () => target().registry().delete(deviceId)],
      ['disabled', () => target().registry().update({ deviceId, status: 'disabled' })],
    ])('module identities of a %s device are 401, for the owner too', async (_device, prepare) => {
      await target().registry().addModule({ deviceId, moduleId: 'm' });
      await prepare();
      const unauthorized = { status: 401, code: 'IotHubUnauthorizedAccess' };
      const answers = [
        await target().send({ path: pathOf('m') }),
        await target().send({ path: `/devices/${deviceId}/modules` }),
        await put('n'),
        await put('m', {}, '*'),
        await remove('m', { 'if-match': '*' }),
      ];
      expect(answers).toMatchObject(answers.map(() => unauthorized));
    });

    test('module twins of a disabled device are not affected', async () => {
      const registry = target().registry();
      await registry.addModule({ deviceId, moduleId: 'm' });
      await registry.update({ deviceId, status: 'disabled' });
      expect(await statusOf(registry.getModuleTwin(deviceId, 'm'))).toBe(200);
      expect(await statusOf(registry.updateModuleTwin(deviceId, 'm', { tags: { a: 1 } }, '*'))).toBe(200);
    });
  });
});

interface Wire {
  readonly etag: string;
  readonly managedBy?: string | null;
  readonly authentication: { readonly symmetricKey: { readonly primaryKey: string } };
}
