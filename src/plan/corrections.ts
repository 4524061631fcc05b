// Which changes only put back what somebody else changed, and which of these are left alone for now.
import type { SettingChange } from './action.ts';
import { afterCorrections, isContested, NO_CONTESTS, type Contests } from './contest.ts';
import type { OwnedEntry } from './record.ts';
import type { Target } from './target.ts';

/** Owners that leave no trace in the record can't tell a correction from their first write. */
export function isCorrection(
  { cause, owner }: Pick<SettingChange, 'cause' | 'owner'>,
  owners: ReadonlyMap<string, OwnedEntry>,
): boolean {
  return cause === 'Drift' || (cause === 'FirstConfiguration' && !owners.has(owner));
}

/** True for what another writer changes again and again. What a person changed in the manifests is written all the same. */
export function isLeftAlone(
  change: SettingChange,
  owners: ReadonlyMap<string, OwnedEntry>,
  contests: Contests,
  nowMs: number,
): boolean {
  return isContested(contests.get(change.name), nowMs) && isCorrection(change, owners);
}

/** What a write of these changes leaves to remember; where nothing is declared there is nothing to argue about. */
export function contestsAfter(
  changes: readonly SettingChange[],
  owners: ReadonlyMap<string, OwnedEntry>,
  contests: Contests,
  target: Target,
  nowMs: number,
): Contests {
  if (target.layers.length === 0) return NO_CONTESTS;
  const corrected = changes.filter((change) => isCorrection(change, owners));
  return afterCorrections(
    contests,
    corrected.map(({ name }) => name),
    nowMs,
  );
}
