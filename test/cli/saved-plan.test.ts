// `plan --out FILE`, then `apply FILE`: writes exactly the reviewed plan, or nothing.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { folderOf, HOST, HUB, serveFleet, twinward, type Given, type Printed, type ServedHub } from './fixture.ts';

function kiosks(usbPolicy: string): string {
  return `apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, sensitive: [badge, uploadToken]}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosk-guard}
spec:
  selector: {matchTags: {hw: kiosk}}
  profile: acme-guard
  settings: {usbPolicy: ${usbPolicy}, badge: s3cret-badge}
`;
}

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;
let file: string;

beforeAll(async () => {
  hub = await serveFleet(60);
});
afterAll(() => hub.close());

let turn = 0;
beforeEach(() => {
  manifests = folderOf({ 'hub.yaml': HUB, 'kiosks.yaml': kiosks(`v${(turn += 1)}`) });
  file = join(manifests.path, 'plan.saved');
});
afterEach(() => manifests.remove());

function run(command: string, given: Given = {}): Promise<Printed> {
  return twinward([...command.split(' '), '-f', manifests.path], { env: hub.env, clock: hub.clock, ...given });
}

const ids = (): string[] =>
  hub.iot
    .query("SELECT deviceId FROM devices WHERE tags.hw = 'kiosk'")
    .items.map(({ deviceId }) => String(deviceId))
    .toSorted();

function policies(): unknown[] {
  return ids().map((deviceId) => {
    const twin = hub.iot.getTwin({ deviceId, moduleId: 'acmeGuard' }) as {
      properties: { desired: { guard?: { usbPolicy?: string } } };
    };
    return twin.properties.desired.guard?.usbPolicy;
  });
}

function write(deviceId: string, guard: Record<string, string>): void {
  hub.iot.patchTwin({ deviceId, moduleId: 'acmeGuard' }, { properties: { desired: { guard } } });
}

const AGAIN = 'Make a new plan with twinward plan --out FILE';

test('what was planned is written without asking, and the file holds no value', async () => {
  writeFileSync(file, 'for everybody', { mode: 0o644 });
  const planned = await run(`plan --out ${file}`);
  expect(planned).toMatchObject({ code: 0 });
  expect(planned.err).toContain(
    `Saved in ${file}: 5 twins to change. twinward apply ${file} writes exactly that, or nothing.`,
  );
  const text = readFileSync(file, 'utf8');
  expect(JSON.parse(text)).toMatchObject({ schemaVersion: 1, kind: 'SavedPlan', instance: 'default', partial: false });
  expect(text).not.toMatch(/s3cret-badge|usbPolicy|demo-token/);
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(await run(`apply ${file}`)).toMatchObject({ code: 0, out: expect.stringContaining('5 Written') as string });
  expect(policies()).toEqual(Array(5).fill('v1'));
});

test('a plan that was applied is done, and applying it again says so', async () => {
  await run(`plan --out ${file}`);
  await run(`apply ${file}`);
  for (const again of [`apply ${file}`, `apply ${file} --partial`]) {
    expect(await run(again)).toEqual({
      code: 0,
      out: 'Everything in the plan is done already: 5 twins as planned, and nothing was written.\n',
      err: expect.not.stringMatching(/stale|done/) as string,
    });
  }
  expect(JSON.parse((await run(`apply ${file} -o json`)).out)).toMatchObject({ hubs: [], done: 5, stale: [] });
});

