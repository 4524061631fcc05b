// What is worth telling of twins whose state is noted again and again: that one begins to be in trouble, or is out of it.
import type { ActionType } from '../../model/action.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { WarningReason } from './event-reasons.ts';
import { refOf } from '../../model/twin-key.ts';
import type { Failure, TwinState } from '../twins/twin-state.ts';

export class TwinNews {
  readonly #hub: string;
  readonly #recorder: Recorder | undefined;
  /** What each twin in trouble was told to suffer from. */
  readonly #told = new Map<string, WarningReason>();

  constructor(hub: string, recorder: Recorder | undefined) {
    this.#hub = hub;
    this.#recorder = recorder;
  }

  /** Takes a state as it is noted; undefined where the twin is none of ours any more. */
  see(key: string, state: TwinState | undefined): void {
    const told = this.#told.get(key);
    if (state === undefined) {
      this.#told.delete(key);
      return;
    }
    const trouble = troubleOf(state);
    if (trouble !== undefined && trouble !== told) {
      this.#told.set(key, trouble);
      this.#tell(key, 'Warning', trouble, state.detail ?? wordsOf(state));
    } else if (trouble === undefined && told !== undefined && isOver(told, state)) {
      this.#told.delete(key);
      this.#tell(key, 'Normal', 'Recovered', `${told} is over.`);
    }
  }

  #tell(key: string, type: 'Normal' | 'Warning', reason: WarningReason | 'Recovered', message: string): void {
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
