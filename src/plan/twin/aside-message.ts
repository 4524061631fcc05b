// What an action says of settings that it leaves as they are: why, and what would release them.
import type { SettingChange } from '../../model/action.ts';
import { contestsText, type Contests } from '../record/contest.ts';
import type { Target } from '../target/target.ts';
import type { Ownership } from './ownership.ts';

/** The same for all twins alike: what differs from twin to twin is said only where nothing else is to be done. */
export function asideMessage(
  refused: readonly SettingChange[],
  contested: readonly SettingChange[],
): string | undefined {
  return joined([
    refused.length === 0
      ? undefined
      : `Not written, as owners that are not in this part of the source have it: ${namesText(refused)}. Apply them together.`,
    contested.length === 0
      ? undefined
      : `Left alone, as another writer keeps changing it: ${namesText(contested)}. Find it, or let the setting go.`,
  ]);
}

export function contestedMessage(
  refused: readonly SettingChange[],
  contested: readonly SettingChange[],
  contests: Contests,
): string | undefined {
  const names = [...new Set(contested.map(({ name }) => name))];
  return joined([asideMessage(refused, []), contestsText(contests, names)]);
}

function namesText(changes: readonly SettingChange[]): string {
  return changes.map(({ name }) => `"${name}"`).join(', ');
}

export function joined(texts: readonly (string | undefined)[]): string | undefined {
  const given = texts.filter((text) => text !== undefined);
  return given.length === 0 ? undefined : given.join(' ');
}

/** Undefined where the mode is the hub's: that is reported once, not per twin. */
export function observedMessage({ observedBy }: Target): string | undefined {
  return observedBy === undefined
    ? undefined
    : `The mode of ${observedBy} is Observe; Enforce there lets it be written.`;
}

const KEEP_MESSAGES = {
  Suspended:
    'Every configuration for this module is suspended; what they own stays as it is until their manifests say suspend: false.',
  Unassigned:
    'No configuration selects this device any more; what was written stays, and so does its record. Give it back its tags, or let a configuration select it.',
  OutOfInput:
    'Its owners are not in this part of the source; nothing of theirs is touched. Give the whole source to decide about it.',
  SourceEmpty: 'The source holds no resource at all; that removes nothing. Keep at least the Hub to mean it.',
} as const;

export function keepMessage(kept: NonNullable<Ownership['kept']>, { suspendedBecause }: Target): string {
  return (kept === 'Suspended' ? suspendedBecause : undefined) ?? KEEP_MESSAGES[kept];
}
