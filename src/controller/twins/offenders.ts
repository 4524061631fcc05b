// The twins that need a person, worst kind first: kept as states change, like the counts.
import { refOf } from '../../model/twin-key.ts';
import type { ModuleRef } from '../../model/twin.ts';
import type { TwinState } from './twin-state.ts';

export interface Offender extends ModuleRef {
  /** A failure's code, an acknowledgement state, or an action's reason. */
  readonly reason: string;
  readonly detail: string | undefined;
}

const OFFENDERS_MAX = 10;

/** What is wrong with a twin, worst first; the first that applies names it. */
const OFFENCES: readonly ((state: TwinState) => string | undefined)[] = [
  ({ failure }) => failure,
  ({ type, reason }) => (type === 'Hold' ? reason : undefined),
  ({ reason }) => (reason === 'Contested' ? reason : undefined),
  ...(['Rejected', 'Unsupported', 'NotAcknowledged'] as const).map(
    (bad) => (state: TwinState) => (state.acknowledgement === bad ? bad : undefined),
  ),
  ({ type, reason }) => (type === 'Keep' && reason === 'Unassigned' ? reason : undefined),
  ({ type, reason }) => (type === 'Wait' ? reason : undefined),
];

/** Keys by their worst offence. */
export class Offenders {
  readonly #keys = OFFENCES.map(() => new Set<string>());

  get size(): number {
    return this.#keys.reduce((sum, { size }) => sum + size, 0);
  }

  /** Moves the key from the offence of one state to that of the other. */
  move(key: string, before: TwinState | undefined, after: TwinState | undefined): void {
    const from = offenceOf(before);
    const to = offenceOf(after);
    if (from === to) return;
    this.#keys[from]?.delete(key);
    this.#keys[to]?.add(key);
  }

  /** At most `OFFENDERS_MAX`. */
  worst(stateOf: (key: string) => TwinState | undefined): readonly Offender[] {
    const worst: Offender[] = [];
    for (const [offence, keys] of this.#keys.entries()) {
      for (const key of keys) {
        if (worst.length === OFFENDERS_MAX) return worst;
        const state = stateOf(key);
        const reason = state && OFFENCES[offence]?.(state);
        if (reason !== undefined) worst.push({ ...refOf(key), reason, detail: state?.detail });
      }
    }
    return worst;
  }
}

/** An index into `OFFENCES`, or -1. */
function offenceOf(state: TwinState | undefined): number {
  return state === undefined ? -1 : OFFENCES.findIndex((offence) => offence(state) !== undefined);
}
