// What each configuration says of one setting of one device, and whether that counts: won, lost, held or out, with the reason.
import { isException, type Declared, type DeclaredConfiguration } from '../../model/declared.ts';
import type { Origin } from '../../model/diagnostic.ts';
import { formatPointer, type Json } from '../../model/json.ts';
import type { FactKey, Requirement, Selector } from '../../model/selector.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import type { TwinAction } from '../../model/action.ts';
import type { Ownership } from '../twin/ownership.ts';
import { PathMap } from '../../model/path-map.ts';
import type { Owner } from '../../model/owner.ts';
import { momentText } from '../../model/moment.ts';
import type { Claims, Layer, Place } from '../target/layering.ts';
import { factOf, failingRequirement } from '../select/selection.ts';
import type { Target } from '../target/target.ts';

type Verdict =
  | 'Won' // its value is the declared one
  | 'Lost' // another configuration has a higher priority, or keeps the setting as it is
  | 'Held' // it would have won, or contradicts another, and the twin is held: nothing is written
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

export interface ClaimContext {
  readonly declared: Declared;
  readonly hubName: string;
  readonly target: Target;
  readonly device: DeviceFacts;
  readonly action: TwinAction;
  readonly ownership: Ownership;
}

export function isAt(place: Place): (candidate: Pick<Place, 'path'>) => boolean {
  const pointer = formatPointer(place.path);
  return ({ path }) => formatPointer(path) === pointer;
}

export function claimOf(context: ClaimContext, place: Place, configuration: DeclaredConfiguration): Claim {
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

function verdictOf(context: ClaimContext, layer: Layer, place: Place): Pick<Claim, 'verdict' | 'because'> {
  const { target, ownership } = context;
  const { configuration, state } = layer;
  if (state === 'Suspended') {
    return {
      verdict: 'Out',
      because: layer.suspendedBy?.because ?? 'suspend: true in its manifest, so what it owns stays as it is',
    };
  }
  if (state === 'Observed') {
    const whose = layer.observedBy === configuration.owner ? 'the configuration' : layer.observedBy;
    return { verdict: 'Out', because: `mode Observe of ${whose}, never merged` };
  }
  if (configuration.atoms.find(isAt(place))?.policy === 'Ignore') {
    return { verdict: 'Out', because: 'setting policy Ignore' };
  }
  const way = wayOf(layer);
  const rival = rivalOf(context, place, configuration.owner);
  if (rival !== undefined) return { verdict: 'Held', because: `${way}; ${rival} wants something else` };
  const wins = ({ atoms, absences }: Claims): boolean =>
    atoms.some(({ atom, owner }) => owner === configuration.owner && isAt(place)(atom)) ||
    absences.some((absence) => absence.owner === configuration.owner && isAt(place)(absence));
  if (wins(ownership)) return { verdict: context.action.type === 'Hold' ? 'Held' : 'Won', because: way };
  return { verdict: 'Lost', because: wins(target) ? `${way}; ${frozenBy(context, place)}` : way };
}

/** Who contradicts the owner, neither being above the other. */
function rivalOf({ target }: ClaimContext, { name }: Place, owner: Owner): string | undefined {
  const conflict = target.conflicts.find(({ owners, name: named }) => named === name && owners.includes(owner));
  return conflict?.owners.find((one) => one !== owner);
}

/** How the layer comes to this device. */
function wayOf({ configuration, group, selector }: Layer): string {
  if (isException(configuration)) {
    return `exception until ${momentText(configuration.expiresAtMs)}: ${configuration.reason}`;
  }
  const what = selectorText(selector);
  return `${group === undefined ? 'selector' : `group ${group}`}${what === '' ? '' : `: ${what}`}`;
}

/** Who keeps a setting from the layer that would have won it. */
function frozenBy({ target, ownership }: ClaimContext, { path }: Place): string {
  const recorded = ownership.recordedPaths.overlapping(path)[0]?.owner;
  const frozen = new PathMap<Owner>();
  for (const { atom, owner } of target.frozenAtoms) frozen.set(atom.path, owner);
  for (const absence of target.frozenAbsences) frozen.set(absence.path, absence.owner);
  return `${recorded ?? frozen.overlapping(path)[0] ?? 'another configuration'} keeps it as it is`;
}

/** Won first. */
export function rank({ verdict }: Claim): number {
  return ['Won', 'Held', 'Lost', 'Out'].indexOf(verdict);
}

function whyOut(input: ClaimContext, configuration: DeclaredConfiguration): string {
  if (isException(configuration) && input.declared.expired.includes(configuration)) {
    return `exception, ended ${momentText(configuration.expiresAtMs)}`;
  }
  return whyNotSelected(input, configuration);
}

/** Of several ways in, by the first. */
function whyNotSelected({ hubName, device }: ClaimContext, configuration: DeclaredConfiguration): string {
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
  return `${keyText(failing.key)} ${is}, ${neededText(failing)}`;
}

function neededText(requirement: Requirement): string {
  if (!('values' in requirement)) return requirement.operator === 'Exists' ? 'must exist' : 'must not exist';
  const values = requirement.values.map((value) => JSON.stringify(value));
  const list = values.length === 1 ? values[0] : `one of ${values.join(', ')}`;
  return requirement.operator === 'In' ? `not ${list}` : `must not be ${list}`;
}

const REQUIREMENTS_SHOWN_MAX = 3;

/** `hw=atm, ring in 1, 2`; empty where it matches every device. */
function selectorText({ requirements, deviceIds }: Selector): string {
  const texts = [...(deviceIds === undefined ? [] : ['deviceIds']), ...requirements.map(requirementText)];
  const more = texts.length - REQUIREMENTS_SHOWN_MAX;
  return [...texts.slice(0, REQUIREMENTS_SHOWN_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

function requirementText(requirement: Requirement): string {
  const key = keyText(requirement.key);
  if (!('values' in requirement)) return requirement.operator === 'Exists' ? `${key} exists` : `no ${key}`;
  const values = requirement.values.map(String);
  if (requirement.operator === 'NotIn') return `${key} not ${values.join(', ')}`;
  return values.length === 1 ? `${key}=${values[0]}` : `${key} in ${values.join(', ')}`;
}

function keyText(key: FactKey): string {
  if (key.kind === 'tag') return key.path.join('.');
  return key.kind === 'iotEdge' ? 'capabilities.iotEdge' : key.kind;
}
