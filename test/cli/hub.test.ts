// `twinward hub`: its flags reach the hub that it serves.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { createTestClock } from '../support/test-clock.ts';
import { sasToken } from '../emulator/rest/hub-fixture.ts';
import { twinward } from './fixture.ts';

interface Facts {
  readonly endpoint: string;
  readonly hostName: string;
  readonly connectionString: string;
  readonly caFile: string;
}

/** Starts a hub, asks its control endpoint for what is set, and ends it. */
async function settingsOf(flags: readonly string[]): Promise<unknown> {
  const clock = createTestClock();
  const abort = new AbortController();
  const printed = Promise.withResolvers<string>();
  const output = (write: (text: string) => void): World['out'] => ({ write, isTerminal: false, columns: 100 });
  const world: World = {
    env: {},
    out: output((text) => printed.resolve(text)),
    err: output(() => {}),
    readInput: () => Promise.resolve(Buffer.alloc(0)),
    ask: () => Promise.resolve(undefined),
    clock,
    random: createSeededRandom(1),
    interrupted: abort.signal,
  };
  const running = runProgram(world, ['hub', '--port', '0', '-o', 'json', ...flags]);
  const facts = JSON.parse(await printed.promise) as Facts;
  const settings = await get(facts, clock.now());
  abort.abort();
  expect(await running).toBe(0);
  return settings;
}

function get({ endpoint, hostName, connectionString, caFile }: Facts, nowMs: number): Promise<unknown> {
  const { hostname, port } = new URL(endpoint);
  const key = connectionString.slice(connectionString.lastIndexOf('SharedAccessKey=') + 'SharedAccessKey='.length);
  const authorization = sasToken({ key, sr: hostName, skn: 'iothubowner', se: nowMs / 1000 + 60 });
  const options = { hostname, port, servername: hostName, ca: readFileSync(caFile), headers: { authorization } };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, path: '/emulator/settings' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(JSON.parse(text)));
    });
    sent.on('error', reject).end();
  });
}

describe('a hub', () => {
  test('has no limits and sees the present unless told otherwise', async () => {
    expect(await settingsOf([])).toMatchObject({ throttle: null, lag: null });
    expect(await settingsOf(['--tier', 'S3', '--units', '2'])).toMatchObject({ throttle: null });
  });

  test('throttles by tier and units, and lags', async () => {
    const flags = ['--throttle', '--tier', 'S2', '--units', '3', '--query-lag', '30s'];
    expect(await settingsOf(flags)).toMatchObject({
      throttle: { tier: 'S2', units: 3 },
      lag: { devices: 30_000, modules: 30_000 },
    });
  });

  test.each([
    [['--tier', 'S9'], 'Allowed choices are F1, S1, S2, S3'],
    [['--query-lag', 'soon'], 'A time such as 30s, 5m or 1h is needed.'],
  ])('refuses %j', async (flags, text) => {
    const { code, err } = await twinward(['hub', ...flags]);
    expect([code === 0, err.includes(text)]).toEqual([false, true]);
  });
});
