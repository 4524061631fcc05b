// The planner under the guards: what they refuse is held, whichever way leads to a write.
import { heldInstead, writes, type TwinAction } from '../plan/action.ts';
import { guardedRisks, type GuardDecision } from '../plan/guards.ts';
import type { Planner } from '../plan/planner.ts';
import { RISK, riskContext, risksOf } from '../plan/risk.ts';
import type { Hints } from './hints.ts';
import { keyOf } from './key.ts';
import { declaredHubOf, type HubScope } from './scope.ts';
import type { TwinState } from './twin-state.ts';

type Refusal = Pick<GuardDecision, 'refusedRisks' | 'message'>;

/** It is no decision: the next pass makes it. */
export const UNSEEN_MESSAGE = 'Waits for the next look at the whole hub.';

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
export function untilJudged(open: Planner, hubName: string, hints?: Hints): Planner {
  const { guards } = declaredHubOf({ open, name: hubName });
  return judged(open, { refusedRisks: guardedRisks(guards), message: UNDECIDED_MESSAGE }, hubName, hints);
}

/** The planner after the guards have spoken. What is hinted at waits for a pass in any case. */
export function judged(open: Planner, refusal: Refusal, hubName: string, hints: Hints | undefined): Planner {
  const planner = withRefusal(open, refusal);
  return hints === undefined ? planner : withHints(planner, hubName, hints);
}

/**
 * Hints can come by the thousand, and no pass has counted what they lead to: of their twins what a guard could refuse
 * waits for the next one. So does what changes while an exception has a limit of devices, which passes count too.
 */
export function unseenRisks(scope: Pick<HubScope, 'open' | 'name'>): number {
  const isCounted = scope.open.declared.exceptions.some(({ maxDevices }) => maxDevices !== undefined);
  return guardedRisks(declaredHubOf(scope).guards) | (isCounted ? RISK.changes : 0);
}

function withHints(planner: Planner, hubName: string, hints: Hints): Planner {
  const refusedRisks = unseenRisks({ open: planner, name: hubName });
  const waiting = withRefusal(planner, { refusedRisks, message: UNSEEN_MESSAGE });
  return {
    ...planner,
    plan(target, device, live, nowMs, around) {
      const isHinted = hints.has(keyOf(device.deviceId, target.moduleId));
      return (isHinted ? waiting : planner).plan(target, device, live, nowMs, around);
    },
  };
}
