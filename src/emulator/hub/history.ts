// Recent states of records: for a lagging index, and for failover.
import { type HubRecord, refKey } from './record.ts';

/** Most changes kept; beyond, the oldest are dropped and the history starts later. */
const CHANGES_MAX = 500_000;
const COMPACT_LENGTH_MIN = 1024;

/** One change to one record. */
export interface RecordChange {
  readonly atMs: number;
  /** Undefined for a creation. */
  readonly before: HubRecord | undefined;
  readonly isRemoval: boolean;
}

export class RecentHistory {
  readonly #changes = new Map<string, RecordChange[]>();
  /** One record for each removed key. */
  readonly #removed = new Map<string, HubRecord>();
  /** Ordered by time; entries before the head are dropped. */
  #order: { readonly key: string; readonly atMs: number }[] = [];
  #head = 0;
  #keepMs = 0;
  #startsAtMs = -Infinity;

  get keepMs(): number {
    return this.#keepMs;
  }

  /** All changes after this time are known, if the history was on. */
  get startsAtMs(): number {
    return this.#startsAtMs;
  }

  /** 0 clears and disables the history. */
  keep(keepMs: number, nowMs: number): void {
    this.#keepMs = keepMs;
    if (keepMs > 0) this.#forget(nowMs);
    else this.#clear();
  }

  /** One of them may be undefined, not both. */
  record(before: HubRecord | undefined, after: HubRecord | undefined, nowMs: number): void {
    const known = before ?? after;
    if (known === undefined || this.#keepMs === 0) return;
    const key = refKey(known);
    const change = { atMs: nowMs, before, isRemoval: after === undefined };
    const changes = this.#changes.get(key);
    if (changes === undefined) this.#changes.set(key, [change]);
    else changes.push(change);
    if (after === undefined) this.#removed.set(key, known);
    this.#order.push({ key, atMs: nowMs });
    this.#forget(nowMs);
  }

  /**
   * The record as of the changes for which `hasHappened` is true; `live` is its current state. A change that happened
   * implies all earlier ones.
   */
  seen(
    key: string,
    live: HubRecord | undefined,
    hasHappened: (change: RecordChange) => boolean,
  ): HubRecord | undefined {
    const changes = this.#changes.get(key);
    if (changes === undefined) return live;
    let view = live;
    for (let index = changes.length - 1; index >= 0; index -= 1) {
      const change = changes[index] as RecordChange;
      if (hasHappened(change)) return view;
      view = change.before;
    }
    return view;
  }

  has(key: string): boolean {
    return this.#changes.has(key);
  }

  /** Keys of changed records. */
  keys(): Iterable<string> {
    return this.#changes.keys();
  }

  /** One record, of any age, for each key that was removed, even if recreated. */
  removed(): Iterable<HubRecord> {
    return this.#removed.values();
  }

  #forget(nowMs: number): void {
    for (let first = this.#order[this.#head]; first !== undefined; first = this.#order[this.#head]) {
      const isOld = first.atMs < nowMs - this.#keepMs;
      if (!isOld && this.#order.length - this.#head <= CHANGES_MAX) break;
      this.#head += 1;
      this.#startsAtMs = Math.max(this.#startsAtMs, first.atMs);
      this.#forgetOldest(first.key);
    }
    if (this.#head < COMPACT_LENGTH_MIN || this.#head * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#head);
    this.#head = 0;
  }

  #forgetOldest(key: string): void {
    const changes = this.#changes.get(key);
    changes?.shift();
    if (changes === undefined || changes.length > 0) return;
    this.#changes.delete(key);
    this.#removed.delete(key);
  }

  #clear(): void {
    this.#changes.clear();
    this.#removed.clear();
    this.#order = [];
    this.#head = 0;
    this.#startsAtMs = -Infinity;
  }
}
