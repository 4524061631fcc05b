// Compiles a SecurityConfiguration manifest: targets, settings against the profile, atoms, digest.
import type { ConfigurationTarget, DeclaredConfiguration } from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { unescapeSegment, type JsonObject } from '../model/json.ts';
import type { Profile, SettingPolicy } from '../model/profile.ts';
import { configurationOwner } from '../model/owner.ts';
import { atomLevels, atomName, encodeSettings } from '../profile/encode.ts';
import { matchesPattern } from '../profile/patterns.ts';
import { unknownSetting } from '../profile/settings.ts';
import { encodeLazily, findProfile, findSettingProblems } from './agent-settings.ts';
import { requireHubs, resolveHubs, suggest, type References } from './references.ts';
import type { Resource } from './resource.ts';
import type { SecurityConfigurationManifest } from './schema.ts';
import { toSelector } from './selector.ts';

type Configuration = Resource<SecurityConfigurationManifest>;

export function compileConfiguration(
  resource: Configuration,
  references: References,
  diagnostics: Diagnostic[],
): DeclaredConfiguration | undefined {
  const { metadata, spec } = resource.manifest;
  const targets = compileTargets(resource, references, diagnostics);
  const profile = findProfile(resource, references, diagnostics);
  if (profile === undefined) return undefined;
  const settings = (spec.settings ?? {}) as JsonObject;
  const policies = new Map(Object.entries(spec.settingPolicies ?? {}));
  const areSettingsRight = checkAgainstProfile(resource, profile, settings, policies, diagnostics);
  if (!areSettingsRight || targets === undefined) return undefined;
  const unset = (spec.unset ?? []).map((name) => toAtomName(name)).toSorted();
  const encoded = encodeLazily(resource, profile, settings, policies, unset);
  return {
    name: metadata.name,
    owner: configurationOwner(metadata.name),
    origin: resource.origin,
    targets,
    profile,
    priority: spec.priority ?? 0,
    settings,
    get atoms() {
      return encoded.atoms();
    },
    atomOrigins: encoded.atomOrigins,
    unset,
    mode: spec.mode ?? 'Enforce',
    suspend: spec.suspend ?? false,
    deletionPolicy: spec.deletionPolicy ?? 'Retain',
    whenMissing: spec.module?.whenMissing ?? 'Wait',
    get digest() {
      return encoded.digest();
    },
  };
}

function compileTargets(
  resource: Configuration,
  references: References,
  diagnostics: Diagnostic[],
): readonly ConfigurationTarget[] | undefined {
  const { spec } = resource.manifest;
  const ways = (['groups', 'groupSelector', 'selector'] as const).filter((way) => spec[way] !== undefined);
  if (ways.length !== 1) {
    const message =
      ways.length === 0 ? 'The configuration selects no device.' : `The configuration has ${ways.join(' and ')}.`;
    diagnostics.push(
      resource.problem('TW1111', ['spec'], message, 'Give one of "groups", "groupSelector" and "selector".'),
    );
    return undefined;
  }
  const hubs = resolveHubs(resource, spec.hubs, references, diagnostics);
  if (spec.hubs !== undefined && hubs === undefined) return undefined;
  if (spec.selector !== undefined) {
    const selector = toSelector(resource, ['spec', 'selector'], spec.selector, diagnostics);
    if (hubs === undefined) requireHubs(resource, references, diagnostics);
    return selector === undefined || hubs === undefined
      ? undefined
      : [{ group: undefined, hubs, selector, mode: 'Enforce' }];
  }
  const groups =
    spec.groups === undefined
      ? groupsByLabel(resource, references, diagnostics)
      : groupsByName(resource, references, diagnostics);
  const targets = groups?.map(({ name, hubs: groupHubs, selector, mode }) => ({
    group: name,
    hubs: spec.hubs === undefined ? groupHubs : groupHubs.filter((hub) => spec.hubs?.includes(hub)),
    selector,
    mode,
  }));
  if (targets !== undefined && targets.length > 0 && targets.every((target) => target.hubs.length === 0)) {
    const message = 'None of its groups is on any of these hubs, so the configuration is for no device.';
    diagnostics.push(resource.problem('TW2108', ['spec', 'hubs'], message, 'Name a hub that a group is on.'));
  }
  return targets;
}

