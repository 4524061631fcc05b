// Records in the order of their creation, with a way in at any sequence number that survives inserts and removals.
import type { HubRecord } from './record.ts';

/** Share of empty slots from which the arrays are rebuilt. */
const EMPTY_SHARE_MAX = 0.5;
const COMPACT_LENGTH_MIN = 64;

export class OrderedRows {
  #sequences: number[] = [];
  /** Parallel to the sequences; undefined where the record was removed. */
  #records: (HubRecord | undefined)[] = [];
  #empty = 0;

  /** Adds a record or replaces the one with its sequence. */
  put(record: HubRecord): void {
    const index = this.#indexOf(record.sequence);
    if (this.#sequences[index] !== record.sequence) {
      // At the end, but for a replay over a state that is already further on.
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
