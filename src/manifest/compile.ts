// Resources to Declared: references resolved, defaults filled in, settings encoded. Goes on past errors to find them all.
import type { Declared, DeclaredConfiguration, DeclaredGroup, DeclaredHub } from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { compileConfiguration } from './configuration.ts';
import { compileHub, IMPLICIT_HUB } from './hub.ts';
import { findOverlaps } from './overlap.ts';
import { compileProfiles } from './profiles.ts';
import { resolveHubs, type References } from './references.ts';
import type { Resource } from './resource.ts';
import type { Resources } from './resources.ts';
import type { DeviceGroupManifest } from './schema.ts';
import { toSelector } from './selector.ts';

export function compileDeclared(resources: Resources, snapshot: Snapshot, diagnostics: Diagnostic[]): Declared {
  const compiledHubs = resources.hubs.map((hub) => compileHub(hub, diagnostics));
  const hubs = compiledHubs.length === 0 ? [IMPLICIT_HUB] : compiledHubs.toSorted(byName);
  const profiles = compileProfiles(resources.profiles, diagnostics);
  const groups = new Map<string, DeclaredGroup>();
  const brokenGroups = new Set<string>();
  for (const resource of resources.groups) {
    const group = compileGroup(resource, hubs, diagnostics);
    if (group === undefined) brokenGroups.add(resource.name);
    else groups.set(group.name, group);
  }
  const references: References = { hubs, groups, brokenGroups, profiles };
  const used = new Set<string>();
  const configurations: DeclaredConfiguration[] = [];
  for (const resource of resources.configurations) {
    const configuration = compileConfiguration(resource, references, diagnostics);
    if (configuration === undefined) continue;
    configurations.push(configuration);
    for (const { group } of configuration.targets) if (group !== undefined) used.add(group);
  }
  warnUnusedGroups(resources, used, diagnostics);
  configurations.sort(byName);
  findOverlaps(configurations, diagnostics);
  return {
    revision: snapshot.revision,
    partial: snapshot.partial,
    hubs,
    groups: [...groups.values()].toSorted(byName),
    configurations,
    profiles: profiles.all,
  };
}

function compileGroup(
  resource: Resource<DeviceGroupManifest>,
  hubs: readonly DeclaredHub[],
  diagnostics: Diagnostic[],
): DeclaredGroup | undefined {
  const { metadata, spec } = resource.manifest;
  const selector = toSelector(resource, ['spec', 'selector'], spec.selector, diagnostics);
  const names = resolveHubs(resource, spec.hubs, hubs, diagnostics);
  if (names === undefined && spec.hubs === undefined) {
    const hint = `Add "hubs", with some of: ${hubs.map(({ name }) => name).join(', ')}.`;
    diagnostics.push(resource.problem('TW1207', ['spec'], 'Several hubs exist and this names none.', hint));
  }
  if (selector === undefined || names === undefined) return undefined;
  return {
    name: metadata.name,
    origin: resource.origin,
    labels: metadata.labels ?? {},
    hubs: names,
    selector,
    mode: spec.mode ?? 'Enforce',
  };
}

function warnUnusedGroups(resources: Resources, used: ReadonlySet<string>, diagnostics: Diagnostic[]): void {
  const byLabels = resources.configurations.some(({ manifest }) => manifest.spec.groupSelector !== undefined);
  for (const resource of resources.groups) {
    if (used.has(resource.name) || resource.manifest.spec.mode === 'Observe' || byLabels) continue;
    if (resources.configurations.some(({ manifest }) => manifest.spec.groups?.includes(resource.name))) continue;
    diagnostics.push(
      resource.problem('TW2101', ['metadata', 'name'], `No configuration is for group "${resource.name}".`),
    );
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
