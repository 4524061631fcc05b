// From change events to keys in the queue, within our share of the hub's daily messages.
import type { Change } from '../../model/change.ts';
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import { readMessages } from '../../plan/report/call-count.ts';
import { HintAllowance } from '../budget/hint-allowance.ts';
import { isOurs, keysOfChange } from './keys-of-change.ts';
import type { Hints } from '../twins/hints.ts';
import { refOf } from '../../model/twin-key.ts';
import type { Outcome } from '../queue/outcome.ts';
import type { Reconciled } from '../reconcile/reconcile.ts';
import type { HubContext } from '../context/hub-context.ts';
import type { WorkQueue } from '../queue/work-queue.ts';

const WAITING =
  'The next pass finds what others change: a read for each change event would go beyond the budget of daily messages.';

interface HintHandlerOptions {
  readonly context: HubContext;
  /** Of the context. */
  readonly hints: Hints;
  readonly queue: WorkQueue;
  readonly capacity: Capacity | undefined;
}

export class HintHandler {
  readonly #options: HintHandlerOptions;
  readonly #allowance: HintAllowance;
  /** A whole pass was made: what it listed and counted is there to decide by. */
  #isPassed = false;

  constructor(options: HintHandlerOptions) {
    const { context, capacity } = options;
    const { clock, log } = context;
    this.#options = options;
    const budget = (): DeclaredHub['budget'] => context.rules.planner.hub.budget;
    this.#allowance = new HintAllowance({ capacity, budget, clock, log });
  }

  /** Why hints wait for the next pass, for people; undefined while they are read. */
  get problem(): string | undefined {
    return this.#allowance.isUsedUp ? WAITING : undefined;
  }

  /** Messages of the hub's quota that reads for hints have cost so far. */
  get messagesSpent(): number {
    return this.#allowance.spent;
  }

  /** Before the first pass ends the hint only waits. */
  handle(change: Change): void {
    const { context, hints } = this.#options;
    for (const key of keysOfChange({ ...context, hints }, change)) {
      if (!hints.add(key)) continue;
      if (change.moduleId === undefined) hints.addDevice(change.deviceId);
      if (this.#isPassed) this.#enqueue(key);
    }
  }

  /** A pass asks for the key too: it is read, and tried again, whatever that costs. */
  release(key: string): void {
    this.#options.context.twins.setHintOnly(key, false);
  }

  /** A whole pass has ended: hints that came during the first one are queued now. */
  endPass(): void {
    if (this.#isPassed) return;
    this.#isPassed = true;
    const { context, hints } = this.#options;
    for (const key of hints.keys()) {
      const { deviceId } = refOf(key);
      const isUnread = context.devices.get(deviceId) === undefined || hints.isStale(deviceId);
      if (isUnread || isOurs(context, key)) this.#enqueue(key);
    }
  }

  /** Runs `work`. Undefined where only a hint asks for the key and the allowance is spent: it waits for the next pass. */
  async run(key: string, work: () => Promise<Reconciled>): Promise<Reconciled | undefined> {
    const { context, hints } = this.#options;
    const { deviceId } = refOf(key);
    const isAlone = context.twins.isHintOnly(key);
    this.release(key);
    const isStale = hints.takeDevice(deviceId);
    const messages = Number(isAlone) + Number(isStale);
    const isAllowed = messages === 0 || this.#allowance.take(messages);
    if (isAlone && !isAllowed) return undefined;
    if (isStale && isAllowed) context.devices.delete(deviceId);
    const reconciled = await work();
    const { live, outcome } = reconciled;
    if (!isAlone && isTriedAgain(outcome)) this.release(key);
    if (isAlone && live !== undefined) this.#allowance.charge(readMessages(live) - 1);
    return reconciled;
  }

  #enqueue(key: string): void {
    const { context, queue } = this.#options;
    if (!queue.awaits(key)) context.twins.setHintOnly(key, true);
    queue.add(key, 'Drift');
  }
}

function isTriedAgain({ kind }: Outcome): boolean {
  return kind === 'Retry' || kind === 'RequeueAfter';
}
