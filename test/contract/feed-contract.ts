// Every clause of the change feed port as a test, for any implementation: events, recipients, failures.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change } from '../../src/model/change.ts';
import { HubError } from '../../src/model/errors.ts';
import type { ChangeFeed } from '../../src/ports/change-feed.ts';
import type { OtherWriters } from './hub-contract.ts';

export interface FeedUnderTest {
  readonly feed: ChangeFeed;
  /** Other writers on the hub of the feed. */
  readonly others: OtherWriters;
  /** As in its events. */
  readonly hubName: string;
  /** All device ids start with it: tests ignore everything else on the hub. */
  readonly prefix: string;
  /** Must not be in any message. */
  readonly secrets: readonly string[];
  /** Ends every watch from outside; undefined where that can't be done. The last thing that is asked of it. */
  readonly cut: (() => Promise<void>) | undefined;
  /** Removes what was made, and closes. */
  close(): Promise<void>;
}

interface Watch {
  readonly changes: readonly Change[];
  /** Resolves with the changes of this device, once there are this many. */
  of(deviceId: string, count: number): Promise<readonly Change[]>;
  readonly isOpen: Promise<void>;
  /** Resolves with what ended it. */
  readonly ended: Promise<unknown>;
  stop(): void;
}

export function describeFeedContract(
  name: string,
  open: () => Promise<FeedUnderTest>,
  { isSkipped = false, timeoutMs = 30_000 }: { readonly isSkipped?: boolean; readonly timeoutMs?: number } = {},
): void {
  describe.skipIf(isSkipped)(`the change feed's port: ${name}`, { timeout: timeoutMs }, () => {
    let opened: FeedUnderTest;
    let others: OtherWriters;

    beforeAll(async () => {
      opened = await open();
      ({ others } = opened);
    }, timeoutMs);
    afterAll(() => opened.close(), timeoutMs);

    const idOf = (device: string): string => `${opened.prefix}${device}`;

    function watch(stopping = new AbortController()): Watch {
      const changes: Change[] = [];
      const listeners = new Set<() => void>();
      const opening = Promise.withResolvers<void>();
      const onChange = (change: Change): void => {
        changes.push(change);
        for (const look of listeners) look();
      };
      const ended = opened.feed
        .watch({ onOpen: opening.resolve, onChange }, stopping.signal)
        .catch((error: unknown) => error);
      void ended.then(opening.reject);
      opening.promise.catch(() => {});
      return {
        changes,
        of: (deviceId, count) =>
          new Promise((resolve) => {
            const look = (): void => {
              const found = changes.filter((change) => change.deviceId === deviceId);
              if (found.length < count) return;
              listeners.delete(look);
              resolve(found);
            };
            listeners.add(look);
            look();
          }),
        isOpen: opening.promise,
        ended,
        stop: () => stopping.abort(),
      };
    }

    test('what changes once it is open is told, as what it is, that of one device in order', async () => {
      const watching = watch();
      await watching.isOpen;
      const deviceId = idOf('whole-life');
      const ref = { deviceId, moduleId: 'm' };
      await others.createDevices([{ deviceId, tags: { site: 'a' }, modules: ['m'] }]);
      await others.patchModuleTwin(ref, { tags: { t: { u: null } }, properties: { desired: { a: 1 } } });
      await others.patchModuleTwin(ref, { tags: { v: 1 } });
      await others.deleteModule(ref);
      await others.deleteDevice(deviceId);
      const { hubName } = opened;
      const device = { hubName, deviceId, moduleId: undefined, isReplaced: false, desiredVersion: undefined };
      const module = { ...device, moduleId: 'm' };
      expect(await watching.of(deviceId, 7)).toEqual([
        { ...device, isLifecycle: true, tags: undefined },
        { ...device, isLifecycle: false, tags: { site: 'a' } },
        { ...module, isLifecycle: true, tags: undefined },
        { ...module, isLifecycle: false, tags: { t: { u: null } }, desiredVersion: 2 },
        { ...module, isLifecycle: false, tags: { v: 1 } },
        { ...module, isLifecycle: true, tags: undefined },
        { ...device, isLifecycle: true, tags: undefined },
      ]);
      watching.stop();
      await watching.ended;
    });

    test('everybody who watches is told, until they stop', async () => {
      const [one, another] = [watch(), watch()];
      await Promise.all([one.isOpen, another.isOpen]);
      await others.createDevices([{ deviceId: idOf('seen-by-both') }]);
      await Promise.all([one.of(idOf('seen-by-both'), 1), another.of(idOf('seen-by-both'), 1)]);
      one.stop();
      const error = await one.ended;
      expect(error).toBeInstanceOf(HubError);
      expect(error).toMatchObject({ code: 'Aborted' });
      await others.createDevices([{ deviceId: idOf('seen-by-one') }]);
      await another.of(idOf('seen-by-one'), 1);
      expect(one.changes.filter(({ deviceId }) => deviceId === idOf('seen-by-one'))).toEqual([]);
      another.stop();
      await another.ended;
    });

    test('starts nothing without a reader', async () => {
      const stopped = new AbortController();
      stopped.abort();
      const watching = watch(stopped);
      expect(await watching.ended).toMatchObject({ name: 'HubError', code: 'Aborted' });
      await expect(watching.isOpen).rejects.toMatchObject({ code: 'Aborted' });
      await expect(opened.feed.probe(stopped.signal)).rejects.toMatchObject({ name: 'HubError', code: 'Aborted' });
    });

    test('a probe says what the newest events are of, and takes none from anybody', async () => {
      const watching = watch();
      await watching.isOpen;
      const deviceId = idOf('probed');
      await others.createDevices([{ deviceId, tags: { site: 'a' } }]);
      await watching.of(deviceId, 2);
      const { signal } = new AbortController();
      const facts = await opened.feed.probe(signal);
      expect(facts.events).toBeGreaterThanOrEqual(2);
      expect([...facts.hubNames]).toContain(opened.hubName);
      expect([typeof facts.twinChangeAtMs, typeof facts.lifecycleAtMs]).toEqual(['number', 'number']);
      expect((await opened.feed.probe(signal)).events).toBeGreaterThanOrEqual(facts.events);
      await others.createDevices([{ deviceId: idOf('after-the-probe') }]);
      await watching.of(idOf('after-the-probe'), 1);
      watching.stop();
      await watching.ended;
    });

    test('what is cut ends with a failure of the hub, and no secret in it', async ({ skip }) => {
      const { cut, secrets } = opened;
      if (cut === undefined) return skip();
      const watching = watch();
      await watching.isOpen;
      await cut();
      const error = (await watching.ended) as HubError;
      expect(error).toBeInstanceOf(HubError);
      expect(error.code).toBe('Unavailable');
      for (const secret of secrets) expect(error.message).not.toContain(secret);
    });
  });
}
