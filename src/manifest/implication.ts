// Finds configurations that provably reach every device of another one. Indexed, because thousands are compared.
import type { ConfigurationTarget, DeclaredConfiguration } from '../model/declared.ts';
import type { Requirement, Selector } from '../model/selector.ts';
import { formatFactKey } from './selector.ts';

/** Candidates checked per target; planning finds further conflicts on the devices. */
const COMPANIONS_MAX = 1_000;

interface Entry {
  readonly configuration: DeclaredConfiguration;
  readonly target: ConfigurationTarget;
}

/** For a target of a configuration, other configurations that select all its devices. */
export type Implications = (
  configuration: DeclaredConfiguration,
  target: ConfigurationTarget,
) => readonly DeclaredConfiguration[];

/** Companions share a hub and the module with the target. Uses only the manifests, no device. */
export function createImplications(configurations: readonly DeclaredConfiguration[]): Implications {
  const entries = configurations.flatMap((configuration) =>
    configuration.targets.map((target): Entry => ({ configuration, target })),
  );
  const counts = new Map<string, number>();
  for (const { target } of entries)
    for (const token of tokensOf(target)) counts.set(token, (counts.get(token) ?? 0) + 1);
  const index = new Map<string, Entry[]>();
  for (const entry of entries) {
    for (const token of indexTokens(entry.target, counts)) push(index, token, entry);
  }

  return (configuration, target) => {
    const found = new Set<DeclaredConfiguration>();
    for (const token of [ANY_DEVICE, ...tokensOf(target)]) {
      for (const entry of index.get(token) ?? []) {
        if (found.size >= COMPANIONS_MAX) return [...found];
        if (entry.configuration !== configuration && isCompanion(configuration, target, entry))
          found.add(entry.configuration);
      }
    }
    return [...found];
  };
}

const ANY_DEVICE = '';

function isCompanion(configuration: DeclaredConfiguration, target: ConfigurationTarget, other: Entry): boolean {
  return (
    configuration.profile.moduleId === other.configuration.profile.moduleId &&
    target.hubs.some((hub) => other.target.hubs.includes(hub)) &&
    implies(target.selector, other.target.selector)
  );
}

/** True if the second selector provably matches every device of the first. */
export function implies(a: Selector, b: Selector): boolean {
  if (a === b) return true;
  if (b.deviceIds !== undefined) {
    if (a.deviceIds === undefined || [...a.deviceIds].some((id) => !b.deviceIds?.has(id))) return false;
  }
  return b.requirements.every((wanted) => a.requirements.some((given) => requirementImplies(given, wanted)));
}

function requirementImplies(given: Requirement, wanted: Requirement): boolean {
  if (formatFactKey(given.key) !== formatFactKey(wanted.key)) return false;
  switch (wanted.operator) {
    case 'In':
      return given.operator === 'In' && given.values.every((value) => wanted.values.includes(value));
    case 'NotIn':
      if (given.operator === 'In') return given.values.every((value) => !wanted.values.includes(value));
      if (given.operator === 'NotIn') return wanted.values.every((value) => given.values.includes(value));
      return given.operator === 'DoesNotExist';
    case 'Exists':
      return given.operator === 'Exists' || given.operator === 'In';
    case 'DoesNotExist':
      return given.operator === 'DoesNotExist';
  }
}

/** Texts of which a target shares at least one with every target implied by it, unless that one matches any device. */
function tokensOf({ selector }: ConfigurationTarget): string[] {
  const tokens = [...(selector.deviceIds ?? [])].map((id) => `id:${id}`);
  for (const { key, ...rest } of selector.requirements) {
    const name = formatFactKey(key);
    tokens.push(`key:${name}`);
    if (rest.operator === 'In') tokens.push(...rest.values.map((value) => `in:${name}:${JSON.stringify(value)}`));
  }
  return tokens;
}

/** The rarest of the shared texts: the index keys of a target. */
function indexTokens({ selector }: ConfigurationTarget, counts: ReadonlyMap<string, number>): readonly string[] {
  if (selector.deviceIds !== undefined) return [...selector.deviceIds].map((id) => `id:${id}`);
  const choices = selector.requirements.map(({ key, ...rest }) => {
    const name = formatFactKey(key);
    return rest.operator === 'In' ? rest.values.map((value) => `in:${name}:${JSON.stringify(value)}`) : [`key:${name}`];
  });
  const weight = (tokens: readonly string[]): number =>
    tokens.reduce((sum, token) => sum + (counts.get(token) ?? 0), 0);
  return choices.toSorted((a, b) => weight(a) - weight(b))[0] ?? [ANY_DEVICE];
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
