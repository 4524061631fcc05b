// `apply`, `suspend`, `resume` and `uninstall` against a hub where a controller may be at work.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HeldLease } from '../../../src/controller/lease/held-lease.ts';
import { ReservedStore } from '../../../src/controller/lease/reserved-store.ts';
import type { Lease, LeaseKind } from '../../../src/ports/lease.ts';
import { inProcessHub } from '../../../src/emulator/in-process-hub.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { SILENT_LOG } from '../../../src/cli/connect/plan-hub.ts';
import {
  folderOf,
  HUB,
  serveFleet,
  twinward,
  type Given,
  type Printed,
  type ServedHub,
  kioskManifests,
} from '../fixture.ts';

const KIOSKS = kioskManifests();
const DEVICE = 'twinward-default';
const { signal } = new AbortController();

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;
let open: Lease[] = [];

beforeEach(async () => {
  hub = await serveFleet(60);
  manifests = folderOf({ 'hub.yaml': HUB, 'kiosks.yaml': KIOSKS });
});
afterEach(async () => {
  for (const lease of open) await lease.release();
  open = [];
  manifests.remove();
  await hub.close();
});

async function run(command: string, given: Given = {}): Promise<Printed> {
  const env = { ...hub.env, USER: 'anna', HOSTNAME: 'desk' };
  return twinward([...command.split(' '), '-f', manifests.path], { env, clock: hub.clock, ...given });
}

/** Time advances while the command waits, but not for the short timeouts of single calls. */
function waitingClock(): Clock {
  return {
    now: () => hub.clock.now(),
    schedule(delayMs, callback) {
      let isWanted = true;
      void run('plan').then(async () => {
        if (!isWanted) return;
        await hub.clock.advance(delayMs);
        callback();
      });
      return () => {
        isWanted = false;
      };
    },
  };
}

/** A controller, or what is left of one. */
async function holder(
  revision: string,
  { isAlive = true, kind = 'run' }: { isAlive?: boolean; kind?: LeaseKind } = {},
): Promise<Lease> {
  const clock = isAlive ? hub.clock : { now: () => hub.clock.now() - 3_600_000, schedule: () => () => {} };
  const lease = new HeldLease({
    store: new ReservedStore(inProcessHub(hub.iot), 'default'),
    holder: 'controller@pod/abc',
    kind,
    revision: () => revision,
    ttlMs: 90_000,
    clock,
    log: SILENT_LOG,
  });
  await lease.acquire(signal);
  if (isAlive) open.push(lease);
  return lease;
}

const leaseOnHub = (): unknown =>
  (hub.iot.getTwin({ deviceId: DEVICE }) as { tags?: { twinward?: { lease?: unknown } } }).tags?.twinward?.lease;

function guards(): unknown[] {
  return hub.iot
    .query("SELECT deviceId FROM devices WHERE tags.hw = 'kiosk'")
    .items.map(({ deviceId }) => hub.iot.getTwin({ deviceId: String(deviceId), moduleId: 'acmeGuard' }))
    .map(
      (twin) =>
        (twin as { properties: { desired: { guard?: { usbPolicy?: unknown } } } }).properties.desired.guard?.usbPolicy,
    );
}

