// `plan` as people read it: what changes, what was pending anyway, what it costs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eagerClock } from '../support/eager-clock.ts';
import { gitCheckout, type GitCheckout } from '../support/git-checkout.ts';
import { HOST, serveFleet, twinward, type Printed, type ServedHub } from './fixture.ts';

const HUB = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: prod}
spec: {hostName: ${HOST}, mode: Enforce, capacity: {tier: S1, units: 1}}
`;

function atms(process: string, more = ''): string {
  return `apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: atm-micro}
spec:
  selector: {matchTags: {hw: atm2}}
  profile: defender-micro-agent
  module: {whenMissing: Skip}
  settings: {Process_MessageFrequency: ${process}${more}}
`;
}

let hub: ServedHub;
let checkout: GitCheckout;

beforeAll(async () => {
  hub = await serveFleet(60);
});
afterAll(() => hub.close());
beforeEach(() => {
  checkout = gitCheckout();
  checkout.commit({ 'fleet/hub.yaml': HUB, 'fleet/atm.yaml': atms('High') });
});
afterEach(() => checkout.remove());

function run(command: string): Promise<Printed> {
  const argv = [...command.split(' '), '-f', join(checkout.path, 'fleet')];
  return twinward(argv, { env: hub.env, clock: eagerClock(hub.clock) });
}

function tamper(): string {
  const id =
    hub.iot
      .query("SELECT deviceId FROM devices WHERE tags.hw = 'atm2'")
      .items.map(({ deviceId }) => String(deviceId))
      .toSorted()[0] ?? '';
  hub.iot.patchTwin(
    { deviceId: id, moduleId: 'DefenderIotMicroAgent' },
    { properties: { desired: { Process_MessageFrequency: 'Low' } } },
  );
  return id;
}

describe('in this order: a fleet configured, one twin changed by hand, a pull request', () => {
  test('the cost is said before anything is written', async () => {
    const { out } = await run('plan');
    expect(out).toMatch(
      /\nCost {5}\d+ writes at 20\/s \(40 % of 50\/s\), \d s, about \d+ messages \((?:0\.\d|less than 0\.1) % of 400,000 a day\)\nGuards {3}changed 13 \(22 %\) {3}removed 0 {3}unassigned 0 {3}created 0 {3}OK\n$/,
    );
    expect((await run('apply --yes')).code).toBe(0);
    expect((await run('plan')).out).not.toContain('Cost');
  });

  test('a tag that no device has is told, and leaves no blanks', async () => {
    const { out, err } = await run('plan --by sit --instance other');
    expect(err).toContain(
      'warning No device with a twin has the tag "sit", so nothing is counted by it. Did you mean "site"?\n',
    );
    expect(out).not.toMatch(/ $/m);
    expect((await run('plan --by site --instance other')).err).not.toContain('No device');
  });

  test('drift is distinguished from changes of the manifests', async () => {
    const victim = tamper();
    const { out } = await run('plan');
    expect(out).toContain(
      `DRIFT to correct: another writer changed it\n  shape 1  1 twin  DefenderIotMicroAgent  Drift  ${victim}\n`,
    );
    expect(out).not.toContain('CHANGES');
    expect(out).toContain('\nDrift    1 twin to correct, changed by another writer\n');
    expect(out).not.toContain('this change');
  });

  test('with --from and --to only what the commits differ in is shown', async () => {
    checkout.commit({ 'fleet/hub.yaml': HUB, 'fleet/atm.yaml': atms('High', ', Login_Disabled: true') });
    const { out, code } = await run('plan --from HEAD~1 --to HEAD --detailed-exitcode');
    expect(code).toBe(2);
    expect(out).toMatch(
      /^atm-micro \S+fleet\/atm\.yaml:1 \(changed\) {3}[0-9a-f]{7} → [0-9a-f]{7}\nprod {3}60 devices/,
    );
    expect(out).toContain('+ Login_Disabled  true');
    expect(out).not.toContain('Process_MessageFrequency');
    expect(out).toContain('Not from this change: 1 drift correction, pending with HEAD~1 too');
    const json = JSON.parse((await run('plan --from HEAD~1 -o json')).out) as {
      actions: { action: string; fromThisChange: boolean }[];
    };
    expect(json).toMatchObject({ baseRevision: expect.stringMatching(/^sha1:/) as string });
    expect(json.actions.every(({ action, fromThisChange }) => fromThisChange === (action === 'Patch'))).toBe(true);
  });

  test('without a difference nothing is left to show but what is pending', async () => {
    const { out } = await run('plan --from HEAD');
    expect(out).toMatch(/^no configuration changes {3}/);
    expect(out).not.toContain('shape');
  });

  test('what the guards would say is said, with what would release it', async () => {
    const hubWith = (limit: string): string => HUB.replace('units: 1}', `units: 1}, guards: {maxChanged: ${limit}}`);
    checkout.commit({ 'fleet/hub.yaml': hubWith('12'), 'fleet/atm.yaml': atms('High', ', Login_Disabled: true') });
    const refused = await run('plan --detailed-exitcode');
    expect(refused.code).toBe(5);
    expect(refused.out).toMatch(
      /\nGuards {3}changed 13 \(22 %\) > 12 {3}removed 0 {3}unassigned 0 {3}created 0 {3}REFUSED\n {9}.*twinward\.dev\/approve: [0-9a-f]{12}@13/,
    );
    checkout.commit({ 'fleet/hub.yaml': hubWith('25%'), 'fleet/atm.yaml': atms('High', ', Login_Disabled: true') });
    const { out, code } = await run('plan --detailed-exitcode');
    expect(code).toBe(2);
    expect(out).toMatch(/\nGuards {3}changed 13 \(22 %\) ≤ 1\d {3}removed 0 {3}unassigned 0 {3}created 0 {3}OK\n$/);
  });

  test('invalid manifests are reported with their places in the commit', async () => {
    checkout.commit({ 'fleet/hub.yaml': HUB, 'fleet/atm.yaml': atms('Never') });
    writeFileSync(join(checkout.path, 'fleet', 'atm.yaml'), atms('High'));
    const bad = await run('plan --to HEAD');
    expect(bad.code).toBe(3);
    expect(bad.err).toMatch(/fleet\/atm\.yaml:8:\d+ error TW13/);
    expect((await run('plan --from HEAD')).code).toBe(3);
    expect((await run('plan')).code).toBe(0);
  });

  test.each([
    ['--from nowhere', 'There is no commit "nowhere" in this checkout.'],
    ['--from HEAD -f -', 'Standard input has no commits.'],
  ])('%s: %s', async (option, says) => {
    expect(await run(`plan ${option}`)).toMatchObject({ code: 1, err: expect.stringContaining(says) as string });
  });
});
