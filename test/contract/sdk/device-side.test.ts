// Sections 2.7 and 7: what devices and modules say and hear over MQTT.
import { Message, type ModuleClient, type Twin } from 'azure-iot-device';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { type Devices, devicesOf, report, type SignIn } from './devices.ts';
import { describeFacts } from './target.ts';

const MODULE = 'azureiotsecurity';
const LEGACY_SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const TOO_LARGE = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, 'x'.repeat(4_000)]));

describeFacts('the device side', ({ target, isReal }) => {
  let devices: Devices;
  let module: { readonly deviceId: string; readonly moduleId: string };
  let count = 0;

  beforeAll(async () => {
    devices = devicesOf(target());
  });
  beforeEach(async () => {
    module = { deviceId: target().id(`d${(count += 1)}`), moduleId: MODULE };
    await target().registry().create({ deviceId: module.deviceId });
    await target().registry().addModule(module);
  });
  afterEach(() => devices.close());

  const path = (): string => `/twins/${module.deviceId}/modules/${MODULE}`;

  async function signIn(options?: SignIn): Promise<ModuleClient> {
    return (await devices.open(module, options)) as ModuleClient;
  }

  /** The module's twin as the service sees it. */
  async function stored(): Promise<JsonObject> {
    return (await target().send({ path: path() })).body as JsonObject;
  }

  async function reported(): Promise<JsonObject> {
    const { reported: section } = (await stored())['properties'] as { reported: JsonObject };
    return { ...section, $metadata: undefined as never };
  }

  async function write(desired: JsonObject, etag = '*'): Promise<void> {
    await target().registry().updateModuleTwin(module.deviceId, MODULE, { properties: { desired } }, etag);
  }

  /** Desired patches as they arrive, after the whole section of `getTwin`. */
  async function listen(twin: Twin): Promise<{ heard: JsonObject[]; until(version: number): Promise<void> }> {
    const heard: JsonObject[] = [];
    let wake = (): void => {};
    twin.on('properties.desired', (patch: JsonObject) => {
      heard.push(JSON.parse(JSON.stringify(patch)) as JsonObject);
      wake();
    });
    // The subscription is on its way; the answer to a later request says that it has arrived.
    await report(twin, { listening: true });
    return {
      heard,
      until: async (version) => {
        while (heard.at(-1)?.['$version'] !== version) await new Promise<void>((resolve) => (wake = resolve));
      },
    };
  }

  describe('2.7', () => {
    test('a report never invalidates the etag; it moves $version of reported', async () => {
      const { etag } = (await target().registry().getModuleTwin(module.deviceId, MODULE)).responseBody;
      await report(await (await signIn()).getTwin(), { a: 1 });
      expect(await stored()).toMatchObject({ etag, properties: { reported: { a: 1, $version: 2 } } });
      await write({ b: 1 }, etag);
      await expect(write({ b: 2 }, etag)).rejects.toMatchObject({ name: 'InvalidEtagError' });
    });

    test('who was away gets no backlog: the twin as it is, and then what comes', async () => {
      await (await signIn()).close();
      await write({ missed: 1 });
      await write({ missed: 2 });
      const twin = await (await signIn()).getTwin();
      expect(twin.properties.desired).toMatchObject({ missed: 2, $version: 3 });
      const { heard, until } = await listen(twin);
      await write({ fresh: 1 });
      await until(4);
      expect(heard.map(($) => $['$version'])).toEqual([3, 4]);
    });

    test('reports that wait for their answers keep their order', async () => {
      const twin = await (await signIn()).getTwin();
      for (const a of [1, 2, 3]) await report(twin, { a });
      expect(await reported()).toMatchObject({ a: 3, $version: 4 });
    });
  });

  describe('7 signing in', () => {
    test.each<'mqtt' | 'web sockets'>(['mqtt', 'web sockets'])(
      'over %s with the key of the module',
      async (transport) => {
        const twin = await (await signIn({ transport })).getTwin();
        await report(twin, { over: transport });
        expect(await reported()).toMatchObject({ over: transport });
        await expect.poll(stored).toMatchObject({ connectionState: 'Connected' });
      },
    );

    test('a device has a twin and a connection of its own', async () => {
      await signIn();
      const twin = await (await devices.open({ deviceId: module.deviceId })).getTwin();
      await report(twin, { of: 'device' });
      expect(await reported()).not.toHaveProperty('of');
    });

    test('needs the right key', async () => {
      await expect(signIn({ key: Buffer.from('wrong').toString('base64') })).rejects.toThrow(/not authorized/i);
    });

    test('needs an enabled device', async () => {
      const key = (await target().registry().getModule(module.deviceId, MODULE)).responseBody.authentication
        ?.symmetricKey;
      await target().registry().update({ deviceId: module.deviceId, status: 'disabled' });
      await expect(signIn({ key: key?.primaryKey ?? '' })).rejects.toThrow(/not authorized/i);
    });

    test('of a second connection ends the first', async () => {
      const first = await signIn();
      const ended = new Promise<void>((resolve) => first.once('disconnect', () => resolve()));
      const second = await signIn();
      await ended;
      await report(await second.getTwin(), { by: 'second' });
      expect(await reported()).toMatchObject({ by: 'second' });
    });

    test('may name a model, which the twin says', async () => {
      const modelId = 'dtmi:com:example:Guard;1';
      await signIn({ modelId });
      expect(await stored()).toMatchObject({ modelId });
    });
  });

  describe('7 twins', () => {
    test('are read without tags and metadata', async () => {
      await target()
        .registry()
        .updateModuleTwin(module.deviceId, MODULE, { tags: { hidden: 1 } }, '*');
      await write({ a: { b: 1 } });
      const { desired, reported: own } = (await (await signIn()).getTwin()).properties;
      expect(JSON.parse(JSON.stringify({ desired, own }))).toEqual({
        desired: { a: { b: 1 }, $version: 2 },
        own: { $version: 1 },
      });
    });

    test('take reports as merge patches', async () => {
      const twin = await (await signIn()).getTwin();
      await report(twin, { kept: 1, gone: { a: 1 } });
      await report(twin, { gone: null, list: [1, 'x'] });
      expect(await reported()).toEqual({ kept: 1, list: [1, 'x'], $version: 3 });
    });

    test.each([
      { row: 'a null in an array', patch: { a: [null] }, words: /cannot be null/ },
      { row: 'a name with a space', patch: { 'a b': 1 }, words: /invalid characters/ },
      {
        row: 'more than 32 KB',
        patch: TOO_LARGE,
        words: /'Properties\.Reported' size should be less than 32768 bytes/,
      },
    ])('refuse a report of $row', async ({ patch, words }) => {
      await expect(report(await (await signIn()).getTwin(), patch)).rejects.toThrow(words);
      expect(await reported()).toEqual({ $version: 1 });
    });

    const put = (desired: JsonObject): Promise<unknown> =>
      target().send({ method: 'PUT', path: path(), body: { properties: { desired } } });
    test.each<[row: string, change: () => Promise<unknown>, told: JsonObject]>([
      ['a patch as sent', () => write({ b: 1 }), { b: 1 }],
      ['unchanged values too', () => write({ a: 1 }), { a: 1 }],
      ['nulls too', () => write({ a: null }), { a: null }],
      ['a replacement, with nulls for what is gone', () => put({ c: { d: 1 } }), { a: null, c: { d: 1 } }],
      [
        'the section of legacy agents',
        () => write({ [LEGACY_SECTION]: { x: { value: 'PT15S' } } }),
        { [LEGACY_SECTION]: { x: { value: 'PT15S' } } },
      ],
    ])('tell of desired %s', async (_row, change, told) => {
      await write({ a: 1 });
      const { heard, until } = await listen(await (await signIn()).getTwin());
      await change();
      await until(3);
      expect(heard.at(-1)).toEqual({ ...told, $version: 3 });
    });
  });

  describe('7 beside twins', () => {
    test('telemetry is taken, of inputs and methods is listened to, and the twin goes on', async () => {
      const client = await signIn();
      await client.sendOutputEvent('alerts', new Message('{"a":1}'));
      await client.sendEvent(new Message('{"a":1}'));
      client.onMethod('restart', () => {});
      client.on('inputMessage', () => {});
      await report(await client.getTwin(), { a: 1 });
      expect(await reported()).toMatchObject({ a: 1 });
    });

    test('a security agent finds its module with the api-version it was built for', async () => {
      const at = `/devices/${module.deviceId}/modules/${MODULE}`;
      expect(await target().send({ path: `${at}?api-version=2018-06-30` })).toMatchObject({
        status: 200,
        body: module,
      });
    });

    test.skipIf(isReal)('the embedded hub has no methods, and says so with 501', async () => {
      const body = { methodName: 'restart', payload: null };
      const answer = await target().send({ method: 'POST', path: `${path()}/methods`, body });
      expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' });
    });
  });
});
