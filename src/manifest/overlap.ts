// Conflicts between configurations that the manifests alone prove: values, profiles, broken rules.
import {
  isException,
  type ConfigurationTarget,
  type DeclaredConfiguration,
  type DeclaredException,
} from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { deepEqual, liesIn, setKey, unescapeSegment, type Json, type JsonObject } from '../model/json.ts';
import type { Atom, Profile } from '../model/profile.ts';
import { checkRules, keysOf, type RuleFinding } from '../profile/rules.ts';
import { createImplications } from './implication.ts';
import type { Resource } from './resource.ts';
import type { SecurityConfigurationManifest, SecurityExceptionManifest } from './schema.ts';
import { excludeEachOther } from './selector.ts';

/** A configuration or an exception, with its resource for origins. */
export interface Compiled<D extends DeclaredConfiguration = DeclaredConfiguration> {
  readonly declared: D;
  readonly resource: Resource<SecurityConfigurationManifest | SecurityExceptionManifest>;
}

/** `all` sorted by name. */
export function findOverlaps(all: readonly Compiled[], diagnostics: Diagnostic[]): void {
  compareAll(all, () => true, diagnostics);
}

/** Only problems with an exception: between two, or between one and a configuration. */
export function findExceptionOverlaps(
  configurations: readonly Compiled[],
  exceptions: readonly Compiled<DeclaredException>[],
): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  compareAll([...configurations, ...exceptions], isException, diagnostics);
  return diagnostics;
}

/** Reports problems that involve a configuration for which `concerns` is true. */
function compareAll(
  all: readonly Compiled[],
  concerns: (declared: DeclaredConfiguration) => boolean,
  diagnostics: Diagnostic[],
): void {
  const compiledOf = new Map(all.map((compiled) => [compiled.declared, compiled]));
  const configurations = [...compiledOf.keys()];
  const companionsOf = createImplications(configurations);
  const reported = new Set<string>();
  for (const compiled of all) {
    const { declared } = compiled;
    const broken = new Map<string, BrokenRule>();
    for (const target of declared.targets) {
      const companions = companionsOf(declared, target);
      for (const companion of companions) {
        const other = compiledOf.get(companion) as Compiled;
        if (!concerns(declared) && !concerns(companion)) continue;
        const [first, second] = declared.owner < companion.owner ? [compiled, other] : [other, compiled];
        const pair = `${first.declared.owner} ${second.declared.owner}`;
        if (reported.has(pair)) continue;
        const problems = [...findConflicts(first, second), ...findProfileClash(first, second)];
        if (problems.length > 0) reported.add(pair);
        diagnostics.push(...problems);
      }
      if (!concerns(declared)) continue;
      for (const finding of findBrokenRules(declared, companions)) {
        const helper = findHelper(declared, target, finding, configurations, companions);
        // If one target has no helper it is an error, whatever applies to the others.
        if (helper === undefined || !broken.has(finding.message)) broken.set(finding.message, { finding, helper });
      }
    }
    for (const rule of broken.values()) diagnostics.push(explainRule(compiled, rule));
  }
}

function findConflicts({ declared: a, resource: first }: Compiled, { declared: b, resource: second }: Compiled) {
  if (a.priority !== b.priority || a.profile !== b.profile) return [];
  const rivals = new Map(a.atoms.filter(isEnforced).map((atom) => [atom.name, atom]));
  const clash = (path: readonly string[], name: string, why: string): Diagnostic => {
    if (isException(b)) {
      const message = `"${name}" conflicts with another exception: ${why}, for the same devices.`;
      return second.problem('TW1405', path, message, 'Change one of them, or let one end first.');
    }
    const message = `"${name}" conflicts at equal priority ${b.priority}: ${why}, for the same devices.`;
    return second.problem('TW1401', path, message, 'Give one of them a higher priority.');
  };
  const set = b.atoms.filter(isEnforced).flatMap((atom) => {
    const path = ['spec', 'settings', ...atom.name.split('/').map(unescapeSegment)];
    const rival = rivals.get(atom.name);
    if (a.unset.includes(atom.name)) return [clash(path, atom.name, `${a.owner} wants it absent`)];
    if (rival === undefined || (deepEqual(rival.value, atom.value) && rival.policy === atom.policy)) return [];
    const { file, line } = first.originOf(path);
    const difference =
      rival.policy !== atom.policy
        ? `has the policy ${rival.policy}`
        : atom.sensitive
          ? 'has another value'
          : `says ${JSON.stringify(rival.plain)}`;
    return [clash(path, atom.name, `${a.owner} ${difference} at ${file}:${line}`)];
  });
  const unset = b.unset
    .filter((name) => rivals.has(name))
    .map((name) => clash(unsetPath(second, name), name, `${a.owner} sets it`));
  return [...set, ...unset];
}

