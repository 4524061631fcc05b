// Why nothing may be written to a kind of device: contradictions that only the merge of all its layers shows.
import { isExceptionOwner } from '../../model/owner.ts';
import { liesIn, setKey, type JsonObject } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import { checkRules } from '../../profile/rules.ts';
import type { ActionReason } from '../../model/action.ts';
import type { DeclaredAtom, Layer, Merged } from './layering.ts';

export interface TargetHold {
  readonly reason: Extract<ActionReason, 'Conflicted' | 'ProfilesOverlap' | 'RulesViolated' | 'ExceptionTooWide'>;
  readonly message: string;
}

/** The checks in order; the first that objects is the answer. Rules are checked for `profiles`. */
const CHECKS: readonly ((
  layers: readonly Layer[],
  merged: Merged,
  profiles: readonly Profile[],
) => TargetHold | undefined)[] = [checkConflicts, checkProfilesOverlap, checkMergedRules];

export function findHold(
  layers: readonly Layer[],
  merged: Merged,
  profiles: readonly Profile[],
): TargetHold | undefined {
  for (const check of CHECKS) {
    const hold = check(layers, merged, profiles);
    if (hold !== undefined) return hold;
  }
  return undefined;
}

function checkConflicts(_layers: readonly Layer[], merged: Merged): TargetHold | undefined {
  const conflict = merged.conflicts[0];
  if (conflict === undefined) return undefined;
  const [first, second] = conflict.owners;
  const others = merged.conflicts.length > 1 ? ` (and ${merged.conflicts.length - 1} more settings)` : '';
  return {
    reason: 'Conflicted',
    message: isExceptionOwner(second)
      ? `${first} and ${second} want different values of "${conflict.name}"${others}. Change one, or let one end first.`
      : `${first} and ${second} have the same priority and want different values of "${conflict.name}"${others}. ` +
        'Give one of them a higher priority.',
  };
}

function checkProfilesOverlap(layers: readonly Layer[]): TargetHold | undefined {
  for (const [index, layer] of layers.entries()) {
    const { profile, owner } = layer.configuration;
    const rival = layers.slice(0, index).find(({ configuration }) => overlap(configuration.profile, profile));
    if (rival === undefined) continue;
    return {
      reason: 'ProfilesOverlap',
      message:
        `${rival.configuration.owner} and ${owner} write the same part of module "${profile.moduleId}" through ` +
        `different profiles ("${rival.configuration.profile.name}", "${profile.name}"). Use one profile for both.`,
    };
  }
  return undefined;
}

function overlap(a: Profile, b: Profile): boolean {
  if (a.name === b.name) return false;
  const [shorter, longer] = a.section.length < b.section.length ? [a.section, b.section] : [b.section, a.section];
  return liesIn(shorter, longer);
}

function checkMergedRules(
  _layers: readonly Layer[],
  merged: Merged,
  profiles: readonly Profile[],
): TargetHold | undefined {
  for (const profile of profiles) {
    const hold = findBrokenRule(profile, mergedSettings(profile, merged.atoms));
    if (hold !== undefined) return hold;
  }
  return undefined;
}

/** `settings` are plain. */
export function findBrokenRule(profile: Profile, settings: JsonObject): TargetHold | undefined {
  const finding = checkRules(profile, settings).find(({ severity }) => severity === 'error');
  if (finding === undefined) return undefined;
  return { reason: 'RulesViolated', message: `${finding.message} Change one of the configurations that set it.` };
}

/** The plain settings that the layers give together, for the settings kept at the top level. */
function mergedSettings(profile: Profile, atoms: readonly DeclaredAtom[]): JsonObject {
  const settings: JsonObject = {};
  for (const { atom } of atoms) {
    const isOfProfile = atom.path.length === profile.section.length + 1 && liesIn(profile.section, atom.path);
    if (isOfProfile) setKey(settings, atom.path.at(-1) as string, atom.plain);
  }
  return settings;
}
