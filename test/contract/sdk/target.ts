// The hub that a suite of facts runs against through the public SDKs: the embedded one in this process, reached over the network
// as a real one is, and the real one of TWINWARD_TEST_HUB where that names one.
import { Agent, request } from 'node:https';
import { env } from 'node:process';
import { text } from 'node:stream/consumers';
import iothub from 'azure-iothub';
import { afterAll, beforeAll, describe } from 'vitest';
import { parseConnectionString } from '../../../src/adapters/credentials.ts';
import { systemClock } from '../../../src/adapters/system-clock.ts';
import { serveEvents } from '../../../src/emulator/events/amqp-server.ts';
import { EventLog } from '../../../src/emulator/events/event-log.ts';
import { FrontDoor } from '../../../src/emulator/front-door.ts';
import { serveDevices } from '../../../src/emulator/mqtt/mqtt-server.ts';
import { connectionString } from '../../../src/emulator/rest/policies.ts';
import type { TokenIssuer } from '../../../src/emulator/rest/token-issuer.ts';
import { serveHub } from '../../../src/emulator/server.ts';
import { openHub } from '../../../src/emulator/store/open-hub.ts';
import { invariant } from '../../../src/model/errors.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { sasToken, type TokenParts } from '../../emulator/rest/hub-fixture.ts';
import { createTestClock } from '../../support/test-clock.ts';

const HOST = 'acme-contract.azure-devices.net';
const RESERVED = 'twinward-contract-';
const OWNER = 'iothubowner';
const REAL_TIMEOUT_MS = 5 * 60_000;

const realHub = env['TWINWARD_TEST_HUB'] ?? '';
const realEvents = env['TWINWARD_TEST_EVENTS'] ?? '';

