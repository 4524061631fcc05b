// From what a pass sees to what is remembered and what is to be queued.
import { writes, type TwinAction } from '../../model/action.ts';
import type { HubScope } from '../reconcile/hub-context.ts';
import type { Row } from './list-fleet.ts';
import { stateOf } from '../twins/twin-state.ts';
import type { Priority } from '../queue/work-queue.ts';

/** Undefined where the row asks for no work. `isChange`: the pass follows a person's change. */
export function takeRow(scope: HubScope, row: Row, isChange: boolean): Priority | undefined {
  const { key, planned, twin } = row;
  if (planned === undefined) {
    // Where planning the row threw, the worker meets the same bug, contains it and tells of it.
    return 'Resync';
  }
  const { action, target } = planned;
  const before = scope.view.state(key);
  if (twin === undefined && !writes(action)) {
    // A module that is not listed may still exist: one direct read settles that for good. Where it need not exist, the
    // list will show it soon enough once it does.
    if (before?.type === action.type && before.failure === undefined) {
      scope.view.note(key, stateOf(action, target, twin, scope.clock.now()));
      return undefined;
    }
    if (before !== undefined || action.type !== 'Skip') return 'Resync';
  }
  const state = stateOf(action, target, twin, scope.clock.now());
  const isStillFailing = state !== undefined && before?.failure !== undefined && writes(action);
  scope.view.note(key, isStillFailing ? { ...state, failure: before.failure } : state);
  return writes(action) ? priorityOf(action, isChange) : undefined;
}

/** The record alone is never urgent. */
function priorityOf({ type, reason }: TwinAction, isChange: boolean): Priority {
  if (type === 'Record') return 'Resync';
  if (isChange) return 'Change';
  return reason === 'Drift' || reason === 'Nudge' ? 'Drift' : 'Resync';
}
