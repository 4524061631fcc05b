// Some command returns each exit code of docs/cli.md.
import { setImmediate as settle } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-code.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { folderOf, HUB, serveFleet, twinward, type Given, type ServedHub, kioskManifests } from './fixture.ts';

const KIOSKS = `---\n${kioskManifests()}`;

let hub: ServedHub;
let plan: string;
const folders: ReturnType<typeof folderOf>[] = [];

beforeAll(async () => {
  hub = await serveFleet(20);
  const saved = folder(`${HUB}${KIOSKS}`);
  plan = `${saved}/plan.saved`;
  await twinward(['plan', '--out', plan, '-f', saved], { env: hub.env, clock: hub.clock });
});
afterAll(async () => {
  for (const one of folders) one.remove();
  await hub.close();
});

function folder(text: string): string {
  const made = folderOf({ 'all.yaml': text });
  folders.push(made);
  return made.path;
}

/** By it the time of a call is up before any hub could answer. */
function impatient(clock: Clock): Clock {
  const schedule: Clock['schedule'] = (_delayMs, callback) => {
    let isWanted = true;
    void settle().then(() => isWanted && callback());
    return () => {
      isWanted = false;
    };
  };
  return { ...clock, now: () => clock.now(), schedule };
}

interface Row {
  readonly argv: string;
  readonly text?: string;
  readonly given?: () => Given;
}

const ROWS: Readonly<Record<keyof typeof EXIT, Row>> = {
  Ok: { argv: 'plan' },
  Failed: { argv: 'why nobody' },
  Changes: { argv: 'plan --detailed-exitcode' },
  InvalidManifests: { argv: 'plan', text: 'kind: [' },
  Stale: { argv: 'apply PLAN', text: `${HUB}${KIOSKS.replace('block', 'audit')}` },
  Held: { argv: 'apply --yes', text: `${HUB.replace('Enforce', 'Enforce, guards: {maxChanged: 0}')}${KIOSKS}` },
  Timeout: { argv: 'plan', given: () => ({ clock: impatient(hub.clock) }) },
  Unauthorized: { argv: 'plan', given: () => ({ env: {} }) },
  Throttled: {
    argv: 'plan',
    given: () => {
      hub.front.faults.add({ count: 1, fault: { kind: 'refusal', code: 'ThrottlingException', when: 'before' } });
      return {};
    },
  },
  Interrupted: { argv: 'plan', given: () => ({ signal: AbortSignal.abort() }) },
};

test.each(Object.entries(ROWS))('%s', async (name, { argv, text = `${HUB}${KIOSKS}`, given = () => ({}) }) => {
  const words = argv.replace('PLAN', plan).split(' ');
  const { code } = await twinward([...words, '-f', folder(text)], { env: hub.env, clock: hub.clock, ...given() });
  expect(code).toBe(EXIT[name as keyof typeof EXIT]);
});
