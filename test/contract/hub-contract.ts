// Every clause of the hub port as a test, for any implementation: what a hub says and refuses, and how.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HubError } from '../../src/model/errors.ts';
import { deepEqual, type JsonObject } from '../../src/model/json.ts';
import { isManagedByEdge } from '../../src/model/other-writer.ts';
import { etagCounter, etagOfCounter, type DeviceFacts, type ModuleRef, type Twin } from '../../src/model/twin.ts';
import type { Hub } from '../../src/ports/hub.ts';

export interface DeviceToMake {
  readonly deviceId: string;
  readonly status?: 'enabled' | 'disabled';
  readonly iotEdge?: boolean;
  readonly tags?: JsonObject;
  readonly modules?: readonly string[];
  /** Of these modules; undefined: none. */
  readonly managedBy?: string;
}

/** Another writer on the same hub: the service side, without the port. */
export interface OtherWriters {
  createDevices(devices: readonly DeviceToMake[]): Promise<void>;
  deleteDevice(deviceId: string): Promise<void>;
  deleteModule(ref: ModuleRef): Promise<void>;
  /** Takes a device that the port has made for one to remove in the end. */
  adopt?(deviceId: string): void;
  /** With any etag. */
  patchModuleTwin(ref: ModuleRef, patch: JsonObject): Promise<void>;
  /** The id must be new. */
  createConfiguration(id: string, configuration: JsonObject): Promise<void>;
  deleteConfiguration(id: string): Promise<void>;
}

export interface HubUnderTest {
  readonly hub: Hub;
  readonly others: OtherWriters;
  /** All device ids start with it: tests ignore everything else on the hub. */
  readonly prefix: string;
  /** Must not be in any message. */
  readonly secrets: readonly string[];
  /** Returns once lists may be asked again; false where they have had time enough to catch up. */
  readonly waitForLists: () => Promise<boolean>;
  /** Removes what was made, and closes. */
  close(): Promise<void>;
}

/** More than two pages of a real hub. */
const DEVICES = 205;
const SECTION_TOO_LARGE: JsonObject = Object.fromEntries('abcdefghi'.split('').map((key) => [key, key.repeat(4_000)]));
/** Ids whose query is longer than a hub takes as one text. */
const MANY_IDS = Array.from({ length: 400 }, (_, index) => `contract-absent-module-${index}`);

