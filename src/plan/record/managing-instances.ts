// Twins that carry a record already: which installations manage them, and by which configurations.
import type { Twin } from '../../model/twin.ts';
import type { Owner } from '../../model/owner.ts';
import { compareText } from '../../model/text.ts';
import { recordedInstances, recordedOwners } from './record.ts';

export interface ManagingInstance {
  readonly instance: string;
  readonly twins: number;
  /** `SecurityConfiguration/NAME`, sorted; none where no record of it can be read. */
  readonly owners: readonly Owner[];
}

/** Sorted by instance. */
export function managingInstances(twins: Iterable<Pick<Twin, 'tags'>>): readonly ManagingInstance[] {
  const found = new Map<string, { twins: number; owners: Set<Owner> }>();
  for (const twin of twins) {
    for (const instance of recordedInstances(twin)) {
      const known = found.get(instance) ?? { twins: 0, owners: new Set() };
      known.twins += 1;
      for (const owner of recordedOwners(twin, instance)) known.owners.add(owner);
      found.set(instance, known);
    }
  }
  return [...found]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([instance, { twins: count, owners }]) => ({ instance, twins: count, owners: [...owners].toSorted() }));
}
