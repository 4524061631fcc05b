// The built-in endpoint's memory: change events by partition, numbered, as far back as the retention goes.
import type { ChangeEvent } from '../hub/change-events.ts';
import { partitionOf } from './partition.ts';

export interface LoggedEvent extends ChangeEvent {
  /** From 0, without gaps, within the partition. */
  readonly sequence: number;
  /** Grows with the sequence; what it counts is the service's own affair. */
  readonly offset: number;
}

export interface PartitionFacts {
  readonly isEmpty: boolean;
  /** Of the oldest event kept; the next number where none is. */
  readonly beginSequence: number;
  /** -1 where there never was one. */
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly lastAtMs: number;
}

/** Where to begin: at an event, or with what comes from now on. */
export type StartPosition =
  | { readonly kind: 'latest' }
  | { readonly kind: 'sequence' | 'offset' | 'time'; readonly value: number; readonly inclusive: boolean };

export const PARTITIONS = 4;
/** Events kept in each partition; the real hub keeps them for a day or more. */
const KEPT_MAX = 50_000;
/** What an event takes of the offset; offsets are bytes on the real service, and clients only compare them. */
const OFFSET_STEP = 512;

interface Partition {
  events: LoggedEvent[];
  nextSequence: number;
  readonly readers: Set<() => void>;
}

export class EventLog {
  readonly createdAtMs: number;
  readonly #partitions: readonly Partition[];
  readonly #keptMax: number;

  constructor(options: { createdAtMs: number; partitions?: number; keptMax?: number }) {
    this.createdAtMs = options.createdAtMs;
    this.#keptMax = options.keptMax ?? KEPT_MAX;
    this.#partitions = Array.from({ length: options.partitions ?? PARTITIONS }, () => ({
      events: [],
      nextSequence: 0,
      readers: new Set(),
    }));
  }

  /** `0` to the last. */
  get partitionIds(): readonly string[] {
    return this.#partitions.map((_, index) => String(index));
  }

  append(event: ChangeEvent): void {
    const partition = this.#partitions[partitionOf(event.deviceId, this.#partitions.length)] as Partition;
    const sequence = partition.nextSequence;
    partition.nextSequence += 1;
    partition.events.push({ ...event, sequence, offset: sequence * OFFSET_STEP });
    // Twice what is kept before the half is dropped: constant time on average.
    if (partition.events.length > 2 * this.#keptMax) partition.events = partition.events.slice(-this.#keptMax);
    for (const tell of partition.readers) tell();
  }

  /** Undefined where there is no such partition. */
  facts(partitionId: string): PartitionFacts | undefined {
    const partition = this.#find(partitionId);
    if (partition === undefined) return undefined;
    const last = partition.events.at(-1);
    return {
      isEmpty: last === undefined,
      beginSequence: partition.events[0]?.sequence ?? partition.nextSequence,
      lastSequence: partition.nextSequence - 1,
      lastOffset: last?.offset ?? -1,
      lastAtMs: last?.atMs ?? this.createdAtMs,
    };
  }

  /** The sequence number that reading begins with. */
  begin(partitionId: string, position: StartPosition): number {
    const partition = this.#find(partitionId);
    if (partition === undefined || position.kind === 'latest') return partition?.nextSequence ?? 0;
    const { kind, value, inclusive } = position;
    const measure = (event: LoggedEvent): number =>
      kind === 'time' ? event.atMs : kind === 'offset' ? event.offset : event.sequence;
    const first = partition.events.find((event) => measure(event) > value || (inclusive && measure(event) === value));
    return first?.sequence ?? partition.nextSequence;
  }

  /** The event with this number, or the first after it that is still kept. */
  read(partitionId: string, sequence: number): LoggedEvent | undefined {
    const events = this.#find(partitionId)?.events ?? [];
    const first = events[0];
    return first === undefined ? undefined : events[Math.max(0, sequence - first.sequence)];
  }

  /** `tell` is called after each event of the partition; the result ends that and is idempotent. */
  watch(partitionId: string, tell: () => void): () => void {
    const readers = this.#find(partitionId)?.readers;
    readers?.add(tell);
    return () => void readers?.delete(tell);
  }

  #find(partitionId: string): Partition | undefined {
    return /^\d+$/.test(partitionId) ? this.#partitions[Number(partitionId)] : undefined;
  }
}
