// One writer at a time: how the lease is taken, kept, waited for, lost, taken away and given back.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { fencedHub } from '../../../src/controller/lease/fenced-hub.ts';
import type { HeldLease } from '../../../src/controller/lease/held-lease.ts';
import { ReservedStore } from '../../../src/controller/lease/reserved-store.ts';
import { HubError, type HubErrorCode } from '../../../src/model/errors.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createFleet, createLease, NEVER, suspend, type Fleet } from '../fixture.ts';

const TTL_MS = 90_000;
const DEVICE = 'twinward-default';

let fleet: Fleet;

beforeEach(() => {
  fleet = createFleet(1);
});

const leaseOf = (holder: string, options?: Parameters<typeof createLease>[2]): HeldLease =>
  createLease(fleet, holder, options);

const stored = async () => (await new ReservedStore(fleet.hub, 'default').read(NEVER)).lease;

/** A hub whose writes of the lease fail like this while `isBroken` says so. */
function breaking(isBroken: () => boolean, code: HubErrorCode, lands = false): Hub {
  return {
    ...fleet.hub,
    async patchDeviceTwin(...call) {
      if (!isBroken()) return fleet.hub.patchDeviceTwin(...call);
      if (lands) await fleet.hub.patchDeviceTwin(...call);
      throw new HubError(code, 'broken');
    },
  };
}

describe('taking it', () => {
  test('makes the reserved device, disabled, and says who, why and since when', async () => {
    const lease = leaseOf('a@host/1');
    expect(await lease.acquire(NEVER)).toEqual({ kind: 'Held' });
    expect(lease.isHeld).toBe(true);
    expect(fleet.iot.getDevice(DEVICE)).toMatchObject({ status: 'disabled' });
    expect(await stored()).toMatchObject({
      holder: 'a@host/1',
      kind: 'run',
      revision: 'sha256:1',
      since: '2026-11-23T12:00:00.000Z',
      ttlSeconds: 90,
    });
    await lease.release();
  });

  test('is for one of many that want it at once', async () => {
    const leases = ['a', 'b', 'c', 'd'].map((name) => leaseOf(name));
    const ends = await Promise.all(leases.map((lease) => lease.acquire(NEVER)));
    expect(ends.filter(({ kind }) => kind === 'Held')).toHaveLength(1);
    expect(leases.filter(({ isHeld }) => isHeld)).toHaveLength(1);
    for (const lease of leases) await lease.release();
  });

  test('is at once where it was given back', async () => {
    const first = leaseOf('a');
    await first.acquire(NEVER);
    await first.release();
    expect(await stored()).toBeUndefined();
    expect((await leaseOf('b').acquire(NEVER)).kind).toBe('Held');
  });

  test('is another one for another instance', async () => {
    await leaseOf('a').acquire(NEVER);
    expect((await leaseOf('b', { instance: 'other' }).acquire(NEVER)).kind).toBe('Held');
  });

  test('waits while the holder lives, however long', async () => {
    const holder = leaseOf('a');
    await holder.acquire(NEVER);
    const waiting = leaseOf('b');
    for (let minute = 0; minute < 30; minute += 1) {
      expect(await waiting.acquire(NEVER)).toMatchObject({ kind: 'Waiting', entry: { holder: 'a' } });
      await fleet.clock.advance(60_000);
    }
    expect(holder.isHeld).toBe(true);
    await holder.release();
  });

  test('comes once a dead holder did not renew for as long as its lease was good for, watched by our own clock', async () => {
    await leaseOf('a', { clock: stopped() }).acquire(NEVER);
    const waiting = leaseOf('b');
    expect((await waiting.acquire(NEVER)).kind).toBe('Waiting');
    await fleet.clock.advance(TTL_MS - 1);
    expect((await waiting.acquire(NEVER)).kind).toBe('Waiting');
    await fleet.clock.advance(1);
    expect((await waiting.acquire(NEVER)).kind).toBe('Held');
    await waiting.release();
  });

  test.each([-86_400_000, 86_400_000])(
    'asks no other clock: one that is off by %i ms changes nothing',
    async (skewMs) => {
      const skewed: Clock = { ...fleet.clock, now: () => fleet.clock.now() + skewMs, schedule: () => () => {} };
      await leaseOf('a', { clock: skewed }).acquire(NEVER);
      const waiting = leaseOf('b');
      expect((await waiting.acquire(NEVER)).kind).toBe('Waiting');
      await fleet.clock.advance(TTL_MS);
      expect((await waiting.acquire(NEVER)).kind).toBe('Held');
      await waiting.release();
    },
  );

  test('by force ends the holder’s', async () => {
    let lost = 0;
    const holder = leaseOf('a');
    holder.watch({ onLost: () => (lost += 1) });
    await holder.acquire(NEVER);
    const other = leaseOf('b');
    expect((await other.acquire(NEVER, true)).kind).toBe('Held');
    await fleet.clock.advance(TTL_MS / 3);
    expect(holder.isHeld).toBe(false);
    expect(lost).toBe(1);
    expect(await holder.acquire(NEVER)).toMatchObject({ kind: 'Waiting', entry: { holder: 'b' } });
    await other.release();
  });

  test('needs no right to make devices where somebody made this one, and says so where nobody did', async () => {
    const hub: Hub = { ...fleet.hub, createDevice: () => Promise.reject(new HubError('Unauthorized', 'No.')) };
    await expect(leaseOf('a', { hub }).acquire(NEVER)).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('create it yourself, disabled'),
    });
    fleet.iot.createDevice(DEVICE, { deviceId: DEVICE, status: 'disabled' });
    const lease = leaseOf('a', { hub });
    expect((await lease.acquire(NEVER)).kind).toBe('Held');
    await lease.release();
  });

  test('does not believe what nobody can read, and waits it out', async () => {
    fleet.iot.createDevice(DEVICE, { deviceId: DEVICE, status: 'disabled' });
    fleet.iot.patchTwin({ deviceId: DEVICE }, { tags: { twinward: { lease: 'mine' } } });
    const lease = leaseOf('a');
    expect((await lease.acquire(NEVER)).kind).toBe('Waiting');
    await fleet.clock.advance(300_000);
    expect((await lease.acquire(NEVER)).kind).toBe('Held');
    await lease.release();
  });
});

