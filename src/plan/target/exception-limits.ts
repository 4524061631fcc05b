// Exceptions that may reach so many devices of a hub and no more: counted over the whole fleet, held where they reach more.
import { isException, type Declared, type DeclaredConfiguration } from '../../model/declared.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import type { Owner } from '../../model/owner.ts';
import type { Layer } from './layering.ts';
import type { TargetHold } from './hold.ts';
import type { SelectionIndex } from '../select/selection.ts';

/** Devices that each exception with a limit selects on the hub, by owner. */
export type ExceptionCounts = ReadonlyMap<Owner, number>;

/** Undefined where no exception has a limit. */
export function countDevices(
  { exceptions }: Declared,
  selection: SelectionIndex,
  devices: Iterable<DeviceFacts>,
): ExceptionCounts | undefined {
  const limited = exceptions.filter(({ maxDevices }) => maxDevices !== undefined);
  if (limited.length === 0) return undefined;
  const counts = new Map<Owner, number>(limited.map(({ owner }) => [owner, 0]));
  for (const device of devices) {
    for (const { configuration } of selection.select(device).selected) {
      const count = counts.get(configuration.owner);
      if (count !== undefined) counts.set(configuration.owner, count + 1);
    }
  }
  return counts;
}

/** Without counts the number of devices that an exception selects is not known yet. */
export function findTooWide(layers: readonly Layer[], counts: ExceptionCounts | undefined): TargetHold | undefined {
  for (const { configuration, state } of layers) {
    if (state === 'Suspended' || !isLimited(configuration)) continue;
    const { owner, maxDevices } = configuration;
    const count = counts?.get(owner);
    if (count !== undefined && count <= maxDevices) continue;
    const message =
      count === undefined
        ? `${owner} is for ${maxDevices} devices at most; those it selects are not counted yet. The next pass over the whole hub counts them.`
        : `${owner} selects ${count} devices on this hub and is for ${maxDevices} at most. Narrow its selector, or raise maxDevices.`;
    return { reason: 'ExceptionTooWide', message };
  }
  return undefined;
}

function isLimited(layer: DeclaredConfiguration): layer is DeclaredConfiguration & { readonly maxDevices: number } {
  return isException(layer) && layer.maxDevices !== undefined;
}
