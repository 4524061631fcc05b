// Whose a setting is that no manifest names and our record does not hold, and what that means for it.
import { formatPointer, liesIn, type Json } from '../../model/json.ts';
import type { AutomaticConfiguration } from '../../model/other-writer.ts';
import type { Profile } from '../../model/profile.ts';
import type { Twin } from '../../model/twin.ts';
import { ownedNames } from '../record/owned-entry.ts';
import { atomName, atomPath } from '../../profile/encode.ts';
import { matchesPattern } from '../../profile/patterns.ts';
import { knowsSetting, unknownSetting } from '../../profile/settings.ts';
import { readRecord, recordedInstances } from '../record/record.ts';
import { writerOf } from '../twin/other-writers.ts';

interface WhoseInput {
  readonly name: string;
  readonly path: readonly string[];
  /** Of the setting; undefined where the twin has none. */
  readonly value: Json | undefined;
  readonly live: Twin | undefined;
  /** Ours. */
  readonly instance: string;
  /** All for the module, used or not. */
  readonly profiles: readonly Profile[];
  readonly automatic: readonly AutomaticConfiguration[];
}

/** Where profiles have a setting of this name, or never let one be declared: whether it is on the twin or not. */
export function placesKnown(profiles: readonly Profile[], name: string): string[][] {
  return profiles
    .filter((profile) => knowsSetting(profile, name) || matchesPattern(name, profile.deny))
    .map(({ section }) => atomPath(section, name));
}

export function whoseOf(input: WhoseInput): string {
  const { value, live, instance } = input;
  if (live !== undefined && !isReadable(live, instance)) return 'not known: the record on the twin can not be read';
  if (value === undefined || live === undefined) return `no owner: ${absentText(input)}`;
  return `not ours: ${otherInstanceText(live, input) ?? automaticText(live, input) ?? declarableText(input)}`;
}

function isReadable(live: Twin, instance: string): boolean {
  const { kind } = readRecord(live, instance);
  return kind === 'valid' || kind === 'absent';
}

function absentText(input: WhoseInput): string {
  const profile = profilesHere(input).find((one) => knowsSetting(one, input.name));
  if (profile === undefined || isDenied(profile, input)) return declarableText(input);
  return `profile "${profile.name}" knows it, and nothing declares it: the agent goes by its own default`;
}

function otherInstanceText(live: Twin, { path, instance }: WhoseInput): string | undefined {
  for (const other of recordedInstances(live).toSorted()) {
    const record = other === instance ? undefined : readRecord(live, other);
    if (record?.kind !== 'valid') continue;
    for (const [owner, { section, keys }] of record.owners) {
      if (!liesIn(section, path)) continue;
      const names = ownedNames(keys, () => [atomName(path.slice(section.length))]);
      const isHere = names.map((name) => atomPath(section, name)).some((own) => liesIn(own, path) || liesIn(path, own));
      if (isHere) return `instance "${other}" of Twinward owns it, by ${owner}`;
    }
  }
  return undefined;
}

function automaticText(live: Twin, { automatic, name, path }: WhoseInput): string | undefined {
  const writer = writerOf(automatic, live, { name, path });
  return writer === undefined ? undefined : `the automatic configuration "${writer.id}" of the hub writes it`;
}

function declarableText(input: WhoseInput): string {
  const { name } = input;
  const profiles = profilesHere(input);
  const denying = profiles.find((profile) => isDenied(profile, input));
  if (denying !== undefined) return `profile "${denying.name}" never lets it be declared, and keeps what is there`;
  const taking = profiles.find((profile) => unknownSetting(profile, name) === undefined);
  if (taking === undefined) return 'no profile for the module has such a setting, so nothing can declare it';
  return `nothing declares it; a configuration with profile "${taking.name}" could, and would own it then`;
}

/** Profiles whose setting of this name would be in this place. */
function profilesHere({ profiles, name, path }: WhoseInput): readonly Profile[] {
  const pointer = formatPointer(path);
  return profiles.filter(({ section }) => formatPointer(atomPath(section, name)) === pointer);
}

function isDenied({ deny }: Profile, { name }: WhoseInput): boolean {
  return matchesPattern(name, deny);
}
