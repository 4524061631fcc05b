// Why a twin is as it is: for each setting who declared it, who won, who lost, and who does not count for this device.
import type { Declared, DeclaredConfiguration } from '../model/declared.ts';
import type { Origin } from '../model/diagnostic.ts';
import { getKey, getPath, type Json } from '../model/json.ts';
import type { FactKey, Requirement, Selector } from '../model/selector.ts';
import type { DeviceFacts, Twin } from '../model/twin.ts';
import { atomPath } from '../profile/encode.ts';
import { matchesPattern } from '../profile/patterns.ts';
import { readRecord, ownsName } from './record.ts';
import { factOf, failingRequirement } from './selection.ts';
import type { Layer } from './layer.ts';
import type { Target } from './target.ts';

export type Verdict =
  | 'Won' // its value is the declared one
  | 'Lost' // another configuration has a higher priority
  | 'Held' // it contradicts another: nothing is written
  | 'Out'; // it does not count for this device

/** What one configuration says about one setting of one device. Absent `value`: it wants the setting absent. */
export interface Claim {
  readonly verdict: Verdict;
  readonly configuration: string;
  readonly priority: number;
  readonly value?: Json;
  readonly origin: Origin;
  /** The way in, or why it does not count. */
  readonly because: string;
}

export interface SettingExplanation {
  readonly name: string;
  /** What git asks for; absent where nothing is declared or it must be absent. */
  readonly declared?: Json;
  /** As in the twin, still encoded. */
  readonly live?: Json;
  /** The owner in the record, where one is. */
  readonly owner?: string;
  /** What the agent does without the setting, where that is known. */
  readonly agentDefault?: Json;
  readonly sensitive: boolean;
  /** Won first, then lost by priority, then those that are out. */
  readonly claims: readonly Claim[];
}

export interface ExplainInput {
  readonly declared: Declared;
  readonly hubName: string;
  readonly instance: string;
  readonly target: Target;
  readonly device: DeviceFacts;
  readonly live: Twin | undefined;
}

/** Every setting that some configuration for the module names, sorted; those of other devices too. */
export function explainTwin(input: ExplainInput): SettingExplanation[] {
  const configurations = input.declared.configurations.filter(
    ({ profile }) => profile.moduleId === input.target.moduleId,
  );
  const names = new Set(configurations.flatMap(namesIn));
  return [...names]
    .toSorted()
    .map((name) => explainSetting(input, name, configurations))
    .toSorted((a, b) => Number(isOut(a)) - Number(isOut(b)));
}

function isOut({ claims }: SettingExplanation): boolean {
  return claims.every(({ verdict }) => verdict === 'Out');
}

function namesIn({ atoms, unset }: DeclaredConfiguration): string[] {
  return [...atoms.map(({ name }) => name), ...unset];
}

function explainSetting(
  input: ExplainInput,
  name: string,
  configurations: readonly DeclaredConfiguration[],
): SettingExplanation {
  const claims = configurations
    .filter((configuration) => namesIn(configuration).includes(name))
    .map((configuration) => claimOf(input, name, configuration))
    .toSorted((a, b) => rank(a) - rank(b) || b.priority - a.priority || (a.configuration < b.configuration ? -1 : 1));
  const declared = claims.find(({ verdict }) => verdict === 'Won')?.value;
  const profile =
    input.target.profiles.find(({ section }) => section.length === 0 || isKnown(input, name, section)) ??
    configurations[0]?.profile;
  const live = profile === undefined ? undefined : getPath(desiredOf(input), atomPath(profile.section, name));
  const agentDefault = profile === undefined ? undefined : getKey(profile.defaults, name);
  const owner = ownerOf(input, name);
  return {
    name,
    ...(declared === undefined ? {} : { declared }),
    ...(live === undefined ? {} : { live }),
    ...(owner === undefined ? {} : { owner }),
    ...(agentDefault === undefined ? {} : { agentDefault }),
    sensitive: configurations.some((configuration) => matchesPattern(name, configuration.profile.sensitive)),
    claims,
  };
}

