// What the people whom it is for must be able to rely on, told as they would tell it. Two writers at war are among the traps.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventMessage } from '../src/controller/status/event-text.ts';
import { withSuspension } from '../src/controller/lease/suspensions.ts';
import { HubError, SourceError } from '../src/model/errors.ts';
import type { Hub } from '../src/ports/hub.ts';
import { isWriteEvent, type TwinWritten } from '../src/model/event.ts';
import type { Recorder } from '../src/ports/recorder.ts';
import { folderOf, HOST, serveFleet, twinward, type Printed } from './cli/fixture.ts';
import { createFleet, manifests, MODULE, PERIOD_MS, PROD, startOn, suspend, type Fleet } from './controller/fixture.ts';
import { eagerClock } from './support/eager-clock.ts';

const HUB = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: prod}
spec: {hostName: ${HOST}, mode: Enforce, capacity: {tier: S1, units: 2}, guards: {maxChanged: 25%, maxRemoved: 1%}}
---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, sensitive: [uploadToken], deny: [uploadToken]}
`;

function kiosks(usb: string): string {
  return `apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosks}
spec: {selector: {matchTags: {hw: kiosk}}, profile: acme-guard, settings: {scan: PT6H, usb: ${usb}}}
`;
}

const EXCEPTION = `apiVersion: twinward.dev/v1alpha1
kind: SecurityException
metadata: {name: inc-1}
spec:
  selector: {deviceIds: [kiosk-02]}
  profile: acme-guard
  settings: {usb: allow}
  owner: soc
  reason: INC-1
  expiresAt: "2026-12-24T00:00:00Z"
`;

async function commandLine(devices: number, files: Readonly<Record<string, string>>) {
  const hub = await serveFleet(devices);
  const folder = folderOf(files);
  onTestFinished(async () => {
    folder.remove();
    await hub.close();
  });
  const run = (command: string): Promise<Printed> =>
    twinward(command.replaceAll('FOLDER', folder.path).split(' '), { env: hub.env, clock: eagerClock(hub.clock) });
  return { hub, folder: folder.path, run };
}

/** What Twinward wrote below properties.desired, by device, in order. */
function written({ patches }: Fleet): Record<string, unknown[]> {
  const settings = patches.filter(({ patch }) => patch.properties !== undefined);
  const byDevice = Map.groupBy(settings, ({ ref }) => ref.deviceId);
  return Object.fromEntries([...byDevice].map(([id, all]) => [id, all.map(({ patch }) => patch.properties?.desired)]));
}

function writesInto(events: TwinWritten[]): Recorder {
  return {
    record: (event) => {
      if (isWriteEvent(event)) events.push(event);
    },
  };
}

test('1: a policy change is reviewed in its pull request: who changes, what, nothing removed, and who has an exception', async () => {
  const { hub, folder, run } = await commandLine(60, {
    'hub.yaml': HUB,
    'kiosks.yaml': kiosks('audit'),
    'inc.yaml': EXCEPTION,
  });
  await run('apply --yes -f FOLDER');
  hub.iot.patchTwin(
    { deviceId: 'kiosk-01', moduleId: 'acmeGuard' },
    { properties: { desired: { guard: { usb: 'block' } } } },
  );
  writeFileSync(join(folder, 'kiosks.yaml'), kiosks('block'));

  const { out } = await run('plan -f FOLDER');
  expect(out).not.toContain('REMOVES');
  expect(out).toMatch(
    /shape 1 {2}3 twins {2}acmeGuard {2}ConfigurationChanged[^\n]*\n {4}~ usb {2}"audit" → "block"\n/,
  );
  expect(out).toMatch(/\n5 twins = 3 to change \+ 2 equal/);
  expect(out).toMatch(/\nGuards {3}changed 3 \(5 %\) ≤ 15 {3}removed 0 ≤ 1 .* OK\n/);
  expect((await run('plan --detailed-exitcode -f FOLDER')).code).toBe(2);
  expect((await run('why kiosk-02 usb -f FOLDER')).out).toMatch(/WON +- +inc-1 +"allow"[^]*lost +0 +kiosks +"block"/);
  writeFileSync(join(folder, 'kiosks.yaml'), kiosks('blok: true'));
  expect((await run('validate -f FOLDER')).code).toBe(3);
});

test('4: a hand edit at three in the morning is corrected with the one key, and the morning knows who, what and why', async () => {
  const fleet = createFleet(3);
  const events: TwinWritten[] = [];
  const recorder = writesInto(events);
  const { controller, metrics } = await startOn(
    fleet,
    manifests({ base: `${PROD}, settings: {scan: PT1H, usb: block}` }),
    { recorder },
  );
  fleet.patches.length = 0;
  events.length = 0;
  fleet.tamper('d2', { guard: { usb: 'allow' } });
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(written(fleet)).toEqual({ d2: [{ guard: { usb: 'block' } }] });
  expect(events).toMatchObject([{ deviceId: 'd2', moduleId: MODULE, reason: 'Drift' }]);
  expect(events.map(eventMessage).join()).toMatch(/usb "?allow"? *→ *"?block/);
  expect(metrics.total('twinward_drift_corrected_total')).toBe(1);
  await controller.stop();
});

test('6: a new site goes live by its device tags alone, and a device that moves swaps exactly what differs', async () => {
  const fleet = createFleet(0);
  const text = manifests({
    all: 'selector: {matchExpressions: [{key: tags.site, operator: Exists}]}, settings: {log: all}',
    lyon: 'selector: {matchTags: {site: lyon}}, settings: {scan: PT1H, usb: block}',
    lab: 'selector: {matchTags: {site: lab}}, settings: {usb: allow}',
  });
  const { controller } = await startOn(fleet, text);
  const ids = Array.from({ length: 20 }, (_, index) => `lyon-${index}`);
  for (const id of ids) fleet.addDevice(id, { tags: { site: 'lyon' }, module: false });
  await fleet.clock.advance(PERIOD_MS);
  expect(fleet.patches).toEqual([]);
  for (const deviceId of ids) fleet.iot.putModule(deviceId, MODULE, { deviceId, moduleId: MODULE }, undefined);
  await fleet.clock.advance(PERIOD_MS);
  for (const id of ids) expect(fleet.desired(id, 'guard')).toEqual({ log: 'all', scan: 'PT1H', usb: 'block' });

  fleet.patches.length = 0;
  fleet.tag('lyon-7', { site: 'lab' });
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(written(fleet)).toEqual({ 'lyon-7': [{ guard: { scan: null, usb: 'allow' } }] });
  await controller.stop();
});

test('7: an incident is turned up now on the devices it names, ends by itself, and writing can be stopped without git', async () => {
  const fleet = createFleet(4);
  const base = manifests({ base: `${PROD}, priority: 90, settings: {scan: PT6H}` });
  const until = new Date(fleet.clock.now() + 4 * 3_600_000).toISOString();
  const incident = `${base}---
