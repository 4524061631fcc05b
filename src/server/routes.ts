// The controller's HTTP routes: /livez, /readyz, /healthz, /metrics, /status, /events; anything else is not found.
import { Hono } from 'hono';
import { eventMessage } from '../controller/status/event-text.ts';
import type { RecentEvent, RecentEvents } from '../controller/status/recent-events.ts';
import type { ControllerStatus } from '../controller/status/status.ts';
import { eventType } from '../model/event.ts';
import { SCHEMA_VERSION } from '../model/schema-version.ts';

export interface AppOptions {
  /** Ready once the first pass ended; it stays so when a hub fails, which conditions show. */
  readonly isReady: () => boolean;
  readonly metricsText: () => Promise<string>;
  readonly metricsType: string;
  /** Undefined before the controller started. */
  readonly status: () => ControllerStatus | undefined;
  readonly events: Pick<RecentEvents, 'after' | 'latest'>;
}

/** Needs no socket: `app.request()` answers like the server. No answer contains a secret. */
export function controllerApp({ isReady, metricsText, metricsType, status, events }: AppOptions): Hono {
  const app = new Hono();
  app.get('/livez', (c) => c.text('ok'));
  for (const path of ['/readyz', '/healthz']) {
    app.get(path, (c) => (isReady() ? c.text('ok') : c.text('not ready: the first pass has not ended', 503)));
  }
  app.get('/metrics', async (c) => c.body(await metricsText(), 200, { 'content-type': metricsType }));
  app.get('/status', (c) => {
    const current = status();
    if (current === undefined) return c.text('not started yet', 503);
    return c.json({ schemaVersion: SCHEMA_VERSION, kind: 'ControllerStatus', ...current });
  });
  app.get('/events', (c) => {
    const after = Number(c.req.query('after') ?? 0);
    const items = events.after(Number.isFinite(after) ? after : 0).map(eventFields);
    return c.json({ schemaVersion: SCHEMA_VERSION, kind: 'EventList', latest: events.latest, items });
  });
  return app;
}

function eventFields({ firstAtMs, lastAtMs, ...event }: RecentEvent): object {
  return {
    ...event,
    type: eventType(event),
    message: eventMessage(event),
    firstAt: new Date(firstAtMs).toISOString(),
    lastAt: new Date(lastAtMs).toISOString(),
  };
}
