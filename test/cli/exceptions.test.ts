// An exception from the command line: raised over a baseline, seen in plan, why and get, and over at its time.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { folderOf, HUB, serveFleet, twinward, type Printed, type ServedHub, kioskManifests } from './fixture.ts';

const BASE = `${HUB}---
${kioskManifests('{scanInterval: PT6H}')}`;

function incident(more = ''): string {
  return `apiVersion: twinward.dev/v1alpha1
kind: SecurityException
metadata: {name: inc-812}
spec:
  selector: {matchTags: {hw: kiosk}}
  profile: acme-guard
  settings: {scanInterval: PT5M, extra: true}
  owner: fleet-security
  reason: INC-812
  expiresAt: "2026-11-23T13:00:00Z"
${more}`;
}

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;

beforeAll(async () => {
  hub = await serveFleet(60);
});
afterAll(() => hub.close());
beforeEach(() => {
  manifests = folderOf({ 'base.yaml': BASE, 'inc.yaml': incident() });
  return () => manifests.remove();
});

function run(command: string): Promise<Printed> {
  return twinward([...command.split(' '), '-f', manifests.path], { env: hub.env, clock: hub.clock });
}

function guardOf(deviceId: string): unknown {
  const twin = hub.iot.getTwin({ deviceId, moduleId: 'acmeGuard' }) as { properties: { desired: { guard?: unknown } } };
  return twin.properties.desired.guard;
}

describe('an exception', () => {
  test('that is for fewer devices than it selects is held, and why counts them', async () => {
    writeFileSync(join(manifests.path, 'inc.yaml'), incident('  maxDevices: 2\n'));
    expect((await run('plan')).out).toMatch(/ExceptionTooWide[^]*selects 5 devices on this hub and is for 2 at most/);
    const { out } = await run('why kiosk-01 scanInterval');
    expect(out).toMatch(/HELD +- +inc-812 +"PT5M"/);
    expect(out).toContain('selects 5 devices');
  });

  test('of several modules is explained by one list of devices and one of configurations, and only where needed', async () => {
    writeFileSync(join(manifests.path, 'inc.yaml'), incident('  maxDevices: 9\n'));
    const second = `${BASE.slice(HUB.length)}---\n${incident('  maxDevices: 9\n')}`;
    const renamed = second.replaceAll(/acme-guard|acmeGuard|kiosk-guard|inc-812/g, (name) => `${name}2`);
    writeFileSync(join(manifests.path, 'second.yaml'), renamed);
    hub.iot.createDevice('bare', { deviceId: 'bare' });
    onTestFinished(() => void vi.restoreAllMocks());
    const asked = [vi.spyOn(hub.iot, 'query'), vi.spyOn(hub.iot, 'listConfigurations')];
    expect((await run('why bare')).err).toContain('No configuration selects bare');
    expect(asked.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
    const { out } = await run('why kiosk-01 scanInterval');
    expect(out.match(/WON +- +inc-8122? /g)).toHaveLength(2);
    expect(asked.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  test('is seen in plan, why and get while it counts', async () => {
    expect((await run('plan')).out).toMatch(/5 twins[^]*extra[^]*scanInterval/);
    expect((await run('apply --yes')).code).toBe(0);
    expect(guardOf('kiosk-01')).toEqual({ scanInterval: 'PT5M', extra: true });
    const { out } = await run('why kiosk-01 scanInterval');
    expect(out).toMatch(/WON +- +inc-812 +"PT5M" .*exception until 2026-11-23T13:00:00Z: INC-812/);
    expect(out).toMatch(/lost +0 +kiosk-guard +"PT6H"/);
    expect((await run('describe exception inc-812')).out).toMatch(
      new RegExp(
        [
          '^SecurityException inc-812 .*',
          '  profile +acme-guard, module acmeGuard',
          '  priority +above every configuration',
          '  state +Active',
          '  until +2026-11-23T13:00:00Z',
          '  owner +fleet-security',
          '  reason +INC-812',
          '  selects +tags.hw In "kiosk"',
          '  settings +extra .*',
          '   +scanInterval .*',
          '  digest +[0-9a-f]{12}',
          '\n',
        ].join('\n'),
      ),
    );
    expect((await run('get exceptions')).out).toMatch(
      /^inc-812 +acme-guard +Active +2026-11-23T13:00:00Z +5 +5 +0 +fleet-security +INC-812$/m,
    );
  });

  test('is over at its time: a warning, and the next apply puts all back', async () => {
    await hub.clock.advance(3_600_000);
    const validated = await run('validate');
    expect(validated.code).toBe(0);
    expect(validated.err).toMatch(/inc\.yaml:10:14 warning TW2110/);
    expect((await run('plan')).out).toMatch(/ExceptionEnded[^]*- extra[^]*"PT5M" → "PT6H"/);
    expect((await run('get exceptions')).out).toMatch(/^inc-812 +acme-guard +Ended/m);
    expect((await run('describe exception inc-812')).out).toMatch(/^  state +Ended\n  until +2026-11-23T13:00:00Z$/m);
    expect((await run('apply --yes')).code).toBe(0);
    expect(guardOf('kiosk-01')).toEqual({ scanInterval: 'PT6H' });
    expect((await run('why kiosk-01 scanInterval')).out).toMatch(
      /out +- +inc-812 .*exception, ended 2026-11-23T13:00:00Z/,
    );
  });
});
