// What a write does beyond putting drift back: the risks that guards limit, as bits, and what makes two writes alike.
import type { Declared } from '../../model/declared.ts';
import { digestJson } from '../../model/digest.ts';
import type { Json } from '../../model/json.ts';
import type { Twin } from '../../model/twin.ts';
import { changesOf, writes, type ChangeCause, type TwinAction } from '../../model/action.ts';
import { isConfigurationOwner, type Owner } from '../../model/owner.ts';
import { compareText } from '../../model/text.ts';
import { recordedOwners } from '../record/record.ts';

/** Rows are kept by the hundred thousand: one number holds all risks of one. */
export const RISK = {
  /** Settings change for another reason than drift. */
  changes: 1,
  /** Settings go. */
  removes: 2,
  /** A configuration no longer selects the device; also where nothing is written about it. */
  departs: 4,
  /** A module is created. */
  creates: 8,
  /** A configuration that the record names is not in the source. */
  orphans: 16,
} as const;

/** What puts things back as they were agreed: after another writer, and after an exception, whose end was agreed with it. */
const UNGUARDED: ReadonlySet<ChangeCause> = new Set<ChangeCause>(['Drift', 'ExceptionEnded']);

export interface RiskContext {
  readonly declared: Declared;
  readonly instance: string;
  /** Of the source. */
  readonly owners: ReadonlySet<Owner>;
}

export function riskContext({ declared, instance }: Pick<RiskContext, 'declared' | 'instance'>): RiskContext {
  return { declared, instance, owners: new Set(declared.configurations.map(({ owner }) => owner)) };
}

/** Bits of RISK: 0 for what only puts drift back or writes the record. `twin` is the one that was decided on. */
export function risksOf(action: TwinAction, twin: Twin | undefined, context: RiskContext): number {
  if (action.type === 'Keep' && action.reason === 'Unassigned') return RISK.departs;
  if (!writes(action)) return 0;
  if (action.type === 'Create') return RISK.creates;
  let risks = twin !== undefined && isOrphaned(twin, context) ? RISK.orphans : 0;
  for (const { cause, after } of changesOf(action)) {
    if (UNGUARDED.has(cause)) continue;
    risks |= RISK.changes;
    if (after === undefined) risks |= RISK.removes;
    if (cause === 'LeftGroup') risks |= RISK.departs;
  }
  return risks;
}

/** With a part of the source, and with none at all, what is missing from it is left alone anyway. */
function isOrphaned(twin: Twin, { declared, instance, owners }: RiskContext): boolean {
  return (
    !declared.partial &&
    recordedOwners(twin, instance).some((owner) => isConfigurationOwner(owner) && !owners.has(owner))
  );
}

/**
 * The same for writes that do the same, whatever they replace: another writer's edit must not make it another. What is
 * sensitive is named without its value.
 */
export function shapeOf(action: TwinAction): string {
  const { type, moduleId } = action;
  const parts = changesOf(action)
    .filter(({ cause }) => !UNGUARDED.has(cause))
    .map(({ path, owner, after, sensitive }): Json => {
      const value = after === undefined ? [] : [sensitive ? null : after];
      return [...path, owner, value];
    });
  return digestJson([type, moduleId, parts.toSorted((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)))]);
}
