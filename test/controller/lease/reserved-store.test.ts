// The store on the reserved device: what shares one twin does not disturb each other, and no call is made twice.
import { beforeEach, describe, expect, test } from 'vitest';
import { rememberApproval } from '../../../src/controller/lease/approvals.ts';
import { ReservedStore } from '../../../src/controller/lease/reserved-store.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { mapHub } from '../../../src/ports/map-hub.ts';
import { createFleet, createLease, createLog, NEVER, suspend, type Fleet } from '../fixture.ts';

const DEVICE = 'twinward-default';
const ALL = { scope: 'All', who: 'me', reason: 'why', untilMs: undefined } as const;
const entry = (renewals: number) => ({
  holder: 'a',
  kind: 'run',
  revision: 'r',
  since: '2026-11-23T12:00:00.000Z',
  at: '2026-11-23T12:00:00.000Z',
  ttlSeconds: 90,
  renewals,
});

let fleet: Fleet;
let calls: string[];
let counted: Hub;

beforeEach(() => {
  fleet = createFleet(0);
  calls = [];
  counted = mapHub(fleet.hub, {
    call: ({ method }, run) => {
      calls.push(method);
      return run();
    },
  });
});

const tags = () => fleet.iot.getTwin({ deviceId: DEVICE })['tags'];

describe('the calls it makes', () => {
  test('are four for the first lease of an installation, then a read and a patch, then a patch for each renewal', async () => {
    const lease = createLease(fleet, 'a', { hub: counted });
    await lease.acquire(NEVER);
    expect(calls).toEqual(['getDeviceTwin', 'createDevice', 'getDeviceTwin', 'patchDeviceTwin']);
    await lease.release();
    calls.length = 0;
    await lease.acquire(NEVER);
    expect(calls).toEqual(['getDeviceTwin', 'patchDeviceTwin']);
    calls.length = 0;
    expect(await lease.renew(NEVER)).toBe(true);
    expect(calls).toEqual(['patchDeviceTwin']);
    await lease.release();
  });

  test('are a read and two patches where a suspension came between two renewals', async () => {
    const lease = createLease(fleet, 'a', { hub: counted });
    await lease.acquire(NEVER);
    await suspend(fleet, () => [ALL]);
    calls.length = 0;
    expect(await lease.renew(NEVER)).toBe(true);
    expect(calls).toEqual(['patchDeviceTwin', 'getDeviceTwin', 'patchDeviceTwin']);
    await lease.release();
  });

  test('are one patch for a suspension after a read, and one for an approval under a lease', async () => {
    const store = new ReservedStore(counted, 'default');
    await store.read(NEVER);
    await store.change(() => ({ suspensions: [ALL] }), NEVER);
    calls.length = 0;
    await store.change(({ suspensions }) => ({ suspensions: [...suspensions, { ...ALL, who: 'b' }] }), NEVER);
    expect(calls).toEqual(['patchDeviceTwin']);
    const lease = createLease(fleet, 'a', { store });
    await lease.acquire(NEVER);
    calls.length = 0;
    await rememberApproval(store, { fingerprint: 'f', shapes: ['s'] }, createLog(), NEVER);
    expect(await lease.renew(NEVER)).toBe(true);
    expect(calls).toEqual(['patchDeviceTwin', 'patchDeviceTwin']);
    await lease.release();
  });
});

