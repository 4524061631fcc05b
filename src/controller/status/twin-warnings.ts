// Warnings of single twins, from the states they go through: recorded when trouble begins, changes, or is over.
import type { ActionType } from '../../model/action.ts';
import {
  HOLD_REASONS,
  LASTING_FAILURES,
  REFUSAL_REASONS,
  type TwinTrouble,
  type WarningReason,
} from '../../model/event.ts';
import { refOf } from '../../model/twin-key.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { TwinTable } from '../twins/twin-table.ts';
import type { TwinState } from '../twins/twin-state.ts';

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
    const about = { hub: this.#hub, ...refOf(key) };
    const trouble = state && troubleOf(state);
    if (trouble !== undefined && trouble.reason !== warned) this.#recorder?.record({ ...about, ...trouble });
    if (state !== undefined && trouble === undefined && warned !== undefined) {
      if (!isOver(warned, state)) return;
      this.#recorder?.record({ ...about, reason: 'Recovered', from: warned });
    }
    this.#twins.setWarning(key, trouble?.reason);
  }
}

function troubleOf({ type, reason, acknowledgement, failure, detail }: TwinState): TwinTrouble | undefined {
  if (failure !== undefined) {
    const lasting = LASTING_FAILURES.find((one) => one === failure);
    return lasting && { reason: 'WriteFailed', failure: lasting };
  }
  if (type === 'Hold') {
    const hold = HOLD_REASONS.find((one) => one === reason);
    return hold && { reason: hold, detail };
  }
  if (reason === 'Contested' || reason === 'Unassigned') return { reason, detail };
  const refusal = REFUSAL_REASONS.find((one) => one === acknowledgement);
  return refusal && { reason: refusal, detail };
}

const UNDECIDED: ReadonlySet<ActionType> = new Set(['Patch', 'Record', 'Create', 'Hold']);
const REFUSALS: ReadonlySet<WarningReason> = new Set(REFUSAL_REASONS);

/** What is still to be done, or was done and not answered yet, says nothing. */
function isOver(warned: WarningReason, { type, acknowledgement, failure }: TwinState): boolean {
  if (failure !== undefined || UNDECIDED.has(type)) return false;
  const isOpen = type === 'Equal' && acknowledgement !== 'Applied';
  return !(REFUSALS.has(warned) && isOpen);
}
