// `events` against the address that a controller serves.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecentEvents } from '../../src/controller/status/recent-events.ts';
import { listen, type Listening } from '../../src/server/listen.ts';
import { controllerApp } from '../../src/server/routes.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { createTestClock } from '../support/test-clock.ts';
import { written } from '../support/sample-events.ts';
import { eagerClock } from '../support/eager-clock.ts';
import { twinward } from './fixture.ts';

const clock = createTestClock();
let events = new RecentEvents(clock);
let server: Listening;
let address: string;

function record(deviceId: string, before?: string): void {
  events.record(written(deviceId, before, 'block'));
}

beforeAll(async () => {
  const app = controllerApp({
    isReady: () => true,
    metricsText: () => Promise.resolve(''),
    metricsType: 'text/plain',
    status: () => undefined,
    events: {
      after: (sequence) => events.after(sequence),
      get latest() {
        return events.latest;
      },
    },
  });
  server = await listen(app, '127.0.0.1:0');
  address = `127.0.0.1:${server.port}`;
});
afterAll(() => server.close());

test('a controller to which nothing happened says so', async () => {
  expect(await twinward(['events', '--address', address])).toMatchObject({
    code: 0,
    out: 'Nothing happened yet.\n',
  });
});

test('events are a table for people and a list for machines', async () => {
  record('kiosk-01', 'allow');
  record('kiosk-02');
  events.record({ hub: 'dev', reason: 'LeaseLost', why: 'it could not be renewed' });
  events.record({ reason: 'Loaded', revision: 'r' });
  const { out } = await twinward(['events', '--address', address]);
  expect(out).toBe(`LAST                       COUNT   TYPE      REASON      HUB   DEVICE               MESSAGE
2026-11-23T12:00:00.000Z   1       Normal    Drift       dev   kiosk-01/acmeGuard   ~ usbPolicy "allow" → "block"
2026-11-23T12:00:00.000Z   1       Normal    Drift       dev   kiosk-02/acmeGuard   + usbPolicy "block"
2026-11-23T12:00:00.000Z   1       Warning   LeaseLost   dev   -                    Nothing is written until it is held again: it could not be renewed.
2026-11-23T12:00:00.000Z   1       Normal    Loaded      -     -                    Revision r is loaded.
`);
  const json = await twinward(['events', '-o', 'json', '--device', 'kiosk-02'], {
    env: { TWINWARD_BIND_ADDRESS: address },
  });
  expect(JSON.parse(json.out)).toMatchObject({
    kind: 'EventList',
    items: [{ deviceId: 'kiosk-02', sequence: 2, message: '+ usbPolicy "block"' }],
  });
});

test('--watch goes on with those that come until it is interrupted', async () => {
  const stop = new AbortController();
  const hurried = eagerClock(createTestClock());
  let looks = 0;
  const watching: Clock = {
    now: () => hurried.now(),
    schedule(delayMs, callback) {
      looks += 1;
      if (looks === 1) record('kiosk-03');
      if (looks === 3) stop.abort();
      return hurried.schedule(delayMs, callback);
    },
  };
  const { out, code } = await twinward(['events', '--address', address, '--watch', '-o', 'json'], {
    clock: watching,
    signal: stop.signal,
  });
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { deviceId?: string }).deviceId ?? '');
  expect(lines).toEqual(['kiosk-01', 'kiosk-02', '', '', 'kiosk-03']);
  expect(code).toBe(0);
});

test('--watch starts again with a restarted controller', async () => {
  const stop = new AbortController();
  const hurried = eagerClock(createTestClock());
  let looks = 0;
  const watching: Clock = {
    now: () => hurried.now(),
    schedule(delayMs, callback) {
      looks += 1;
      if (looks === 1) {
        events = new RecentEvents(clock);
        record('kiosk-09');
      }
      if (looks === 3) stop.abort();
      return hurried.schedule(delayMs, callback);
    },
  };
  const { out } = await twinward(['events', '--address', address, '-w'], { clock: watching, signal: stop.signal });
  expect(out.split('\n').filter((line) => line.includes('kiosk-09'))).toHaveLength(1);
});

test.each([
  [
    '127.0.0.1:9',
    'No controller answers at 127.0.0.1:9.\n      Only a running controller has events: start one with `twinward run`',
  ],
  ['ftp://x', '"ftp://x" is not an address of a controller.'],
])('%s: %s', async (where, says) => {
  expect(await twinward(['events', '--address', where])).toMatchObject({
    code: 1,
    err: expect.stringContaining(says) as string,
  });
});
