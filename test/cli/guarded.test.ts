// A change that the guards refuse: no command writes it, and read-only commands report it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderOf, HUB, serveFleet, twinward, type Printed, type ServedHub, kioskManifests } from './fixture.ts';

function manifestsOf(annotations: string): string {
  return `${HUB.replace('{name: dev}', `{name: dev${annotations}}`).replace('Enforce}', 'Enforce, guards: {maxChanged: 2}}')}---
${kioskManifests()}`;
}

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;

beforeAll(async () => {
  hub = await serveFleet(60);
  manifests = folderOf({ 'all.yaml': manifestsOf('') });
});
afterAll(async () => {
  manifests.remove();
  await hub.close();
});

function run(command: string, folder = manifests.path): Promise<Printed> {
  return twinward([...command.split(' '), '-f', folder], { env: hub.env, clock: hub.clock });
}

function policies(): unknown[] {
  return hub.iot.query("SELECT * FROM devices.modules WHERE moduleId = 'acmeGuard'").items.map((twin) => {
    const { desired } = twin['properties'] as { desired: { guard?: { usbPolicy?: string } } };
    return desired.guard?.usbPolicy;
  });
}

const REFUSED = 'TooManyChanged: 5 twins would change, and maxChanged allows 2.';
const IDLE = /The approval [0-9a-f]{12}@5 of Hub "dev" does nothing now, as no change is refused: remove it once/;
const APPROVES = /Hub "dev" approves it with the annotation (twinward\.dev\/approve: [0-9a-f]+@5)\./;

test('apply and apply FILE hold all of it, and say once what would release it', async () => {
  const file = `${manifests.path}/plan.saved`;
  const planned = await run(`plan --out ${file}`);
  expect(planned.out).toContain(REFUSED);
  expect(planned.err).toContain(
    `Saved in ${file}: 5 twins to change. The guards refuse 5 twins of it, so twinward apply ${file} holds these and ` +
      'writes the rest, or nothing. An approval changes the manifests: with it, make a new plan.\n',
  );
  for (const command of ['apply --yes', `apply ${file}`]) {
    const { code, out } = await run(command);
    expect(code).toBe(5);
    expect(out).toMatch(/\n  HELD GuardRefused  5 twins  acmeGuard  .*\n    Hub "dev" approves it/);
    expect(out.split(REFUSED)).toHaveLength(2);
    expect(out).toMatch(APPROVES);
  }
  expect(policies()).not.toContain('block');
});

test('status and describe count it as held, not as to be written', async () => {
  for (const command of ['status', 'describe configuration kiosk-guard', 'describe hub dev']) {
    const { out } = await run(command);
    expect(out).toMatch(/Ready +False +TwinsHeld +5 twins held until a person decides\./);
    expect(out).toMatch(/Stalled +True +TwinsHeld/);
    expect(out).toMatch(APPROVES);
    expect(out.match(/GuardRefused$/gm)).toHaveLength(5);
    expect(out.split(REFUSED)).toHaveLength(2);
    expect(out).not.toContain('Reconciling');
  }
});

test('get lists it as held too', async () => {
  expect((await run('get devices')).out.match(/ Hold +GuardRefused +kiosk-guard$/gm)).toHaveLength(5);
});

test('all of it is written once it is approved, and status has nothing to say', async () => {
  const approval = APPROVES.exec((await run('status')).out)?.[1];
  const approved = folderOf({ 'all.yaml': manifestsOf(`, annotations: {${approval?.replace(': ', ': "')}"}`) });
  try {
    expect(await run('status', approved.path)).toMatchObject({ out: expect.stringContaining('5 twins to write') });
    expect(await run('apply --yes', approved.path)).toMatchObject({ code: 0 });
    expect(policies()).toEqual(Array(5).fill('block'));
    const after = (await run('status', approved.path)).out;
    expect(after).toContain('Succeeded');
    expect(after).toMatch(IDLE);
  } finally {
    approved.remove();
  }
});

test('an approval without effect is reported with the reason', async () => {
  const plan = async (text: string): Promise<string> => {
    const folder = folderOf({ 'all.yaml': text });
    const { out } = await run('plan', folder.path);
    folder.remove();
    return out;
  };
  const idle = manifestsOf(', annotations: {twinward.dev/approve: 3f9c2e1a77b0@5}');
  expect(await plan(idle)).toMatch(IDLE);
  expect(await plan(idle.replace('mode: Enforce', 'mode: Observe'))).toMatch(IDLE);
  expect(await plan(idle.replace('usbPolicy: block', 'usbPolicy: v9'))).toMatch(
    /twinward\.dev\/approve: [0-9a-f]{12}@5\. The one it has, 3f9c2e1a77b0@5, is for another change\./,
  );
});

test('a credential that may not count devices looks all the same', async () => {
  const env = { ...hub.env, IOTHUB_CONNECTION_STRING: hub.connectionStringOf('service') };
  for (const command of ['plan', 'status'])
    expect(await twinward([command, '-f', manifests.path], { env, clock: hub.clock })).toMatchObject({ code: 0 });
});

test('what is left of an approved change is not held by those that look either', async () => {
  const two = (
    annotations: string,
  ): string => `${manifestsOf(annotations).replace('block', 'v2').replace('maxChanged: 2', 'maxChanged: 1')}---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: two}
spec: {selector: {deviceIds: [kiosk-01, kiosk-02]}, profile: acme-guard, settings: {scan: daily}}
`;
  const asked = folderOf({ 'all.yaml': two('') });
  const [, approval = ''] = APPROVES.exec((await run('status', asked.path)).out) ?? [];
  const approved = folderOf({ 'all.yaml': two(`, annotations: {${approval.replace(': ', ": '")}'}`) });
  expect(await run('apply --yes', approved.path)).toMatchObject({ code: 0 });
  // The state after a crash in the middle.
  for (const deviceId of ['kiosk-03', 'kiosk-04', 'kiosk-05'])
    hub.iot.patchTwin(
      { deviceId, moduleId: 'acmeGuard' },
      { tags: { twinward: null }, properties: { desired: { guard: { usbPolicy: null } } } },
    );
  expect((await run('status', approved.path)).out).toMatch(/Ready +False +Progressing +3 twins of 5 to write/);
  expect((await run('plan', approved.path)).out).toMatch(/\nGuards .*APPROVED/i);
  expect((await run('apply --yes', approved.path)).out).toContain('3 Written');
  asked.remove();
  approved.remove();
});
