// Changes to the suspensions on a hub: read, change, compare and swap.
import { HubError } from '../../model/errors.ts';
import { RESERVED_TAG, reservedDeviceId } from '../../model/reserved-device.ts';
import { suspensionsInForce, type Suspension } from '../../model/suspension.ts';
import { tooLarge } from '../../plan/twin/limits.ts';
import type { Hub } from '../../ports/hub.ts';
import { openReserved } from './reserved-lease.ts';
import { composeSuspensions, readReserved } from './reserved-twin.ts';

const TRIES_MAX = 5;

/**
 * Replaces those in force by what `change` makes of them, makes the device that holds them where it is missing, and
 * resolves with the new ones. Those that have ended go. Rejects with HubError.
 */
export async function changeSuspensions(
  { hub, instance, nowMs }: { readonly hub: Hub; readonly instance: string; readonly nowMs: number },
  change: (inForce: readonly Suspension[]) => readonly Suspension[],
  signal: AbortSignal,
): Promise<readonly Suspension[]> {
  for (let tries = 1; ; tries += 1) {
    const { etag, raw, suspensions } = readReserved(await openReserved(hub, instance, signal));
    const next = change(suspensionsInForce(suspensions, nowMs));
    const written = next.length === 0 ? null : composeSuspensions(next);
    const tags = { [RESERVED_TAG]: { ...raw, suspensions: written } };
    const problem = tooLarge(tags, {});
    if (problem !== undefined) {
      throw new HubError('TooLarge', `There is no room for more suspensions: ${problem}. End some of them first.`);
    }
    try {
      const patch = { [RESERVED_TAG]: { suspensions: written } };
      await hub.patchDeviceTwin(reservedDeviceId(instance), patch, etag, signal);
      return next;
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'PreconditionFailed' || tries === TRIES_MAX) throw error;
    }
  }
}

/** The list with this suspension, in place of one of the same thing. */
export function withSuspension(all: readonly Suspension[], one: Suspension): readonly Suspension[] {
  return [...all.filter((other) => !isSameSubject(other, one)), one];
}

export type Subject = { readonly scope: 'All' } | { readonly scope: 'Configuration' | 'Device'; readonly name: string };

export function isSameSubject(a: Subject, b: Subject): boolean {
  return a.scope === b.scope && ('name' in a ? a.name : '') === ('name' in b ? b.name : '');
}
