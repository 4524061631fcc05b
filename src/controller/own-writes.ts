// What our own last writes left in the records of twins: remembered for a while, as somebody may take a record away.
import type { RecordMemory } from '../plan/record.ts';

/** Longer than a setting stays contested. */
const REMEMBERED_MS = 3 * 3_600_000;

export class OwnWrites {
  readonly #writes = new Map<string, { readonly memory: RecordMemory; readonly atMs: number }>();

  note(key: string, memory: RecordMemory, nowMs: number): void {
    // Anew at the end: the oldest stay in front.
    this.#writes.delete(key);
    this.#writes.set(key, { memory, atMs: nowMs });
  }

  memory(key: string): RecordMemory | undefined {
    return this.#writes.get(key)?.memory;
  }

  forgetOld(nowMs: number): void {
    for (const [key, { atMs }] of this.#writes) {
      if (nowMs - atMs < REMEMBERED_MS) return;
      this.#writes.delete(key);
    }
  }
}
