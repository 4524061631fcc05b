// Sections 1.4 and 2, and of 1.11 the rows on twins: reading and writing them from the service side.
import type { Twin } from 'azure-iothub';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { refusal } from './refusal.ts';
import { type Answer, describeFacts } from './target.ts';

const FIRST_ETAG = 'AAAAAAAAAAE=';
const NEVER = '0001-01-01T00:00:00Z';
const WRITERS = 30;
const NULL_TEXT = 'Value of Property or Tag cannot be null. Error in Property/Tag';

describeFacts('twins', ({ target, isReal }) => {
  describe.each(['device', 'module'])('of a %s', (kind) => {
    let deviceId: string;
    let count = 0;
    const isModule = kind === 'module';
    const moduleId = isModule ? 'm' : undefined;

    beforeEach(async () => {
      deviceId = target().id(`t${kind.charAt(0)}${(count += 1)}`);
      await target().registry().create({ deviceId });
      if (isModule) await target().registry().addModule({ deviceId, moduleId: 'm' });
    }, 60_000);

    const path = (): string => `/twins/${deviceId}${isModule ? '/modules/m' : ''}`;
    const identityPath = (): string => `/devices/${deviceId}${isModule ? '/modules/m' : ''}`;
    const read = async (): Promise<Wire> => (await target().send({ path: path() })).body as Wire;
    const write = (method: 'PATCH' | 'PUT', body: unknown, ifMatch?: string): Promise<Answer> =>
      target().send({ method, path: path(), body, headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } });

    async function patched(body: JsonObject): Promise<Wire> {
      const answer = await write('PATCH', body);
      expect(answer.status).toBe(200);
      return answer.body as Wire;
    }

    async function sdkPatch(patch: JsonObject, etag: string): Promise<Twin> {
      const registry = target().registry();
      const call = isModule
        ? registry.updateModuleTwin(deviceId, 'm', patch, etag)
        : registry.updateTwin(deviceId, patch, etag);
      return (await call).responseBody;
    }

    /** Moves the etag of the identity. */
    function touchIdentity(): Promise<Answer> {
      return target().send({
        method: 'PUT',
        path: identityPath(),
        body: { deviceId, ...(isModule ? { moduleId } : {}) },
        headers: { 'if-match': '*' },
      });
    }

    describe('1.4', () => {
      test('the twin is there as soon as its identity is', async () => {
        expect(await read()).toMatchObject({ deviceId, etag: FIRST_ETAG });
      });

      test('PATCH merges tags and desired properties, and answers the whole new twin', async () => {
        await patched({ tags: { keep: 1, drop: 2 }, properties: { desired: { keep: { a: 1, drop: 2 } } } });
        const answer = await write('PATCH', {
          tags: { drop: null, add: 3 },
          properties: { desired: { keep: { drop: null, add: 3 } } },
        });
        expect(answer.status).toBe(200);
        expect(answer.body).toEqual(await read());
        expect((answer.body as Wire).tags).toEqual({ keep: 1, add: 3 });
        expect(desiredOf(answer.body as Wire)).toEqual({ keep: { a: 1, add: 3 } });
      });

      test('PUT replaces both: what is not sent is gone', async () => {
        await patched({ tags: { a: 1 }, properties: { desired: { a: 1, b: { c: 1 } } } });
        const answer = await write('PUT', { properties: { desired: { b: { d: 2 } } } });
        expect(answer.status).toBe(200);
        expect(answer.body).not.toHaveProperty('tags');
        expect(desiredOf(await read())).toEqual({ b: { d: 2 } });
      });

      test.each<[row: string, header: (etag: string) => string | undefined, status: number]>([
        ['no If-Match', () => undefined, 200],
        ['*', () => '*', 200],
        ['"*"', () => '"*"', 200],
        ['the etag', (etag) => `"${etag}"`, 200],
        ['a stale one', () => `"${FIRST_ETAG}"`, 412],
      ])('both take %s', async (_row, header, status) => {
        for (const method of ['PATCH', 'PUT'] as const) {
          const { etag } = await patched({ tags: { a: 1 } });
          expect((await write(method, { tags: { b: 1 } }, header(etag))).status).toBe(status);
        }
      });

      // A real hub used to ignore the first of them.
      test.skipIf(isReal).each<[row: string, header: (etag: string) => string]>([
        ['bare', (etag) => etag],
        ['weak', (etag) => `W/"${etag}"`],
      ])('a %s If-Match is read, on the embedded hub alone', async (_row, header) => {
        const { etag } = await patched({ tags: { a: 1 } });
        expect((await write('PATCH', { tags: { b: 1 } }, header(etag))).status).toBe(200);
        expect((await write('PATCH', { tags: { b: 2 } }, header(etag))).status).toBe(412);
      });

      test('the SDK quotes its etag; a stale one is 412 PreconditionFailed, and changes nothing', async () => {
        const { etag } = await sdkPatch({ tags: { a: 1 } }, FIRST_ETAG);
        expect(await refusal(sdkPatch({ tags: { a: 2 } }, FIRST_ETAG))).toMatchObject({
          name: 'InvalidEtagError',
          status: 412,
          code: 'PreconditionFailed',
        });
        expect(await read()).toMatchObject({ etag, tags: { a: 1 } });
      });

      test(`"*" is without conflict among ${WRITERS} writers at once, each one step of the etag`, async () => {
        const writers = Array.from({ length: WRITERS }, (_, index) =>
          sdkPatch({ tags: { [`w${index}`]: index } }, '*'),
        );
        await Promise.all(writers);
        const twin = await read();
        expect(Object.keys(twin.tags ?? {})).toHaveLength(WRITERS);
        expect(counterOf(twin)).toBe(1 + WRITERS);
      });

      test('what is read-only at the root is ignored: a whole twin can be sent', async () => {
        const whole = await patched({ tags: { a: 1 }, properties: { desired: { b: 2 } } });
        const sent = {
          ...whole,
          tags: { a: 2 },
          status: 'disabled',
          connectionState: 'Connected',
          deviceEtag: 'MQ==',
          version: 99,
        };
        for (const method of ['PATCH', 'PUT'] as const) {
          const { status, body } = await write(method, sent);
          expect(status).toBe(200);
          expect(body).toMatchObject({ deviceId, status: 'enabled', connectionState: 'Disconnected', tags: { a: 2 } });
          expect((body as Wire).deviceEtag).toBe(whole.deviceEtag);
          expect(desiredOf(body as Wire)).toEqual({ b: 2 });
        }
      });

      test('reported properties are not to be written', async () => {
        await patched({ tags: { a: 1 }, properties: { desired: {}, reported: { mine: 1 } } });
        expect((await read()).properties.reported).not.toHaveProperty('mine');
      });

      test('PUT with a null inside is 400, PATCH with the same body deletes', async () => {
        await patched({ tags: { 'my-tag': 1, other: 2 } });
        const body = { tags: { 'my-tag': null, other: 2 } };
        expect(await write('PUT', body)).toMatchObject({
          status: 400,
          code: 'ArgumentInvalid',
          body: { Message: `ErrorCode:ArgumentInvalid;${NULL_TEXT} my-tag` },
        });
        expect((await patched(body)).tags).toEqual({ other: 2 });
      });

      // Not established; a report of 2019 says so.
      test.skipIf(isReal)('PATCH with null for all tags does nothing, on the embedded hub alone', async () => {
        const { tags } = await patched({ tags: { a: 1 } });
        expect((await patched({ tags: null })).tags).toEqual(tags);
      });

      test('a missing one is 404, and says the device', async () => {
        await target().registry().delete(deviceId);
        const missing = {
          status: 404,
          code: 'DeviceNotFound',
          body: { Message: `ErrorCode:DeviceNotFound;${deviceId}` },
        };
        expect(await target().send({ path: path() })).toMatchObject(missing);
        expect(await write('PATCH', { tags: {} })).toMatchObject(missing);
        expect(await write('PUT', { tags: {} })).toMatchObject(missing);
      });

      test.runIf(isModule)('a missing module is 404 DeviceNotFound too', async () => {
        await target().registry().removeModule(deviceId, 'm');
        expect(await refusal(target().registry().getModuleTwin(deviceId, 'm'))).toMatchObject({
          name: 'DeviceNotFoundError',
          code: 'DeviceNotFound',
          message: deviceId,
        });
      });
    });

    describe('1.11', () => {
      test('the etag is the base64 of 8 bytes, big end first', async () => {
        const etags = [(await read()).etag];
        for (const a of [1, 2]) etags.push((await patched({ tags: { a } })).etag);
        expect(etags).toEqual(['AAAAAAAAAAE=', 'AAAAAAAAAAI=', 'AAAAAAAAAAM=']);
      });

      test('deviceEtag is that of the identity, and moves at once with it; the etag does not', async () => {
        const before = await read();
        const { etag } = (await touchIdentity()).body as Wire;
        const after = await read();
        expect(after.deviceEtag).toBe(etag);
        expect(after.deviceEtag).not.toBe(before.deviceEtag);
        expect(after.etag).toBe(before.etag);
      });
    });

    describe('2.1 and 2.2', () => {
      test('a new twin, its root fields in their order', async () => {
        const twin = await read();
        const section = { $metadata: { $lastUpdated: expect.stringMatching(ISO) as string }, $version: 1 };
        const expected = {
          deviceId,
          ...(isModule ? { moduleId } : {}),
          etag: FIRST_ETAG,
          deviceEtag: expect.stringMatching(/^[A-Za-z0-9+/]+={0,2}$/) as string,
          status: 'enabled',
          statusUpdateTime: NEVER,
          connectionState: 'Disconnected',
          lastActivityTime: NEVER,
          cloudToDeviceMessageCount: 0,
          authenticationType: 'sas',
          x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
          modelId: '',
          version: 2,
          properties: { desired: section, reported: section },
          ...(isModule ? {} : { capabilities: { iotEdge: false } }),
        };
        expect(twin).toEqual(expected);
        expect(Object.keys(twin)).toEqual(Object.keys(expected));
      });

      test('tags stand before properties, and are absent where empty; in a section its own keys come first', async () => {
        const { tags: _tags, ...twin } = await patched({ tags: { a: 1 }, properties: { desired: { z: 1 } } });
        const keys = Object.keys(await read());
        expect(keys.indexOf('tags')).toBe(keys.indexOf('properties') - 1);
        expect(Object.keys(twin.properties.desired)).toEqual(['z', '$metadata', '$version']);
        expect(await patched({ tags: { a: null } })).not.toHaveProperty('tags');
      });

      test('has nothing of the identity alone', async () => {
        const twin = await read();
        for (const key of ['generationId', 'connectionStateUpdatedTime', 'managedBy', 'authentication']) {
          expect(twin).not.toHaveProperty(key);
        }
      });

      test.runIf(kind === 'device')('says the reason of a status, a scope, and parents', async () => {
        const edge = { deviceId, status: 'disabled', statusReason: 'because', capabilities: { iotEdge: true } };
        await target().send({ method: 'PUT', path: identityPath(), body: edge, headers: { 'if-match': '*' } });
        expect(await read()).toMatchObject({
          status: 'disabled',
          statusReason: 'because',
          statusUpdateTime: expect.not.stringMatching(NEVER) as string,
          capabilities: { iotEdge: true },
          deviceScope: expect.stringMatching(/^ms-azure-iot-edge:/) as string,
        });
      });
    });

    describe('2.3', () => {
      test('the etag counts writes of tags or desired, $version those of desired, version the etag and the reports', async () => {
        const steps: [body: JsonObject, etag: number, version: number][] = [
          [{ properties: { desired: { a: 1 } } }, 2, 2],
          [{ tags: { a: 1 } }, 3, 2],
          [{ tags: { a: 2 }, properties: { desired: { b: 1 } } }, 4, 3],
          [{ properties: { desired: { a: null } } }, 5, 4],
          // That these increment is inferred: a device gets a version with them.
          [{ properties: { desired: { b: 1 } } }, 6, 5],
        ];
        for (const [body, etag, version] of steps) {
          const twin = await patched(body);
          expect([counterOf(twin), twin.properties.desired['$version']]).toEqual([etag, version]);
          expect(twin.version).toBe(etag + (twin.properties.reported['$version'] as number));
        }
        await touchIdentity();
        expect(counterOf(await read())).toBe(6);
      });

      // Not established.
      test.skipIf(isReal)('a PATCH of neither moves nothing, on the embedded hub alone', async () => {
        expect(await patched({})).toEqual(await patched({ status: 'disabled' }));
        expect(await read()).toMatchObject({ etag: FIRST_ETAG, version: 2 });
      });
    });

    describe('2.4', () => {
      const metadata = (twin: Wire): JsonObject => twin.properties.desired['$metadata'] as JsonObject;
      const stamp = (version: number): JsonObject => ({
        $lastUpdated: expect.stringMatching(ISO) as string,
        $lastUpdatedVersion: version,
      });

      test('$metadata mirrors the section, arrays are leaves, tags have none', async () => {
        const twin = await patched({ tags: { t: 1 }, properties: { desired: { a: { b: 1, c: [{ d: 1 }] }, e: 'x' } } });
        const [two] = [stamp(2)];
        expect(metadata(twin)).toEqual({ ...two, a: { ...two, b: two, c: two }, e: two });
        expect(twin.tags).toEqual({ t: 1 });
      });

      test('a write stamps what it names, changed or not, and the objects above', async () => {
        await patched({ properties: { desired: { a: { b: 1, c: 1 }, e: 'x', f: 1 } } });
        const twin = await patched({ properties: { desired: { a: { b: 1 }, e: 'x' } } });
        const [two, three] = [stamp(2), stamp(3)];
        expect(metadata(twin)).toEqual({ ...three, a: { ...three, b: three, c: two }, e: three, f: two });
      });

      test('what is removed has none any more', async () => {
        await patched({ properties: { desired: { a: 1, b: 1 } } });
        expect(metadata(await patched({ properties: { desired: { a: null } } }))).toEqual({ ...stamp(3), b: stamp(2) });
      });
    });

    describe('2.5', () => {
      test.each<[row: string, before: JsonObject, patch: JsonObject, after: JsonObject]>([
        ['objects merge', { a: { b: 1, c: 2 } }, { a: { c: 3, d: 4 } }, { a: { b: 1, c: 3, d: 4 } }],
        ['null removes', { a: 1, b: { c: 1, d: 1 } }, { a: null, b: { c: null } }, { b: { d: 1 } }],
        ['arrays replace', { a: [1, 2, { b: 1 }] }, { a: [3] }, { a: [3] }],
        ['scalars replace', { a: 1 }, { a: 'x' }, { a: 'x' }],
        ['a scalar becomes an object', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
        ['an object becomes a scalar', { a: { b: 1 } }, { a: 1 }, { a: 1 }],
        ['the last leaf leaves an object', { a: { b: 1 } }, { a: { b: null } }, { a: {} }],
        ['an empty object stays', {}, { a: {} }, { a: {} }],
        ['an empty object changes nothing inside', { a: { b: 1 } }, { a: {} }, { a: { b: 1 } }],
        ['case matters', { a: 1 }, { A: 2 }, { a: 1, A: 2 }],
        ['UTF-8 is kept', {}, { schlüssel: '✓ 𝄞', '': 1 }, { schlüssel: '✓ 𝄞', '': 1 }],
      ])('%s', async (_row, before, patch, after) => {
        await patched({ tags: before, properties: { desired: before } });
        const twin = await patched({ tags: patch, properties: { desired: patch } });
        expect([twin.tags ?? {}, desiredOf(twin)]).toEqual([after, after]);
      });

      // A real hub once removed what was beside it.
      test.skipIf(isReal)('a null for what is not there removes nothing, on the embedded hub alone', async () => {
        await patched({ properties: { desired: { key1: { key2: 'val2' } } } });
        const twin = await patched({ properties: { desired: { key1: { key3: null }, key4: null } } });
        expect(desiredOf(twin)).toEqual({ key1: { key2: 'val2' } });
      });
    });

    describe('2.6', () => {
      const KB = 1_024;
      const text = (length: number): string => 'x'.repeat(length);
      /** Of this many bytes by the documented formula, one-letter keys included. */
      const ofBytes = (bytes: number): JsonObject => {
        const section: JsonObject = {};
        for (let left = bytes, at = 0; left > 0; left -= 4 * KB, at += 1) {
          section[String.fromCharCode(97 + at)] = text(Math.min(left, 4 * KB) - 1);
        }
        return section;
      };
      const nested = (objects: number): Json => (objects === 0 ? 1 : { k: nested(objects - 1) });
      const tags = (section: Json): unknown => ({ tags: section });
      const desired = (section: Json): unknown => ({ properties: { desired: section } });
      const badName = (name: string): string =>
        `Property or Tag name has invalid characters. Error in Property/Tag ${name}. Must not contain Control Characters, '.', '$', '#', or ' '.`;

      test.each<[row: string, body: unknown]>([
        ['tags of less than 8 KB', tags(ofBytes(8 * KB - 1))],
        ['desired properties of less than 32 KB', desired(ofBytes(32 * KB - 1))],
        ['numbers as 8 bytes, booleans as 4', tags({ ...ofBytes(8 * KB - 1 - 9 - 5), y: 1.5, z: true })],
        ['a text of 4096 bytes', desired({ a: text(4_096) })],
        ['a key of 1024 bytes', desired({ [text(1_024)]: 1 })],
        ['the smallest and the largest integer', desired({ a: -4_503_599_627_370_496, b: 4_503_599_627_370_495 })],
        ['ten objects', desired(nested(10))],
        ['arrays', desired({ a: [1, [2], { b: 'c' }] })],
        ['keys with other signs', desired({ 'ms_iotn:urn-x/y_(z)': 1 })],
      ])('%s are taken', async (_row, body) => {
        expect((await write('PATCH', body)).status).toBe(200);
        expect((await write('PUT', body)).status).toBe(200);
      });

      test.each<[row: string, body: unknown, message: string]>([
        [
          'desired properties of 32 KB',
          desired(ofBytes(32 * KB)),
          "'Properties.Desired' size should be less than 32768 bytes.",
        ],
        ['tags of 8 KB', tags(ofBytes(8 * KB)), "'Tags' size should be less than 8192 bytes."],
      ])('%s are 403 DeviceModelMaxPropertiesExceeded', async (_row, body, message) => {
        for (const method of ['PATCH', 'PUT'] as const) {
          expect(await write(method, body)).toMatchObject({
            status: 403,
            code: 'DeviceModelMaxPropertiesExceeded',
            body: { Message: `ErrorCode:DeviceModelMaxPropertiesExceeded;${message}` },
          });
        }
        expect((await read()).etag).toBe(FIRST_ETAG);
      });

      test.each<[row: string, section: JsonObject, message: string]>([
        [
          'a text of 4097 bytes',
          { a: text(4_097) },
          'Property or Tag value should be maximum 4096 bytes. Error in Property/Tag a',
        ],
        ['a key with a dot', { 'a.b': 1 }, badName('a.b')],
        ['a key with a dollar', { $a: 1 }, badName('$a')],
        ['a key with a hash', { 'a#': 1 }, badName('a#')],
        ['a key with a space', { a: { 'b c': 1 } }, badName('b c')],
        ['a control character in a key', { 'a\u0001': 1 }, 'Property or Tag name has invalid characters.'],
        ['a key of 1025 bytes', { [text(1_025)]: 1 }, ''],
        ['an integer that is too large', { a: 4_503_599_627_370_496 }, ''],
        ['one that is too small', { a: -4_503_599_627_370_497 }, ''],
        ['twelve objects', nested(12) as JsonObject, ''],
        ['a null in an array', { b: [1, null] }, `${NULL_TEXT} b`],
      ])('%s is 400', async (_row, section, message) => {
        for (const body of [tags(section), desired(section)]) {
          const answer = await write('PATCH', body);
          expect(answer).toMatchObject({ status: 400, code: 'ArgumentInvalid' });
          expect((answer.body as { Message: string }).Message).toContain(message);
        }
        expect((await read()).etag).toBe(FIRST_ETAG);
      });
    });
  });
});

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?Z$/;

interface Wire {
  readonly etag: string;
  readonly deviceEtag: string;
  readonly version: number;
  readonly tags?: JsonObject;
  readonly properties: { readonly desired: JsonObject; readonly reported: JsonObject };
}

function desiredOf({ properties }: Wire): JsonObject {
  const { $metadata: _metadata, $version: _version, ...desired } = properties.desired;
  return desired;
}

function counterOf({ etag }: Wire): number {
  return Number(Buffer.from(etag, 'base64').readBigUInt64BE());
}
