// Compiles resources to Declared: resolves references, fills in defaults, encodes settings. Continues after errors to
// find all.
import type { Declared, DeclaredException, DeclaredGroup } from '../model/declared.ts';
import { compareOrigins, hasErrors, type Diagnostic } from '../model/diagnostic.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { findFurtherProblems } from './broken.ts';
import { compileConfiguration, hasLabels } from './configuration.ts';
import { compileException, explainExpiry } from './exception.ts';
import { compileHub, IMPLICIT_HUB } from './hub.ts';
import { findExceptionOverlaps, findOverlaps, type Compiled } from './overlap.ts';
import { compileProfiles } from './profiles.ts';
import { requireHubs, resolveHubs, type CompiledProfiles, type HubReferences, type References } from './references.ts';
import type { Resource } from './resource.ts';
import type { Resources } from './resources.ts';
import type { DeviceGroupManifest, Kind } from './schema.ts';
import { toSelector } from './selector.ts';

export interface CompiledSource {
  /** Every exception counts as active: compiling has no clock. */
  readonly declared: Declared;
  /** Warnings for ended exceptions, and the provable conflicts of active ones. */
  readonly exceptionProblems: (given: Pick<Declared, 'exceptions' | 'expired'>) => readonly Diagnostic[];
  /** Agents whose vendor support has ended by then, or will end. */
  readonly supportProblems: (nowMs: number) => readonly Diagnostic[];
}

export function compileDeclared(resources: Resources, snapshot: Snapshot, diagnostics: Diagnostic[]): CompiledSource {
  // An unreadable resource may use a group that seems unused.
  const isIncomplete = hasErrors(diagnostics);
  const compiledHubs = resources.hubs.map((hub) => compileHub(hub, diagnostics));
  const brokenHubs = namesOf('Hub', resources.misshapen);
  const hubs = compiledHubs.length === 0 && brokenHubs.size === 0 ? [IMPLICIT_HUB] : compiledHubs.toSorted(byName);
  const profiles = compileProfiles(resources.profiles, namesOf('AgentProfile', resources.misshapen), diagnostics);
  const groups = new Map<string, DeclaredGroup>();
  const brokenGroups = namesOf('DeviceGroup', resources.misshapen);
  for (const resource of resources.groups.toSorted(byName)) {
    const group = compileGroup(resource, { hubs, brokenHubs }, diagnostics);
    if (group === undefined) brokenGroups.add(resource.name);
    else groups.set(group.name, group);
  }
  const references: References = { hubs, brokenHubs, groups, brokenGroups, profiles };
  const compiled: Compiled[] = [];
  for (const resource of resources.configurations.toSorted(byName)) {
    const declared = compileConfiguration(resource, references, diagnostics);
    if (declared !== undefined) compiled.push({ declared, resource });
  }
  const exceptions: Compiled<DeclaredException>[] = [];
  for (const resource of resources.exceptions.toSorted(byName)) {
    const declared = compileException(resource, references, diagnostics);
    if (declared !== undefined) exceptions.push({ declared, resource });
  }
  for (const broken of resources.broken) diagnostics.push(...findFurtherProblems(broken, references));
  if (!isIncomplete) warnUnusedGroups(resources, diagnostics);
  findOverlaps(compiled, diagnostics);
  return {
    declared: {
      revision: snapshot.revision,
      partial: snapshot.partial,
      hubs,
      groups: [...groups.values()],
      configurations: compiled.map(({ declared }) => declared),
      exceptions: exceptions.map(({ declared }) => declared),
      expired: [],
      profiles: profiles.all,
    },
    exceptionProblems(given) {
      const counting = exceptions.filter(({ declared }) => given.exceptions.includes(declared));
      const over = exceptions.filter(({ declared }) => given.expired.includes(declared));
      const overlaps = counting.length === 0 ? [] : findExceptionOverlaps(compiled, counting);
      return [...over.map(explainExpiry), ...overlaps];
    },
    supportProblems: (nowMs) => findEndsOfSupport(resources, profiles, nowMs),
  };
}

function compileGroup(
  resource: Resource<DeviceGroupManifest>,
  references: HubReferences,
  diagnostics: Diagnostic[],
): DeclaredGroup | undefined {
  const { metadata, spec } = resource.manifest;
  const selector = toSelector(resource, ['spec', 'selector'], spec.selector, diagnostics);
  const names = resolveHubs(resource, spec.hubs, references, diagnostics);
  if (names === undefined && spec.hubs === undefined) requireHubs(resource, references, diagnostics);
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

function warnUnusedGroups({ groups, configurations }: Resources, diagnostics: Diagnostic[]): void {
  const named = new Set(configurations.flatMap(({ manifest }) => manifest.spec.groups ?? []));
  const wantedLabels = configurations.flatMap(({ manifest }) => manifest.spec.groupSelector ?? []);
  for (const resource of groups) {
    const { metadata, spec } = resource.manifest;
    // An observed group caps its members even without a configuration for it.
    if (named.has(resource.name) || spec.mode === 'Observe') continue;
    if (wantedLabels.some(({ matchLabels }) => hasLabels(metadata.labels, matchLabels))) continue;
    const message = `No configuration is for group "${resource.name}".`;
    const hint = 'Name it under `groups` of a SecurityConfiguration, or remove it.';
    diagnostics.push(resource.problem('TW2101', ['metadata', 'name'], message, hint));
  }
}

/** Once for each profile, at the first configuration that uses it. */
function findEndsOfSupport({ configurations }: Resources, profiles: CompiledProfiles, nowMs: number): Diagnostic[] {
  const users = Map.groupBy(configurations, ({ manifest }) => manifest.spec.profile);
  const today = new Date(nowMs).toISOString().slice(0, 'YYYY-MM-DD'.length);
  return [...users].flatMap(([name, resources]) => {
    const lastDay = profiles.all.get(name)?.endOfSupport;
    if (lastDay === undefined) return [];
    const count = resources.length === 1 ? 'One configuration uses' : `${resources.length} configurations use`;
    const ends = lastDay < today ? 'ended on' : 'ends on';
    const message = `Vendor support for the agent of profile "${name}" ${ends} ${lastDay}. ${count} it.`;
    const first = resources.reduce((a, b) => (compareOrigins(a.origin, b.origin) <= 0 ? a : b));
    return [first.problem('TW2104', ['spec', 'profile'], message, 'Plan the move to another agent.')];
  });
}

function namesOf(kind: Kind, ids: ReadonlySet<string>): Set<string> {
  const prefix = `${kind}/`;
  return new Set([...ids].filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length)));
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
