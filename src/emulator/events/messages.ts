// Events and answers as AMQP messages, in the shapes that Event Hubs clients and IoT Hub readers know.
import { hash } from 'node:crypto';
import rhea, { type Message } from 'rhea';
import type { Clock } from '../../ports/clock.ts';
import type { ChangeSource } from '../hub/change-events.ts';
import type { EventLog, LoggedEvent, PartitionFacts } from './event-log.ts';

const { types, message } = rhea;

const SCHEMAS: Readonly<Record<ChangeSource, string>> = {
  twinChangeEvents: 'twinChangeNotification',
  deviceLifecycleEvents: 'deviceLifecycleNotification',
  deviceConnectionStateEvents: 'deviceConnectionStateNotification',
};

const CORRELATION_DIGITS = 32;
const ARRAY_OF_TEXTS = 0xa1;

export function eventMessage(
  event: LoggedEvent,
  hubName: string,
  facts: PartitionFacts | undefined,
  clock: Clock,
): Message {
  const { source, operation, deviceId, moduleId, atMs, sequence, offset, body } = event;
  const at = new Date(atMs);
  return {
    content_type: 'application/json',
    content_encoding: 'utf-8',
    correlation_id: correlationOf(event),
    user_id: hubName,
    application_properties: {
      hubName,
      deviceId,
      ...(moduleId === undefined ? {} : { moduleId }),
      operationTimestamp: at.toISOString(),
      'iothub-message-schema': SCHEMAS[source],
      opType: operation,
    },
    message_annotations: {
      'iothub-connection-device-id': deviceId,
      ...(moduleId === undefined ? {} : { 'iothub-connection-module-id': moduleId }),
      'iothub-enqueuedtime': types.wrap_timestamp(atMs),
      'iothub-message-source': source,
      'x-opt-sequence-number': types.wrap_long(sequence),
      'x-opt-offset': String(offset),
      'x-opt-enqueued-time': types.wrap_timestamp(atMs),
    },
    ...(facts === undefined ? {} : { delivery_annotations: lastEnqueued(facts, clock) }),
    body: message.data_section(Buffer.from(JSON.stringify(body))) as unknown,
  };
}

/** For clients that track how far behind they are. */
function lastEnqueued({ lastSequence, lastOffset, lastAtMs }: PartitionFacts, clock: Clock): object {
  return {
    last_enqueued_sequence_number: types.wrap_long(lastSequence),
    last_enqueued_offset: String(lastOffset),
    last_enqueued_time_utc: types.wrap_timestamp(lastAtMs),
    runtime_info_retrieval_time_utc: types.wrap_timestamp(clock.now()),
  };
}

/** The same event has the same id, however often it is sent. */
function correlationOf({ deviceId, moduleId, sequence, atMs }: LoggedEvent): string {
  const text = `${deviceId}/${moduleId ?? ''}/${sequence}/${atMs}`;
  return hash('sha256', text, 'hex').slice(0, CORRELATION_DIGITS);
}

/** READ of the event hub or of one of its partitions. */
export function managementAnswer(
  log: EventLog,
  { application_properties: properties = {} }: Message,
  entity: string,
): { code: number; body: unknown } {
  const { operation, name, type, partition } = properties as Record<string, unknown>;
  if (operation !== 'READ') return { code: 400, body: '' };
  if (name !== entity) return { code: 404, body: '' };
  if (type === 'com.microsoft:eventhub') {
    const ids = log.partitionIds;
    const body = {
      name,
      type,
      created_at: types.wrap_timestamp(log.createdAtMs),
      partition_count: types.wrap_int(ids.length),
      partition_ids: types.wrap_array([...ids], ARRAY_OF_TEXTS, undefined),
      georeplication_factor: types.wrap_int(1),
    };
    return { code: 200, body };
  }
  const facts = type === 'com.microsoft:partition' ? log.facts(String(partition)) : undefined;
  if (facts === undefined) return { code: 404, body: '' };
  const body = {
    name,
    type,
    partition: String(partition),
    begin_sequence_number: types.wrap_long(facts.beginSequence),
    last_enqueued_sequence_number: types.wrap_long(facts.lastSequence),
    last_enqueued_offset: String(facts.lastOffset),
    last_enqueued_time_utc: types.wrap_timestamp(facts.lastAtMs),
    is_partition_empty: facts.isEmpty,
  };
  return { code: 200, body };
}
