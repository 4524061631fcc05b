// Changes to the suspensions of a fleet: who suspends what, and in place of which earlier suspension.
import { suspensionsInForce, type Suspension } from '../../model/suspension.ts';
import type { FleetState } from '../../ports/fleet-state.ts';

/**
 * Replaces the suspensions in force by what `change` returns, drops those that have ended, and resolves with the new
 * ones. Rejects with HubError.
 */
export async function changeSuspensions(
  { state, nowMs }: { readonly state: FleetState; readonly nowMs: number },
  change: (inForce: readonly Suspension[]) => readonly Suspension[],
  signal: AbortSignal,
): Promise<readonly Suspension[]> {
  const { suspensions } = await state.change(
    (facts) => ({ suspensions: change(suspensionsInForce(facts.suspensions, nowMs)) }),
    signal,
  );
  return suspensions;
}

/** Adds the suspension, in place of an earlier one of the same subject. */
export function withSuspension(all: readonly Suspension[], one: Suspension): readonly Suspension[] {
  return [...all.filter((other) => !isSameSubject(other, one)), one];
}

export type Subject = { readonly scope: 'All' } | { readonly scope: 'Configuration' | 'Device'; readonly name: string };

export function isSameSubject(a: Subject, b: Subject): boolean {
  return a.scope === b.scope && ('name' in a ? a.name : '') === ('name' in b ? b.name : '');
}
