// Our own last writes to twins: what they left in the record, as somebody may take it away, and how their events are known.
import type { RecordMemory } from '../../plan/record/record.ts';

/** Longer than a setting stays contested. */
const REMEMBERED_MS = 3 * 3_600_000;

interface OwnWrite {
  readonly memory?: RecordMemory;
  /** As the record in the last write names it; no other write of ours to the twin has the same. */
  readonly etag?: string | undefined;
  readonly atMs: number;
}

export class OwnWrites {
  readonly #writes = new Map<string, OwnWrite>();

  /** Before the write is sent: what the hub tells of it may come before its answer. */
  begin(key: string, etag: string | undefined, nowMs: number): void {
    this.#put(key, { ...this.#writes.get(key), etag, atMs: nowMs });
  }

  note(key: string, memory: RecordMemory, nowMs: number): void {
    this.#put(key, { ...this.#writes.get(key), memory, atMs: nowMs });
  }

  memory(key: string): RecordMemory | undefined {
    return this.#writes.get(key)?.memory;
  }

  etag(key: string): string | undefined {
    return this.#writes.get(key)?.etag;
  }

  forgetOld(nowMs: number): void {
    for (const [key, { atMs }] of this.#writes) {
      if (nowMs - atMs < REMEMBERED_MS) return;
      this.#writes.delete(key);
    }
  }

  /** Anew at the end: the oldest stay in front. */
  #put(key: string, write: OwnWrite): void {
    this.#writes.delete(key);
    this.#writes.set(key, write);
  }
}
