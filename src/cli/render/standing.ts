// How some twins of one hub stand together: each counted once, conditions, the worst first. For `status` and `describe`.
import { FleetView } from '../../controller/twins/fleet-view.ts';
import { heldState } from '../../controller/pass/guarded.ts';
import type { InspectedTwin } from '../../controller/once/inspect.ts';
import { keyOf } from '../../model/twin-key.ts';
import { resourceConditions, type ResourceCondition } from '../../controller/status/resource-conditions.ts';
import type { FleetCounts, Offender } from '../../controller/status/status.ts';
import { tally } from '../../controller/twins/counts.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import { formatCount, formatTable } from './table.ts';

export interface Standing {
  readonly conditions: readonly ResourceCondition[];
  /** `devices` are those that have one of the twins. */
  readonly counts: FleetCounts;
  readonly offenders: readonly Offender[];
  readonly moreOffenders: number;
}

export interface StandingCount {
  see(twin: InspectedTwin): void;
  /** What the guards refuse of that is held. */
  judge(guards: GuardDecision): void;
  /** Of all that were seen. */
  result(): Standing;
}

export function countStanding(): StandingCount {
  const view = new FleetView();
  const devices = new Set<string>();
  const risky: { readonly key: string; readonly risks: number }[] = [];
  let drifted = 0;
  return {
    see({ ref, state, action, risks }) {
      const key = keyOf(ref.deviceId, ref.moduleId);
      // A module that need not exist and does not is no twin.
      if (state !== undefined && state.type !== 'Skip') devices.add(ref.deviceId);
      if (risks !== 0) risky.push({ key, risks });
      if ([...action.changes, ...action.observed].some(({ cause }) => cause === 'Drift')) drifted += 1;
      view.note(key, state);
    },
    judge({ refusedRisks, message }) {
      for (const { key, risks } of risky) if ((risks & refusedRisks) !== 0) view.note(key, heldState(message));
    },
    result() {
      const { counts, contested, offenders, moreOffenders } = tally(view);
      const conditions = resourceConditions({ ...counts, drifted, contested });
      return { conditions, counts: { ...counts, devices: devices.size }, offenders, moreOffenders };
    },
  };
}

/** Twins by state: what the agent says where a twin is in sync, else what is to be done. None that no twin is in. */
export function stateCounts({ actions, acknowledgements }: FleetCounts): [string, number][] {
  return [
    ...Object.entries(acknowledgements),
    ...Object.entries(actions).filter(([type]) => type !== 'Equal' && type !== 'Skip'),
  ].filter(([, count]) => count > 0);
}

/** Nothing where nothing is wrong. What the guards say is of all that they refuse, and is told once, below. */
export function worstText({ offenders, moreOffenders }: Standing, indent = ''): string {
  if (offenders.length === 0) return '';
  const refusal = offenders.find(({ reason }) => reason === 'GuardRefused')?.detail;
  const rows = offenders.map(({ deviceId, moduleId, reason, detail = '' }) => [
    deviceId,
    moduleId,
    reason,
    detail === refusal ? '' : detail,
  ]);
  const more = moreOffenders === 0 ? '' : `${indent}  and ${formatCount(moreOffenders)} more\n`;
  const told = refusal === undefined ? '' : `${indent}  ${refusal}\n`;
  return `${indent}Worst first\n${formatTable(rows, `${indent}  `)}${more}${told}`;
}

/** Rows of a table. */
export function conditionRows(conditions: readonly ResourceCondition[]): string[][] {
  return conditions.map(({ type, status, reason, message }) => [type, status, reason, message]);
}