describe('apply', () => {
  test('takes the lease and gives it back, and its device is not in any count', async () => {
    const { code, out } = await run('apply --yes');
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('5 Written') });
    expect(leaseOnHub()).toBeUndefined();
    expect((await run('plan')).out).toContain('dev   60 devices, 5 twins');
    expect((await run('get devices')).out).not.toContain(DEVICE);
  });

  test('refuses while a live controller writes another revision, and says who and since when', async () => {
    await holder('sha256:other');
    const { code, err } = await run('apply --yes');
    expect(code).toBe(5);
    expect(err).toContain('controller@pod/abc (run) has had the lease of hub dev since 2026-11-23T12:00:00.000Z');
    expect(err).toContain('--force');
    expect(guards()).toEqual(Array(5).fill(undefined));
  });

  test('goes on beside one that writes the same revision, and leaves it the lease', async () => {
    const { out } = await run('plan -o json');
    const lease = await holder((JSON.parse(out) as { revision: string }).revision);
    expect((await run('apply --yes')).code).toBe(0);
    expect(lease.isHeld).toBe(true);
    expect(guards()).toEqual(Array(5).fill('block'));
  });

  test('does not run beside an uninstall', async () => {
    const { out } = await run('plan -o json');
    await holder((JSON.parse(out) as { revision: string }).revision, { kind: 'uninstall' });
    expect((await run('apply --yes')).code).toBe(5);
  });

  test('takes the lease with --force, and the controller notices', async () => {
    const lease = await holder('sha256:other');
    expect((await run('apply --yes --force')).code).toBe(0);
    await hub.clock.advance(30_000);
    expect(lease.isHeld).toBe(false);
  });

  test('waits to see whether a silent holder lives, and goes on once it is sure', async () => {
    await holder('sha256:other', { isAlive: false });
    expect((await run('apply --yes', { clock: waitingClock() })).code).toBe(0);
    expect(guards()).toEqual(Array(5).fill('block'));
  });

  test('needs none where nothing is written', async () => {
    manifests.remove();
    manifests = folderOf({ 'hub.yaml': HUB.replace('Enforce', 'Observe'), 'kiosks.yaml': KIOSKS });
    await run('apply --yes');
    expect(() => hub.iot.getDevice(DEVICE)).toThrow(DEVICE);
  });
});

