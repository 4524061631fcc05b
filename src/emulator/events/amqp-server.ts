// The built-in Event Hubs-compatible endpoint: AMQP 1.0 as the Event Hubs clients speak it to a development emulator.
import { createServer, type Socket } from 'node:net';
import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { listen, LOOPBACK } from '../listen.ts';
import { hubNameOf } from '../../model/hub-name.ts';
import { keysOf, type Policy } from '../rest/policies.ts';
import { isSignedByText, parseSasToken } from '../rest/sas-token.ts';
import type { EventLog } from './event-log.ts';
import { AMQP_FRAME_BYTES_MAX, createFrameGuard, readAmqpHeader } from '../frame-guard.ts';
import { eventMessage, managementAnswer } from './messages.ts';
import { parseSelector } from './selector.ts';

export interface ServeEventsOptions {
  readonly log: EventLog;
  readonly hostName: string;
  readonly policies: readonly Policy[];
  readonly clock: Clock;
  readonly host?: string | undefined;
  readonly port: number;
  readonly errors?: Log | undefined;
}

export interface RunningEvents {
  readonly port: number;
  /** For `@azure/event-hubs`. A secret. Undefined where no policy of this name may read events. */
  connectionString(policyName: string): string | undefined;
  close(): Promise<void>;
}

export const ENTITY = 'messages/events';
const CONNECTIONS_MAX = 256;
const RECEIVERS_MAX = 1_024;
const IDLE_MS = 120_000;
const RECEIVER = new RegExp(`^${ENTITY}/ConsumerGroups/(?<group>[^/]+)/Partitions/(?<partition>[^/]+)$`);
const CBS = '$cbs';
const MANAGEMENT = '$management';

interface Reader {
  readonly sender: Sender;
  readonly place: string;
  /** Undefined for readers that share a partition. */
  readonly epoch: number | undefined;
  readonly pump: () => void;
  readonly stop: () => void;
}

/** Rejects where the address can't be had. */
export async function serveEvents(options: ServeEventsOptions): Promise<RunningEvents> {
  const { host = LOOPBACK, port, policies } = options;
  const endpoint = new EventsEndpoint(options);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const guard = createFrameGuard(readAmqpHeader);
    // First: nothing of a frame that is refused is kept.
    socket.on('data', (chunk: Buffer) => {
      if (!guard(chunk)) cut(socket);
    });
    endpoint.accept(socket);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const boundPort = await listen(server, host, port);
  server.on('error', (error) => options.errors?.error('event endpoint failed', { error: error.message }));
  return {
    port: boundPort,
    connectionString: (name) => {
      const policy = policies.find((candidate) => candidate.name === name && mayRead(candidate));
      if (policy === undefined) return undefined;
      const access = `SharedAccessKeyName=${policy.name};SharedAccessKey=${policy.primaryKey}`;
      return `Endpoint=sb://${LOOPBACK}:${boundPort};${access};EntityPath=${ENTITY};UseDevelopmentEmulator=true`;
    },
    close: () =>
      new Promise((resolve) => {
        endpoint.stop();
        server.close(() => resolve());
        for (const socket of sockets) cut(socket);
      }),
  };
}

/** With an error: without one the library does not notice, and its timers keep the process for minutes. */
function cut(socket: Socket): void {
  socket.destroy(new Error('cut by the endpoint'));
}

function mayRead({ permissions }: Policy): boolean {
  return permissions.includes('ServiceConnect');
}

class EventsEndpoint {
  readonly #options: ServeEventsOptions;
  readonly #container = rhea.create_container({ id: 'twinward-events' });
  /** By link; one for each receiver of a client. */
  readonly #readers = new Map<Sender, Reader>();
  /** Audiences that a valid token was put for, without scheme and host. */
  readonly #allowed = new WeakMap<Connection, Set<string>>();