describe('keeping it', () => {
  test('renews in time, for one write each, and leaves no timer behind', async () => {
    const lease = leaseOf('a');
    await lease.acquire(NEVER);
    await fleet.clock.advance(TTL_MS * 10);
    expect(lease.isHeld).toBe(true);
    expect(await stored()).toMatchObject({ holder: 'a', renewals: 30 });
    await lease.release();
    expect(fleet.clock.pending).toBe(0);
  });

  test('survives a suspension that moves the etag, and hears of it', async () => {
    const heard: (number | undefined)[] = [];
    const store = new ReservedStore(fleet.hub, 'default');
    const lease = leaseOf('a', { store });
    lease.watch({ onRenewed: () => heard.push(store.last?.suspensions.length) });
    await lease.acquire(NEVER);
    await suspend(fleet, () => [{ scope: 'All', who: 'me', reason: 'why', untilMs: undefined }]);
    await fleet.clock.advance(TTL_MS);
    expect(lease.isHeld).toBe(true);
    expect(heard).toEqual([1, 1, 1]);
    await lease.release();
  });

  test.each(['Unavailable', 'Throttled'] as const)('gets over a hub that is %s for a moment', async (code) => {
    let isBroken = false;
    const lease = leaseOf('a', { hub: breaking(() => isBroken, code) });
    await lease.acquire(NEVER);
    isBroken = true;
    await fleet.clock.advance(TTL_MS / 3 + 10_000);
    isBroken = false;
    await fleet.clock.advance(TTL_MS);
    expect(lease.isHeld).toBe(true);
    await lease.release();
  });

  test('takes a renewal that landed without an answer for its own', async () => {
    let isBroken = false;
    const lease = leaseOf('a', { hub: breaking(() => isBroken, 'Timeout', true) });
    await lease.acquire(NEVER);
    isBroken = true;
    await fleet.clock.advance(TTL_MS / 3 + 1);
    isBroken = false;
    await fleet.clock.advance(TTL_MS);
    expect(lease.isHeld).toBe(true);
    await lease.release();
  });
});

