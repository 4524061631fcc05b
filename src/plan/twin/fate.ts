// What becomes of every owner in the record: it goes on, is frozen, is released, or its settings are removed.
import type { Target } from '../target/target.ts';
import { isException, type Declared, type DeclaredConfiguration } from '../../model/declared.ts';
import type { OwnedEntry } from '../record/owned-entry.ts';
import { isExceptionOwner, type Owner } from '../../model/owner.ts';

/** What happens to one recorded owner, decided by the first rule that applies. */
export type Fate =
  | 'Continues' // enforced: what it no longer declares is removed
  | 'Suspended' // observed or suspended: everything it owns stays as it is
  | 'LeftGroup' // no longer selects the device, but others manage the module
  | 'Unassigned' // no longer selects the device, and no other configuration manages the module
  | 'OutOfInput' // not in this part of the source
  | 'SourceEmpty' // the source holds nothing at all: that asks for nothing
  | 'ExceptionEnded' // its time is over, it left the source, or the device left it: what it changed is put back
  | 'OwnerRemoved' // left the source; its recorded policy asks for removal
  | 'Released'; // left the source; its settings stay, without an owner

export type KeepingFate = Extract<Fate, 'Suspended' | 'Unassigned' | 'OutOfInput' | 'SourceEmpty'>;
const KEEPING: ReadonlySet<Fate> = new Set<KeepingFate>(['Suspended', 'Unassigned', 'OutOfInput', 'SourceEmpty']);

export function isKeeping(fate: Fate): fate is KeepingFate {
  return KEEPING.has(fate);
}

/** An owner that the record names. */
export interface RecordedEntry {
  readonly owner: Owner;
  readonly fate: Fate;
  readonly entry: OwnedEntry;
  /** Places it owns. */
  readonly paths: readonly (readonly string[])[];
}

export function fateOf(owner: Owner, entry: OwnedEntry, target: Target, declared: Declared): Fate {
  if (target.suspends(owner)) return 'Suspended';
  const layer = target.layers.find(({ configuration }) => configuration.owner === owner);
  if (layer !== undefined) return layer.state === 'Enforced' ? 'Continues' : 'Suspended';
  if (declared.expired.some((exception) => exception.owner === owner)) return 'ExceptionEnded';
  const configuration = findDeclared(owner, declared);
  if (configuration !== undefined) {
    if (!isException(configuration) && (configuration.suspend || configuration.mode === 'Observe')) return 'Suspended';
    // An exception manages nothing for long: it is no heir of what a configuration leaves behind.
    const isManaged = target.layers.some((one) => one.state === 'Enforced' && !isException(one.configuration));
    // A device without any tag most likely lost them by mistake: that is no reason to remove anything.
    const mayComeBack = target.tagless && looksAtTags(configuration);
    if (!isManaged || mayComeBack) return 'Unassigned';
    return isException(configuration) ? 'ExceptionEnded' : 'LeftGroup';
  }
  if (declared.partial) return 'OutOfInput';
  if (isEmptySource(declared)) return 'SourceEmpty';
  if (isExceptionOwner(owner)) return 'ExceptionEnded';
  return entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released';
}

export function findDeclared(
  owner: Owner,
  { configurations, exceptions }: Declared,
): DeclaredConfiguration | undefined {
  const all: readonly DeclaredConfiguration[] = isExceptionOwner(owner) ? exceptions : configurations;
  return all.find((one) => one.owner === owner);
}

function looksAtTags({ targets }: DeclaredConfiguration): boolean {
  return targets.some(({ selector }) => selector.requirements.some(({ key }) => key.kind === 'tag'));
}

function isEmptySource(declared: Declared): boolean {
  return (
    declared.configurations.length === 0 &&
    declared.exceptions.length === 0 &&
    declared.expired.length === 0 &&
    declared.groups.length === 0 &&
    declared.hubs.every((hub) => hub.origin === undefined)
  );
}
