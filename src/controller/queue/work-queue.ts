// The work queue: one worker per key, no key twice, the important first, failures later and later.
import { unreachable } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import { backoffMs } from './backoff.ts';
import { Fifo } from './fifo.ts';
import type { Outcome } from './outcome.ts';

/** A person's change before drift before routine. */
export type Priority = 'Change' | 'Drift' | 'Resync';
const PRIORITIES: readonly Priority[] = ['Change', 'Drift', 'Resync'];

export interface WorkQueueOptions {
  /** The label of its metrics. */
  readonly name: string;
  readonly concurrency: number;
  /** Called whenever nothing is queued, active or waiting any more because all of it was done. */
  readonly onIdle?: () => void;
  /** Never rejects. */
  readonly process: (key: string) => Promise<Outcome>;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

interface Item {
  phase: 'queued' | 'active' | 'waiting';
  priority: Priority;
  queuedAtMs: number;
  /** Added again while active. */
  again: Priority | undefined;
  failures: number;
  /** Ends the wait; only while waiting. */
  cancel: (() => void) | undefined;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #items = new Map<string, Item>();
  readonly #lanes = new Map(PRIORITIES.map((priority) => [priority, new Fifo<string>()]));
  readonly #depths: Record<Priority, number> = { Change: 0, Drift: 0, Resync: 0 };
  #active = 0;
  #isStopped = false;
  #waiters: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys queued, active or waiting for another try. */
  get size(): number {
    return this.#items.size;
  }

  /**
   * Has the key looked at soon; once more afterwards where it is being looked at now. A key that waits after a failure
   * is hurried only by a person's change.
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

  /** The next look at the key is still to begin. */
  awaits(key: string): boolean {
    const phase = this.#items.get(key)?.phase;
    return phase === 'queued' || phase === 'waiting';
  }

  /** Resolves once nothing is queued, active or waiting, or the queue is stopped and its last worker ended. */
  idle(): Promise<void> {
    if (this.#items.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Forgets what is not begun; resolves once what is in flight has ended. Idempotent. */
  stop(): Promise<void> {
    this.#isStopped = true;
    for (const [key, item] of this.#items) {
      item.cancel?.();
      if (item.phase !== 'active') this.#items.delete(key);
    }
    for (const priority of PRIORITIES) this.#countDepth(priority, -this.#depths[priority]);
    this.#tellIdle();
    return this.idle();
  }

  #createItem(key: string, priority: Priority): Item {
    const item: Item = {
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

  #enqueue(key: string, item: Item, priority: Priority): void {
    item.cancel?.();
    item.cancel = undefined;
    item.phase = 'queued';
    item.priority = priority;
    item.queuedAtMs = this.#options.clock.now();
    this.#lanes.get(priority)?.push(key);
    this.#countDepth(priority, 1);
  }

  #wait(key: string, item: Item, delayMs: number): void {
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

  /** A key that was promoted leaves its old place behind; it counts for nothing. */
  #next(): { key: string; item: Item } | undefined {
    for (const [priority, lane] of this.#lanes) {
      for (let key = lane.shift(); key !== undefined; key = lane.shift()) {
        const item = this.#items.get(key);
        if (item?.phase === 'queued' && item.priority === priority) return { key, item };
      }
    }
    return undefined;
  }

  async #run(key: string, item: Item): Promise<void> {
    const { clock, metrics, process } = this.#options;
    const startedAtMs = clock.now();
    this.#countDepth(item.priority, -1);
    this.#countActive(1);
    item.phase = 'active';
    metrics.observe('workqueue_queue_duration_seconds', this.#labels, (startedAtMs - item.queuedAtMs) / 1_000);
    const outcome = await process(key);
    metrics.observe('workqueue_work_duration_seconds', this.#labels, (clock.now() - startedAtMs) / 1_000);
    this.#countActive(-1);
    this.#settle(key, item, outcome);
    this.#tellIdle();
    this.#pump();
  }

  #settle(key: string, item: Item, outcome: Outcome): void {
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

  #delayOf(outcome: Outcome, { failures }: Item): number {
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

  #tellIdle(): void {
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
