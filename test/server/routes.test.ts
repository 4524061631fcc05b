// What a controller answers over HTTP.
import { expect, test } from 'vitest';
import { written } from '../support/sample-events.ts';
import { controllerApp } from '../../src/server/routes.ts';

const EVENT = written('d', 1, undefined);
const EVENTS = [1, 2].map((sequence) => ({ ...EVENT, sequence, count: 3, firstAtMs: 0, lastAtMs: 1_000 }));

const SOURCE = { lastAttemptedRevision: 'r', lastAppliedRevision: 'r', diagnostics: [] };

function app(isReady: boolean) {
  return controllerApp({
    isReady: () => isReady,
    metricsText: () => Promise.resolve('up 1\n'),
    metricsType: 'text/plain',
    status: () => (isReady ? { conditions: [], source: SOURCE, hubs: [] } : undefined),
    events: { after: (sequence) => EVENTS.filter((event) => event.sequence > sequence), latest: 2 },
  });
}

test.each([
  { path: '/livez', isReady: false, status: 200, body: 'ok' },
  { path: '/readyz', isReady: false, status: 503, body: 'not ready: the first pass has not ended' },
  { path: '/readyz', isReady: true, status: 200, body: 'ok' },
  { path: '/healthz', isReady: true, status: 200, body: 'ok' },
  { path: '/metrics', isReady: false, status: 200, body: 'up 1\n' },
  { path: '/status', isReady: false, status: 503, body: 'not started yet' },
  { path: '/', isReady: true, status: 404, body: '404 Not Found' },
])('$path while ready is $isReady answers $status', async ({ path, isReady, status, body }) => {
  const answer = await app(isReady).request(path);
  expect({ status: answer.status, body: await answer.text() }).toEqual({ status, body });
});

test.each([
  ['/events', [1, 2]],
  ['/events?after=1', [2]],
  ['/events?after=2', []],
  ['/events?after=x', [1, 2]],
])('%s gives the events %j', async (path, sequences) => {
  const answer = await app(true).request(path);
  const list = (await answer.json()) as { items: { sequence: number }[] };
  expect(list).toMatchObject({ schemaVersion: 1, kind: 'EventList', latest: 2 });
  expect(list.items.map(({ sequence }) => sequence)).toEqual(sequences);
});

test('an event has its data, its type, its text and its times', async () => {
  const answer = await app(true).request('/events?after=1');
  expect(await answer.json()).toMatchObject({
    items: [
      {
        sequence: 2,
        count: 3,
        firstAt: '1970-01-01T00:00:00.000Z',
        lastAt: '1970-01-01T00:00:01.000Z',
        type: 'Normal',
        reason: 'Drift',
        message: '- usbPolicy 1',
        hub: 'dev',
        deviceId: 'd',
        moduleId: 'acmeGuard',
        changes: [{ name: 'usbPolicy', before: 1, cause: 'Drift', sensitive: false }],
        owners: [{ owner: 'SecurityConfiguration/kiosks', origin: { file: 'kiosks.yaml', line: 3 } }],
        revision: 'sha256:9b1c2d3e4f50',
        etagBefore: 'AAAAAAAAAAI=',
        etagAfter: 'AAAAAAAAAAM=',
      },
    ],
  });
});

test('/status says what the controller says', async () => {
  const answer = await app(true).request('/status');
  expect(await answer.json()).toEqual({
    schemaVersion: 1,
    kind: 'ControllerStatus',
    conditions: [],
    source: SOURCE,
    hubs: [],
  });
});
