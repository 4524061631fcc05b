// Whether a row of a pass asks for work, and how urgently; what it says is remembered on the way.
import { writes, type TwinAction } from '../../model/action.ts';
import type { HubContext } from '../context/hub-context.ts';
import type { Priority } from '../queue/work-queue.ts';
import { stateOf } from '../twins/twin-state.ts';
import type { Row } from './list-fleet.ts';

/** Undefined where the row asks for no work. `isChange`: the pass follows a person's change. */
export function priorityOfRow({ twins, clock }: HubContext, row: Row, isChange: boolean): Priority | undefined {
  const { key, planned, twin } = row;
  // Where planning the row threw, the worker meets the same bug and reports it.
  if (planned === undefined) return 'Resync';
  const { action, target } = planned;
  const before = twins.state(key);
  const state = stateOf(action, target, twin, clock.now());
  if (twin === undefined && !writes(action)) {
    // A module that is not listed may still exist: one direct read settles that for good. Where it need not exist, the
    // list will show it soon enough once it does.
    const isSettled = before?.type === action.type && before.failure === undefined;
    if (!isSettled && (before !== undefined || action.type !== 'Skip')) return 'Resync';
    twins.setState(key, state);
    return undefined;
  }
  const isStillFailing = state !== undefined && before?.failure !== undefined && writes(action);
  twins.setState(key, isStillFailing ? { ...state, failure: before.failure } : state);
  return writes(action) ? priorityOf(action, isChange) : undefined;
}

/** The record alone is never urgent. */
function priorityOf({ type, reason }: TwinAction, isChange: boolean): Priority {
  if (type === 'Record') return 'Resync';
  if (isChange) return 'Change';
  return reason === 'Drift' || reason === 'Nudge' ? 'Drift' : 'Resync';
}