export function describeHubContract(
  name: string,
  open: () => Promise<HubUnderTest>,
  { isSkipped = false, timeoutMs = 30_000 }: { readonly isSkipped?: boolean; readonly timeoutMs?: number } = {},
): void {
  describe.skipIf(isSkipped)(`the hub port: ${name}`, { timeout: timeoutMs }, () => {
    let opened: HubUnderTest;
    let hub: Hub;
    let others: OtherWriters;
    const { signal } = new AbortController();

    beforeAll(async () => {
      opened = await open();
      ({ hub, others } = opened);
    }, timeoutMs);
    afterAll(() => opened.close(), timeoutMs);

    const idOf = (device: string): string => `${opened.prefix}${device}`;

    /** A new device with one module `m`. */
    async function newModule(device: string, more: Partial<DeviceToMake> = {}): Promise<ModuleRef> {
      await others.createDevices([{ deviceId: idOf(device), modules: ['m'], ...more }]);
      return { deviceId: idOf(device), moduleId: 'm' };
    }

    async function failure(run: Promise<unknown>): Promise<HubError> {
      const error: unknown = await run.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof HubError)) throw new Error('did not fail with a HubError', { cause: error });
      for (const secret of opened.secrets) expect(error.message).not.toContain(secret);
      return error;
    }

    /** Lists until the list is as it has to be, or has had its time. */
    async function list<T extends { readonly deviceId: string }>(
      pages: () => AsyncIterable<readonly T[]>,
      isComplete: (rows: readonly T[]) => boolean,
    ): Promise<{ rows: T[]; pages: number }> {
      for (;;) {
        const rows: T[] = [];
        let count = 0;
        for await (const page of pages()) {
          count += 1;
          rows.push(...page.filter(({ deviceId }) => deviceId.startsWith(opened.prefix)));
        }
        if (isComplete(rows) || !(await opened.waitForLists())) return { rows, pages: count };
      }
    }

    describe('lists', () => {
      test('give every device once, over several pages', async () => {
        const made = Array.from({ length: DEVICES }, (_, index) => ({ deviceId: idOf(`list-${index}`) }));
        await others.createDevices(made);
        const { rows, pages } = await list(
          () => hub.listDevices(signal),
          (facts) => made.every(({ deviceId }) => facts.some((row) => row.deviceId === deviceId)),
        );
        const listed = rows.map(({ deviceId }) => deviceId).filter((id) => id.startsWith(idOf('list-')));
        expect(listed.toSorted()).toEqual(made.map(({ deviceId }) => deviceId).toSorted());
        expect(pages).toBeGreaterThan(2);
      });

      test('say of a device what selection needs', async () => {
        const tags = { site: 'lyon', hw: { board: 'r2' }, rack: 7, floor: '7', spare: false };
        const plain: DeviceFacts = { deviceId: idOf('plain'), status: 'enabled', iotEdge: false, tags: {} };
        const edge: DeviceFacts = { deviceId: idOf('edge'), status: 'disabled', iotEdge: true, tags };
        const { deviceId, status } = edge;
        await others.createDevices([
          { deviceId: plain.deviceId },
          { deviceId, status: status as 'disabled', iotEdge: true, tags },
        ]);
        const { rows } = await list(
          () => hub.listDevices(signal),
          (facts) => facts.some((row) => row.deviceId === deviceId && deepEqual(row.tags, tags)),
        );
        expect(rows.find((row) => row.deviceId === plain.deviceId)).toEqual(plain);
        expect(rows.find((row) => row.deviceId === deviceId)).toEqual(edge);
      });

      test('give the twins of the named modules and of every module with a record', async () => {
        const deviceId = idOf('modules');
        const quoted = "it's";
        await others.createDevices([{ deviceId, modules: ['m', quoted, 'recorded', 'foreign'] }]);
        await others.patchModuleTwin({ deviceId, moduleId: 'recorded' }, { tags: { twinward: { default: { v: 1 } } } });
        await others.patchModuleTwin({ deviceId, moduleId: 'foreign' }, { tags: { other: 1 } });
        const idsOf = (twins: readonly Twin[]): string[] => {
          const own = twins.filter((twin) => twin.deviceId === deviceId).map(({ moduleId = '' }) => moduleId);
          return [...new Set(own)].toSorted();
        };
        const listed = async (moduleIds: readonly string[], want: readonly string[]): Promise<Twin[]> => {
          const { rows } = await list(
            () => hub.listModuleTwins(moduleIds, signal),
            (twins) => idsOf(twins).join() === want.join(),
          );
          expect(idsOf(rows)).toEqual(want);
          return rows;
        };
        const rows = await listed(['m', quoted], [quoted, 'm', 'recorded']);
        await listed([], ['recorded']);
        await listed([...MANY_IDS, quoted], [quoted, 'recorded']);
        const row = rows.find((twin) => twin.deviceId === deviceId && twin.moduleId === 'm');
        const { etag, properties } = await hub.getModuleTwin({ deviceId, moduleId: 'm' }, signal);
        expect(row).toMatchObject({ etag, properties });
      });

      test('wait for a turn before each page, and for none at their end', async () => {
        let turns = 0;
        const turn = async (): Promise<void> => void (turns += 1);
        const devices = await Array.fromAsync(hub.listDevices(signal, { turn }));
        expect(turns).toBe(devices.length);
        const twins = await Array.fromAsync(hub.listModuleTwins(MANY_IDS, signal, { turn }));
        expect(turns).toBe(devices.length + twins.length);
        const refused = { turn: () => Promise.reject(new HubError('Aborted', 'No turn.')) };
        const first = hub.listDevices(signal, refused)[Symbol.asyncIterator]().next();
        await expect(first).rejects.toMatchObject({ code: 'Aborted' });
      });

      test('may be left before their end', async () => {
        for await (const page of hub.listDevices(signal)) {
          expect(page).toBeInstanceOf(Array);
          break;
        }
        expect(await hub.countDevices(signal)).toEqual(expect.any(Number));
      });
    });

    describe('direct reads', () => {
      test('see what was just written', async () => {
        const ref = await newModule('fresh', { tags: { site: 'lyon' } });
        await others.patchModuleTwin(ref, { tags: { a: 1 }, properties: { desired: { b: { c: [1, 'x'] } } } });
        const twin = await hub.getModuleTwin(ref, signal);
        expect(twin).toMatchObject({ ...ref, tags: { a: 1 }, properties: { desired: { b: { c: [1, 'x'] } } } });
        expect(twin.properties.desired['$version']).toBe(2);
        const device = await hub.getDeviceTwin(ref.deviceId, signal);
        expect(device).toMatchObject({ deviceId: ref.deviceId, status: 'enabled', tags: { site: 'lyon' } });
        expect(device.moduleId).toBeUndefined();
      });

      test('are NotFound where the device is missing or gone', async () => {
        const ref = await newModule('gone');
        await others.deleteDevice(ref.deviceId);
        const errors = await Promise.all(
          [
            hub.getDeviceTwin(idOf('never'), signal),
            hub.getModuleTwin({ deviceId: idOf('never'), moduleId: 'm' }, signal),
            hub.getDeviceTwin(ref.deviceId, signal),
            hub.getModuleTwin(ref, signal),
          ].map(failure),
        );
        expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'NotFound'));
      });

      test('are NotFound where the module alone is missing, and say what was tried', async () => {
        const { deviceId } = await newModule('lonely');
        const error = await failure(hub.getModuleTwin({ deviceId, moduleId: 'absent' }, signal));
        expect(error.code).toBe('NotFound');
        expect(error.message).toContain(`read the twin of ${deviceId}/absent`);
      });
    });

    describe('a patch', () => {
      test('merges tags and desired in one step, and answers the whole new twin with the predicted etag', async () => {
        const ref = await newModule('merge');
        await others.patchModuleTwin(ref, {
          tags: { keep: 1, drop: 2 },
          properties: { desired: { keep: { a: 1, b: [1, 2], drop: true }, other: 'x' } },
        });
        const before = await hub.getModuleTwin(ref, signal);
        const patch = {
          tags: { drop: null, add: { deep: true } },
          properties: { desired: { keep: { a: { now: 'object' }, b: [3], drop: null } } },
        };
        const after = await hub.patchModuleTwin(ref, patch, before.etag, signal);
        expect(after.etag).toBe(etagOfCounter((etagCounter(before.etag) ?? 0n) + 1n));
        expect(after.tags).toEqual({ keep: 1, add: { deep: true } });
        const { $metadata: _metadata, $version: version, ...desired } = after.properties.desired;
        expect(desired).toEqual({ keep: { a: { now: 'object' }, b: [3] }, other: 'x' });
        expect(version).toBe((before.properties.desired['$version'] as number) + 1);
        expect(await hub.getModuleTwin(ref, signal)).toMatchObject({
          etag: after.etag,
          tags: after.tags,
          properties: after.properties,
        });
      });

      test('of tags alone leaves the version of the desired properties', async () => {
        const ref = await newModule('tags-only');
        const before = await hub.getModuleTwin(ref, signal);
        const after = await hub.patchModuleTwin(ref, { tags: { a: 1 } }, before.etag, signal);
        expect(after.properties.desired).toEqual(before.properties.desired);
        expect(after.etag).not.toBe(before.etag);
      });

      test('that removes the last tag leaves none', async () => {
        const ref = await newModule('last-tag');
        await others.patchModuleTwin(ref, { tags: { a: 1 } });
        const { etag } = await hub.getModuleTwin(ref, signal);
        const { tags = {} } = await hub.patchModuleTwin(ref, { tags: { a: null } }, etag, signal);
        expect(tags).toEqual({});
      });

      test('keeps what clients often damage: Unicode, empty and hostile keys, numbers, empty objects', async () => {
        const ref = await newModule('hostile');
        const { etag } = await hub.getModuleTwin(ref, signal);
        const desired = JSON.parse(
          '{"é":"Grüße 日本 🔐","":1,"__proto__":{"x":1},"constructor":"c","f":1.5,"i":-4503599627370496,"e":{},"n":{"s":""}}',
        ) as JsonObject;
        const after = await hub.patchModuleTwin(ref, { properties: { desired } }, etag, signal);
        for (const twin of [after, await hub.getModuleTwin(ref, signal)]) {
          const { $metadata: _metadata, $version: _version, ...stored } = twin.properties.desired;
          expect(deepEqual(stored, desired)).toBe(true);
        }
      });

      test('with an etag that moved is PreconditionFailed and writes nothing', async () => {
        const ref = await newModule('stale');
        const { etag } = await hub.getModuleTwin(ref, signal);
        await others.patchModuleTwin(ref, { properties: { desired: { theirs: 1 } } });
        const before = await hub.getModuleTwin(ref, signal);
        const patch = { tags: { ours: 1 }, properties: { desired: { ours: 1 } } };
        expect((await failure(hub.patchModuleTwin(ref, patch, etag, signal))).code).toBe('PreconditionFailed');
        expect(await hub.getModuleTwin(ref, signal)).toEqual(before);
      });

      test('wins once where two rest on the same etag', async () => {
        const ref = await newModule('race');
        const { etag } = await hub.getModuleTwin(ref, signal);
        const ends = await Promise.all(
          [1, 2, 3].map((by) =>
            hub.patchModuleTwin(ref, { tags: { by } }, etag, signal).then(
              () => 'written',
              (error: unknown) => (error as HubError).code,
            ),
          ),
        );
        expect(ends.toSorted()).toEqual(['PreconditionFailed', 'PreconditionFailed', 'written']);
      });

      test('of a recreated module is not mistaken for one of the module before', async () => {
        const ref = await newModule('anew');
        await others.patchModuleTwin(ref, { tags: { a: 1 } });
        const { etag } = await hub.getModuleTwin(ref, signal);
        await others.deleteModule(ref);
        expect((await failure(hub.patchModuleTwin(ref, { tags: { b: 1 } }, etag, signal))).code).toBe('NotFound');
        await hub.createModule(ref, signal);
        expect((await failure(hub.patchModuleTwin(ref, { tags: { b: 1 } }, etag, signal))).code).toBe(
          'PreconditionFailed',
        );
      });

      test('does not take "*" for an etag', async () => {
        const ref = await newModule('star');
        const before = await hub.getModuleTwin(ref, signal);
        expect((await failure(hub.patchModuleTwin(ref, { tags: { a: 1 } }, '*', signal))).code).toBe('Invalid');
        expect(await hub.getModuleTwin(ref, signal)).toEqual(before);
      });

      const refused: [sentence: string, patch: JsonObject, code: string][] = [
        ['desired properties over their limit', { properties: { desired: SECTION_TOO_LARGE } }, 'TooLarge'],
        [
          'tags over their limit',
          { tags: { a: 'a'.repeat(4_000), b: 'b'.repeat(4_000), c: 'c'.repeat(500) } },
          'TooLarge',
        ],
        ['a dot in a key', { properties: { desired: { 'a.b': 1 } } }, 'Invalid'],
        ['a dollar in a key', { properties: { desired: { a: { $b: 1 } } } }, 'Invalid'],
        ['a hash in a key', { tags: { 'a#b': 1 } }, 'Invalid'],
        ['a space in a key', { tags: { 'a b': 1 } }, 'Invalid'],
        ['a control character in a key', { tags: { 'a\u0085b': 1 } }, 'Invalid'],
        ['a text over 4096 bytes', { properties: { desired: { a: 'é'.repeat(2_049) } } }, 'Invalid'],
        ['a null inside an array', { properties: { desired: { a: [1, null] } } }, 'Invalid'],
        ['an integer past 2^52', { properties: { desired: { a: 4_503_599_627_370_496 } } }, 'Invalid'],
      ];
      test.each(refused)('with %s is refused whole', async (sentence, patch, code) => {
        const ref = await newModule(`refused-${sentence.replaceAll(/\W+/g, '-')}`);
        const before = await hub.getModuleTwin(ref, signal);
        const both = { tags: { ours: 1 }, ...patch };
        const error = await failure(hub.patchModuleTwin(ref, both, before.etag, signal));
        expect(error.code).toBe(code);
        expect(error.message).toContain(`patch the twin of ${ref.deviceId}/m`);
        expect(await hub.getModuleTwin(ref, signal)).toEqual(before);
      });
    });

    describe('getModule', () => {
      test('says who manages a module, and distinguishes a recreated one from the one before', async () => {
        const ref = await newModule('identity');
        const before = await hub.getModule(ref, signal);
        expect(before).toEqual({ managedBy: undefined, generationId: expect.any(String) });
        await others.deleteModule(ref);
        expect((await failure(hub.getModule(ref, signal))).code).toBe('NotFound');
        await hub.createModule(ref, signal);
        expect((await hub.getModule(ref, signal)).generationId).not.toBe(before.generationId);
        const managed = await newModule('managed', { managedBy: 'IotEdge' });
        expect(isManagedByEdge(await hub.getModule(managed, signal))).toBe(true);
      });

      test('is NotFound where the device is missing, or Unauthorized as a hub says it to a policy', async () => {
        const error = await failure(hub.getModule({ deviceId: idOf('no-device'), moduleId: 'm' }, signal));
        expect(['NotFound', 'Unauthorized']).toContain(error.code);
      });
    });

    describe('listModuleIds', () => {
      test('names every module of the device, and none where it has none', async () => {
        const { deviceId } = await newModule('several');
        await hub.createModule({ deviceId, moduleId: 'n' }, signal);
        expect([...(await hub.listModuleIds(deviceId, signal))].toSorted()).toEqual(['m', 'n']);
        await others.createDevices([{ deviceId: idOf('without'), modules: [] }]);
        expect(await hub.listModuleIds(idOf('without'), signal)).toEqual([]);
      });

      test('is NotFound where the device is missing, or Unauthorized as a hub says it to a policy', async () => {
        const error = await failure(hub.listModuleIds(idOf('no-device'), signal));
        expect(['NotFound', 'Unauthorized']).toContain(error.code);
      });
    });

    test('listConfigurations tells where automatic configurations write', async () => {
      const id = `${opened.prefix}settings`;
      const targetCondition = `from devices.modules where moduleId = 'm' and tags.contract = '${id}'`;
      const content = {
        'properties.desired.guard': { usb: 'block', log: { level: 1 } },
        'properties.desired.a.b': null,
      };
      await others.createConfiguration(id, { id, priority: 7, targetCondition, content: { moduleContent: content } });
      const listed = await hub.listConfigurations(signal);
      expect(listed.find((one) => one.id === id)).toEqual({
        id,
        priority: 7,
        targetCondition,
        writes: [
          { moduleId: undefined, path: ['guard', 'usb'] },
          { moduleId: undefined, path: ['guard', 'log', 'level'] },
          { moduleId: undefined, path: ['a', 'b'] },
        ],
      });
      await others.deleteConfiguration(id);
      expect((await hub.listConfigurations(signal)).map((one) => one.id)).not.toContain(id);
    });

    describe('createModule', () => {
      test('makes a module with an empty twin, and is AlreadyExists the second time', async () => {
        const { deviceId } = await newModule('creates');
        const ref = { deviceId, moduleId: 'n' };
        await hub.createModule(ref, signal);
        const twin = await hub.getModuleTwin(ref, signal);
        expect(twin).toMatchObject({ ...ref, etag: 'AAAAAAAAAAE=' });
        await others.patchModuleTwin(ref, { tags: { a: 1 } });
        const before = await hub.getModuleTwin(ref, signal);
        expect((await failure(hub.createModule(ref, signal))).code).toBe('AlreadyExists');
        expect(await hub.getModuleTwin(ref, signal)).toEqual(before);
      });

      test('is refused where the device is missing: NotFound, or Unauthorized as a hub says it to a policy', async () => {
        const error = await failure(hub.createModule({ deviceId: idOf('nowhere'), moduleId: 'm' }, signal));
        expect(['NotFound', 'Unauthorized']).toContain(error.code);
      });

      test('is Invalid for the ids that are the hub’s own', async () => {
        const { deviceId } = await newModule('system');
        expect((await failure(hub.createModule({ deviceId, moduleId: '$mine' }, signal))).code).toBe('Invalid');
      });
    });

    describe('the reserved device', () => {
      const options = { status: 'disabled', statusReason: 'Reserved for a test' } as const;

      test('is made disabled and with an empty twin, and is AlreadyExists the second time', async () => {
        const deviceId = await newReserved('reserved');
        const twin = await hub.getDeviceTwin(deviceId, signal);
        expect(twin).toMatchObject({ deviceId, status: 'disabled', etag: 'AAAAAAAAAAE=' });
        expect(twin.tags ?? {}).toEqual({});
        const { code } = await failure(hub.createDevice(deviceId, options, signal));
        expect(code).toBe('AlreadyExists');
        expect(await hub.getDeviceTwin(deviceId, signal)).toEqual(twin);
      });

      test('takes tags while its twin has the etag they rest on, and answers the whole new twin', async () => {
        const deviceId = await newReserved('tagged');
        const { etag } = await hub.getDeviceTwin(deviceId, signal);
        const first = { lease: { n: 1, held: true }, list: [{ a: 'x' }] };
        const written = await hub.patchDeviceTwin(deviceId, first, etag, signal);
        expect(written.tags).toEqual(first);
        expect(written.etag).not.toBe(etag);
        const stale = await failure(hub.patchDeviceTwin(deviceId, { lease: { n: 9 } }, etag, signal));
        expect(stale.code).toBe('PreconditionFailed');
        const next = await hub.patchDeviceTwin(deviceId, { lease: { held: null }, list: [] }, written.etag, signal);
        expect(next.tags).toEqual({ lease: { n: 1 }, list: [] });
        expect(await hub.getDeviceTwin(deviceId, signal)).toMatchObject({ etag: next.etag, tags: next.tags });
        expect((await failure(hub.patchDeviceTwin(deviceId, {}, '*', signal))).code).toBe('Invalid');
      });

      test('is changed by one of two that rest on the same etag', async () => {
        const deviceId = await newReserved('contended');
        const { etag } = await hub.getDeviceTwin(deviceId, signal);
        const ends = await Promise.all(
          ['a', 'b', 'c'].map((by) =>
            hub.patchDeviceTwin(deviceId, { by }, etag, signal).then(
              () => 'written',
              (error: unknown) => (error as HubError).code,
            ),
          ),
        );
        expect(ends.toSorted()).toEqual(['PreconditionFailed', 'PreconditionFailed', 'written']);
      });

      test('goes whole, and is NotFound afterwards', async () => {
        const deviceId = await newReserved('going');
        await hub.deleteDevice(deviceId, signal);
        const errors = await Promise.all(
          [
            hub.getDeviceTwin(deviceId, signal),
            hub.patchDeviceTwin(deviceId, { a: 1 }, 'AAAAAAAAAAE=', signal),
            hub.deleteDevice(deviceId, signal),
          ].map(failure),
        );
        expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'NotFound'));
      });

      async function newReserved(device: string): Promise<string> {
        const deviceId = idOf(device);
        await hub.createDevice(deviceId, options, signal);
        others.adopt?.(deviceId);
        return deviceId;
      }
    });

    test('messagesSpent never shrinks', async () => {
      const before = hub.messagesSpent();
      await hub.countDevices(signal);
      expect(hub.messagesSpent()).toBeGreaterThanOrEqual(before);
    });

    test('countDevices counts', async () => {
      await newModule('counted');
      expect(await hub.countDevices(signal)).toBeGreaterThan(0);
    });

    describe('a signal', () => {
      test('that fired before stops every call', async () => {
        const ref = await newModule('aborted');
        const before = await hub.getModuleTwin(ref, signal);
        const fired = AbortSignal.abort();
        const made = { ...ref, moduleId: 'n' };
        const errors = await Promise.all(
          [
            hub.listDevices(fired)[Symbol.asyncIterator]().next(),
            hub.listModuleTwins(['m'], fired)[Symbol.asyncIterator]().next(),
            hub.getDeviceTwin(ref.deviceId, fired),
            hub.getModuleTwin(ref, fired),
            hub.patchModuleTwin(ref, { tags: { a: 1 } }, before.etag, fired),
            hub.createModule(made, fired),
            hub.getModule(ref, fired),
            hub.listModuleIds(ref.deviceId, fired),
            hub.listConfigurations(fired),
            hub.createDevice(idOf('never-made'), { status: 'disabled', statusReason: '' }, fired),
            hub.patchDeviceTwin(ref.deviceId, { a: 1 }, before.etag, fired),
            hub.deleteDevice(ref.deviceId, fired),
            hub.countDevices(fired),
          ].map(failure),
        );
        expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'Aborted'));
        expect(await hub.getModuleTwin(ref, signal)).toEqual(before);
        expect((await failure(hub.getModuleTwin(made, signal))).code).toBe('NotFound');
      });

      test('that fires during a list stops it before its next page', async () => {
        const abort = new AbortController();
        const pages = hub.listDevices(abort.signal)[Symbol.asyncIterator]();
        await pages.next();
        abort.abort();
        expect((await failure(pages.next())).code).toBe('Aborted');
        expect((await pages.next()).done).toBe(true);
      });

      test('that fires during a call ends it, done or Aborted', async () => {
        const { deviceId } = await newModule('during');
        const abort = new AbortController();
        const calls = [hub.getDeviceTwin(deviceId, abort.signal), hub.getDeviceTwin(deviceId, abort.signal)];
        abort.abort();
        for (const end of await Promise.allSettled(calls)) {
          const code = end.status === 'fulfilled' ? 'done' : (end.reason as HubError).code;
          expect(['done', 'Aborted']).toContain(code);
        }
        expect(await hub.getDeviceTwin(deviceId, signal)).toMatchObject({ deviceId });
      });
    });

    test('ids with every legal character reach their own device', async () => {
      const ref = { deviceId: idOf("a%41+b:c_!*(),=@;$'?#.d"), moduleId: "m%2F'?#.n" };
      await others.createDevices([{ deviceId: ref.deviceId, modules: [ref.moduleId] }]);
      expect(await hub.getModuleTwin(ref, signal)).toMatchObject(ref);
      await hub.createModule({ ...ref, moduleId: "x%2F'?#.y" }, signal);
      const { etag } = await hub.getModuleTwin(ref, signal);
      expect(await hub.patchModuleTwin(ref, { tags: { a: 1 } }, etag, signal)).toMatchObject({
        ...ref,
        tags: { a: 1 },
      });
    });

    // Last of all: nothing is asked of the hub after it.
    test('closing is idempotent', () => {
      hub.close();
      expect(() => hub.close()).not.toThrow();
    });
  });
}
