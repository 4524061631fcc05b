// The work queue: one worker per key, each key queued once, urgent work first, failures retried with growing delays.
import { unreachable } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import { backoffMs } from './backoff.ts';
import { Fifo } from './fifo.ts';
import { RETRY, type Outcome } from './outcome.ts';

/** A person's change before drift before routine. */
export type Priority = 'Change' | 'Drift' | 'Resync';
const PRIORITIES: readonly Priority[] = ['Change', 'Drift', 'Resync'];

interface WorkQueueOptions {
  /** The label of its metrics. */
  readonly name: string;
  readonly concurrency: number;
  /** Called each time the last item settles, unless the queue was stopped. */
  readonly onIdle?: () => void;
  readonly process: (key: string) => Promise<Outcome>;
  /** Called where `process` rejects, which is a bug: reports it and says what happens to the key. The worker goes on. */
  readonly onBug: (key: string, error: unknown) => Outcome;
  /** Where the items live; a map of the queue's own unless given. */
  readonly items?: WorkItems;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

/** A key from `add` until it settles. Only the queue reads or changes it. */
export interface WorkItem {
  phase: 'queued' | 'active' | 'waiting';
  priority: Priority;
  queuedAtMs: number;
  /** The highest priority of those that added the key while it was active. */
  again: Priority | undefined;
  failures: number;
  /** Ends the wait; only while waiting. */
  cancel: (() => void) | undefined;
}

/** The part of a `Map` that the queue needs. */
export interface WorkItems extends Iterable<readonly [key: string, item: WorkItem]> {
  readonly size: number;
  get(key: string): WorkItem | undefined;
  set(key: string, item: WorkItem): unknown;
  delete(key: string): unknown;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #items: WorkItems;
  readonly #lanes = new Map(PRIORITIES.map((priority) => [priority, new Fifo<string>()]));
  readonly #depths: Record<Priority, number> = { Change: 0, Drift: 0, Resync: 0 };
  #active = 0;
  #isStopped = false;
  #waiters: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#items = options.items ?? new Map<string, WorkItem>();
  }

  /** Keys queued, active or waiting for another try. */
  get size(): number {
    return this.#items.size;
  }

