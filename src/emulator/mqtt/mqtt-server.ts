// The device side over MQTT 3.1.1 and TLS, as the device SDKs speak it: sign-in, twin reads, reports, desired patches.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createServer } from 'node:tls';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { DeviceConnection } from '../hub/connections.ts';
import { listen, LOOPBACK } from '../listen.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import type { IdentityRef } from '../hub/record.ts';
import { attempt, badRequest, ServiceError } from '../hub/service-error.ts';
import type { ServerCertificate } from '../rest/certificates.ts';
import type { Policy } from '../rest/policies.ts';
import { verifySignIn } from './credentials.ts';
import { createFrameGuard, readMqttHeader } from '../frame-guard.ts';
import { createWebSocketAcceptor } from './web-socket.ts';
import { answerTopic, DESIRED_TOPIC, desiredTopic, maySubscribe, parseTopic } from './topics.ts';

export interface ServeDevicesOptions {
  readonly hub: IotHub;
  readonly policies: readonly Policy[];
  readonly certificate: ServerCertificate;
  readonly clock: Clock;
  readonly host?: string | undefined;
  /** 0 takes a free one; device SDKs look for 8883. */
  readonly port: number;
  readonly errors?: Log | undefined;
}

export interface RunningDevices {
  readonly port: number;
  /** A device that comes by web socket to another port: takes the connection over, or ends it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Cuts who is still connected. Idempotent. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 4_096;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const KEEPALIVE_SECONDS_MAX = 1_767;
const CLIENT_ID_CHARACTERS_MAX = 257;
const NOT_AUTHORIZED = 5;

interface Session {
  readonly ref: IdentityRef;
  readonly connection: DeviceConnection;
  readonly cancelExpiry: () => void;
}

/** Rejects where the address can't be had. */
export async function serveDevices(options: ServeDevicesOptions): Promise<RunningDevices> {
  const { certificate, host = LOOPBACK, port } = options;
  const endpoint = new DeviceEndpoint(options);
  const broker = await endpoint.open();
  const server = createServer(
    { cert: certificate.certificate, key: certificate.key, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    (socket) => take(socket),
  );
  const sockets = new Set<Duplex>();
  const keep = (socket: Duplex): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const take = (socket: Duplex): void => {
    const guard = createFrameGuard(readMqttHeader);
    socket.prependListener('data', (chunk: Buffer) => {
      if (!guard(chunk)) socket.destroy();
    });
    broker.handle(socket);
  };
  const acceptWebSocket = createWebSocketAcceptor();
  server.maxConnections = CONNECTIONS_MAX;
  server.on('secureConnection', keep);
  server.on('tlsClientError', () => {});
  const boundPort = await listen(server, host, port).catch((error: unknown) => {
    broker.close();
    throw error;
  });
  server.on('error', (error) => options.errors?.error('device endpoint failed', { error: error.message }));
  return {
    port: boundPort,
    upgrade: (request, socket, head) => {
      if (sockets.size >= CONNECTIONS_MAX) {
        socket.destroy();
        return;
      }
      acceptWebSocket(request, socket, head, (stream) => {
        keep(stream);
        take(stream);
      });
    },
    close: () =>
      new Promise((resolve) => {
        broker.close();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

class DeviceEndpoint {
  readonly #options: ServeDevicesOptions;
  readonly #sessions = new WeakMap<Client, Session>();
  /** By client id, as long as a session that is kept: who wants to hear of desired patches. */
  readonly #listening = new Set<string>();

  constructor(options: ServeDevicesOptions) {
    this.#options = options;
  }

  async open(): Promise<Aedes> {
    const broker = await Aedes.createBroker({
      keepaliveLimit: KEEPALIVE_SECONDS_MAX,
      maxClientsIdLength: CLIENT_ID_CHARACTERS_MAX,
      preConnect: (_client, { clean, clientId }, done) => {
        if (clean === true) this.#listening.delete(clientId);
        done(null, true);
      },
      authenticate: (client, username, password, done) => {
        const isIn = this.#signIn(client, username, password?.toString());
        if (isIn) done(null, true);
        else done(notAuthorized(), false);
      },
      authorizePublish: (client, packet, done) => {
        // Nobody may subscribe to what devices say, so that nothing is passed on to others.
        const problem = client === null ? undefined : this.#take(client, packet.topic, packet.payload, packet.qos);
        packet.retain = false;
        done(problem === undefined ? null : new Error(problem));
      },
      authorizeSubscribe: (client, subscription, done) => {
        const session = this.#sessions.get(client);
        const isAllowed = session !== undefined && maySubscribe(subscription.topic, session.ref);
        if (isAllowed && subscription.topic === DESIRED_TOPIC) this.#listening.add(client.id);
        done(null, isAllowed ? subscription : null);
      },
    });
    broker.on('unsubscribe', (topics, client) => {
      if (topics.includes(DESIRED_TOPIC)) this.#listening.delete(client.id);
    });
    broker.on('clientDisconnect', (client) => this.#signOut(client));
    // What a client sends wrongly ends its connection, and nothing else.
    broker.on('clientError', (client) => this.#signOut(client));
    broker.on('connectionError', () => {});
    return broker;
  }

  #signIn(client: Client, username: string | undefined, password: string | undefined): boolean {
    const { hub, policies, clock } = this.#options;
    const claimed = verifySignIn({ hub, policies, nowMs: clock.now() }, { clientId: client.id, username, password });
    if (claimed === undefined) return false;
    const { ref, modelId, expiresAtMs } = claimed;
    const cut = (): void => client.close();
    const connection = attempt(() => hub.connect(ref, (patch) => this.#deliver(client, patch), cut, modelId));
    if (connection instanceof ServiceError) return false;
    const cancelExpiry = clock.schedule(expiresAtMs - clock.now(), cut);
    this.#sessions.set(client, { ref, connection, cancelExpiry });
    return true;
  }

  #signOut(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#sessions.delete(client);
    session.cancelExpiry();
    attempt(() => session.connection.close());
  }

  /** Why the connection must end, or undefined. */
  #take(client: Client, topic: string, payload: string | Buffer, qos: number): string | undefined {
    const session = this.#sessions.get(client);
    if (session === undefined) return 'not signed in';
    if (qos > 1) return 'QoS 2 is not supported';
    const message = parseTopic(topic, session.ref);
    if (message === undefined) return 'no such topic';
    if (message.kind === 'ignored') return undefined;
    const { requestId } = message;
    const answer = attempt((): { status: number; body?: Json; version?: number } => {
      if (message.kind === 'getTwin') return { status: 200, body: session.connection.getTwin() };
      return { status: 204, version: session.connection.report(parseReport(payload)) };
    });
    if (answer instanceof ServiceError) {
      say(client, answerTopic(answer.status, requestId), this.#refusalOf(answer));
    } else {
      say(client, answerTopic(answer.status, requestId, answer.version), answer.body);
    }
    return undefined;
  }

  #deliver(client: Client, patch: JsonObject): void {
    if (this.#listening.has(client.id)) say(client, desiredTopic(Number(patch['$version'])), patch);
  }

  #refusalOf({ number, text }: ServiceError): JsonObject {
    const timestampUtc = new Date(this.#options.clock.now()).toISOString();
    return { errorCode: number, message: text, trackingId: '', timestampUtc };
  }
}

function say(client: Client, topic: string, body: Json | undefined): void {
  const payload = body === undefined ? '' : JSON.stringify(body);
  client.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }, () => {});
}

function parseReport(payload: string | Buffer): JsonObject {
  let report: unknown;
  try {
    report = JSON.parse(payload.toString());
  } catch {
    throw badRequest('the report is not JSON');
  }
  if (!isObject(report)) throw badRequest('the report is not a JSON object');
  return report;
}

function notAuthorized(): AuthenticateError {
  return Object.assign(new Error('Not authorized'), { returnCode: NOT_AUTHORIZED });
}
