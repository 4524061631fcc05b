// The change feed over the hub's built-in Event Hubs-compatible endpoint, through `@azure/event-hubs`.
import type { EventHubConsumerClient, PartitionProperties, ReceivedEventData, Subscription } from '@azure/event-hubs';
import { asChange, LIFECYCLE, TWIN_CHANGES, type Change } from '../model/change.ts';
import { HubError, type HubErrorCode } from '../model/errors.ts';
import type { ChangeFeed, ChangeListener, FeedFacts } from '../ports/change-feed.ts';
import type { Clock } from '../ports/clock.ts';

export interface EventHubOptions {
  /** A secret; checked by `parseEventsConnectionString`. */
  readonly connectionString: string;
  /** For a whole probe, and for the start of a watch. */
  readonly timeoutMs: number;
  /** Without events, a watch notices a lost connection within this time. */
  readonly lossNoticedMs: number;
  readonly clock: Clock;
}

const CONSUMER_GROUP = '$Default';
/** Events that a probe reads in each partition: telemetry may arrive there too, in large messages. */
const PROBED_MAX = 500;
const PROBED_AT_ONCE = 25;
/** Counted events may expire before they are read. */
const SILENCE_SECONDS = 3;
const WATCHED_AT_ONCE = 100;
const CLOSING_MS = 2_000;
const PURPOSE = 'read the change events';

/** Connects on first use. */
export function eventHubFeed(options: EventHubOptions): ChangeFeed {
  return {
    probe: (signal) => withClient(options, signal, probe),
    watch: (listener, signal) => withClient(options, signal, (use) => watch(use, listener, options.lossNoticedMs)),
  };
}

async function probe({ client, signal }: Use): Promise<FeedFacts> {
  const facts = new SeenEvents();
  const filled = (await readPartitions(client, signal)).filter(({ isEmpty }) => !isEmpty);
  await Promise.all(filled.map((partition) => readNewest(client, partition, (event) => facts.see(event))));
  return facts;
}

/**
 * Starts at sequence numbers, not at "latest": so no event is lost before the links are open, or when the SDK reopens them.
 * The SDK calls `processEvents` once a link is open: with events, or with none after a period of silence.
 */
async function watch(
  { client, signal, isOpen }: Use,
  { onOpen, onChange }: ChangeListener,
  lossNoticedMs: number,
): Promise<never> {
  const partitions = await readPartitions(client, signal);
  const opening = new Set(partitions.map(({ partitionId }) => partitionId));
  const noteOpen = (partitionId: string): void => {
    if (!opening.delete(partitionId) || opening.size > 0) return;
    isOpen();
    onOpen();
  };
  return new Promise((_, reject) => {
    for (const { partitionId, lastEnqueuedSequenceNumber } of partitions) {
      const subscription = client.subscribe(
        partitionId,
        {
          processEvents: async (events) => {
            for (const event of events) {
              const change = toChange(event);
              if (change !== undefined) onChange(change);
            }
            noteOpen(partitionId);
          },
          processError: async (error) => {
            end(subscription);
            reject(error);
          },
        },
        {
          startPosition: { sequenceNumber: lastEnqueuedSequenceNumber },
          maxBatchSize: WATCHED_AT_ONCE,
          maxWaitTimeInSeconds: lossNoticedMs / 1_000,
          skipParsingBodyAsJson: true,
        },
      );
    }
  });
}

async function readPartitions(
  client: EventHubConsumerClient,
  abortSignal: AbortSignal,
): Promise<PartitionProperties[]> {
  const ids = await client.getPartitionIds({ abortSignal });
  return Promise.all(ids.map((id) => client.getPartitionProperties(id, { abortSignal })));
}

function toChange({ properties = {}, systemProperties = {}, body }: ReceivedEventData): Change | undefined {
  const source: unknown = systemProperties['iothub-message-source'];
  // Telemetry is not even parsed.
  return asChange(source, properties, source === TWIN_CHANGES ? parse(body) : undefined);
}

function parse(body: unknown): unknown {
  try {
    return JSON.parse(Buffer.from(body as Uint8Array).toString('utf8'));
  } catch {
    return undefined;
  }
}

class SeenEvents implements FeedFacts {
  events = 0;
  readonly hubNames = new Set<string>();
  twinChangeAtMs: number | undefined;
  lifecycleAtMs: number | undefined;

