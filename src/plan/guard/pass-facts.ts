// Gathers what the guards must know of a pass, row by row, in a few numbers for any size of fleet.
import type { Twin } from '../../model/twin.ts';
import type { TwinAction } from '../../model/action.ts';
import type { PassFacts, RiskGroup } from './guards.ts';
import { recordedOwners } from '../record/record.ts';
import { isBaseline, risksOf, shapeOf, type RiskContext } from './risk.ts';

export interface FactsGatherer {
  /** Takes in one row and answers with its risks. `twin` is undefined where none is listed. */
  see(action: TwinAction, twin: Twin | undefined): number;
  /** Every risk seen so far. */
  readonly risks: number;
  facts(devices: number, devicesCounted: number | undefined): PassFacts;
}

export function gatherFacts(context: RiskContext): FactsGatherer {
  const owners = new Set<string>();
  let allRisks = 0;
  const groups = new Map<string, { -readonly [K in keyof RiskGroup]: RiskGroup[K] }>();
  return {
    see(action, twin) {
      if (twin !== undefined) for (const owner of recordedOwners(twin, context.instance)) owners.add(owner);
      const risks = risksOf(action, twin, context);
      if (risks === 0) return 0;
      allRisks |= risks;
      const shape = shapeOf(action);
      const key = `${risks}/${shape}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { risks, shape, twins: 1 });
      else group.twins += 1;
      return risks;
    },
    get risks() {
      return allRisks;
    },
    facts(devices, devicesCounted) {
      const known = [...owners].filter(isBaseline);
      const missing = context.declared.partial ? [] : known.filter((owner) => !context.owners.has(owner));
      return {
        devices,
        devicesCounted,
        owners: known.length,
        ownersMissing: missing.toSorted(),
        groups: [...groups.values()],
      };
    },
  };
}