  constructor(options: ServeEventsOptions) {
    this.#options = options;
    const container = this.#container;
    container.sasl_server_mechanisms.enable_anonymous();
    container.on('sender_open', (context: EventContext) => this.#openSender(context));
    container.on('receiver_open', ({ receiver }: EventContext) => receiver && accept(receiver));
    container.on('message', (context: EventContext) => this.#answer(context));
    container.on('sendable', ({ sender }: EventContext) => this.#readers.get(sender as Sender)?.pump());
    for (const end of ['sender_close', 'sender_error']) {
      container.on(end, ({ sender }: EventContext) => this.#forget(sender));
    }
    for (const end of ['connection_close', 'connection_error', 'disconnected']) {
      container.on(end, ({ connection }: EventContext) => this.#forgetAll(connection));
    }
    // What a client sends wrongly ends its connection, and nothing else.
    for (const failure of ['protocol_error', 'error', 'receiver_error', 'session_error'])
      container.on(failure, () => {});
  }

  accept(socket: Socket): void {
    // It is the side that is called, which the typings leave out: the port is not used.
    const options = { port: 0, idle_time_out: IDLE_MS, max_frame_size: AMQP_FRAME_BYTES_MAX };
    const connection = this.#container.create_connection(options);
    (connection as unknown as { accept(socket: Socket): void }).accept(socket);
  }

  stop(): void {
    for (const reader of this.#readers.values()) reader.stop();
    this.#readers.clear();
  }

  /** A client's receiver: for answers of `$cbs` and `$management`, or for events. */
  #openSender({ sender, connection }: EventContext): void {
    if (sender === undefined) return;
    const address = sourceOf(sender);
    if (address === CBS || address === MANAGEMENT) return accept(sender);
    const { group, partition } = RECEIVER.exec(address)?.groups ?? {};
    const facts = partition === undefined ? undefined : this.#options.log.facts(partition);
    if (group === undefined || partition === undefined || facts === undefined) {
      return refuse(sender, 'amqp:not-found', `The messaging entity '${address}' could not be found.`);
    }
    if (!this.#isAllowed(connection, address)) {
      return refuse(sender, 'amqp:unauthorized-access', `Unauthorized access to '${address}': no valid token was put.`);
    }
    if (this.#readers.size >= RECEIVERS_MAX) {
      return refuse(sender, 'amqp:resource-limit-exceeded', `At most ${RECEIVERS_MAX} receivers are served.`);
    }
    this.#startReader(sender, `${group}/${partition}`, partition);
  }

  #startReader(sender: Sender, place: string, partition: string): void {
    const { log, hostName } = this.#options;
    const hubName = hubNameOf(hostName);
    const position = parseSelector(selectorOf(sender));
    if (position === undefined)
      return refuse(sender, 'amqp:invalid-field', 'The filter of the link is not understood.');
    const epoch = epochOf(sender);
    if (!this.#makeRoom(sender, place, epoch)) return;
    let next = log.begin(partition, position);
    const pump = (): void => {
      while (sender.is_open() && sender.sendable()) {
        const event = log.read(partition, next);
        if (event === undefined || event.sequence < next) return;
        next = event.sequence + 1;
        const delivery = sender.send(eventMessage(event, hubName, log.facts(partition), this.#options.clock));
        // A client knows where it is: it has nothing to answer, and nothing that its next credit could wait behind.
        Object.assign(delivery, { settled: true });
      }
    };
    accept(sender);
    this.#readers.set(sender, { sender, place, epoch, pump, stop: log.watch(partition, pump) });
    pump();
  }

  /** A reader with an epoch is alone: a newer one that is not lower takes its place. */
  #makeRoom(sender: Sender, place: string, epoch: number | undefined): boolean {
    const rivals = [...this.#readers.values()].filter((reader) => reader.place === place);
    const highest = Math.max(-1, ...rivals.map((reader) => reader.epoch ?? -1));
    if (highest >= 0 && (epoch ?? -1) < highest) {
      refuse(sender, 'amqp:link:stolen', `A receiver with the higher epoch '${highest}' exists.`);
      return false;
    }
    if (epoch === undefined) return true;
    for (const rival of rivals) {
      this.#forget(rival.sender);
      refuse(rival.sender, 'amqp:link:stolen', `New receiver with the epoch '${epoch}' was created.`);
    }
    return true;
  }

  #answer({ connection, receiver, message }: EventContext): void {
    if (message === undefined) return;
    const target = receiver?.target?.address;
    if (target === CBS) this.#reply(connection, message, CBS, { code: this.#putToken(connection, message), body: '' });
    if (target === MANAGEMENT) {
      const isAllowed = this.#isAllowed(connection, `${ENTITY}/${MANAGEMENT}`);
      const answer = isAllowed ? managementAnswer(this.#options.log, message, ENTITY) : { code: 401, body: '' };
      this.#reply(connection, message, MANAGEMENT, answer);
    }
  }

  /** The answer goes over the link that the request names, or the client's only link from there. */
  #reply(
    connection: Connection,
    request: Message,
    from: string,
    { code, body }: { code: number; body: unknown },
  ): void {
    const sender = connection.find_sender(
      (link: Sender) =>
        sourceOf(link) === from && (link.name === request.reply_to || targetOf(link) === request.reply_to),
    );
    const answering = sender ?? connection.find_sender((link: Sender) => sourceOf(link) === from);
    const description = DESCRIPTIONS[code] ?? 'Error';
    answering?.send({
      ...(request.message_id === undefined ? {} : { correlation_id: request.message_id }),
      application_properties: {
        'status-code': rhea.types.wrap_int(code),
        'status-description': description,
        statusCode: rhea.types.wrap_int(code),
        statusDescription: description,
      },
      body,
    });
  }

  #putToken(connection: Connection, { application_properties: properties = {}, body }: Message): number {
    const { operation, name, type } = properties as Record<string, unknown>;
    if (operation !== 'put-token' || typeof name !== 'string' || type !== 'servicebus.windows.net:sastoken') return 400;
    const token = parseSasToken(String(body));
    const policy = this.#options.policies.find((candidate) => candidate.name === token?.policyName);
    if (token === undefined || policy === undefined || !mayRead(policy)) return 401;
    const isValid =
      isSignedByText(token, keysOf(policy)) &&
      token.expiresAtSeconds * 1_000 > this.#options.clock.now() &&
      pathOf(name).startsWith(pathOf(token.resource.join('/')));
    if (!isValid) return 401;
    const allowed = this.#allowed.get(connection) ?? new Set();
    this.#allowed.set(connection, allowed.add(pathOf(token.resource.join('/'))));
    return 200;
  }

  #isAllowed(connection: Connection, path: string): boolean {
    const allowed = this.#allowed.get(connection) ?? new Set();
    return [...allowed].some((audience) => path === audience || path.startsWith(audience === '' ? '' : `${audience}/`));
  }

  #forget(sender: Sender | undefined): void {
    if (sender === undefined) return;
    this.#readers.get(sender)?.stop();
    this.#readers.delete(sender);
  }

  #forgetAll(connection: Connection): void {
    for (const { sender } of this.#readers.values()) if (sender.connection === connection) this.#forget(sender);
  }
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'InvalidSignature: the token is not good for this resource.',
  404: 'The messaging entity could not be found.',
};

/** `sb://host:port/messages/events/x` is `messages/events/x`. */
function pathOf(audience: string): string {
  return audience.replace(/^[a-z]+:\/\/[^/]*\/?/, '').replace(/\/$/, '');
}

function sourceOf(sender: Sender): string {
  return sender.source?.address ?? '';
}

function targetOf(sender: Sender): string | undefined {
  return sender.target?.address;
}

/** Clients send the filter as a described value. */
function selectorOf(sender: Sender): string | undefined {
  const filters = sender.source?.filter as Record<string, unknown> | undefined;
  const filter = filters?.['apache.org:selector-filter:string'] as { value?: unknown } | string | undefined;
  const text = typeof filter === 'object' ? filter.value : filter;
  return text === undefined ? undefined : typeof text === 'string' ? text : '';
}

function epochOf(sender: Sender): number | undefined {
  const properties = sender.properties as Record<string, unknown> | undefined;
  const epoch = properties?.['com.microsoft:epoch'] ?? undefined;
  return epoch === undefined ? undefined : Number(epoch);
}

/** An answer without source or target refuses the link for some clients. */
function accept(link: Partial<Sender | Receiver> & Pick<Sender, 'set_source' | 'set_target'>): void {
  if (link.source) link.set_source(link.source);
  if (link.target) link.set_target(link.target);
}

const refuse = (sender: Sender, condition: string, description: string): void =>
  sender.close({ condition, description });
