// Section 1.3: many identities or twins in one request.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { refusal, statusOf } from './refusal.ts';
import { type Answer, describeFacts } from './target.ts';

const BULK_MAX = 100;

describeFacts('bulk', ({ target, isReal }) => {
  let count = 0;
  const newId = (): string => target().id(`b${(count += 1)}`);
  const post = (body: unknown): Promise<Answer> => target().send({ method: 'POST', path: '/devices', body });

  async function device({ modules = [] as string[] } = {}): Promise<string> {
    const deviceId = newId();
    await target().registry().create({ deviceId });
    for (const moduleId of modules) await target().registry().addModule({ deviceId, moduleId });
    return deviceId;
  }

  const deviceOf = async (deviceId: string) => (await target().registry().get(deviceId)).responseBody;
  const twinOf = async (deviceId: string) => (await target().registry().getTwin(deviceId)).responseBody;
  const isThere = async (deviceId: string): Promise<boolean> =>
    (await statusOf(target().registry().get(deviceId))) === 200;

  describe('1.3 body', () => {
    test('is a bare array: 200 and what came of it', async () => {
      const [deviceId, wrapped] = [newId(), newId()];
      expect(await post([{ id: deviceId, importMode: 'create' }])).toMatchObject({
        status: 200,
        body: { isSuccessful: true, errors: [], warnings: [] },
      });
      expect(await isThere(deviceId)).toBe(true);
      expect((await post({ items: [{ id: wrapped, importMode: 'create' }] })).status).toBe(400);
    });

    test('has 100 entries at most', async () => {
      const entries = Array.from({ length: BULK_MAX + 1 }, () => ({ id: newId(), importMode: 'deleteIfMatchETag' }));
      expect((await post(entries)).status).toBeOneOf([400, 413]);
    });

    // 200 identities take two minutes of a small hub's registry limit.
    test.skipIf(isReal)('takes 100, on the embedded hub alone', async () => {
      const devices = Array.from({ length: BULK_MAX }, () => ({ deviceId: newId() }));
      expect((await target().registry().addDevices(devices)).responseBody.isSuccessful).toBe(true);
      const all = devices.map((device) => ({ ...device, etag: '*' }));
      expect((await target().registry().removeDevices(all, true)).responseBody.isSuccessful).toBe(true);
    });

    test('names a device once: entries of modules count as their device', async () => {
      const deviceId = await device({ modules: ['m', 'n'] });
      const entries = ['m', 'n'].map((moduleId) => ({
        id: deviceId,
        moduleId,
        importMode: 'updateTwin',
        tags: { a: 1 },
      }));
      const answer = await post(entries);
      expect(answer).toMatchObject({
        status: 400,
        body: {
          Message: `ErrorCode:DeviceDefinedMultipleTimes;DeviceDefinedMultipleTimes, device ID ${deviceId}`,
          ExceptionMessage: expect.stringMatching(/^Tracking ID:[0-9A-F]{32}-G2?:.*-TimeStamp:/i) as string,
        },
      });
      expect((await target().registry().getModuleTwin(deviceId, 'm')).responseBody.tags).toEqual({});
    });
  });

  describe('1.3 import modes', () => {
    const modes = (mode: string): string[] => [mode, `${mode.charAt(0).toUpperCase()}${mode.slice(1)}`];
    const stale = Buffer.from('1').toString('base64');

    test.each(modes('create'))('%s', async (importMode) => {
      const id = newId();
      expect((await post([{ id, importMode, status: 'disabled', statusReason: 'new' }])).status).toBe(200);
      expect(await deviceOf(id)).toMatchObject({ status: 'disabled', statusReason: 'new' });
    });

    test.each(modes('update'))('%s, whatever the etag', async (importMode) => {
      const id = await device();
      expect((await post([{ id, importMode, eTag: stale, status: 'disabled' }])).status).toBe(200);
      expect(await deviceOf(id)).toMatchObject({ status: 'disabled' });
    });

    test.each(modes('updateIfMatchETag'))('%s', async (importMode) => {
      const id = await device();
      const { etag } = (await deviceOf(id)) as unknown as { etag: string };
      expect((await post([{ id, importMode, eTag: stale, status: 'disabled' }])).status).toBe(400);
      expect((await post([{ id, importMode, eTag: etag, status: 'disabled' }])).status).toBe(200);
    });

    test.each(modes('delete'))('%s, whatever the etag', async (importMode) => {
      const id = await device();
      expect((await post([{ id, importMode, eTag: stale }])).status).toBe(200);
      expect(await isThere(id)).toBe(false);
    });

    test.each(modes('deleteIfMatchETag'))('%s', async (importMode) => {
      const id = await device();
      const { etag } = (await deviceOf(id)) as unknown as { etag: string };
      expect((await post([{ id, importMode, eTag: stale }])).status).toBe(400);
      expect(await isThere(id)).toBe(true);
      expect((await post([{ id, importMode, eTag: etag }])).status).toBe(200);
      expect(await isThere(id)).toBe(false);
    });

    test.each(modes('updateTwin'))('%s, of the device, and of the module where one is named', async (importMode) => {
      const id = await device({ modules: ['m'] });
      const write = { tags: { a: 1 }, properties: { desired: { b: 2 } } };
      expect((await post([{ id, importMode, ...write }])).status).toBe(200);
      expect(await twinOf(id)).toMatchObject(write);
      const module = async () => (await target().registry().getModuleTwin(id, 'm')).responseBody;
      expect((await module()).tags).toEqual({});
      expect((await post([{ id, moduleId: 'm', importMode, ...write }])).status).toBe(200);
      expect(await module()).toMatchObject(write);
    });

    test.each(modes('updateTwinIfMatchETag'))('%s', async (importMode) => {
      const id = await device();
      const { etag } = await twinOf(id);
      expect((await post([{ id, importMode, twinETag: 'AAAAAAAAAGM=', tags: { a: 1 } }])).status).toBe(400);
      expect((await post([{ id, importMode, twinETag: etag, tags: { a: 1 } }])).status).toBe(200);
      expect((await twinOf(id)).tags).toEqual({ a: 1 });
    });

    test('entries of modules make, change and remove them', async () => {
      const id = await device();
      const modules = async () =>
        (await target().registry().getModulesOnDevice(id)).responseBody.map(({ moduleId }) => moduleId);
      expect((await post([{ id, moduleId: 'm', importMode: 'create' }])).status).toBe(200);
      expect(await modules()).toEqual(['m']);
      expect((await post([{ id, moduleId: 'm', importMode: 'delete' }])).status).toBe(200);
      expect(await modules()).toEqual([]);
      expect(await isThere(id)).toBe(true);
    });
  });

  describe('1.3 reply', () => {
    test('is 400 where an entry failed, says which and how, and the others have happened', async () => {
      const [there, fresh, gone] = [await device(), newId(), newId()];
      const answer = await post([
        { id: there, importMode: 'create' },
        { id: fresh, importMode: 'create' },
        { id: gone, importMode: 'update' },
      ]);
      expect(answer).toMatchObject({ status: 400, body: { isSuccessful: false } });
      const { errors } = answer.body as { errors: JsonObject[] };
      const status = expect.any(String) as string;
      expect(errors.toSorted((a) => (a['deviceId'] === there ? -1 : 1))).toMatchObject([
        { deviceId: there, errorCode: 'DeviceAlreadyExists', errorStatus: status },
        { deviceId: gone, errorCode: 'DeviceNotFound', errorStatus: status },
      ]);
      expect(await isThere(fresh)).toBe(true);
    });

    test('is an ArgumentError of the SDK, whose message is the JSON as it came', async () => {
      const deviceId = await device();
      const { name, message, text } = await refusal(target().registry().addDevices([{ deviceId }]));
      expect(name).toBe('ArgumentError');
      expect(message).toContain(text);
      expect(JSON.parse(text)).toMatchObject({ isSuccessful: false, errors: [{ deviceId }] });
    });

    // When a real hub creates a device without its twin is not established.
    test.skipIf(isReal)('warns of a device whose twin was not taken, on the embedded hub alone', async () => {
      const id = newId();
      expect(await post([{ id, importMode: 'create', tags: { 'a.b': 1 } }])).toMatchObject({
        status: 200,
        body: { isSuccessful: true, warnings: [{ deviceId: id, warningCode: 'DeviceRegisteredWithoutTwin' }] },
      });
    });
  });

  describe('1.3 SDK', () => {
    test('addDevices, updateDevices and removeDevices, forced and by etag', async () => {
      const registry = target().registry();
      const devices = [newId(), newId()].map((deviceId) => ({ deviceId }));
      const [first = { deviceId: '' }, second = { deviceId: '' }] = devices;
      expect((await registry.addDevices(devices)).responseBody).toMatchObject({ isSuccessful: true });
      const { etag } = (await deviceOf(first.deviceId)) as unknown as { etag: string };
      const disabled = { status: 'disabled' } as const;
      await registry.updateDevices([{ ...first, ...disabled, etag }], false);
      await registry.updateDevices([{ ...second, ...disabled }], true);
      for (const { deviceId } of devices) expect(await deviceOf(deviceId)).toMatchObject(disabled);
      const { status, text } = await refusal(registry.removeDevices([{ ...first, etag }], false));
      expect([status, text]).toEqual([400, expect.stringContaining('PreconditionFailed')]);
      await registry.removeDevices(
        devices.map((device) => ({ ...device, etag: '*' })),
        true,
      );
      for (const { deviceId } of devices) expect(await isThere(deviceId)).toBe(false);
    });

    test('counts and looks before it sends', () => {
      const registry = target().registry();
      const many = Array.from({ length: BULK_MAX + 1 }, (_, index) => ({ deviceId: String(index) }));
      for (const devices of [[], many, [{}]]) {
        expect(() => registry.addDevices(devices as never, () => {})).toThrow(/invalid size|missing/);
      }
    });

    test('its private bulk call carries twins', async () => {
      const id = await device({ modules: ['m'] });
      const registry = target().registry() as unknown as BulkRegistry;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const entries = [{ id, moduleId: 'm', importMode: 'updateTwin', tags: { a: 1 } }];
      registry._bulkOperation(entries, (error, result) => (error ? reject(error) : resolve(result)));
      expect(await promise).toMatchObject({ isSuccessful: true });
      expect((await target().registry().getModuleTwin(id, 'm')).responseBody.tags).toEqual({ a: 1 });
    });
  });

  // Not on a real hub, whose throttle would affect other users.
  describe.skipIf(isReal)('1.3 throttle, on the embedded hub alone', () => {
    test('counts identities, not calls: two calls of 50 are all that a minute of the smallest hub has', async () => {
      const { front } = target().embedded();
      front.setThrottle({ tier: 'S1', units: 1 });
      const call = (): Promise<Answer> =>
        post(Array.from({ length: 50 }, () => ({ id: newId(), importMode: 'create' })));
      const answers = [await call(), await call(), await call()];
      front.setThrottle(undefined);
      expect(answers).toMatchObject([{ status: 200 }, { status: 200 }, { status: 429 }]);
    });
  });
});

interface BulkRegistry {
  _bulkOperation(entries: readonly JsonObject[], done: (error: Error | null, result: unknown) => void): void;
}
