// The belt on a hub that is only observed: whatever the planner decides, nothing there is written.
import type { Mode } from '../model/declared.ts';
import { writes, type TwinAction } from '../model/action.ts';
import type { Planner } from './planner.ts';

/** The planner under this ceiling: in Observe each action that would write only tells what it would write. */
export function withCeiling(planner: Planner, mode: Mode): Planner {
  if (mode === 'Enforce') return planner;
  return {
    ...planner,
    plan(...twin) {
      const action = planner.plan(...twin);
      return writes(action) ? observed(action) : action;
    },
  };
}

function observed(action: TwinAction): TwinAction {
  return {
    ...action,
    type: 'Observe',
    reason: 'ModeObserve',
    changes: [],
    observed: [...action.observed, ...action.changes],
    patch: undefined,
    needs: { moduleTwin: false, deviceTwin: false },
  };
}
