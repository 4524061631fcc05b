// The planner under the guards: what they refuse is held, whichever way leads to a write.
import { heldInstead, writes, type TwinAction } from '../../model/action.ts';
import { guardedRisks, type GuardDecision } from '../../plan/guard/guards.ts';
import type { Planner } from '../../plan/planner.ts';
import { RISK, riskContext, risksOf } from '../../plan/guard/risk.ts';
import type { Target } from '../../plan/target/target.ts';
import { keyOf } from '../../model/twin-key.ts';
import { declaredHubOf, type HubScope } from '../reconcile/hub-context.ts';
import type { TwinState } from '../twins/twin-state.ts';

type Refusal = Pick<GuardDecision, 'refusedRisks' | 'message'>;

const UNSEEN_MESSAGE =
  'Not written before a look at the whole hub has counted it. Look again later: its lists can lag by half an hour.';

const UNDECIDED_MESSAGE = 'Not written before the guards have seen the whole hub with these manifests.';

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

/** True for what no pass has counted yet: that is no decision, the next pass makes it. */
export function isUncounted({ reason, message }: TwinAction): boolean {
  return reason === 'GuardRefused' && message === UNSEEN_MESSAGE;
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

/** What a pass found that guards could refuse, by key. */
export type Counted = ReadonlyMap<string, CountedTwin>;

export interface CountedTwin {
  /** Bits of RISK. */
  readonly risks: number;
  readonly target: Target;
}

const NONE_COUNTED: Counted = new Map();

/** The planner of a hub whose guards have not seen a whole pass with it yet. */
export function untilJudged(scope: Judging): Planner {
  const { guards } = declaredHubOf(scope);
  const refusal = { refusedRisks: guardedRisks(guards), message: UNDECIDED_MESSAGE };
  return judged(scope, refusal, NONE_COUNTED);
}

type Judging = Pick<HubScope, 'name' | 'open' | 'hints'>;

/**
 * The planner after the guards have spoken. What they could have refused and have not counted waits for the next pass:
 * a twin that the list lacked, one that turns out otherwise when it is read, and one for which something else is declared
 * since, or may be, as its device was hinted at: devices can be tagged by the thousand. What others write to a twin takes
 * nothing back.
 */
export function judged(scope: Judging, refusal: Refusal, counted: Counted): Planner {
  const { open, hints } = scope;
  const planner = withRefusal(open, refusal);
  const context = riskContext(open);
  const limited = countedRisks(scope);
  if (limited === 0) return planner;
  return {
    ...planner,
    plan(target, device, live, nowMs, around) {
      const action = planner.plan(target, device, live, nowMs, around);
      if (!writes(action)) return action;
      const known = counted.get(keyOf(device.deviceId, target.moduleId));
      // The same object for all devices that selectors can't tell apart.
      const isSame = known?.target === target && hints?.hasDevice(device.deviceId) !== true;
      const risks = isSame ? known.risks : 0;
      // Of a module that is made its first settings are no further change.
      const allowed = (risks & RISK.creates) === 0 ? risks : risks | RISK.changes;
      if ((risksOf(action, live, context) & limited & ~allowed) === 0) return action;
      return heldInstead(action, 'GuardRefused', UNSEEN_MESSAGE);
    },
  };
}

/**
 * What each pass counts: what guards limit, and changes while an exception is for so many devices at most. Where changes are
 * counted creations are too, as settings follow at once.
 */
export function countedRisks(scope: Pick<HubScope, 'open' | 'name'>): number {
  const isCounted = scope.open.declared.exceptions.some(({ maxDevices }) => maxDevices !== undefined);
  const risks = guardedRisks(declaredHubOf(scope).guards) | (isCounted ? RISK.changes : 0);
  return (risks & RISK.changes) === 0 ? risks : risks | RISK.creates;
}
