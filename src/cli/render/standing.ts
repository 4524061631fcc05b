// Status of a set of twins of one hub: each counted once, conditions, the worst first. For `status` and `describe`.
import type { InspectedTwin } from '../../controller/once/inspect.ts';
import { keyOf } from '../../model/twin-key.ts';
import { resourceConditions, type ResourceCondition } from '../../controller/status/resource-conditions.ts';
import type { FleetCounts } from '../../controller/status/status.ts';
import type { Offender } from '../../controller/twins/offenders.ts';
import { TwinTable } from '../../controller/twins/twin-table.ts';
import { refusedState } from '../../controller/twins/twin-state.ts';
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
  add(twin: InspectedTwin): void;
  /** Holds what the guards refuse of the twins that were added. */
  judge(guards: GuardDecision): void;
  /** Of all that were added. */
  result(): Standing;
}

export function countStanding(): StandingCount {
  const twins = new TwinTable();
  const devices = new Set<string>();
  const risky: { readonly key: string; readonly risks: number }[] = [];
  return {
    add({ ref, state, risks }) {
      const key = keyOf(ref.deviceId, ref.moduleId);
      // A missing module that is not required does not count as a twin.
      if (state !== undefined && state.type !== 'Skip') devices.add(ref.deviceId);
      if (risks !== 0) risky.push({ key, risks });
      twins.setState(key, state);
    },
    judge({ refusedRisks, message }) {
      for (const { key, risks } of risky) {
        if ((risks & refusedRisks) !== 0) twins.setState(key, refusedState(twins.state(key), message));
      }
    },
    result() {
      const { counts } = twins;
      const { twins: count, actions, acknowledgements } = counts;
      const offenders = twins.offenders();
      return {
        conditions: resourceConditions(counts),
        counts: { devices: devices.size, twins: count, actions, acknowledgements },
        offenders,
        moreOffenders: twins.offenderCount - offenders.length,
      };
    },
  };
}

/** Twins by state: the acknowledgement of a twin in sync, else the action. Omits states without twins. */
export function stateCounts({ actions, acknowledgements }: FleetCounts): [string, number][] {
  return [
    ...Object.entries(acknowledgements),
    ...Object.entries(actions).filter(([type]) => type !== 'Equal' && type !== 'Skip'),
  ].filter(([, count]) => count > 0);
}

/** Empty if nothing is wrong. The guards' message covers all that they refuse, and appears once, below. */
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
  const refusalText = refusal === undefined ? '' : `${indent}  ${refusal}\n`;
  return `${indent}Worst first\n${formatTable(rows, `${indent}  `)}${more}${refusalText}`;
}

/** Rows of a table. */
export function conditionRows(conditions: readonly ResourceCondition[]): string[][] {
  return conditions.map(({ type, status, reason, message }) => [type, status, reason, message]);
}