describe('losing it', () => {
  test.each(['Unavailable', 'Unauthorized'] as const)(
    'comes before anybody else may have it, where the hub is %s for long',
    async (code) => {
      let isBroken = false;
      let lost = 0;
      const lease = leaseOf('a', { hub: breaking(() => isBroken, code) });
      lease.watch({ onLost: () => (lost += 1) });
      await lease.acquire(NEVER);
      const { signal } = lease;
      isBroken = true;
      const other = leaseOf('b');
      await other.acquire(NEVER);
      await fleet.clock.advance((TTL_MS * 2) / 3);
      expect(lease.isHeld).toBe(false);
      expect(signal.aborted).toBe(true);
      expect(lost).toBe(1);
      expect((await other.acquire(NEVER)).kind).toBe('Waiting');
    },
  );

  test('comes where the hub does not answer at all', async () => {
    let isHanging = false;
    const hub: Hub = {
      ...fleet.hub,
      patchDeviceTwin: (...call) => (isHanging ? new Promise(() => {}) : fleet.hub.patchDeviceTwin(...call)),
    };
    const lease = leaseOf('a', { hub });
    await lease.acquire(NEVER);
    isHanging = true;
    await fleet.clock.advance((TTL_MS * 2) / 3);
    expect(lease.isHeld).toBe(false);
  });

  test('is known without a timer to whoever slept', async () => {
    let nowMs = fleet.clock.now();
    const asleep: Clock = { now: () => nowMs, schedule: () => () => {} };
    const lease = leaseOf('a', { clock: asleep });
    await lease.acquire(NEVER);
    nowMs += TTL_MS;
    expect(lease.isHeld).toBe(false);
  });

  test('comes with the device that somebody removed, which is made anew', async () => {
    const lease = leaseOf('a');
    await lease.acquire(NEVER);
    fleet.iot.deleteDevice(DEVICE, '*');
    await fleet.clock.advance((TTL_MS * 2) / 3);
    expect(lease.isHeld).toBe(false);
    expect((await lease.acquire(NEVER)).kind).toBe('Held');
    await lease.release();
  });

  test('lets nothing more through to the hub', async () => {
    const lease = leaseOf('a');
    await lease.acquire(NEVER);
    const hub = fencedHub(fleet.hub, () => lease.isHeld);
    const ref = { deviceId: 'd1', moduleId: 'acmeGuard' };
    const { etag } = await hub.patchModuleTwin(
      ref,
      { tags: { a: 1 } },
      (await hub.getModuleTwin(ref, NEVER)).etag,
      NEVER,
    );
    await lease.release();
    await expect(hub.patchModuleTwin(ref, { tags: { a: 2 } }, etag, NEVER)).rejects.toMatchObject({ code: 'Aborted' });
    await expect(hub.createModule({ ...ref, moduleId: 'n' }, NEVER)).rejects.toMatchObject({ code: 'Aborted' });
    expect((await hub.getModuleTwin(ref, NEVER)).tags).toEqual({ a: 1 });
  });
});

test('giving it back never fails, and gives away nobody else’s', async () => {
  const lease = leaseOf('a', { hub: breaking(() => true, 'Unavailable') });
  await lease.release();
  const holder = leaseOf('b');
  await holder.acquire(NEVER);
  await leaseOf('c').acquire(NEVER, true);
  await holder.release();
  expect(await stored()).toMatchObject({ holder: 'c' });
});

test('at no moment two hold it, whatever fails and whoever wants it', async () => {
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('want', 'want', 'leave', 'break', 'break', 'heal'),
    waitMs: fc.nat(2 * TTL_MS),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      fleet = createFleet(0);
      const broken = [false, false, false];
      const wanting = [true, false, false];
      const leases = broken.map((_, who) =>
        leaseOf(`holder-${who}`, { hub: breaking(() => broken[who] === true, 'Unavailable') }),
      );
      for (const { who, what, waitMs } of steps) {
        wanting[who] = what === 'leave' ? false : what === 'want' || wanting[who] === true;
        broken[who] = what === 'break' || (what !== 'heal' && broken[who] === true);
        if (what === 'leave') await leases[who]?.release();
        for (let waited = 0; waited <= waitMs; waited += 10_000) {
          for (const [index, lease] of leases.entries()) {
            if (wanting[index] === true) await lease.acquire(NEVER).catch(expectHubError);
          }
          expect(leases.filter(({ isHeld }) => isHeld).length).toBeLessThanOrEqual(1);
          await fleet.clock.advance(10_000);
        }
      }
      for (const lease of leases) await lease.release();
    }),
    { numRuns: 20 },
  );
});

function expectHubError(error: unknown): void {
  expect(error).toBeInstanceOf(HubError);
}

/** The clock of a process that dies as soon as it has what it wanted. */
function stopped(): Clock {
  return { now: () => fleet.clock.now(), schedule: () => () => {} };
}
