import { expect, test } from 'vitest';
import { healthApp, serveHealth } from '../../src/server/health-server.ts';

const TWIN = { hub: 'dev', deviceId: 'd', moduleId: 'm' } as const;
const WHAT = { type: 'Normal', reason: 'Drift', message: '~ a 1 → 2' } as const;
const EVENTS = [1, 2].map((sequence) => ({ ...TWIN, ...WHAT, sequence, count: 1, firstAtMs: 0, lastAtMs: 1_000 }));

const SOURCE = { lastAttemptedRevision: 'r', lastAppliedRevision: 'r', diagnostics: [] };

function app(isReady: boolean) {
  return healthApp({
    isReady: () => isReady,
    metricsText: () => Promise.resolve('up 1\n'),
    metricsType: 'text/plain',
    status: () => (isReady ? { conditions: [], source: SOURCE, hubs: [] } : undefined),
    events: { after: (sequence) => EVENTS.filter((event) => event.sequence > sequence), latest: 2 },
  });
}

test.each([
  { path: '/livez', isReady: false, status: 200, body: 'ok' },
  { path: '/readyz', isReady: false, status: 503, body: 'not ready: the first pass is not made yet' },
  { path: '/readyz', isReady: true, status: 200, body: 'ok' },
  { path: '/healthz', isReady: true, status: 200, body: 'ok' },
  { path: '/metrics', isReady: false, status: 200, body: 'up 1\n' },
  { path: '/status', isReady: false, status: 503, body: 'not started yet' },
  { path: '/', isReady: true, status: 404, body: '404 Not Found' },
])('$path while ready is $isReady answers $status', async ({ path, isReady, status, body }) => {
  const answer = await app(isReady).request(path);
  expect({ status: answer.status, body: await answer.text() }).toEqual({ status, body });
});

test('an address in use is said so, with what to do', async () => {
  const first = await serveHealth(app(true), '127.0.0.1:0');
  await expect(serveHealth(app(true), `127.0.0.1:${first.port}`)).rejects.toMatchObject({
    message: `Could not listen on 127.0.0.1:${first.port}: it is in use.`,
    hint: 'Choose another with --bind-address.',
  });
  await first.close();
});

test.each(['nowhere', '127.0.0.1', '127.0.0.1:99999', '::1:80'])('"%s" is no address', async (address) => {
  await expect(serveHealth(app(true), address)).rejects.toThrow('is no address to listen on');
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
  for (const item of list.items) expect(item).toMatchObject({ ...TWIN, ...WHAT, lastAt: '1970-01-01T00:00:01.000Z' });
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
