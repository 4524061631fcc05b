// The sample outputs in the README and docs/cli.md are the program's output for the README's manifest.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eagerClock } from '../support/eager-clock.ts';
import { folderOf, serveFleet, twinward, type ServedHub } from '../cli/fixture.ts';
import { examplesIn, readPage } from './markdown.ts';

const README = readPage('README.md');
const CLI = readPage('docs/cli.md');
const MODULE = 'DefenderIotMicroAgent';
/** With the line that it asks for. */
const MANIFEST = (examplesIn(README, 'yaml')[0] ?? '').replace('  auth:', '  mode: Enforce\n  auth:');
/** The README's sample assumes a hub in the cloud, with a capacity. */
const CAPACITY = '  capacity: {tier: S1, units: 1}\n';

let hub: ServedHub;
let policies: ReturnType<typeof folderOf>;
let inCloud: ReturnType<typeof folderOf>;

beforeAll(async () => {
  const [, hostName = ''] = /hostName: (\S+)/.exec(MANIFEST) ?? [];
  hub = await serveFleet(0, hostName);
  policies = folderOf({ 'baseline.yaml': MANIFEST });
  inCloud = folderOf({ 'baseline.yaml': MANIFEST.replace('  auth:', `${CAPACITY}  auth:`) });
  for (const deviceId of ['atm-1', 'atm-2']) {
    hub.iot.createDevice(deviceId, { deviceId });
    hub.iot.putModule(deviceId, MODULE, { deviceId, moduleId: MODULE }, undefined);
    hub.iot.patchTwin({ deviceId }, { tags: { env: 'prod' } });
  }
  const desired = { Process_MessageFrequency: 'Low', Login_Disabled: true };
  hub.iot.patchTwin({ deviceId: 'atm-2', moduleId: MODULE }, { properties: { desired } });
});
afterAll(async () => {
  policies.remove();
  inCloud.remove();
  await hub.close();
});

async function printed(command: string, { path } = policies): Promise<string> {
  return (await twinward([...command.split(' '), '-f', path], { env: hub.env, clock: eagerClock(hub.clock) })).out;
}

interface Sample {
  readonly actions: readonly ({ readonly deviceId: string } & Readonly<Record<string, unknown>>)[];
}

/** Without what is another at each time, and with one twin of the two, as the page has it. */
function comparable(text: string, leftOut: readonly string[] = []): Sample {
  const same = text
    .replaceAll(/"(at|rev|revision)": "[^"]*"/g, '"$1": ""')
    .replaceAll(/"durationMs": \d+/g, '"durationMs": 0');
  const { actions, ...rest } = JSON.parse(same, (key, value: unknown) =>
    leftOut.includes(key) ? undefined : value,
  ) as Sample;
  return { ...rest, actions: actions.filter(({ deviceId }) => deviceId === 'atm-2') };
}

function documentOf(kind: string): string {
  return examplesIn(CLI, 'json').find((text) => text.includes(`"kind": "${kind}"`)) ?? '';
}

test('the plan of the README', async () => {
  const sample = examplesIn(README, '').find((text) => text.startsWith('$ npx twinward plan')) ?? '';
  expect(sample.split('\n').slice(1).join('\n')).toBe(await printed('plan', inCloud));
});

test('the documents of a plan and of what it came to', async () => {
  expect(comparable(documentOf('Plan'))).toEqual(comparable(await printed('plan -o json')));
  const applied = await printed('apply --yes -o json');
  expect(comparable(documentOf('Apply'))).toEqual(comparable(applied, ['changes', 'patch']));
});
