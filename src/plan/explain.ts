// Why a twin is as it is: for each setting who declared it, who won, who lost, and who does not count for this device.
import { isException, type Declared, type DeclaredConfiguration } from '../model/declared.ts';
import { compareText, type Origin } from '../model/diagnostic.ts';
import { formatPointer, getKey, getPath, type Json, type JsonObject } from '../model/json.ts';
import type { FactKey, Requirement, Selector } from '../model/selector.ts';
import type { DeviceFacts, Twin } from '../model/twin.ts';
import { atomPath } from '../profile/encode.ts';
import { holdsMatch } from '../profile/patterns.ts';
import { settleOwners, type Ownership } from './ownership.ts';
import { PathMap } from './path-map.ts';
import { readRecord, type OwnedEntry } from './record.ts';
import { factOf, failingRequirement } from './selection.ts';
import { momentText } from './suspended.ts';
import type { Layer } from './layer.ts';
import type { Target } from './target.ts';

export type Verdict =
  | 'Won' // its value is the declared one
  | 'Lost' // another configuration has a higher priority, or keeps the setting as it is
  | 'Held' // it contradicts another, or is for fewer devices: nothing is written
  | 'Out'; // it does not count for this device

/** What one configuration or exception says about one setting of one device. Absent `value`: it wants the setting absent. */
export interface Claim {
  readonly verdict: Verdict;
  readonly configuration: string;
  /** Absent for an exception: it is above all priorities. */
  readonly priority?: number;
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

/** A setting by its place on the twin: two profiles may use one name for two places. */
interface Place {
  readonly name: string;
  readonly path: readonly string[];
}

interface NamedPlace {
  readonly place: Place;
  /** Who names it; exceptions among them, those that have ended too. */
  readonly by: Set<DeclaredConfiguration>;
}

/** What the record makes of the twin. */
interface Context extends ExplainInput {
  readonly desired: JsonObject;
  readonly ownership: Ownership;
}

/** Every setting that some configuration for the module names, sorted; those of other devices too. */
export function explainTwin(input: ExplainInput): SettingExplanation[] {
  const { declared, target, live, instance } = input;
  const everybody = [...declared.configurations, ...declared.exceptions, ...declared.expired];
  const configurations = everybody.filter(({ profile }) => profile.moduleId === target.moduleId);
  const desired = live?.properties.desired ?? {};
  const record = live === undefined ? undefined : readRecord(live, instance);
  const recorded: ReadonlyMap<string, OwnedEntry> = record?.kind === 'valid' ? record.owners : new Map();
  const context = { ...input, desired, ownership: settleOwners(recorded, target, declared, desired) };
  return [...namedPlaces(configurations)]
    .toSorted(([a, { place: one }], [b, { place: other }]) => compareText(one.name, other.name) || compareText(a, b))
    .map(([, named]) => explainSetting(context, named))
    .toSorted((a, b) => Number(isOut(a)) - Number(isOut(b)));
}

function isOut({ claims }: SettingExplanation): boolean {
  return claims.every(({ verdict }) => verdict === 'Out');
}

function placesIn({ atoms, unset, profile }: DeclaredConfiguration): Place[] {
  return [
    ...atoms.map(({ name, path }) => ({ name, path })),
    ...unset.map((name) => ({ name, path: atomPath(profile.section, name) })),
  ];
}

/** By pointer. */
function namedPlaces(configurations: readonly DeclaredConfiguration[]): ReadonlyMap<string, NamedPlace> {
  const places = new Map<string, NamedPlace>();
  for (const configuration of configurations) {
    for (const place of placesIn(configuration)) {
      const pointer = formatPointer(place.path);
      const by = places.get(pointer)?.by ?? new Set();
      places.set(pointer, { place, by: by.add(configuration) });
    }
  }
  return places;
}

function isAt(place: Place): (candidate: Pick<Place, 'path'>) => boolean {
  const pointer = formatPointer(place.path);
  return ({ path }) => formatPointer(path) === pointer;
}

function explainSetting(context: Context, { place, by }: NamedPlace): SettingExplanation {
  const { name, path } = place;
  const configurations = [...by];
  const claims = configurations
    .toSorted((a, b) => b.priority - a.priority || compareText(a.name, b.name))
    .map((configuration) => claimOf(context, place, configuration))
    .toSorted((a, b) => rank(a) - rank(b));
  const declared = claims.find(({ verdict }) => verdict === 'Won')?.value;
  const live = getPath(context.desired, path);
  const agentDefault = configurations.map(({ profile }) => getKey(profile.defaults, name)).find(isGiven);
  const owner = context.ownership.recordedPaths.overlapping(path)[0]?.owner;
  const values = [declared, live, ...claims.map(({ value }) => value)];
  return {
    name,
    ...(declared === undefined ? {} : { declared }),
    ...(live === undefined ? {} : { live }),
    ...(owner === undefined ? {} : { owner }),
    ...(agentDefault === undefined ? {} : { agentDefault }),
    sensitive: configurations.some(({ profile }) => values.some((value) => holdsMatch(name, value, profile.sensitive))),
    claims,
  };
}

function isGiven(value: Json | undefined): boolean {
  return value !== undefined;
}

function claimOf(context: Context, place: Place, configuration: DeclaredConfiguration): Claim {
  const atom = configuration.atoms.find(isAt(place));
  const layer = context.target.layers.find((candidate) => candidate.configuration === configuration);
  return {
    ...(layer === undefined
      ? { verdict: 'Out', because: whyOut(context, configuration) }
      : verdictOf(context, layer, place)),
    configuration: configuration.name,
    ...(isException(configuration) ? {} : { priority: configuration.priority }),
    ...(atom === undefined ? {} : { value: atom.plain }),
    origin: configuration.atomOrigins.get(place.name) ?? configuration.origin,
  };
}

function verdictOf(context: Context, layer: Layer, place: Place): Pick<Claim, 'verdict' | 'because'> {
  const { target, ownership } = context;
  const { configuration, group, state } = layer;
  if (state === 'Suspended') {
    return { verdict: 'Out', because: layer.suspendedBecause ?? 'suspended: what it owns stays as it is' };
  }
  if (state === 'Observed') return { verdict: 'Out', because: 'mode Observe, never merged' };
  if (configuration.atoms.find(isAt(place))?.policy === 'Ignore') {
    return { verdict: 'Out', because: 'setting policy Ignore' };
  }
  const way = isException(configuration)
    ? `exception until ${momentText(configuration.expiresAtMs)}: ${configuration.reason}`
    : group === undefined
      ? 'selector'
      : `group ${group}`;
  if (target.hold?.reason === 'Conflicted' || target.hold?.reason === 'ExceptionTooWide') {
    return { verdict: 'Held', because: target.hold.message };
  }
  const wins = ({ atoms, absences }: Pick<Ownership, 'atoms' | 'absences'>): boolean =>
    atoms.some(({ atom, owner }) => owner === configuration.owner && isAt(place)(atom)) ||
    absences.some((absence) => absence.owner === configuration.owner && isAt(place)(absence));
  if (wins(ownership)) return { verdict: 'Won', because: way };
  return { verdict: 'Lost', because: wins(target) ? `${way}; ${frozenBy(context, place)}` : way };
}

/** Who keeps a setting from the layer that would have won it. */
function frozenBy({ target, ownership }: Context, { path }: Place): string {
  const recorded = ownership.recordedPaths.overlapping(path)[0]?.owner;
  const frozen = new PathMap<string>();
  for (const { atom, owner } of target.frozenAtoms) frozen.set(atom.path, owner);
  for (const absence of target.frozenAbsences) frozen.set(absence.path, absence.owner);
  return `${recorded ?? frozen.overlapping(path)[0] ?? 'another configuration'} keeps it as it is`;
}

function rank({ verdict }: Claim): number {
  return ['Won', 'Held', 'Lost', 'Out'].indexOf(verdict);
}

function whyOut(input: ExplainInput, configuration: DeclaredConfiguration): string {
  if (isException(configuration) && input.declared.expired.includes(configuration)) {
    return `exception, ended ${momentText(configuration.expiresAtMs)}`;
  }
  return whyNotSelected(input, configuration);
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