describe('suspend and resume', () => {
  test('stop one configuration and let it go on, with who, why and until when', async () => {
    const suspended = await run('suspend --configuration kiosk-guard --reason INC-812 --for 4h');
    expect(suspended.code).toBe(0);
    expect(suspended.out).toContain('anna@desk');
    expect(suspended.out).toContain('INC-812');
    expect(suspended.out).toContain('2026-11-23T16:00:00Z');
    expect((await run('apply --yes')).code).toBe(0);
    expect(guards()).toEqual(Array(5).fill(undefined));
    const resumed = await run('resume --configuration kiosk-guard -o json');
    expect(JSON.parse(resumed.out)).toMatchObject({ kind: 'Suspensions', hubs: [{ name: 'dev', suspensions: [] }] });
    await run('apply --yes');
    expect(guards()).toEqual(Array(5).fill('block'));
  });

  test('are shown by status', async () => {
    await run('suspend --configuration kiosk-guard --reason INC-812');
    expect((await run('status')).out).toContain(
      'kiosk-guard: The configuration is suspended by anna@desk: INC-812 (twinward resume --configuration kiosk-guard ends it)',
    );
  });

  test('one that ends by itself stops nothing any more', async () => {
    await run('suspend --all --reason INC-812 --for 1h');
    await hub.clock.advance(3_600_000);
    await run('apply --yes');
    expect(guards()).toEqual(Array(5).fill('block'));
  });

  test('resume --all ends every one', async () => {
    await run('suspend --all --reason one');
    await run('suspend --configuration kiosk-guard --reason two');
    const { out } = await run('resume --all');
    expect(out).toBe(
      [
        'dev   resumed:',
        '  Everything was suspended by anna@desk: one',
        '  kiosk-guard: The configuration was suspended by anna@desk: two',
        'dev   nothing is suspended',
        'A controller resumes writing within a minute or at its next pass; without one, use `twinward apply`.',
        '',
      ].join('\n'),
    );
    expect((await run('resume --all')).out).toBe('dev   nothing is suspended\n');
  });

  test('resume tells what is still suspended', async () => {
    await run('suspend --device kiosk-01 --reason one');
    await run('suspend --configuration kiosk-guard --reason two');
    const { out } = await run('resume --device kiosk-01');
    expect(out).toContain(
      'dev   still suspended:\n' +
        '  kiosk-guard: The configuration is suspended by anna@desk: two (twinward resume --configuration kiosk-guard ends it)\n',
    );
    const { out: document } = await run('resume --configuration kiosk-guard -o json');
    expect(JSON.parse(document)).toMatchObject({
      hubs: [{ suspensions: [], resumed: [{ scope: 'Configuration', name: 'kiosk-guard', reason: 'two' }] }],
    });
  });

  test('resume of what is not suspended fails, says what is, and leaves the hub as it was', async () => {
    const nothing = await run('resume --configuration kiosk-guard');
    expect(nothing).toMatchObject({ code: 1, out: '' });
    expect(nothing.err).toContain('"kiosk-guard" is not suspended on hub dev; nothing was changed.');
    expect(nothing.err).toContain('Nothing is suspended there.');
    expect(() => hub.iot.getDevice(DEVICE)).toThrow(DEVICE);
    await run('suspend --configuration kiosk-guard --reason x');
    expect((await run('resume --configuration kiosk-gard')).err).toContain('Did you mean "kiosk-guard"?');
    expect((await run('resume --device nobody')).err).toContain('Suspended: kiosk-guard.');
  });

  test.each([
    ['suspend --reason x', 'exactly one of'],
    ['suspend --all --device d --reason x', 'exactly one of'],
    ['suspend --configuration kiosk-gard --reason x', 'Did you mean "kiosk-guard"?'],
    ['suspend --device nobody --reason x', 'There is no device "nobody"'],
    [`suspend --all --reason ${'x'.repeat(201)}`, '1 to 200 characters'],
    ['suspend --all', '--reason'],
    ['suspend --all --reason x --for soon', '30s, 5m or 1h'],
    ['resume', 'exactly one of'],
  ])('%s fails and says why', async (command, message) => {
    const { code, err } = await run(command);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

describe('uninstall', () => {
  test('takes the records and the device, and leaves every setting', async () => {
    await run('apply --yes');
    const { code, out } = await run('uninstall --hub dev --yes');
    expect({ code, out }).toEqual({
      code: 0,
      out: 'dev   5 records of instance default removed, every setting left as it was; its device is deleted\n',
    });
    expect(guards()).toEqual(Array(5).fill('block'));
    expect(() => hub.iot.getDevice(DEVICE)).toThrow(DEVICE);
    expect(hub.iot.query('SELECT * FROM devices.modules WHERE IS_DEFINED(tags.twinward)').items).toEqual([]);
  });

  test('leaves an enabled device of that name, and says what to do', async () => {
    await run('apply --yes');
    hub.iot.updateDevice(DEVICE, { deviceId: DEVICE, status: 'enabled' }, '*');
    const { code, err } = await run('uninstall --hub dev --yes');
    expect(code).toBe(1);
    expect(err).toContain('is enabled, so it may be in use and stays. If it is not, disable it and run this again.');
    hub.iot.deleteDevice(DEVICE, '*');
  });

  test('refuses while a controller lives, of whatever revision', async () => {
    await run('apply --yes');
    const { out } = await run('plan -o json');
    await holder((JSON.parse(out) as { revision: string }).revision);
    const { code, err } = await run('uninstall --hub dev --yes');
    expect(code).toBe(5);
    expect(err).toContain('controller@pod/abc');
  });

  test.each([
    ['without a hub', 'uninstall --yes', 1],
    ['without a terminal', 'uninstall --hub dev', 1],
  ])('removes nothing %s', async (_sentence, command, expected) => {
    await run('apply --yes');
    expect((await run(command)).code).toBe(expected);
    expect(hub.iot.query('SELECT * FROM devices.modules WHERE IS_DEFINED(tags.twinward)').items).toHaveLength(5);
  });

  test('removes nothing if the answer is no, or the hub is only observed', async () => {
    await run('apply --yes');
    expect((await run('uninstall --hub dev', { answer: 'no' })).code).toBe(1);
    manifests.remove();
    manifests = folderOf({ 'hub.yaml': HUB.replace('Enforce', 'Observe'), 'kiosks.yaml': KIOSKS });
    expect((await run('uninstall --hub dev --yes')).code).toBe(5);
    const { err } = await run('suspend --all --reason x');
    expect(err).toContain(
      'None of the chosen hubs has mode Enforce.\n      Choose one with --hub, or set `mode: Enforce` on it.',
    );
    expect(hub.iot.query('SELECT * FROM devices.modules WHERE IS_DEFINED(tags.twinward)').items).toHaveLength(5);
  });
});
