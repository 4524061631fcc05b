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

const withoutCost = (text: string): string => text.replace(/^Cost.*$/m, '');

describe('in this order: a snapshot of a fleet, plans of it', () => {
  test('the plan of the snapshot is the plan of the hub, and needs none', async () => {
    const taken = await run(`snapshot --out ${file}`);
    expect(taken).toMatchObject({ code: 0, err: expect.stringMatching(/^dev {3}80 devices, \d+ twins$/m) as string });
    expect(statSync(file).mode & 0o077).toBe(0);
    const offline = await run(`plan --snapshot ${file}`, {});
    expect(offline.code).toBe(0);
    expect(withoutCost(offline.out)).toBe(withoutCost((await run('plan')).out));
    expect((await run('snapshot')).out).toBe(readFileSync(file, 'utf8'));
  });

  test('no secret is in it, and what it hides is taken for as declared', async () => {
    await run('apply --yes');
    await run(`snapshot --out ${file}`);
    const text = readFileSync(file, 'utf8');
    expect(/s3cret-badge|demo-token/.test(text)).toBe(false);
    expect(text.includes('"badge":"(sensitive)"')).toBe(true);
    const { out } = await run(`plan --snapshot ${file} --detailed-exitcode`, {});
    expect(out).toMatch(/^Not known: \d sensitive settings the snapshot does not show; taken for as declared$/m);
    expect(out).not.toContain('shape');
    const json = JSON.parse((await run(`plan --snapshot ${file} -o json`, {})).out) as { hubs: { hidden: number }[] };
    expect(json.hubs[0]?.hidden).toBeGreaterThan(3);
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
