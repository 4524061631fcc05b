// `twinward hub`: its flags reach the hub that it serves.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program/program.ts';
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

/** Starts a hub, uses it, and ends it. */
function withHub<T>(flags: readonly string[], use: (facts: Facts, nowMs: number) => Promise<T>): Promise<T> {
  return withPrinted(['-o', 'json', ...flags], (text, nowMs) => use(JSON.parse(text) as Facts, nowMs));
}

async function withPrinted<T>(
  flags: readonly string[],
  use: (printed: string, nowMs: number) => Promise<T>,
): Promise<T> {
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
    atExit: () => () => {},
  };
  const running = runProgram(world, ['hub', '--port', '0', ...flags]);
  const result = await use(await printed.promise, clock.now());
  abort.abort();
  expect(await running).toBe(0);
  return result;
}

/** The settings from its control endpoint. */
function settingsOf(flags: readonly string[]): Promise<unknown> {
  return withHub(flags, (facts, nowMs) => {
    const { hostName: sr, connectionString } = facts;
    const key = connectionString.slice(connectionString.lastIndexOf('SharedAccessKey=') + 'SharedAccessKey='.length);
    return get(facts, '/emulator/settings', sasToken({ key, sr, skn: 'iothubowner', se: nowMs / 1000 + 60 }));
  });
}

function get({ endpoint, hostName, caFile }: Facts, path: string, authorization: string): Promise<unknown> {
  const { hostname, port } = new URL(endpoint);
  const options = { hostname, port, servername: hostName, ca: readFileSync(caFile), headers: { authorization } };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(JSON.parse(text)));
    });
    sent.on('error', reject).end();
  });
}

/** The status that a request for a web socket is answered with. */
function upgradeOf({ endpoint, hostName, caFile }: Facts): Promise<number | undefined> {
  const { hostname, port } = new URL(endpoint);
  const key = Buffer.alloc(16).toString('base64');
  const asked = { 'sec-websocket-key': key, 'sec-websocket-version': '13' };
  const headers = { connection: 'Upgrade', upgrade: 'websocket', ...asked };
  const options = { hostname, port, servername: hostName, ca: readFileSync(caFile), headers };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, path: '/$iothub/websocket' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

describe('a hub', () => {
  test('has no limits and no lag by default', async () => {
    expect(await settingsOf([])).toMatchObject({ throttle: null, lag: null });
  });

  test('throttles by tier and units, and lags', async () => {
    const flags = ['--throttle', '--tier', 'S2', '--units', '3', '--query-lag', '30s'];
    expect(await settingsOf(flags)).toMatchObject({
      throttle: { tier: 'S2', units: 3 },
      lag: { devices: 30_000, modules: 30_000 },
    });
  });

  test('keeps a bearer token beside its certificate, for its owner alone', async () => {
    await withHub(['--fleet', '3'], async (facts) => {
      const file = join(dirname(facts.caFile), 'token');
      const authorization = `Bearer ${readFileSync(file, 'utf8').trim()}`;
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const counts = await get(facts, '/statistics/devices?api-version=2021-04-12', authorization);
      expect(counts).toMatchObject({ totalDeviceCount: 3 });
    });
  });

  test('keeps the connection string of its events beside its own, for its owner alone, and prints neither', async () => {
    const file = await withPrinted(['--events-port', '0'], (text) => {
      const [, path = ''] = /their connection string is in (\S+)\.$/m.exec(text) ?? [];
      expect(readFileSync(path, 'utf8')).toMatch(/^Endpoint=sb:.*SharedAccessKey=\S+\n$/);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(text).not.toContain('SharedAccessKey=');
      return Promise.resolve(path);
    });
    expect(existsSync(file)).toBe(false);
  });

  test('leaves no connection string of events that another one served here', async () => {
    const data = mkdtempSync(join(tmpdir(), 'twinward-test-'));
    const file = join(data, 'events-connection-string');
    writeFileSync(file, 'of one that was killed');
    await withHub(['--data', data], () => Promise.resolve());
    expect(existsSync(file)).toBe(false);
    rmSync(data, { recursive: true });
  });

  test('keeps its secrets for its owner alone where others could read a file of that name', async () => {
    const data = mkdtempSync(join(tmpdir(), 'twinward-test-'));
    const file = join(data, 'connection-string');
    writeFileSync(file, 'of one that was killed', { mode: 0o644 });
    const modeOf = (): Promise<number> => Promise.resolve(statSync(file).mode & 0o777);
    expect(await withHub(['--data', data], modeOf)).toBe(0o600);
    rmSync(data, { recursive: true });
  });

  test.each([
    [['--mqtt-port', '0'], 101],
    [[], 404],
  ])('with %j takes devices that come by web socket or not', async (flags, status) => {
    expect(await withHub(flags, upgradeOf)).toBe(status);
  });

  test.each([
    [['--tier', 'S9'], 'Allowed choices are F1, S1, S2, S3'],
    [['--port', '70000'], 'A port is a number from 0 to 65535.'],
    [['--units', '0', '--throttle'], 'It must be 1 or more.'],
    [['--tier', 'S2', '--units', '2'], '--tier and --units have no effect without --throttle.'],
    [['--host-name', 'a b'], 'Give a name such as my-hub.azure-devices.net.'],
    [['--data', '/etc/passwd'], '/etc/passwd can not be a folder: /etc/passwd is a file.'],
    [['--query-lag', 'soon'], 'Give a time such as 30s, 5m or 1h.'],
  ])('refuses %j', async (flags, text) => {
    const { code, err } = await twinward(['hub', ...flags]);
    expect([code === 0, err.includes(text)]).toEqual([false, true]);
  });

  test.runIf(process.platform === 'linux')('gives up on a folder that the system denies', async () => {
    const { code, err } = await twinward(['hub', '--data', '/proc/nope/deep']);
    expect(code).toBe(1);
    expect(err).toContain('The folder /proc/nope can not be created');
  });
});
