// What records were in the recent past: for an index that is behind, and for a hub that falls back.
import { type HubRecord, refKey } from './record.ts';

/** Changes that are remembered at most; beyond, the oldest are forgotten and the past starts later. */
const CHANGES_MAX = 500_000;
const COMPACT_LENGTH_MIN = 1024;

/** One change to one record. */
export interface RecordChange {
  readonly atMs: number;
  /** Undefined where the change created it. */
  readonly before: HubRecord | undefined;
  readonly isRemoval: boolean;
}

export class RecentHistory {
  readonly #changes = new Map<string, RecordChange[]>();
  /** A record of each key that was removed once. */
  readonly #removed = new Map<string, HubRecord>();
  /** In the order of time; those before the head are forgotten. */
  #order: { readonly key: string; readonly atMs: number }[] = [];
  #head = 0;
  #keepMs = 0;
  #startsAtMs = -Infinity;

  get keepMs(): number {
    return this.#keepMs;
  }

  /** Every later change is known, as far as there was anybody to remember it. */
  get startsAtMs(): number {
    return this.#startsAtMs;
  }

  /** 0 forgets all and remembers nothing more. */
  keep(keepMs: number, nowMs: number): void {
    this.#keepMs = keepMs;
    if (keepMs > 0) this.#forget(nowMs);
    else this.#clear();
  }

  /** Either may be missing, not both. */
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
   * The record as somebody sees it to whom only those changes happened that `hasHappened`; `live` is what it is now.
   * A change that happened makes those before it happened too.
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

  /** Keys of records that changed. */
  keys(): Iterable<string> {
    return this.#changes.keys();
  }

  /** One record, of any age, for each key that was removed, and perhaps created again. */
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
