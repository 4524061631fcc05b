// `snapshot`, then `plan --snapshot`: the same plan without any hub, and no secret in the file.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderOf, HOST, HUB, serveFleet, twinward, type Printed, type ServedHub } from './fixture.ts';

const MANIFESTS = `${HUB}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, sensitive: [badge], deny: [uploadToken]}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosk-guard}
spec:
  selector: {matchTags: {hw: kiosk}}
  profile: acme-guard
  settings: {usbPolicy: block, badge: s3cret-badge}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: micro}
spec:
  selector: {matchTags: {env: prod}}
  profile: defender-micro-agent
  module: {whenMissing: Skip}
  settings: {Process_MessageFrequency: High}
`;

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;
let file: string;

beforeAll(async () => {
  hub = await serveFleet(80);
  manifests = folderOf({ 'all.yaml': MANIFESTS });
  file = join(manifests.path, 'fleet.snapshot');
});
afterAll(async () => {
  manifests.remove();
  await hub.close();
});

function run(command: string, env = hub.env): Promise<Printed> {
  return twinward([...command.split(' '), '-f', manifests.path], { env, clock: hub.clock });
}

function devicesOf(hw: string): string[] {
  return hub.iot
    .query(`SELECT deviceId FROM devices WHERE tags.hw = '${hw}'`)
    .items.map(({ deviceId }) => String(deviceId))
    .toSorted();
}

/** Without the cost, which includes listing the hub, and the hidden settings of a snapshot. */
const comparable = (text: string): string => text.replace(/^(?:Cost|Not known).*\n/gm, '');

describe('in this order: a snapshot of a fleet, plans of it', () => {
  test('the plan of the snapshot is the plan of the hub, and needs none', async () => {
    const taken = await run(`snapshot --out ${file}`);
    expect(taken).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^dev {3}80 devices, \d+ module twins$/m) as string,
    });
    expect(statSync(file).mode & 0o077).toBe(0);
    const offline = await run(`plan --snapshot ${file}`, {});
    expect(offline.code).toBe(0);
    expect(comparable(offline.out)).toBe(comparable((await run('plan')).out));
    expect((await run('snapshot')).out).toBe(readFileSync(file, 'utf8'));
  });

  test('no secret is in it, and what it hides is taken for as declared', async () => {
    await run('apply --yes');
    await run(`snapshot --out ${file}`);
    const text = readFileSync(file, 'utf8');
    expect(/s3cret-badge|demo-token/.test(text)).toBe(false);
    expect(text.includes('"badge":"(sensitive)"')).toBe(true);
    const { out } = await run(`plan --snapshot ${file} --detailed-exitcode`, {});
    expect(out).toMatch(/^Not known: \d sensitive settings that the snapshot hides; assumed to be as declared$/m);
    expect(out).not.toContain('shape');
    const json = JSON.parse((await run(`plan --snapshot ${file} -o json`, {})).out) as { hubs: { hidden: number }[] };
    expect(json.hubs[0]?.hidden).toBeGreaterThan(3);
  });

  test('what is suspended, approved or written by others is in it: the plan stays that of the hub', async () => {
    const kiosk = devicesOf('kiosk')[0] ?? '';
    for (const what of [`--device ${kiosk}`, '--configuration micro', '--configuration kiosk-guard --for 2h'])
      expect((await run(`suspend ${what} --reason outage`)).code).toBe(0);
    await run('resume --configuration kiosk-guard');
    for (const deviceId of devicesOf('kiosk').slice(0, 3)) {
      hub.iot.patchTwin(
        { deviceId, moduleId: 'acmeGuard' },
        { properties: { desired: { guard: { usbPolicy: 'x' } } } },
      );
    }
    const moduleContent = { 'properties.desired.guard': { usbPolicy: 'x' } };
    const targetCondition = "from devices.modules where moduleId = 'acmeGuard'";
    hub.iot.putConfiguration('soc', { id: 'soc', priority: 1, targetCondition, content: { moduleContent } }, undefined);
    await hub.clock.advance(10 * 60_000);
    await run(`snapshot --out ${file}`);
    const online = await run('plan');
    for (const seen of ['AutomaticConfiguration', 'Suspended', kiosk]) expect(online.out).toContain(seen);
    const offline = await run(`plan --snapshot ${file}`, {});
    expect(comparable(offline.out)).toBe(comparable(online.out));
    expect(offline.err).toBe(online.err);
    expect(readFileSync(file, 'utf8')).not.toContain('"lease"');
  });

  test('suspensions of another installation are unknown, and that is reported', async () => {
    const { err, code } = await run(`plan --snapshot ${file} --instance other`, {});
    expect(code).toBe(0);
    expect(err).toContain(
      `warning ${file} was taken for the instance "default": what is suspended for "other" is not in it.`,
    );
  });

  test('of an older Twinward what is not in it is said', async () => {
    const [head = '', , ...rest] = readFileSync(file, 'utf8').split('\n');
    const old = `${file}.old`;
    writeFileSync(old, [head.replace('"schemaVersion":2', '"schemaVersion":1'), ...rest].join('\n'));
    const { err, code } = await run(`plan --snapshot ${old}`, {});
    expect(code).toBe(0);
    expect(err).toContain(`warning ${old} is of an older Twinward: what is suspended is not in it. Take it again.`);
    expect(err).toContain('Automatic configurations that write the same settings would go unnoticed.');
  });

  test('a file that was cut off is refused', async () => {
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -100));
    expect(await run(`plan --snapshot ${file}`, {})).toMatchObject({ code: 1, out: '' });
  });
});

test('a hub that is not in the file is named', async () => {
  await run(`snapshot --out ${file}`);
  const other = folderOf({
    'hub.yaml': MANIFESTS.replace('name: dev', 'name: prod').replace(HOST, 'x.azure-devices.net'),
  });
  const { code, err } = await twinward(['plan', '-f', other.path, '--snapshot', file]);
  expect([code, err]).toEqual([1, expect.stringContaining('does not have the hub prod; it has dev.')]);
  other.remove();
});
