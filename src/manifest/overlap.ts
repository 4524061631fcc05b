// What configurations say together, as far as the manifests alone prove it: conflicts, clashing profiles, broken rules.
import type { DeclaredConfiguration } from '../model/declared.ts';
import { diagnose, type Diagnostic } from '../model/diagnostic.ts';
import { deepEqual, setKey, type JsonObject } from '../model/json.ts';
import type { Profile } from '../model/profile.ts';
import { checkRules, type RuleFinding } from '../profile/rules.ts';
import { createImplications } from './implication.ts';

export function findOverlaps(configurations: readonly DeclaredConfiguration[], diagnostics: Diagnostic[]): void {
  const companionsOf = createImplications(configurations);
  const reported = new Set<string>();
  for (const configuration of configurations) {
    const companions = companionsOf(configuration);
    for (const other of companions) {
      const pair = [configuration.name, other.name].toSorted().join(' ');
      if (reported.has(pair)) continue;
      const problems = [...findConflicts(configuration, other), ...findProfileClash(configuration, other)];
      if (problems.length > 0) reported.add(pair);
      diagnostics.push(...problems);
    }
    diagnostics.push(...findBrokenRules(configuration, companions));
  }
}

function findConflicts(a: DeclaredConfiguration, b: DeclaredConfiguration): Diagnostic[] {
  if (a.priority !== b.priority || a.profile !== b.profile) return [];
  const [first, second] = a.name < b.name ? [a, b] : [b, a];
  const values = new Map(first.atoms.map((atom) => [atom.name, atom]));
  const hint = 'Give one of them a higher priority.';
  const clashing = second.atoms.flatMap((atom) => {
    const rival = values.get(atom.name);
    const where = first.atomOrigins.get(atom.name) ?? first.origin;
    if (first.unset.includes(atom.name)) {
      return [conflict(second, atom.name, `${first.owner} wants it absent`, hint)];
    }
    if (rival === undefined || deepEqual(rival.value, atom.value)) return [];
    const told = atom.sensitive ? 'another value' : JSON.stringify(rival.plain);
    return [conflict(second, atom.name, `${first.owner} says ${told} at ${where.file}:${where.line}`, hint)];
  });
  const unset = second.unset
    .filter((name) => values.has(name))
    .map((name) => conflict(second, name, `${first.owner} sets it`, hint));
  return [...clashing, ...unset];
}

function conflict(configuration: DeclaredConfiguration, name: string, why: string, hint: string): Diagnostic {
  const origin = configuration.atomOrigins.get(name) ?? configuration.origin;
  const message = `"${name}" conflicts at equal priority ${configuration.priority}: ${why}, for the same devices.`;
  return diagnose('TW1401', origin, message, { path: `spec.settings.${name}`, resource: configuration.owner, hint });
}

function findProfileClash(a: DeclaredConfiguration, b: DeclaredConfiguration): Diagnostic[] {
  if (a.profile === b.profile || !sectionsOverlap(a.profile, b.profile)) return [];
  const message =
    `${a.owner} (profile "${a.profile.name}") and ${b.owner} (profile "${b.profile.name}") write the same part of ` +
    `module "${a.profile.moduleId}" for the same devices.`;
  return [
    diagnose('TW1402', a.origin, message, {
      path: 'spec.profile',
      resource: a.owner,
      hint: 'Use one profile for both.',
    }),
  ];
}

function sectionsOverlap(a: Profile, b: Profile): boolean {
  const [shorter, longer] = a.section.length < b.section.length ? [a.section, b.section] : [b.section, a.section];
  return shorter.every((key, index) => key === longer[index]);
}

/** Rules on what the configuration and its companions give together, by priority. */
function findBrokenRules(
  configuration: DeclaredConfiguration,
  companions: readonly DeclaredConfiguration[],
): Diagnostic[] {
  const { profile, settings, owner } = configuration;
  if (profile.rules.length === 0) return [];
  const layers = [configuration, ...companions.filter((other) => other.profile === profile)];
  return checkRules(profile, mergeSettings(layers))
    .filter(({ keys }) => keys.some((key) => Object.hasOwn(settings, key)))
    .map((finding) => explainRule(configuration, owner, finding));
}

function mergeSettings(layers: readonly DeclaredConfiguration[]): JsonObject {
  const merged: JsonObject = {};
  for (const layer of layers.toSorted((a, b) => a.priority - b.priority)) {
    for (const name of layer.unset) delete merged[name];
    for (const [key, value] of Object.entries(layer.settings)) setKey(merged, key, value);
  }
  return merged;
}

function explainRule(configuration: DeclaredConfiguration, owner: string, finding: RuleFinding): Diagnostic {
  const key = finding.keys.find((name) => Object.hasOwn(configuration.settings, name)) ?? '';
  const origin = configuration.atomOrigins.get(key) ?? configuration.origin;
  const code = finding.severity === 'error' ? 'TW1311' : 'TW2103';
  return diagnose(code, origin, finding.message, { path: `spec.settings.${key}`, resource: owner });
}