describe('the lease', () => {
  test('is written while its version is unchanged, whatever else changes on the twin', async () => {
    const [ours, theirs] = [new ReservedStore(fleet.hub, 'default'), new ReservedStore(fleet.hub, 'default')];
    const free = await ours.read(NEVER);
    expect(free).toMatchObject({ lease: undefined, suspensions: [], approved: undefined });
    const first = await ours.write(entry(0), free.leaseVersion, NEVER);
    expect(first).toMatchObject({ isWritten: true, lease: entry(0) });
    await theirs.change(() => ({ suspensions: [ALL] }), NEVER);
    const second = await ours.write(entry(1), first.leaseVersion, NEVER);
    expect(second).toMatchObject({ isWritten: true, lease: entry(1), suspensions: [ALL] });
    expect(await theirs.write(entry(7), first.leaseVersion, NEVER)).toMatchObject({
      isWritten: false,
      lease: entry(1),
    });
    expect(await ours.write(undefined, second.leaseVersion, NEVER)).toMatchObject({
      isWritten: true,
      lease: undefined,
    });
    expect(tags()).toMatchObject({ twinward: { suspensions: [{ scope: 'All' }] } });
    expect(tags()).not.toHaveProperty('twinward.lease');
  });

  test('takes with it every field that another version wrote into the entry', async () => {
    const store = new ReservedStore(fleet.hub, 'default');
    await store.write(entry(0), '', NEVER);
    fleet.iot.patchTwin({ deviceId: DEVICE }, { tags: { twinward: { lease: { zone: 'west' }, newer: 1 } } });
    const { leaseVersion } = await store.read(NEVER);
    await store.write(entry(1), leaseVersion, NEVER);
    expect(tags()).toMatchObject({ twinward: { newer: 1 } });
    expect(tags()).not.toHaveProperty('twinward.lease.zone');
  });

  test('that an installation never had makes no device until it is written', async () => {
    await new ReservedStore(fleet.hub, 'default').read(NEVER);
    expect(fleet.ids()).toEqual([]);
  });
});

describe('the fleet state', () => {
  test('keeps what a change leaves out, also what it can not read', async () => {
    const store = new ReservedStore(fleet.hub, 'default');
    await store.change(() => ({ approved: { fingerprint: 'f', shapes: ['s'] } }), NEVER);
    fleet.iot.patchTwin({ deviceId: DEVICE }, { tags: { twinward: { suspensions: [{ scope: 'Site' }] } } });
    const facts = await store.change(() => ({ approved: { fingerprint: 'g', shapes: [] } }), NEVER);
    expect(facts).toMatchObject({ approved: { fingerprint: 'g', shapes: [] }, suspensions: [{ scope: 'All' }] });
    expect(tags()).toMatchObject({ twinward: { suspensions: [{ scope: 'Site' }] } });
    await store.change(() => ({ suspensions: [] }), NEVER);
    expect(tags()).toMatchObject({ twinward: { approved: { fingerprint: 'g' } } });
    expect(tags()).not.toHaveProperty('twinward.suspensions');
  });

  test('remembers an approval only where it fits, and a failure is no failure of the work', async () => {
    const store = new ReservedStore(fleet.hub, 'default');
    const log = createLog();
    const shapes = Array.from({ length: 101 }, (_, index) => `s${index}`);
    expect(await rememberApproval(store, { fingerprint: 'f', shapes }, log, NEVER)).toBeUndefined();
    expect(fleet.ids()).toEqual([]);
    const hub: Hub = { ...fleet.hub, patchDeviceTwin: () => Promise.reject(new HubError('Unavailable', 'down')) };
    const broken = new ReservedStore(hub, 'default');
    expect(await rememberApproval(broken, { fingerprint: 'f', shapes: [] }, log, NEVER)).toBeUndefined();
    expect(log.lines.map(({ fields }) => fields)).toEqual([{ code: 'Unavailable' }]);
  });

  test('gives up where others are faster at every try', async () => {
    const hub: Hub = {
      ...counted,
      patchDeviceTwin: async (...call) => {
        await suspend(fleet, () => [{ ...ALL, reason: String(calls.length) }]);
        return counted.patchDeviceTwin(...call);
      },
    };
    const change = new ReservedStore(hub, 'default').change(() => ({ suspensions: [ALL] }), NEVER);
    await expect(change).rejects.toMatchObject({ code: 'PreconditionFailed' });
    expect(calls.filter((method) => method === 'patchDeviceTwin')).toHaveLength(5);
  });
});