function isKnown(input: ExplainInput, name: string, section: readonly string[]): boolean {
  return input.target.atoms.some(({ atom }) => atom.name === name && section.every((key, at) => atom.path[at] === key));
}

function desiredOf({ live }: ExplainInput): Twin['properties']['desired'] {
  return live?.properties.desired ?? {};
}

function ownerOf({ live, instance }: ExplainInput, name: string): string | undefined {
  if (live === undefined) return undefined;
  const record = readRecord(live, instance);
  if (record.kind !== 'valid') return undefined;
  return [...record.owners].find(([, entry]) => ownsName(entry.keys, name))?.[0];
}

function claimOf(input: ExplainInput, name: string, configuration: DeclaredConfiguration): Claim {
  const atom = configuration.atoms.find((candidate) => candidate.name === name);
  const layer = input.target.layers.find((candidate) => candidate.configuration === configuration);
  return {
    ...(layer === undefined
      ? { verdict: 'Out', because: whyNotSelected(input, configuration) }
      : verdictOf(input.target, layer, name)),
    configuration: configuration.name,
    priority: configuration.priority,
    ...(atom === undefined ? {} : { value: atom.plain }),
    origin: configuration.atomOrigins.get(name) ?? configuration.origin,
  };
}

function verdictOf(target: Target, layer: Layer, name: string): Pick<Claim, 'verdict' | 'because'> {
  const { configuration, group, state } = layer;
  if (state === 'Suspended') return { verdict: 'Out', because: 'suspended: what it owns stays as it is' };
  if (state === 'Observed') return { verdict: 'Out', because: 'mode Observe, never merged' };
  if (configuration.atoms.find((atom) => atom.name === name)?.policy === 'Ignore') {
    return { verdict: 'Out', because: 'setting policy Ignore' };
  }
  const way = group === undefined ? 'selector' : `group ${group}`;
  if (target.hold?.reason === 'Conflicted') return { verdict: 'Held', because: target.hold.message };
  const isWinner =
    target.atoms.some(({ atom, owner }) => atom.name === name && owner === configuration.owner) ||
    target.absences.some((absence) => absence.name === name && absence.owner === configuration.owner);
  return { verdict: isWinner ? 'Won' : 'Lost', because: way };
}

function rank({ verdict }: Claim): number {
  return ['Won', 'Held', 'Lost', 'Out'].indexOf(verdict);
}

/** Of several ways in, the first tells. */
function whyNotSelected({ hubName, device }: ExplainInput, configuration: DeclaredConfiguration): string {
  const way = configuration.targets.find(({ hubs }) => hubs.includes(hubName));
  if (way === undefined) {
    return configuration.targets.length === 0 ? 'no group has its labels' : `not for hub ${hubName}`;
  }
  const where = way.group === undefined ? 'selector' : `group ${way.group}`;
  return `${where}: ${whyNotMatched(way.selector, device)}`;
}

function whyNotMatched(selector: Selector, device: DeviceFacts): string {
  const failing = failingRequirement(selector, device);
  if (failing === undefined) return 'matches';
  if (failing === 'deviceIds') return 'the device is not listed';
  const fact = factOf(failing.key, device);
  const is = fact === undefined ? 'is absent' : `is ${JSON.stringify(fact)}`;
  return `${keyText(failing.key)} ${is}, ${wish(failing)}`;
}

function wish(requirement: Requirement): string {
  if (!('values' in requirement)) return requirement.operator === 'Exists' ? 'must exist' : 'must not exist';
  const values = requirement.values.map((value) => JSON.stringify(value));
  const list = values.length === 1 ? values[0] : `one of ${values.join(', ')}`;
  return requirement.operator === 'In' ? `not ${list}` : `must not be ${list}`;
}

function keyText(key: FactKey): string {
  if (key.kind === 'tag') return key.path.join('.');
  return key.kind === 'iotEdge' ? 'capabilities.iotEdge' : key.kind;
}
