// What an action says of settings that it leaves as they are: why, and what would release them.
import type { SettingChange } from '../../model/action.ts';

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

function namesText(changes: readonly SettingChange[]): string {
  return changes.map(({ name }) => `"${name}"`).join(', ');
}

export function joined(texts: readonly (string | undefined)[]): string | undefined {
  const given = texts.filter((text) => text !== undefined);
  return given.length === 0 ? undefined : given.join(' ');
}
