// Counts of twins by state, kept as states change: nothing walks the fleet to answer how it stands.
import { REASONS, type ActionType } from '../../model/action.ts';
import type { AcknowledgementState } from '../../model/twin.ts';
import type { TwinState } from './twin-state.ts';

export const ACTION_TYPES = Object.keys(REASONS) as ActionType[];

export const ACKNOWLEDGEMENT_STATES: readonly AcknowledgementState[] = [
  'Written',
  'Applied',
  'Rejected',
  'NotAcknowledged',
  'Unsupported',
  'Unreachable',
];

/** Of the twins of a hub, or of one owner there. */
export interface TwinCounts {
  /** Module twins that are declared or carry our record: the sum of `actions` without `Skip`, as in a plan. */
  readonly twins: number;
  /** By what is to be done: `Equal` is in sync; `Patch`, `Record` and `Create` are still to be done. */
  readonly actions: Readonly<Record<ActionType, number>>;
  /** What the agents say about the twins in sync: the sum is `actions.Equal`. */
  readonly acknowledgements: Readonly<Record<AcknowledgementState, number>>;
  /** Twins whose last attempt failed. */
  readonly failing: number;
  /** Held twins by reason. */
  readonly heldBy: ReadonlyMap<string, number>;
  /** Twins with a setting that another writer keeps changing. */
  readonly contested: number;
  /** Twins with a setting that another writer changed. */
  readonly drifted: number;
}

export class StateCounts implements TwinCounts {
  readonly actions = zeros(ACTION_TYPES);
  readonly acknowledgements = zeros(ACKNOWLEDGEMENT_STATES);
  readonly heldBy = new Map<string, number>();
  twins = 0;
  failing = 0;
  contested = 0;
  drifted = 0;

  /** `by` is 1 for a twin that enters the state, -1 for one that leaves it. */
  add({ type, reason, acknowledgement, failure, isDrifted }: TwinState, by: 1 | -1): void {
    if (type !== 'Skip') this.twins += by;
    this.actions[type] += by;
    if (acknowledgement !== undefined) this.acknowledgements[acknowledgement] += by;
    if (failure !== undefined) this.failing += by;
    if (reason === 'Contested') this.contested += by;
    if (isDrifted) this.drifted += by;
    if (type !== 'Hold') return;
    const held = (this.heldBy.get(reason) ?? 0) + by;
    if (held === 0) this.heldBy.delete(reason);
    else this.heldBy.set(reason, held);
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
