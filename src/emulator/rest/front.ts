// The front door for HTTP: maps requests to operations, and cuts connections.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import type { Clock } from '../../ports/clock.ts';
import { ConnectionCut, type FrontDoor } from '../front-door.ts';
import { operationOf } from '../throttles/operations.ts';
import { pathSegments } from './requests.ts';

/** Every request of a throttled class passes the front door, even with an invalid token. */
export function throughFrontDoor(front: FrontDoor): MiddlewareHandler {
  return async (c, next) => {
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    const operation = operationOf(method, pathSegments(c.req.path));
    if (operation === undefined) return next();
    const requestBytes = lengthOf(c.req.header('content-length'));
    try {
      await front.pass({
        operation,
        run: async () => {
          await next();
          return c.res;
        },
        statusOf: ({ status }) => status,
        bytesOf: ({ headers }) => ({ request: requestBytes, answer: lengthOf(headers.get('content-length')) }),
      });
    } catch (error) {
      if (!(error instanceof ConnectionCut)) throw error;
      cut(c, error);
    }
  };
}

/** The clock for checking tokens. */
export function skewedClock(clock: Clock, front: FrontDoor): Clock {
  return {
    now: () => clock.now() + front.clockSkewMs,
    schedule: (delayMs, callback) => clock.schedule(delayMs, callback),
  };
}

function cut(c: Context, error: ConnectionCut): void {
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>;
  // Without a server there is no connection to cut.
  if (incoming === undefined) throw error;
  incoming.socket.destroy();
  c.res = undefined;
  c.res = RESPONSE_ALREADY_SENT;
}

/** 0 without the header. */
function lengthOf(header: string | null | undefined): number {
  return Number(header ?? 0);
}
