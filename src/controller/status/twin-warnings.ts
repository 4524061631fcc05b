// Warnings of single twins, from the states they go through: recorded when trouble begins, changes, or is over.
import type { ActionType } from '../../model/action.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { WarningReason } from './event-reasons.ts';
import { refOf } from '../../model/twin-key.ts';
import type { TwinTable } from '../twins/twin-table.ts';
import type { Failure, TwinState } from '../twins/twin-state.ts';

export class TwinWarnings {
  readonly #hub: string;
  readonly #recorder: Recorder | undefined;
  readonly #twins: TwinTable;

  constructor(hub: string, recorder: Recorder | undefined, twins: TwinTable) {
    this.#hub = hub;
    this.#recorder = recorder;
    this.#twins = twins;
  }

  /** `state` is undefined where the twin is no longer ours. */
  update(key: string, state: TwinState | undefined): void {
    const warned = this.#twins.warning(key);
    const trouble = state && troubleOf(state);
    if (state !== undefined && trouble !== undefined && trouble !== warned) {
      this.#record(key, 'Warning', trouble, state.detail ?? wordsOf(state));
    } else if (state !== undefined && warned !== undefined && trouble === undefined) {
      if (!isOver(warned, state)) return;
      this.#record(key, 'Normal', 'Recovered', `${warned} is over.`);
    }
    this.#twins.setWarning(key, trouble);
  }

  #record(key: string, type: 'Normal' | 'Warning', reason: WarningReason | 'Recovered', message: string): void {
    this.#recorder?.record({ hub: this.#hub, ...refOf(key), type, reason, message });
  }
}

const REFUSALS: ReadonlySet<string> = new Set<WarningReason>(['Rejected', 'Unsupported', 'NotAcknowledged']);
/** Failures that trying again alone does not heal; of the others their hub is told. */
const LASTING: ReadonlySet<Failure> = new Set<Failure>(['Unauthorized', 'TooLarge', 'Invalid', 'Bug']);

function troubleOf({ type, reason, acknowledgement, failure }: TwinState): WarningReason | undefined {
  if (failure !== undefined) return LASTING.has(failure) ? 'WriteFailed' : undefined;
  // Guards are told once, of their hub.
  if (type === 'Hold') return reason === 'GuardRefused' ? undefined : (reason as WarningReason);
  if (reason === 'Contested' || reason === 'Unassigned') return reason;
  return acknowledgement !== undefined && REFUSALS.has(acknowledgement)
    ? (acknowledgement as WarningReason)
    : undefined;
}

const UNDECIDED: ReadonlySet<ActionType> = new Set(['Patch', 'Record', 'Create', 'Hold']);

/** What is still to be done, or was done and not answered yet, says nothing. */
function isOver(told: WarningReason, { type, acknowledgement, failure }: TwinState): boolean {
  if (failure !== undefined || UNDECIDED.has(type)) return false;
  const isOpen = type === 'Equal' && acknowledgement !== 'Applied';
  return !(REFUSALS.has(told) && isOpen);
}

function wordsOf({ failure, acknowledgement }: TwinState): string {
  if (failure !== undefined) return `The last write failed (${failure}); the log has more.`;
  return acknowledgement === 'NotAcknowledged' ? 'The agent is connected and says nothing.' : 'The agent says no more.';
}