function groupsByName(resource: Configuration, references: References, diagnostics: Diagnostic[]) {
  const { groups } = references;
  const names = resource.manifest.spec.groups ?? [];
  findMissingGroups(resource, names, references, diagnostics);
  return names.every((name) => groups.has(name)) ? names.flatMap((name) => groups.get(name) ?? []) : undefined;
}

/** Names of groups that do not exist; ignores values that are not names. */
export function findMissingGroups(
  resource: Resource,
  names: readonly (string | undefined)[],
  { groups, brokenGroups }: References,
  diagnostics: Diagnostic[],
): void {
  for (const [index, name] of names.entries()) {
    if (name === undefined || groups.has(name) || brokenGroups.has(name)) continue;
    const message = `Group "${name}" does not exist.`;
    diagnostics.push(
      resource.problem(
        'TW1202',
        ['spec', 'groups', String(index)],
        message,
        suggest(name, [...groups.keys(), ...brokenGroups]),
      ),
    );
  }
}

function groupsByLabel(resource: Configuration, { groups }: References, diagnostics: Diagnostic[]) {
  const wanted = resource.manifest.spec.groupSelector?.matchLabels ?? {};
  const found = [...groups.values()].filter(({ labels }) => hasLabels(labels, wanted));
  if (found.length === 0) {
    const message = 'No group has these labels, so the configuration is for no device.';
    const hint = 'Labels of a group are under its `metadata.labels`.';
    diagnostics.push(resource.problem('TW2107', ['spec', 'groupSelector'], message, hint));
  }
  return found;
}

export function hasLabels(labels: Readonly<Record<string, string>> = {}, wanted: Readonly<Record<string, string>>) {
  return Object.entries(wanted).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value);
}

/** True if a setting has this path, or one above or below it. */
function isSet(profile: Profile, settings: JsonObject, name: string): boolean {
  return encodeSettings(profile, settings).some(
    (atom) => atom.name === name || atom.name.startsWith(`${name}/`) || name.startsWith(`${atom.name}/`),
  );
}

function checkAgainstProfile(
  resource: Configuration,
  profile: Profile,
  settings: JsonObject,
  policies: ReadonlyMap<string, SettingPolicy>,
  diagnostics: Diagnostic[],
): boolean {
  const { unset = [] } = resource.manifest.spec;
  const problems = findSettingProblems(resource, profile, settings);
  for (const [index, name] of unset.entries()) {
    const path = ['spec', 'unset', String(index)];
    const segments = name.split('/').map(unescapeSegment);
    const top = segments[0] as string;
    const unknown = unknownSetting(profile, top);
    if (unknown !== undefined) problems.push(resource.problem('TW1301', path, unknown.message, unknown.hint));
    if (matchesPattern(name, profile.deny))
      problems.push(resource.problem('TW1306', path, `"${name}" is always preserved and can't be unset.`));
    if (Object.hasOwn(settings, top) && isSet(profile, settings, toAtomName(name)))
      problems.push(resource.problem('TW1403', path, `"${name}" is both set and unset.`, 'Remove one.'));
    const levels = atomLevels(profile);
    if (segments.length > levels) {
      const whole = name.split('/').slice(0, levels).join('/');
      const message = `"${name}" is inside the setting "${whole}", which profile "${profile.name}" writes as a whole.`;
      problems.push(resource.problem('TW1301', path, message, `Name "${whole}".`));
    }
  }
  for (const name of policies.keys()) {
    if (Object.hasOwn(settings, name)) continue;
    const hint = suggest(name, Object.keys(settings));
    problems.push(
      resource.problem(
        'TW1404',
        ['spec', 'settingPolicies', name],
        `There is no setting "${name}" for this policy.`,
        hint,
        'key',
      ),
    );
  }
  if (Object.keys(settings).length + unset.length === 0) {
    diagnostics.push(
      resource.problem(
        'TW2102',
        ['spec'],
        'The configuration declares no setting.',
        'Add `settings` or `unset`, or remove it.',
      ),
    );
  }
  diagnostics.push(...problems);
  return problems.length === 0;
}

function toAtomName(name: string): string {
  return atomName(name.split('/').map(unescapeSegment));
}