export interface Request {
  readonly method?: string;
  /** `api-version` is added where it names none. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** Of the header `iothub-errorcode`. */
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface Target {
  readonly hostName: string;
  /** With the rights of the owner, as are `jobClient` and `send`. */
  registry(): iothub.Registry;
  jobClient(): iothub.JobClient;
  send(request: Request): Promise<Answer>;
  /** For `send`: what it signs by itself, and how it may be signed otherwise. */
  token(parts?: Partial<TokenParts>): string;
  /** In the time of the hub. */
  now(): number;
  /** Begins with the reserved prefix. A device of this id is removed in the end. */
  id(name: string): string;
  /** How device clients find an embedded hub; a real one is found by its name. */
  readonly lead: DeviceLead | undefined;
  /** For `@azure/event-hubs`; undefined if not given. */
  readonly eventsConnectionString: string | undefined;
  /** Operations that only the embedded hub has. Throws on a real one. */
  embedded(): Embedded;
  /** Removes what was made. */
  close(): Promise<void>;
}

export interface DeviceLead {
  /** `127.0.0.1:8883`. */
  readonly gateway: string;
  readonly webSocketAgent: Agent;
  /** PEM of the certificate authority to trust. */
  readonly authority: string;
}

export interface Embedded {
  /** Moves the hub's clock. Clients sign for an hour of it. */
  advance(ms: number): Promise<void>;
  readonly issuer: TokenIssuer;
  /** Limits, counts and spoils calls on order. */
  readonly front: FrontDoor;
  connectionString(policyName: string): string;
  /** Leads a client of the service SDK here. */
  led<T>(client: T): T;
  eventsConnectionString(policyName: string): string | undefined;
}

export interface HubUnderTest {
  readonly isReal: boolean;
  /** True where its events can be read. */
  readonly hasEvents: boolean;
  /** Once the tests run. */
  target(): Target;
}

/** Runs the suite on each hub; without a named real hub, that part is listed as skipped. */
export function describeFacts(area: string, suite: (hub: HubUnderTest) => void): void {
  for (const isReal of [false, true]) {
    const name = isReal ? 'a real hub, named by TWINWARD_TEST_HUB' : 'the embedded hub';
    const timeout = isReal ? REAL_TIMEOUT_MS : 30_000;
    describe.skipIf(isReal && realHub === '')(`${area}: ${name}`, { timeout }, () => {
      let opened: Target | undefined;
      beforeAll(async () => {
        opened = await (isReal ? openReal() : openEmbedded());
      }, timeout);
      afterAll(() => opened?.close(), timeout);
      suite({
        isReal,
        hasEvents: !isReal || realEvents !== '',
        target: () => {
          invariant(opened !== undefined, 'the hub is open while tests run');
          return opened;
        },
      });
    });
  }
}

async function openEmbedded(): Promise<Target> {
  // The SDKs sign with the machine's clock, so the hub starts at the same time.
  const clock = createTestClock(systemClock.now());
  const opened = await openHub({ hostName: HOST, clock, random: createSeededRandom(1) });
  const { hub, policies, issuer, certificate } = opened;
  const front = new FrontDoor({ hub, clock, random: createSeededRandom(2) });
  const server = await serveHub({ hub, policies, issuer, front, clock, certificate, port: 0 });
  const devices = await serveDevices({ hub, policies, clock, certificate, port: 0 });
  server.onUpgrade(devices.upgrade);
  const log = new EventLog({ createdAtMs: clock.now() });
  hub.listen((event) => log.append(event));
  const events = await serveEvents({ log, hostName: HOST, policies, clock, port: 0 });
  const { hostname: host, port } = new URL(server.endpoint);
  const { authority } = certificate;
  const agent = new Agent({ keepAlive: true, host, port: Number(port), ca: authority });
  const led = <T>(client: T): T => {
    const { _restApiClient } = client as unknown as { _restApiClient: { setOptions(options: object): void } };
    _restApiClient.setOptions({ http: { agent } });
    return client;
  };
  const connectionStringOf = (name: string): string => connectionString(HOST, policies, name) ?? '';
  const owner = connectionStringOf(OWNER);
  const token = signer(owner, clock.now);
  return {
    hostName: HOST,
    registry: () => led(iothub.Registry.fromConnectionString(owner)),
    jobClient: () => led(iothub.JobClient.fromConnectionString(owner)),
    send: sender(HOST, token, agent),
    token,
    now: clock.now,
    id: (name) => `${RESERVED}${name}`,
    lead: { gateway: `127.0.0.1:${devices.port}`, webSocketAgent: agent, authority },
    eventsConnectionString: events.connectionString('service'),
    embedded: () => ({
      advance: (ms) => clock.advance(ms),
      issuer,
      front,
      connectionString: connectionStringOf,
      led,
      eventsConnectionString: (policyName) => events.connectionString(policyName),
    }),
    close: async () => {
      agent.destroy();
      await Promise.all([server.close(), devices.close(), events.close()]);
      opened.close();
    },
  };
}

async function openReal(): Promise<Target> {
  const parsed = parseConnectionString(realHub);
  invariant('hostName' in parsed, 'TWINWARD_TEST_HUB holds a connection string of a hub');
  const hostName = parsed.hostName.toLowerCase();
  const registry = iothub.Registry.fromConnectionString(realHub);
  const prefix = `${RESERVED}${systemClock.now().toString(36)}-`;
  const ids = new Set<string>();
  const token = signer(realHub, systemClock.now);
  return {
    hostName,
    registry: () => registry,
    jobClient: () => iothub.JobClient.fromConnectionString(realHub),
    send: sender(hostName, token, undefined),
    token,
    now: systemClock.now,
    id: (name) => {
      const id = `${prefix}${name}`;
      ids.add(id);
      return id;
    },
    lead: undefined,
    eventsConnectionString: realEvents === '' ? undefined : realEvents,
    embedded: () => {
      throw new Error('a real hub cannot do what the embedded one can');
    },
    close: async () => {
      // Most ids never were a device's, and some are already deleted.
      for (const id of ids) await registry.delete(id).catch(() => {});
    },
  };
}

/** Of the owner, for an hour. */
function signer(owner: string, now: () => number): Target['token'] {
  const [, sr = '', skn = '', key = ''] =
    /HostName=([^;]+);SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(owner) ?? [];
  return (parts) => sasToken({ key, sr, se: Math.floor(now() / 1_000) + 3_600, skn, ...parts });
}

/** Requests that the SDK would never send. */
function sender(host: string, token: Target['token'], agent: Agent | undefined): Target['send'] {
  return ({ method = 'GET', path, body, headers = {} }) => {
    const version = `${path.includes('?') ? '&' : '?'}api-version=2021-04-12`;
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const call = request(
      {
        method,
        host,
        path: path.includes('api-version=') ? path : `${path}${version}`,
        ...(agent === undefined ? {} : { agent }),
        headers: { host, authorization: token(), 'content-type': 'application/json; charset=utf-8', ...headers },
      },
      (response) => {
        text(response).then((answered) => {
          const code = response.headers['iothub-errorcode'];
          resolve({
            status: response.statusCode ?? 0,
            code: Array.isArray(code) ? code[0] : code,
            headers: response.headers,
            body: answered === '' ? undefined : (JSON.parse(answered) as unknown),
          });
        }, reject);
      },
    );
    call.on('error', reject);
    call.end(sent);
    return promise;
  };
}
