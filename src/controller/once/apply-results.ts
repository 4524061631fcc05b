// The result of each key of one `apply`: counts tries and keeps the last outcome.
import { HubError } from '../../model/errors.ts';
import type { ModuleRef, Twin } from '../../model/twin.ts';
import type { TwinAction } from '../../model/action.ts';
import type { TwinTable } from '../twins/twin-table.ts';
import { refOf } from '../../model/twin-key.ts';
import { SETTLED, type Outcome } from '../queue/outcome.ts';
import { idleResult, type Reconciled, type Result } from '../reconcile/reconcile.ts';
import type { TwinState } from '../twins/twin-state.ts';

export interface ApplyResult {
  readonly ref: ModuleRef;
  /** What was decided last; for what was written, what was written. Holds sensitive values: never print it whole. */
  readonly action: TwinAction | undefined;
  readonly outcome: Result;
  /** As known at the end; undefined where nothing is declared for the twin any more. */
  readonly state: TwinState | undefined;
  readonly error?: HubError;
}

type Word = Pick<ApplyResult, 'action' | 'outcome' | 'error'>;

/** The last word on one key, with the twin that the action was decided on. */
export interface Settled extends Word {
  readonly ref: ModuleRef;
  readonly live: Twin | undefined;
}

/** A wait longer than this is not waited for by somebody who is looking. */
const WAIT_MAX_MS = 60_000;

export class ApplyResults {
  readonly #triesMax: number;
  readonly #onSettled: (settled: Settled) => void;
  readonly #tries = new Map<string, number>();
  readonly #words = new Map<string, Word>();
  #done = 0;

  /** `onSettled` is called once for each key. */
  constructor(triesMax: number, onSettled: (settled: Settled) => void = () => {}) {
    this.#triesMax = triesMax;
    this.#onSettled = onSettled;
  }

  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.#done, total: this.#tries.size };
  }

  /** The key was queued. */
  expect(key: string): void {
    this.#tries.set(key, 0);
  }

  /** Nothing is to be written for the key. */
  add(key: string, action: TwinAction, live: Twin | undefined): void {
    this.#settle(key, { action, outcome: idleResult(action) }, live);
  }

  /** What the queue is to do next: nothing once the key had its last try. */
  settle(key: string, { action, live, outcome, result, error }: Reconciled): Outcome {
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    if (isWorthWaiting(outcome) && tries < this.#triesMax) return outcome;
    this.#settle(key, { action, outcome: result, ...(error === undefined ? {} : { error }) }, live);
    this.#done += 1;
    return SETTLED;
  }

  close(twins: TwinTable): { results: ApplyResult[]; outcomes: Record<Result, number> } {
    const outcomes: Record<Result, number> = {
      Written: 0,
      Recorded: 0,
      Created: 0,
      Unchanged: 0,
      Observed: 0,
      Held: 0,
      Failed: 0,
    };
    for (const key of this.#tries.keys()) if (!this.#words.has(key)) this.#settle(key, notReached(), undefined);
    const results: ApplyResult[] = [];
    for (const [key, word] of this.#words) {
      outcomes[word.outcome] += 1;
      results.push({ ref: refOf(key), state: twins.state(key), ...word });
    }
    return { results, outcomes };
  }

  #settle(key: string, word: Word, live: Twin | undefined): void {
    this.#words.set(key, word);
    this.#onSettled({ ref: refOf(key), ...word, live });
  }
}

function isWorthWaiting(outcome: Outcome): boolean {
  return outcome.kind === 'Retry' || (outcome.kind === 'RequeueAfter' && outcome.delayMs <= WAIT_MAX_MS);
}

function notReached(): Word {
  return {
    action: undefined,
    outcome: 'Failed',
    error: new HubError('Aborted', 'Stopped before this twin was reached: run it again.'),
  };
}
