// Gathers what the guards must know of a pass, row by row, in a few numbers for any size of fleet.
import type { TwinAction } from '../../model/action.ts';
import { isConfigurationOwner, type Owner } from '../../model/owner.ts';
import type { Twin } from '../../model/twin.ts';
import { recordedOwners } from '../record/record.ts';
import type { PassFacts, RiskGroup } from './guards.ts';
import { shapeOf, type RiskContext } from './risk.ts';

interface FactsGatherer {
  /** `twin` is undefined where none is listed; `risks` are the bits of RISK of the action. */
  add(row: { readonly action: TwinAction; readonly twin: Twin | undefined; readonly risks: number }): void;
  facts(devices: number, devicesCounted: number | undefined): PassFacts;
}

export function gatherFacts(context: RiskContext): FactsGatherer {
  const owners = new Set<Owner>();
  const groups = new Map<string, { -readonly [K in keyof RiskGroup]: RiskGroup[K] }>();
  return {
    add({ action, twin, risks }) {
      if (twin !== undefined) for (const owner of recordedOwners(twin, context.instance)) owners.add(owner);
      if (risks === 0) return;
      const shape = shapeOf(action);
      const key = `${risks}/${shape}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { risks, shape, twins: 1 });
      else group.twins += 1;
    },
    facts(devices, devicesCounted) {
      const known = [...owners].filter(isConfigurationOwner);
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
