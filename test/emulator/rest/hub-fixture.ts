// A hub with one device and one module, its REST app, and requests signed as clients sign them.
import { createHmac } from 'node:crypto';
import type { Hono } from 'hono';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { FrontDoor } from '../../../src/emulator/front-door.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { restApp } from '../../../src/emulator/rest/app.ts';
import { createPolicies, type Policy } from '../../../src/emulator/rest/policies.ts';
import type { Role } from '../../../src/emulator/rest/roles.ts';
import { createTokenIssuer } from '../../../src/emulator/rest/token-issuer.ts';

export const HOST = 'acme-test.azure-devices.net';
export const NOW_MS = Date.parse('2026-11-23T17:40:00Z');

export interface Fixture {
  readonly hub: IotHub;
  readonly app: Hono;
  readonly policies: readonly Policy[];
  /** A bearer token's text, good for an hour. */
  token(roles: readonly Role[]): string;
  /** Signed by a policy; `api-version` is added. */
  send(request: SignedRequest): Promise<Response>;
}

export interface SignedRequest {
  readonly method?: string;
  readonly path: string;
  readonly policy?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export function stoppedClock(now = NOW_MS): Clock {
  return { now: () => now, schedule: () => () => {} };
}

const ISSUER_KEY = { algorithm: 'HS256', key: Buffer.alloc(32, 1).toString('base64') } as const;

export function createFixture({ hasIssuer = true, hasFront = false } = {}): Fixture {
  const clock = stoppedClock();
  const random = createSeededRandom(1);
  const hub = new IotHub({ hostName: HOST, clock, random });
  hub.createDevice('d', { deviceId: 'd' });
  hub.putModule('d', 'm', { deviceId: 'd', moduleId: 'm' }, undefined);
  const policies = createPolicies(random);
  const issuer = createTokenIssuer(ISSUER_KEY);
  const front = hasFront ? new FrontDoor({ hub, clock, random }) : undefined;
  const app = restApp({ hub, policies, issuer: hasIssuer ? issuer : undefined, front, clock });
  return {
    hub,
    app,
    policies,
    token: (roles) => issuer.issue({ principal: 'test-principal', roles, nowMs: clock.now() }),
    send: async ({ method = 'GET', path, policy = 'iothubowner', body, headers = {} }) => {
      const key = policies.find(({ name }) => name === policy)?.primaryKey ?? '';
      const separator = path.includes('?') ? '&' : '?';
      return app.request(`https://${HOST}${path}${separator}api-version=2021-04-12`, {
        method,
        headers: { authorization: sasToken({ key, skn: policy }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
    },
  };
}

export interface TokenParts {
  readonly key: string;
  readonly sr?: string;
  readonly se?: number | string;
  readonly skn?: string | undefined;
}

/** Good for an hour on the whole host unless said. */
export function sasToken({ key, sr = HOST, se = NOW_MS / 1000 + 3600, skn }: TokenParts): string {
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`).digest('base64');
  const policy = skn === undefined ? '' : `&skn=${encodeURIComponent(skn)}`;
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}${policy}&se=${se}`;
}
