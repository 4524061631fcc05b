// Probes, metrics, status and recent events over HTTP: /livez, /readyz, /healthz, /metrics, /status, /events. Holds no secret
// and answers nothing else.
import { createServer, type Server } from 'node:http';
import { Hono } from 'hono';
import { createAdaptorServer } from '@hono/node-server';
import type { RecentEvent, RecentEvents } from '../controller/status/recent-events.ts';
import type { ControllerStatus } from '../controller/status/status.ts';
import { ListenError } from '../model/errors.ts';
import { SCHEMA_VERSION } from '../model/schema-version.ts';

export interface HealthOptions {
  /** Ready once the first pass was made; it stays so when a hub goes away, which conditions tell. */
  readonly isReady: () => boolean;
  readonly metricsText: () => Promise<string>;
  readonly metricsType: string;
  /** Undefined before the controller was started. */
  readonly status: () => ControllerStatus | undefined;
  readonly events: Pick<RecentEvents, 'after' | 'latest'>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/** Needs no socket: `app.request()` answers as the server does. */
export function healthApp({ isReady, metricsText, metricsType, status, events }: HealthOptions): Hono {
  const app = new Hono();
  app.get('/livez', (c) => c.text('ok'));
  for (const path of ['/readyz', '/healthz']) {
    app.get(path, (c) => (isReady() ? c.text('ok') : c.text('not ready: the first pass is not made yet', 503)));
  }
  app.get('/metrics', async (c) => c.body(await metricsText(), 200, { 'content-type': metricsType }));
  app.get('/status', (c) => {
    const told = status();
    if (told === undefined) return c.text('not started yet', 503);
    return c.json({ schemaVersion: SCHEMA_VERSION, kind: 'ControllerStatus', ...told });
  });
  app.get('/events', (c) => {
    const after = Number(c.req.query('after') ?? 0);
    const items = events.after(Number.isFinite(after) ? after : 0).map(eventFields);
    return c.json({ schemaVersion: SCHEMA_VERSION, kind: 'EventList', latest: events.latest, items });
  });
  return app;
}

function eventFields({ firstAtMs, lastAtMs, ...event }: RecentEvent): object {
  return { ...event, firstAt: new Date(firstAtMs).toISOString(), lastAt: new Date(lastAtMs).toISOString() };
}

/** Rejects with ListenError where the address can't be had. */
export async function serveHealth(app: Hono, address: string): Promise<HealthServer> {
  const { host, port } = parseAddress(address);
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message;
      reject(new ListenError(`Could not listen on ${address}: ${why}.`, 'Choose another with --bind-address.'));
    });
    server.listen(port, host, () => resolve());
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        // It fails only where the server is closed already.
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` for every address of the machine. */
function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:]+)\]|(?<name>[^:]*)):(?<port>\d{1,5})$/.exec(address);
  const port = Number(match?.groups?.['port']);
  if (match === null || port > 65_535) {
    throw new ListenError(`"${address}" is no address to listen on.`, 'Write it as 127.0.0.1:8080.');
  }
  const host = match.groups?.['v6'] ?? match.groups?.['name'] ?? '';
  return { host: host === '' ? '0.0.0.0' : host, port };
}
