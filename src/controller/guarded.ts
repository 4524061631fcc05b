// The planner under the guards: what they refuse is held, whichever way leads to a write.
import { heldInstead, writes, type TwinAction } from '../plan/action.ts';
import { guardedRisks, type GuardDecision } from '../plan/guards.ts';
import type { Planner } from '../plan/planner.ts';
import { riskContext, risksOf } from '../plan/risk.ts';
import { declaredHubOf } from './scope.ts';
import type { TwinState } from './twin-state.ts';

type Refusal = Pick<GuardDecision, 'refusedRisks' | 'message'>;

const UNDECIDED_MESSAGE = 'Waits until the whole hub was looked at with these manifests.';

/** What a refused write becomes, without what it would have changed. */
export function refusedAction({
  deviceId,
  moduleId,
  message,
}: Pick<TwinAction, 'deviceId' | 'moduleId' | 'message'>): TwinAction {
  return {
    type: 'Hold',
    reason: 'GuardRefused',
    deviceId,
    moduleId,
    owners: [],
    etag: undefined,
    changes: [],
    observed: [],
    patch: undefined,
    needs: { moduleTwin: false, deviceTwin: false },
    message,
  };
}

/** The state of a twin whose write was refused before anybody read it directly. */
export function heldState(message: string | undefined): TwinState {
  return { type: 'Hold', reason: 'GuardRefused', acknowledgement: undefined, detail: message, failure: undefined };
}

/** Writes that carry a refused risk are held whole; all others pass. */
export function withRefusal(planner: Planner, { refusedRisks, message }: Refusal): Planner {
  if (refusedRisks === 0) return planner;
  const context = riskContext(planner);
  return {
    ...planner,
    plan(target, device, live, nowMs, around) {
      const action = planner.plan(target, device, live, nowMs, around);
      if (!writes(action) || (risksOf(action, live, context) & refusedRisks) === 0) return action;
      return heldInstead(action, 'GuardRefused', message);
    },
  };
}

/** The planner of a hub whose guards have not seen a whole pass with it yet. */
export function untilJudged(open: Planner, hubName: string): Planner {
  const { guards } = declaredHubOf({ open, name: hubName });
  return withRefusal(open, { refusedRisks: guardedRisks(guards), message: UNDECIDED_MESSAGE });
}