function isEnforced({ policy }: Atom): boolean {
  return policy !== 'Ignore';
}

function unsetPath({ manifest }: Compiled['resource'], name: string): string[] {
  const unset = 'unset' in manifest.spec ? manifest.spec.unset : undefined;
  return ['spec', 'unset', String(unset?.indexOf(name) ?? 0)];
}

function findProfileClash({ declared: a }: Compiled, { declared: b, resource }: Compiled): Diagnostic[] {
  if (a.profile === b.profile || !sectionsOverlap(a.profile, b.profile)) return [];
  const message =
    `${a.owner} (profile "${a.profile.name}") and ${b.owner} (profile "${b.profile.name}") write the same part of ` +
    `module "${a.profile.moduleId}" for the same devices.`;
  return [resource.problem('TW1402', ['spec', 'profile'], message, 'Use one profile for both.')];
}

function sectionsOverlap(a: Profile, b: Profile): boolean {
  const [shorter, longer] = a.section.length < b.section.length ? [a.section, b.section] : [b.section, a.section];
  return liesIn(shorter, longer);
}

interface BrokenRule {
  readonly finding: RuleFinding;
  /** A configuration that may satisfy the rule on some of the devices. */
  readonly helper: DeclaredConfiguration | undefined;
}

/** Checks rules on the merged settings of the configuration and its companions, by priority. */
function findBrokenRules(
  configuration: DeclaredConfiguration,
  companions: readonly DeclaredConfiguration[],
): RuleFinding[] {
  const { profile, settings } = configuration;
  if (profile.rules.length === 0) return [];
  const layers = [configuration, ...companions.filter((other) => other.profile === profile)];
  return checkRules(profile, mergeSettings(layers, profile.rules.flatMap(keysOf))).filter(({ keys }) =>
    keys.some((key) => Object.hasOwn(settings, key)),
  );
}

/** Only the settings that the rules check. */
function mergeSettings(layers: readonly DeclaredConfiguration[], keys: readonly string[]): JsonObject {
  const merged: JsonObject = {};
  for (const layer of layers.toSorted((a, b) => a.priority - b.priority)) {
    for (const name of layer.unset) delete merged[name];
    for (const key of keys) if (Object.hasOwn(layer.settings, key)) setKey(merged, key, layer.settings[key] as Json);
  }
  return merged;
}

/** Finds a configuration that may match some of the target's devices and names settings of the rule. */
function findHelper(
  configuration: DeclaredConfiguration,
  target: ConfigurationTarget,
  { keys, severity }: RuleFinding,
  configurations: readonly DeclaredConfiguration[],
  companions: readonly DeclaredConfiguration[],
): DeclaredConfiguration | undefined {
  if (severity === 'warning') return undefined;
  return configurations.find(
    (other) =>
      other !== configuration &&
      other.profile === configuration.profile &&
      keys.some((key) => Object.hasOwn(other.settings, key) || other.unset.includes(key)) &&
      !companions.includes(other) &&
      other.targets.some(
        ({ hubs, selector }) =>
          selector !== target.selector &&
          hubs.some((hub) => target.hubs.includes(hub)) &&
          !excludeEachOther(selector, target.selector),
      ),
  );
}

function explainRule({ declared, resource }: Compiled, { finding, helper }: BrokenRule): Diagnostic {
  const key = finding.keys.find((name) => Object.hasOwn(declared.settings, name)) as string;
  const path = ['spec', 'settings', key];
  if (finding.severity === 'warning') return resource.problem('TW2103', path, finding.message);
  if (helper === undefined) return resource.problem('TW1311', path, finding.message);
  const hint = `${helper.owner} may set what is missing on some of the devices; all others will be held.`;
  return resource.problem('TW2109', path, finding.message, hint);
}