apiVersion: twinward.dev/v1alpha1
kind: SecurityException
metadata: {name: inc-812}
spec:
  selector: {deviceIds: [d1, d2]}
  profile: acme-guard
  settings: {scan: PT1M}
  owner: soc
  reason: INC-812
  expiresAt: "${until}"
`;
  const { controller, source, status } = await startOn(fleet, base);
  const scans = (): unknown[] =>
    fleet
      .ids()
      .filter((id) => id.startsWith('d'))
      .map((id) => fleet.desired(id, 'guard', 'scan'));
  source.set(incident);
  await fleet.clock.flush();
  expect(scans()).toEqual(['PT1M', 'PT1M', 'PT6H', 'PT6H']);

  // Git is down: a person stops everything on the hub itself. What happens is still seen.
  source.set(new SourceError('Unreadable', 'git is down'));
  const stop = { scope: 'All', who: 'ann@desk', reason: 'INC-812', untilMs: undefined } as const;
  await suspend(fleet, (all) => withSuspension(all, stop));
  await fleet.clock.advance(PERIOD_MS);
  fleet.tamper('d3', { guard: { scan: 'never' } });
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(scans()).toEqual(['PT1M', 'PT1M', 'never', 'PT6H']);
  expect(status().counts.actions).toMatchObject({ Keep: 4, Patch: 0 });

  await suspend(fleet, () => []);
  await fleet.clock.advance(2 * PERIOD_MS);
  expect(scans()).toEqual(['PT1M', 'PT1M', 'PT6H', 'PT6H']);
  // Its time comes whether or not anybody commits anything.
  await fleet.clock.advance(4 * 3_600_000);
  expect(scans()).toEqual(['PT6H', 'PT6H', 'PT6H', 'PT6H']);
  await controller.stop();
});

test('9: a live fleet is adopted without a change: observed first, then group by group, with no secret in git', async () => {
  const { hub, folder, run } = await commandLine(60, { 'hub.yaml': HUB });
  const twins = (): unknown => hub.iot.query('SELECT * FROM devices.modules').items.map((twin) => twin['properties']);
  const before = JSON.stringify(twins());
  expect((await run('import -f FOLDER/hub.yaml --group-by hw --out FOLDER/imported --yes')).code).toBe(0);
  const files = readdirSync(join(folder, 'imported')).map((name) => join(folder, 'imported', name));
  expect(files.map((file) => readFileSync(file, 'utf8')).join('')).not.toMatch(/demo-token|SharedAccessKey/);
  expect((await run('plan --detailed-exitcode -f FOLDER')).code).toBe(0);

  const groups = join(folder, 'imported', 'groups.yaml');
  const count = readFileSync(groups, 'utf8').split('mode: Observe').length - 1;
  expect(count).toBeGreaterThan(2);
  for (let group = 1; group <= count; group += 1) {
    writeFileSync(groups, readFileSync(groups, 'utf8').replace('mode: Observe', 'mode: Enforce'));
    expect(await run('apply --yes -f FOLDER')).toMatchObject({
      code: 0,
      out: expect.not.stringContaining('Written') as string,
    });
  }
  expect(JSON.stringify(twins())).toBe(before);
  expect((await run('plan -f FOLDER')).out).toMatch(/\n\d+ twins = \d+ equal\n/);
});

test('10: on a bad day for the platform nothing is written twice or wiped, and others keep their share of the hub', async () => {
  const fleet = createFleet(120);
  const times: number[] = [];
  const events: TwinWritten[] = [];
  const recorder = writesInto(events);
  const capacity = { tier: 'S1', units: 1 } as const;
  const text = (scan: string): string =>
    manifests({ base: `${PROD}, settings: {scan: ${scan}}` }).replace(
      'mode: Enforce',
      'mode: Enforce, capacity: {tier: S1, units: 1}',
    );
  const platform = { writes: 0 };
  /** What one process sees of it, until it is killed: from then on it hears nothing more. */
  const process = (): { hub: Hub; isDead: boolean } => {
    const one = { isDead: false, hub: fleet.hub };
    one.hub = {
      ...fleet.hub,
      // Each page loses half of its rows; the index is minutes behind anyway.
      async *listModuleTwins(ids, signal) {
        for await (const page of fleet.hub.listModuleTwins(ids, signal))
          yield page.filter((_, index) => index % 2 === 0);
      },
      getModuleTwin: (...call) => (one.isDead ? new Promise(() => {}) : fleet.hub.getModuleTwin(...call)),
      patchModuleTwin(...call) {
        platform.writes += 1;
        if (one.isDead) return new Promise(() => {});
        if (platform.writes % 3 === 0) return Promise.reject(new HubError('Throttled', 'slow down'));
        times.push(fleet.clock.now());
        return fleet.hub.patchModuleTwin(...call);
      },
    };
    return one;
  };
  const start = (scan: string, ownHub: Hub) =>
    startOn(fleet, text(scan), { connect: async () => ({ hub: ownHub, mode: 'Enforce', capacity }), recorder });

  const first = await start('PT6H', fleet.hub);
  await fleet.clock.advance(4 * PERIOD_MS);
  fleet.iot.setLag({ modules: 8 * 60_000, devices: 8 * 60_000 });
  await first.controller.stop();
  fleet.patches.length = 0;
  events.length = 0;

  const killed = process();
  const second = await start('PT1H', killed.hub);
  while (fleet.patches.length < 20) await fleet.clock.advance(100);
  killed.isDead = true;
  await fleet.clock.advance(1_000);
  expect(fleet.patches.length).toBeLessThan(120);

  const third = await start('PT1H', process().hub);
  await fleet.clock.advance(24 * PERIOD_MS);
  expect(fleet.ids().map((id) => fleet.desired(id, 'guard'))).toEqual(fleet.ids().map(() => ({ scan: 'PT1H' })));
  expect(Object.values(written(fleet))).toEqual(fleet.ids().map(() => [{ guard: { scan: 'PT1H' } }]));
  expect(events).toHaveLength(120);
  for (const event of events)
    expect(`${event.reason} ${eventMessage(event)}`).toBe('ConfigurationChanged ~ scan "PT6H" → "PT1H"');
  // 40 % of the 50 updates a second that one unit may do; what is saved up is as much once.
  for (const at of times)
    expect(times.filter((time) => time >= at && time < at + 1_000).length).toBeLessThanOrEqual(40);
  const stopping = Promise.all([second.controller.stop(), third.controller.stop()]);
  await fleet.clock.advance(20_000);
  await stopping;
});
