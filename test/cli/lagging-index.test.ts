// An index that is half an hour behind: plan and apply decide alike, and only a pass that takes something away is held.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderOf, HUB, kioskManifests, serveFleet, twinward, type Printed, type ServedHub } from './fixture.ts';

const LAG_MS = 30 * 60_000;
const NEW_DEVICES = 20;

let hub: ServedHub;
let manifests: ReturnType<typeof folderOf>;

beforeEach(async () => {
  hub = await serveFleet(60);
  manifests = folderOf({ 'all.yaml': `${HUB}---\n${kioskManifests()}` });
});
afterEach(async () => {
  manifests.remove();
  await hub.close();
});

function run(command: string): Promise<Printed> {
  return twinward([...command.split(' '), '-f', manifests.path], { env: hub.env, clock: hub.clock });
}

/** Devices that the hub counts and that its index does not list yet. */
function addUnlisted(): void {
  hub.iot.setLag({ devices: LAG_MS, modules: LAG_MS });
  for (let index = 1; index <= NEW_DEVICES; index += 1)
    hub.iot.createDevice(`new-${index}`, { deviceId: `new-${index}` });
}

test('a plan that only adds is not refused for a short list, and apply writes it', async () => {
  addUnlisted();
  const planned = await run('plan --detailed-exitcode');
  expect(planned.out).not.toContain('ListShort');
  expect(planned.code).toBe(2);
  const applied = await run('apply --yes');
  expect(applied.code).toBe(0);
  expect(applied.out).toContain('5 Written');
});

test('a plan that removes settings is refused for a short list, and apply holds it', async () => {
  expect((await run('apply --yes')).code).toBe(0);
  await hub.clock.advance(LAG_MS);
  manifests.remove();
  manifests = folderOf({ 'all.yaml': `${HUB}---\n${kioskManifests('{scan: PT1H}')}` });
  addUnlisted();
  const planned = await run('plan --detailed-exitcode');
  expect(planned.out).toContain('ListShort');
  expect(planned.code).toBe(5);
  const applied = await run('apply --yes');
  expect(applied.code).toBe(5);
  expect(applied.out).toContain('ListShort');
});
