// From what the hub tells of to what is to be queued, and looked at inside our share of the hub's day.
import type { Change } from '../../model/change.ts';
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import { readMessages } from '../../plan/report/call-count.ts';
import { HintAllowance } from '../budget/daily-budget.ts';
import { hintedKeys, isOurs } from './keys-of-change.ts';
import type { Hints } from './hints.ts';
import { refOf } from '../../model/twin-key.ts';
import type { Outcome } from '../queue/outcome.ts';
import type { Reconciled } from '../reconcile/reconcile.ts';
import { declaredHubOf, type HubScope } from '../reconcile/hub-context.ts';
import type { WorkQueue } from '../queue/work-queue.ts';

const WAITING =
  'What others change is seen by the next pass for now: looking at each change event would go beyond the budget of daily messages.';

export interface HintIntakeOptions {
  readonly scope: HubScope;
  /** Of the scope. */
  readonly hints: Hints;
  readonly queue: WorkQueue;
  readonly capacity: Capacity | undefined;
}

export class HintIntake {
  readonly #options: HintIntakeOptions;
  readonly #allowance: HintAllowance;
  /** Keys in the queue that no pass asks for. */
  readonly #alone = new Set<string>();
  /** A whole pass was made: what it listed and counted is there to decide by. */
  #isPassed = false;

  constructor(options: HintIntakeOptions) {
    const { scope, capacity } = options;
    const { name: hubName, clock, log } = scope;
    this.#options = options;
    const budget = (): DeclaredHub['budget'] => declaredHubOf(scope).budget;
    this.#allowance = new HintAllowance({ hubName, capacity, budget, clock, log });
  }

  /** Why hints are not looked at for now, for people; undefined while they are. */
  get problem(): string | undefined {
    return this.#allowance.isUsedUp ? WAITING : undefined;
  }

  /** Messages of the hub's quota that looking at hints has cost so far. */
  get messagesSpent(): number {
    return this.#allowance.spent;
  }

  /** Before the end of the first pass it is only kept. */
  take(change: Change): void {
    const { scope, hints } = this.#options;
    const { open, view } = scope;
    for (const key of hintedKeys({ open, view, hints }, change)) {
      if (!hints.add(key)) continue;
      if (change.moduleId === undefined) hints.addDevice(change.deviceId);
      if (this.#isPassed) this.#ask(key);
    }
  }

  /** A pass asks for the key too: it is looked at, and tried again, whatever that costs. */
  release(key: string): void {
    this.#alone.delete(key);
  }

  /** A pass was complete: what came during the first one is looked at now. */
  endPass(): void {
    if (this.#isPassed) return;
    this.#isPassed = true;
    const { scope, hints } = this.#options;
    for (const key of hints.keys()) {
      const { deviceId } = refOf(key);
      const isUnread = scope.view.device(deviceId) === undefined || hints.isStale(deviceId);
      if (isUnread || isOurs(scope, key)) this.#ask(key);
    }
  }

  /** Undefined where only a hint asks for it and too little of the day is left: the next pass sees it. */
  async look(key: string, work: () => Promise<Reconciled>): Promise<Reconciled | undefined> {
    const { scope, hints } = this.#options;
    const { deviceId } = refOf(key);
    const isAlone = this.#alone.delete(key);
    const isStale = hints.takeDevice(deviceId);
    const messages = Number(isAlone) + Number(isStale);
    const isAllowed = messages === 0 || this.#allowance.take(messages);
    if (isAlone && !isAllowed) return undefined;
    if (isStale && isAllowed) scope.view.forgetDevice(deviceId);
    const reconciled = await work();
    const { live, outcome } = reconciled;
    if (!isAlone && isTriedAgain(outcome)) this.release(key);
    if (isAlone && live !== undefined) this.#allowance.charge(readMessages(live) - 1);
    return reconciled;
  }

  #ask(key: string): void {
    const { queue } = this.#options;
    if (!queue.awaits(key)) this.#alone.add(key);
    queue.add(key, 'Drift');
  }
}

function isTriedAgain({ kind }: Outcome): boolean {
  return kind === 'Retry' || kind === 'RequeueAfter';
}