test('a twin that somebody wrote to keeps the whole plan from being applied, and --partial writes the others', async () => {
  await run(`plan --out ${file}`);
  const [victim = ''] = ids();
  write(victim, { scanInterval: 'PT1H' });
  const refused = await run(`apply ${file}`);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain(`1 of 5 planned twins went stale:\n  ${victim}/acmeGuard  it was written to since\n`);
  expect(refused.err).toContain(
    `The plan is stale, and nothing was written.\n      ${AGAIN}, or write the others with --partial.\n`,
  );
  expect(policies()).toEqual(Array(5).fill('v2'));
  const partly = await run(`apply ${file} --partial -o json`);
  expect(partly.code).toBe(4);
  expect(JSON.parse(partly.out)).toMatchObject({
    kind: 'Apply',
    summary: { twins: 4, outcomes: { Written: 4 } },
    stale: [{ hub: 'dev', deviceId: victim, moduleId: 'acmeGuard', why: 'it was written to since' }],
  });
  expect(policies()).toEqual(['v2', 'v3', 'v3', 'v3', 'v3']);
});

test('other manifests than those of the plan are refused before any hub is called', async () => {
  await run(`plan --out ${file}`);
  writeFileSync(join(manifests.path, 'kiosks.yaml'), kiosks('other'));
  const { code, err } = await run(`apply ${file}`, { env: {} });
  expect(code).toBe(4);
  expect(err).toMatch(
    /The manifests are at sha256:\w+; the plan was made with them at sha256:\w+\. Nothing was written\./,
  );
  expect(err).toContain(`${AGAIN}, or give the manifests that it was made with.`);
});

test('a device that left the group since is stale', async () => {
  await run(`plan --out ${file}`);
  const [leaver = ''] = ids();
  hub.iot.patchTwin({ deviceId: leaver }, { tags: { hw: 'gate' } });
  const { code, err } = await run(`apply ${file}`);
  expect([code, err]).toEqual([4, expect.stringContaining(`${leaver}/acmeGuard  something else would be done now`)]);
  hub.iot.patchTwin({ deviceId: leaver }, { tags: { hw: 'kiosk' } });
});

test.each([
  { given: 'manifests', says: 'is not a plan of this version of Twinward.', code: 1 },
  { given: 'nowhere', says: 'does not exist.', code: 1 },
])('$given: $says', async ({ given, says, code }) => {
  const path = join(manifests.path, given === 'manifests' ? 'kiosks.yaml' : given);
  expect(await run(`apply ${path}`)).toMatchObject({ code, err: expect.stringContaining(says) as string });
});

test('a plan of another instance is refused, and so is one of a commit', async () => {
  await run(`plan --instance blue --out ${file}`);
  expect((await run(`apply ${file}`)).err).toContain('Say --instance blue.');
  expect((await run(`plan --to HEAD --out ${file}`)).err).toContain('can not be saved');
});

test('a plan for another host of that name is refused', async () => {
  await run(`plan --out ${file}`);
  writeFileSync(file, readFileSync(file, 'utf8').replace(HOST, 'other.azure-devices.net'));
  const { code, err } = await run(`apply ${file}`);
  expect(code).toBe(4);
  expect(err).toContain(
    `The plan is for other.azure-devices.net, and hub dev is ${HOST} now. Nothing was written.\n      ${AGAIN}.\n`,
  );
});

test('what an applied plan let go of is done too', async () => {
  await run('apply --yes');
  rmSync(join(manifests.path, 'kiosks.yaml'));
  expect((await run(`plan --out ${file}`)).err).toContain('5 records to write');
  expect((await run(`apply ${file}`)).code).toBe(0);
  expect(await run(`apply ${file}`)).toMatchObject({ code: 0, out: expect.stringContaining('5 twins as planned') });
  await run(`plan --out ${file}`);
  expect(await run(`apply ${file}`)).toMatchObject({ code: 0, out: 'The plan has nothing to write.\n' });
});

test('a plan that was applied in part is told from one that went stale', async () => {
  await run(`plan --out ${file}`);
  const [first = ''] = ids();
  write(first, { usbPolicy: 'somebody else' });
  expect((await run(`apply ${file} --partial`)).code).toBe(4);
  const { code, out, err } = await run(`apply ${file} --partial`);
  expect([code, out]).toEqual([4, 'Nothing was left to write.\n']);
  expect(err).toContain(`4 of 5 planned twins are done already.\n1 of 5 planned twins went stale:\n  ${first}/`);
});
