// Which changes only put back what another writer changed, and which of these are left alone for now.
import type { Twin } from '../../model/twin.ts';
import type { SettingChange } from '../../model/action.ts';
import type { Owners } from '../record/owned-entry.ts';
import { afterCorrections, isContested, NO_CONTESTS, type Contests } from '../record/contest.ts';
import type { RecordMemory } from '../record/record.ts';
import type { Target } from '../target/target.ts';

/** What makes a change a correction. */
export interface CorrectionFacts {
  readonly contests: Contests;
  /** The record's owners after the write. */
  readonly owners: Owners;
  /** True where another writer removed our record since we wrote: what looks like a first write is none. */
  readonly isRecordTaken: boolean;
}

/** Owners that leave no trace in the record can't tell a correction from their first write. */
function isCorrection(
  { cause, owner }: Pick<SettingChange, 'cause' | 'owner'>,
  { owners, isRecordTaken }: CorrectionFacts,
): boolean {
  return cause === 'Drift' || (cause === 'FirstConfiguration' && (isRecordTaken || !owners.has(owner)));
}

/** True for what another writer changes again and again. What a person changed in the manifests is written all the same. */
export function isLeftAlone(change: SettingChange, facts: CorrectionFacts, nowMs: number): boolean {
  return isContested(facts.contests.get(change.name), nowMs) && isCorrection(change, facts);
}

/** What a write of these changes leaves to remember; where nothing is declared there is nothing to argue about. */
export function contestsAfter(
  changes: readonly SettingChange[],
  facts: CorrectionFacts,
  target: Target,
  nowMs: number,
): Contests {
  if (target.layers.length === 0) return NO_CONTESTS;
  const corrected = changes.filter((change) => isCorrection(change, facts));
  return afterCorrections(
    facts.contests,
    corrected.map(({ name }) => name),
    nowMs,
  );
}

/**
 * What we remember of a twin without a record that we can read; undefined where it is another twin than we wrote: the
 * versions of one that was created again start over.
 */
export function memoryOfTaken(live: Twin, remembered: RecordMemory | undefined): RecordMemory | undefined {
  const version = live.properties.desired['$version'];
  const own = remembered?.desiredVersion;
  return own !== undefined && typeof version === 'number' && version >= own ? remembered : undefined;
}