  /**
   * Queues the key; a key that is active is processed once more afterwards. Only a person's change shortens the wait of
   * a key that failed.
   */
  add(key: string, priority: Priority): void {
    if (this.#isStopped) return;
    this.#options.metrics.count('workqueue_adds_total', this.#labels);
    const item = this.#items.get(key);
    if (item === undefined) {
      this.#enqueue(key, this.#createItem(key, priority), priority);
    } else if (item.phase === 'active') {
      item.again = higher(item.again, priority);
    } else if (item.phase === 'waiting') {
      if (priority === 'Change') this.#enqueue(key, item, priority);
      else item.priority = higher(item.priority, priority);
    } else if (item.priority !== higher(item.priority, priority)) {
      this.#countDepth(item.priority, -1);
      this.#enqueue(key, item, priority);
    }
    this.#pump();
  }

  /** True while the key is queued or waits for another try. */
  awaits(key: string): boolean {
    const phase = this.#items.get(key)?.phase;
    return phase === 'queued' || phase === 'waiting';
  }

  /** Resolves once nothing is queued, active or waiting, or the queue is stopped and its last worker ended. */
  idle(): Promise<void> {
    if (this.#items.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Drops what has not begun; resolves once active workers end. Idempotent. */
  stop(): Promise<void> {
    this.#isStopped = true;
    for (const [key, item] of this.#items) {
      item.cancel?.();
      if (item.phase !== 'active') this.#items.delete(key);
    }
    for (const priority of PRIORITIES) this.#countDepth(priority, -this.#depths[priority]);
    this.#notifyIdle();
    return this.idle();
  }

  #createItem(key: string, priority: Priority): WorkItem {
    const item: WorkItem = {
      phase: 'queued',
      priority,
      queuedAtMs: 0,
      again: undefined,
      failures: 0,
      cancel: undefined,
    };
    this.#items.set(key, item);
    return item;
  }

  #enqueue(key: string, item: WorkItem, priority: Priority): void {
    item.cancel?.();
    item.cancel = undefined;
    item.phase = 'queued';
    item.priority = priority;
    item.queuedAtMs = this.#options.clock.now();
    this.#lanes.get(priority)?.push(key);
    this.#countDepth(priority, 1);
  }

  #wait(key: string, item: WorkItem, delayMs: number): void {
    item.phase = 'waiting';
    item.cancel = this.#options.clock.schedule(delayMs, () => {
      this.#enqueue(key, item, item.priority);
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#isStopped && this.#active < this.#options.concurrency) {
      const next = this.#next();
      if (next === undefined) return;
      void this.#run(next.key, next.item);
    }
  }

  /** Skips places that promoted keys left behind in their old lane. */
  #next(): { key: string; item: WorkItem } | undefined {
    for (const [priority, lane] of this.#lanes) {
      for (let key = lane.shift(); key !== undefined; key = lane.shift()) {
        const item = this.#items.get(key);
        if (item?.phase === 'queued' && item.priority === priority) return { key, item };
      }
    }
    return undefined;
  }

  async #run(key: string, item: WorkItem): Promise<void> {
    const { clock, metrics, process, onBug } = this.#options;
    const startedAtMs = clock.now();
    this.#countDepth(item.priority, -1);
    this.#countActive(1);
    item.phase = 'active';
    metrics.observe('workqueue_queue_duration_seconds', this.#labels, (startedAtMs - item.queuedAtMs) / 1_000);
    let outcome = RETRY;
    try {
      outcome = await process(key);
    } catch (error) {
      outcome = onBug(key, error);
    } finally {
      metrics.observe('workqueue_work_duration_seconds', this.#labels, (clock.now() - startedAtMs) / 1_000);
      this.#countActive(-1);
      this.#settle(key, item, outcome);
      this.#notifyIdle();
      this.#pump();
    }
  }

  #settle(key: string, item: WorkItem, outcome: Outcome): void {
    const { again } = item;
    item.again = undefined;
    const isEnd = outcome.kind === 'Settled' || outcome.kind === 'Stalled';
    if (this.#isStopped || (isEnd && again === undefined)) {
      this.#items.delete(key);
      return;
    }
    item.failures = outcome.kind === 'Retry' ? item.failures + 1 : 0;
    if (again !== undefined && (isEnd || again === 'Change')) return this.#enqueue(key, item, again);
    item.priority = higher(again, item.priority);
    this.#wait(key, item, this.#delayOf(outcome, item));
  }

  #delayOf(outcome: Outcome, { failures }: WorkItem): number {
    switch (outcome.kind) {
      case 'Settled':
      case 'Stalled':
        return 0;
      case 'RequeueAfter':
        return outcome.delayMs;
      case 'Retry':
        this.#options.metrics.count('workqueue_retries_total', this.#labels);
        return backoffMs(failures, outcome.pace, this.#options.random);
      default:
        return unreachable(outcome);
    }
  }

  #notifyIdle(): void {
    if (this.#items.size > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
    if (!this.#isStopped) this.#options.onIdle?.();
  }

  get #labels(): Record<string, string> {
    return { name: this.#options.name };
  }

  #countDepth(priority: Priority, by: number): void {
    this.#depths[priority] += by;
    this.#options.metrics.gauge('workqueue_depth', { ...this.#labels, priority }, this.#depths[priority]);
  }

  #countActive(by: number): void {
    this.#active += by;
    const labels = { controller: this.#options.name };
    this.#options.metrics.gauge('controller_runtime_active_workers', labels, this.#active);
  }
}

function higher(a: Priority | undefined, b: Priority): Priority {
  if (a === undefined) return b;
  return PRIORITIES.indexOf(a) <= PRIORITIES.indexOf(b) ? a : b;
}
