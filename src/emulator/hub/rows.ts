// Records in the order of creation, with access from any sequence number that survives inserts and removals.
import type { HubRecord } from './record.ts';

/** Rebuild the arrays from this share of empty slots. */
const EMPTY_SHARE_MAX = 0.5;
const COMPACT_LENGTH_MIN = 64;

export class OrderedRows {
  #sequences: number[] = [];
  /** Parallel to the sequences; undefined for a removed record. */
  #records: (HubRecord | undefined)[] = [];
  #empty = 0;

  /** Adds a record or replaces the one with its sequence. */
  put(record: HubRecord): void {
    const index = this.#indexOf(record.sequence);
    if (this.#sequences[index] !== record.sequence) {
      // At the end, except when a replay starts from a newer state.
      this.#sequences.splice(index, 0, record.sequence);
      this.#records.splice(index, 0, record);
      return;
    }
    if (this.#records[index] === undefined) this.#empty -= 1;
    this.#records[index] = record;
  }

  remove(sequence: number): void {
    const index = this.#indexOf(sequence);
    if (this.#sequences[index] !== sequence || this.#records[index] === undefined) return;
    this.#records[index] = undefined;
    this.#empty += 1;
    if (this.#records.length >= COMPACT_LENGTH_MIN && this.#empty > this.#records.length * EMPTY_SHARE_MAX) {
      this.#compact();
    }
  }

  /** Records with this sequence number or a later one. Must not be resumed after a write. */
  *from(sequence: number): Generator<HubRecord, void, undefined> {
    for (let index = this.#indexOf(sequence); index < this.#records.length; index += 1) {
      const record = this.#records[index];
      if (record !== undefined) yield record;
    }
  }

  /** The first index whose sequence is not below. */
  #indexOf(sequence: number): number {
    let low = 0;
    let high = this.#sequences.length;
    if (high > 0 && (this.#sequences[high - 1] as number) < sequence) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sequences[middle] as number) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    this.#records = this.#records.filter((record) => record !== undefined);
    this.#sequences = this.#records.map((record) => (record as HubRecord).sequence);
    this.#empty = 0;
  }
}
