// Section 1.8, and of 1.11 the row on configurations: automatic configurations and edge deployments.
import type { Configuration } from 'azure-iothub';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { type Answer, describeFacts } from './target.ts';

const SOON_MS = 1_000;
const PERIOD_MS = 5 * 60_000;
const DEVICE_CONTENT = { deviceContent: { 'properties.desired.level': 3 } };
const MODULE_CONTENT = { moduleContent: { 'properties.desired.level': 3 } };

describeFacts('automatic configurations', ({ target, isReal }) => {
  let id: string;
  let count = 0;

  beforeEach(() => {
    id = target().id(`c${(count += 1)}`);
  });

  /** A free hub holds ten. */
  afterEach(async () => {
    for (const made of (await target().registry().getConfigurations()).responseBody) {
      if (made.id.startsWith(id.toLowerCase())) await target().registry().removeConfiguration(made.id);
    }
  });

  /** Targets no device that exists, unless said otherwise. */
  function body(more: JsonObject = {}): JsonObject {
    return { id, content: DEVICE_CONTENT, targetCondition: `deviceId = '${id}'`, priority: 1, ...more };
  }

  function put(more: JsonObject = {}, ifMatch?: string): Promise<Answer> {
    const sent = body(more);
    return target().send({
      method: 'PUT',
      path: `/configurations/${encodeURIComponent(String(sent['id']))}`,
      body: sent,
      headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
    });
  }

  const read = (): Promise<Answer> => target().send({ path: `/configurations/${id}` });
  const quoted = (answer: Answer): string => JSON.stringify((answer.body as { etag: string }).etag);

  async function add(more: JsonObject = {}): Promise<Configuration> {
    return (
      await target()
        .registry()
        .addConfiguration(body(more) as unknown as Configuration)
    ).responseBody;
  }

  describe('1.8 calls', () => {
    test('PUT without If-Match creates; one that exists is 409 ConfigurationAlreadyExists', async () => {
      expect((await put()).status).toBeOneOf([200, 201]);
      expect(await put()).toMatchObject({ status: 409, code: 'ConfigurationAlreadyExists' });
      await expect(add()).rejects.toMatchObject({ name: 'DeviceAlreadyExistsError' });
    });

    test('an update needs a quoted If-Match: a bare one gives the same misleading 409', async () => {
      const made = await put();
      const bare = quoted(made).slice(1, -1);
      expect(await put({ priority: 2 }, bare)).toMatchObject({ status: 409, code: 'ConfigurationAlreadyExists' });
      expect(await put({ priority: 2 }, quoted(made))).toMatchObject({ status: 200, body: { priority: 2 } });
    });

    test('a stale If-Match is 412, "*" is none', async () => {
      const made = await put();
      await put({ priority: 2 }, quoted(made));
      expect(await put({ priority: 3 }, quoted(made))).toMatchObject({ status: 412, code: 'PreconditionFailed' });
      expect((await put({ priority: 3 }, '"*"')).status).toBe(200);
    });

    test('GET gives one and the list, whatever its top', async () => {
      await add();
      expect((await target().registry().getConfiguration(id)).responseBody).toMatchObject({ id, priority: 1 });
      const all = (await target().send({ path: '/configurations?top=1' })).body as Configuration[];
      const listed = (await target().registry().getConfigurations()).responseBody;
      expect(all.map((one) => one.id)).toEqual(listed.map((one) => one.id));
      expect(listed.map((one) => one.id)).toContain(id);
    });

    test('DELETE is 204, with an If-Match or, as of the SDK, without', async () => {
      await add();
      expect((await target().registry().removeConfiguration(id)).httpResponse.statusCode).toBe(204);
      expect(await read()).toMatchObject({ status: 404, code: 'ConfigurationNotFound' });
      const made = await put();
      const headers = { 'if-match': quoted(made) };
      expect((await target().send({ method: 'DELETE', path: `/configurations/${id}`, headers })).status).toBe(204);
    });

    test('testQueries answers 200 with what is wrong, and refuses the "*" that PUT takes', async () => {
      const test = (targetCondition: string, customMetricQueries: JsonObject = {}): Promise<Answer> =>
        target().send({
          method: 'POST',
          path: '/configurations/testQueries',
          body: { targetCondition, customMetricQueries },
        });
      const good = await test("tags.site = 'x'", { m: 'SELECT deviceId FROM devices' });
      expect(good).toMatchObject({ status: 200 });
      expect((good.body as JsonObject)['targetConditionError'] ?? '').toBe('');
      const bad = await test('*', { m: 'SELECT' });
      expect(bad).toMatchObject({ status: 200, body: { targetConditionError: expect.stringMatching(/./) as string } });
      expect((bad.body as JsonObject)['customMetricQueryErrors']).toHaveProperty('m');
    });

    test('applyConfigurationContent is 204 on an edge device and 400 on another', async () => {
      const client = target().registry();
      const [edge, plain] = [target().id('edge'), target().id('plain')];
      await client.create({ deviceId: edge, capabilities: { iotEdge: true } });
      await client.create({ deviceId: plain });
      const content = { modulesContent: { $edgeAgent: { 'properties.desired': { modules: {} } } } };
      const { httpResponse } = await client.applyConfigurationContentOnDevice(edge, content);
      expect(httpResponse.statusCode).toBe(204);
      await expect(client.applyConfigurationContentOnDevice(plain, content)).rejects.toMatchObject({
        name: 'ArgumentError',
      });
    });
  });

  describe('1.8 the object', () => {
    test('has the fields of the service, results empty until it is evaluated', async () => {
      const queries = { m: 'SELECT deviceId FROM devices' };
      const made = await put({ labels: { app: 'x' }, schemaVersion: '2.0', metrics: { queries }, etag: '*' });
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
      const targeted = expect.stringContaining(id) as string;
      expect(made.body).toMatchObject({
        ...body({ labels: { app: 'x' }, schemaVersion: '2.0' }),
        createdTimeUtc: time,
        lastUpdatedTimeUtc: time,
        systemMetrics: { results: {}, queries: { targetedCount: targeted, appliedCount: targeted } },
        metrics: { results: {}, queries },
      });
    });

    test('bears schemaVersion 1.0 where the SDK wrote it', async () => {
      expect(await add({ schemaVersion: '' })).toMatchObject({ schemaVersion: '1.0' });
    });

    test('changes in priority, condition, labels, metrics and schemaVersion', async () => {
      const made = await put();
      const changes = {
        priority: 7,
        targetCondition: `deviceId = '${id}-other'`,
        labels: { a: 'b' },
        schemaVersion: '2.0',
      };
      const metrics = { queries: { m: 'SELECT deviceId FROM devices' } };
      expect((await put({ ...changes, metrics }, quoted(made))).body).toMatchObject({ ...changes, metrics });
    });

    test('has its content in every update, and ignores another one with 200', async () => {
      const made = await put();
      const refused = await put({ content: null }, quoted(made));
      expect(refused).toMatchObject({ status: 400, code: 'InvalidConfigurationContent' });
      const content = { deviceContent: { 'properties.desired.level': 4 } };
      expect((await put({ content }, quoted(made))).status).toBe(200);
      expect((await read()).body).toMatchObject({ content: DEVICE_CONTENT });
    });
  });

  test('1.11 the etag of a configuration is base64, bare in the body and quoted in the header', async () => {
    const made = await put();
    const { etag } = made.body as { etag: string };
    expect(Buffer.from(etag, 'base64').toString('base64')).toBe(etag);
    expect([made.headers['etag'], (await read()).headers['etag']]).toEqual([
      JSON.stringify(etag),
      JSON.stringify(etag),
    ]);
  });

  interface Refusal {
    readonly row: string;
    readonly given: () => JsonObject;
    readonly code: string | undefined;
  }

  const content = (key: string, kind = 'deviceContent'): JsonObject => ({ [kind]: { [key]: 1 } });
  const modules = (targetCondition: string): JsonObject => ({ content: MODULE_CONTENT, targetCondition });
  const metrics = (size: number): JsonObject => ({
    metrics: {
      queries: Object.fromEntries(Array.from({ length: size }, (_, i) => [`m${i}`, 'SELECT deviceId FROM devices'])),
    },
  });
  const CONDITION = 'InvalidConfigurationTargetCondition';
  const INVALID_CONTENT = 'InvalidConfigurationContent';

  const ROWS: readonly Refusal[] = [
    { row: "ids have a-z, 0-9 and -+%_*!'", given: () => ({ id: `${id}-+%_*!'` }), code: undefined },
    { row: 'ids have no capitals', given: () => ({ id: `${id}-A` }), code: 'ArgumentInvalid' },
    { row: 'ids have 128 characters at most', given: () => ({ id: id.padEnd(129, 'x') }), code: 'ArgumentInvalid' },
    {
      row: 'content may be the whole of desired',
      given: () => ({ content: { deviceContent: { 'properties.desired': { a: 1 } } } }),
      code: undefined,
    },
    {
      row: 'content may be a path in desired',
      given: () => ({ content: content('properties.desired.a.b') }),
      code: undefined,
    },
    { row: 'content may not be tags', given: () => ({ content: content('tags.a') }), code: INVALID_CONTENT },
    {
      row: 'content of modules may not be tags',
      given: () => ({
        ...modules('from devices.modules where tags.a = 1'),
        content: content('tags.a', 'moduleContent'),
      }),
      code: INVALID_CONTENT,
    },
    {
      row: 'conditions ask for ids, tags and reported',
      given: () => ({ targetCondition: `deviceId = '${id}' AND tags.a = 1 AND properties.reported.b = 2` }),
      code: undefined,
    },
    {
      row: 'conditions may not ask for desired',
      given: () => ({ targetCondition: 'properties.desired.a = 1' }),
      code: CONDITION,
    },
    {
      row: 'conditions for modules are whole',
      given: () => modules(`from devices.modules where deviceId = '${id}'`),
      code: undefined,
    },
    { row: 'conditions for modules have no bare form', given: () => modules(`deviceId = '${id}'`), code: CONDITION },
    { row: 'conditions for modules have no wildcard', given: () => modules('*'), code: CONDITION },
    { row: 'custom metrics are five', given: () => metrics(5), code: undefined },
    { row: 'custom metrics are no six', given: () => metrics(6), code: 'InvalidConfigurationCustomMetricsQuery' },
  ];

  test.each(ROWS)('1.8 $row: $code', async ({ given, code }) => {
    const answer = await put(given());
    expect([answer.code, answer.status < 300]).toEqual([code, code === undefined]);
  });

  // The service takes minutes for these; here the hub's clock advances.
  describe.skipIf(isReal)('1.8 evaluation, on the embedded hub alone', () => {
    const desired = async (deviceId: string): Promise<unknown> => {
      const { responseBody } = await target().registry().getTwin(deviceId);
      return { ...responseBody.properties.desired, $metadata: undefined, $version: undefined };
    };
    const level = (value: unknown, more: JsonObject = {}): JsonObject => ({
      content: { deviceContent: { 'properties.desired.level': value as number } },
      targetCondition: `tags.ring = '${id}'`,
      ...more,
    });

    async function device(tags: JsonObject = { ring: id }): Promise<string> {
      const deviceId = target().id(`d${count}`);
      await target().registry().create({ deviceId });
      await target().registry().updateTwin(deviceId, { tags }, '*');
      return deviceId;
    }

    test('is soon after creation and then every five minutes, metrics with it', async () => {
      const first = await device();
      await add({
        ...level(1),
        metrics: { queries: { all: `SELECT deviceId FROM devices WHERE tags.ring = '${id}'` } },
      });
      const results = async (): Promise<unknown> => {
        const { systemMetrics, metrics: custom } = (await target().registry().getConfiguration(id)).responseBody;
        return { ...systemMetrics?.results, ...custom?.results };
      };
      expect(await results()).toEqual({});
      await target().embedded().advance(SOON_MS);
      expect(await desired(first)).toEqual({ level: 1 });
      expect(await results()).toEqual({ targetedCount: 1, appliedCount: 1, all: 1 });
      const second = target().id('second');
      await target().registry().create({ deviceId: second });
      await target()
        .registry()
        .updateTwin(second, { tags: { ring: id } }, '*');
      await target()
        .embedded()
        .advance(PERIOD_MS - SOON_MS);
      expect(await desired(second)).toEqual({});
      await target().embedded().advance(SOON_MS);
      expect(await desired(second)).toEqual({ level: 1 });
      expect(await results()).toEqual({ targetedCount: 2, appliedCount: 2, all: 2 });
    });

    test('lets the highest priority win for each path, and of two equal ones the latest', async () => {
      const deviceId = await device();
      const both = { deviceContent: { 'properties.desired.level': 2, 'properties.desired.other': 2 } };
      await add(level(9, { priority: 9 }));
      await add({ ...level(2), id: `${id}-low`, content: both });
      await add({ ...level(0), id: `${id}-late`, content: { deviceContent: { 'properties.desired.other': 3 } } });
      await target().embedded().advance(SOON_MS);
      expect(await desired(deviceId)).toEqual({ level: 9, other: 3 });
    });

    test('deletes a key by a null in the content', async () => {
      const deviceId = await device();
      await target()
        .registry()
        .updateTwin(deviceId, { properties: { desired: { level: 1, kept: 1 } } }, '*');
      await add(level(null));
      await target().embedded().advance(SOON_MS);
      expect(await desired(deviceId)).toEqual({ kept: 1 });
    });

    test('takes what it wrote from a twin that stops matching; the next configuration applies', async () => {
      const deviceId = await device();
      const both = { deviceContent: { 'properties.desired.level': 2, 'properties.desired.other': 2 } };
      await add({
        ...level(0),
        content: both,
        priority: 9,
        targetCondition: `tags.ring = '${id}' AND tags.isOn = true`,
      });
      await add(level(1, { id: `${id}-next` }));
      await target()
        .registry()
        .updateTwin(deviceId, { tags: { isOn: true } }, '*');
      await target().embedded().advance(SOON_MS);
      expect(await desired(deviceId)).toEqual({ level: 2, other: 2 });
      await target()
        .registry()
        .updateTwin(deviceId, { tags: { isOn: false } }, '*');
      await target().embedded().advance(PERIOD_MS);
      expect(await desired(deviceId)).toEqual({ level: 1 });
    });

    test('leaves what a deleted configuration wrote', async () => {
      const deviceId = await device();
      await add(level(1));
      await target().embedded().advance(SOON_MS);
      await target().registry().removeConfiguration(id);
      await target().embedded().advance(PERIOD_MS);
      expect(await desired(deviceId)).toEqual({ level: 1 });
      expect((await target().send({ path: `/twins/${deviceId}` })).body).not.toHaveProperty('configurations');
    });

    test('is to be seen on the twin: configurations at the root, writer and digest on its leaves alone', async () => {
      const deviceId = await device();
      await target()
        .registry()
        .updateTwin(deviceId, { properties: { desired: { own: 1 } } }, '*');
      expect((await target().send({ path: `/twins/${deviceId}` })).body).not.toHaveProperty('configurations');
      await add(level(1));
      await target().embedded().advance(SOON_MS);
      const twin = (await target().send({ path: `/twins/${deviceId}` })).body as {
        configurations: JsonObject;
        properties: { desired: { $metadata: Record<string, JsonObject> } };
      };
      expect(twin.configurations).toEqual({ [id]: { status: 'Applied' } });
      const { level: stamped, own } = twin.properties.desired.$metadata;
      expect(stamped).toMatchObject({ $lastUpdatedBy: id, $lastUpdatedByDigest: expect.stringMatching(/./) as string });
      expect(own).not.toHaveProperty('$lastUpdatedBy');
    });

    test('counts four things on edge deployments', async () => {
      const modulesContent = { $edgeAgent: { 'properties.desired': { modules: {} } } };
      await add({ content: { modulesContent }, targetCondition: `deviceId = '${id}'` });
      await target().embedded().advance(SOON_MS);
      expect((await target().registry().getConfiguration(id)).responseBody.systemMetrics?.results).toEqual({
        targetedCount: 0,
        appliedCount: 0,
        reportedSuccessfulCount: 0,
        reportedFailedCount: 0,
      });
    });
  });
});