  see({ properties, systemProperties, enqueuedTimeUtc }: ReceivedEventData): void {
    this.events += 1;
    const hubName: unknown = properties?.['hubName'];
    if (typeof hubName === 'string') this.hubNames.add(hubName);
    const atMs = enqueuedTimeUtc.getTime();
    const source: unknown = systemProperties?.['iothub-message-source'];
    if (source === TWIN_CHANGES) this.twinChangeAtMs = Math.max(this.twinChangeAtMs ?? atMs, atMs);
    if (source === LIFECYCLE) this.lifecycleAtMs = Math.max(this.lifecycleAtMs ?? atMs, atMs);
  }
}

/**
 * Must be called within a handler: once that returns, the SDK waits with a timer that keeps the process alive, or
 * retries without a pause.
 */
function end(subscription: Subscription): void {
  void subscription.close().catch(() => {});
}

/** Reads up to the current last event. */
function readNewest(
  client: EventHubConsumerClient,
  { partitionId, beginningSequenceNumber: begin, lastEnqueuedSequenceNumber: last }: PartitionProperties,
  see: (event: ReceivedEventData) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const subscription = client.subscribe(
      partitionId,
      {
        processEvents: async (events) => {
          for (const event of events) see(event);
          if ((events.at(-1)?.sequenceNumber ?? last) < last) return;
          end(subscription);
          resolve();
        },
        processError: async (error) => {
          end(subscription);
          reject(error);
        },
      },
      {
        startPosition: { sequenceNumber: Math.max(begin, last - PROBED_MAX + 1), isInclusive: true },
        maxBatchSize: PROBED_AT_ONCE,
        maxWaitTimeInSeconds: SILENCE_SECONDS,
        skipParsingBodyAsJson: true,
      },
    );
  });
}

interface Use {
  readonly client: EventHubConsumerClient;
  /** Of the caller, and of the time limit. */
  readonly signal: AbortSignal;
  /** Stops the time limit. */
  readonly isOpen: () => void;
}

/** One client for one use. The SDK may ignore its signal, so no caller waits for it beyond the limit. */
async function withClient<T>(
  { connectionString, timeoutMs, clock }: EventHubOptions,
  signal: AbortSignal,
  run: (use: Use) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const { promise: end, reject } = Promise.withResolvers<never>();
  end.catch(() => {});
  const endWith = (code: HubErrorCode, message: string): void => {
    reject(new HubError(code, message));
    ended.abort();
  };
  const stop = (): void => endWith('Aborted', `Stopped during the attempt to ${PURPOSE}.`);
  const cancel = clock.schedule(timeoutMs, () =>
    endWith('Timeout', `Could not ${PURPOSE}: the endpoint did not answer within ${timeoutMs / 1_000} s.`),
  );
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let client: EventHubConsumerClient | undefined;
  try {
    client = await Promise.race([end, createClient(connectionString, timeoutMs)]);
    return await Promise.race([end, run({ client, signal: ended.signal, isOpen: cancel })]);
  } catch (error) {
    throw error instanceof HubError ? error : describe(error);
  } finally {
    cancel();
    // Closing fails on a lost connection, and may hang if the peer is gone.
    await settledWithin(clock, CLOSING_MS, Promise.race([end, client?.close()]));
    signal.removeEventListener('abort', stop);
  }
}

/** Resolves when the work settles, or at the limit. */
async function settledWithin(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  const cancel = clock.schedule(limitMs, resolve);
  await Promise.race([isLate, work.catch(() => {})]);
  cancel();
}

/** Loaded on first use, because that is slow. */
async function createClient(connectionString: string, timeoutInMs: number): Promise<EventHubConsumerClient> {
  const sdk = await import('@azure/event-hubs');
  return new sdk.EventHubConsumerClient(CONSUMER_GROUP, connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs },
  });
}

/** The SDK's messages may quote secrets: use only its closed names. */
function describe(error: unknown): HubError {
  const { code: given, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const known = typeof given === 'string' ? FAILURES.get(given) : undefined;
  const [code, why] = known ?? ['Unavailable', `the connection failed (${String(given ?? name)})`];
  return new HubError(code, `Could not ${PURPOSE}: ${why}.`);
}

const FAILURES: ReadonlyMap<string, readonly [HubErrorCode, string]> = new Map([
  ['UnauthorizedError', ['Unauthorized', 'the endpoint refuses the credential']],
  ['MessagingEntityNotFoundError', ['Invalid', 'the endpoint has no event hub with this EntityPath']],
  ['QuotaExceededError', ['Throttled', `too many others read the consumer group ${CONSUMER_GROUP}`]],
  ['ServerBusyError', ['Throttled', 'the endpoint is busy']],
  [
    'ReceiverDisconnectedError',
    ['Unavailable', `another reader uses the consumer group ${CONSUMER_GROUP} exclusively`],
  ],
  ['OperationTimeoutError', ['Timeout', 'the endpoint did not answer in time']],
]);
