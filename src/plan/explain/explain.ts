// Why a twin is as it is: for each setting who declared it, who won, who lost, and who does not count for this device.
import type { DeclaredConfiguration } from '../../model/declared.ts';
import { formatPointer, getKey, getPath, liesIn, type Json, type JsonObject } from '../../model/json.ts';
import type { AutomaticConfiguration } from '../../model/other-writer.ts';
import type { Profile } from '../../model/profile.ts';
import type { Acknowledgement } from '../../model/twin.ts';
import { readAcknowledgement } from '../../profile/acknowledgement.ts';
import { atomName, atomPath } from '../../profile/encode.ts';
import { holdsMatch } from '../../profile/patterns.ts';
import { holdsSecret } from '../../profile/secrets.ts';
import { compareText } from '../../model/text.ts';
import type { Place } from '../target/layering.ts';
import type { TwinInput } from '../twin/twin-facts.ts';
import type { TwinDecision } from '../twin/plan-twin.ts';
import { NO_OWNERS, type Owners } from '../record/owned-entry.ts';
import { isMet } from '../twin/changes.ts';
import { claimOf, isAt, rank, type Claim, type ClaimContext } from './claims.ts';
import { lastWriteOf, type LastWrite } from '../record/last-write.ts';
import { nextStepOf, type NextStep } from './next-step.ts';
import { placesKnown, whoseOf } from './foreign-setting.ts';

export interface SettingExplanation {
  readonly name: string;
  /** What git asks for; absent where nothing is declared, where it must be absent, and where two contradict each other. */
  readonly declared?: Json;
  /** As in the twin, still encoded. */
  readonly live?: Json;
  readonly lastWrite?: LastWrite;
  /** What the agent says of the declared value; only where live means that. */
  readonly acknowledgement?: Pick<Acknowledgement, 'state' | 'detail'>;
  /** The owner in the record, where one is. */
  readonly owner?: string;
  /** Where no manifest names it and the record does not hold it: whose it is, and what that means. */
  readonly whose?: string;
  /** Absent where nothing is to be done. */
  readonly next?: NextStep;
  /** What the agent does without the setting, where that is known. */
  readonly agentDefault?: Json;
  readonly sensitive: boolean;
  /** Won first, then lost by priority, then those that are out; none where no manifest names it. */
  readonly claims: readonly Claim[];
}

interface ExplainInput {
  readonly hubName: string;
  readonly decision: TwinDecision;
  /** A setting to explain too where the twin has it, or a profile knows it, and no manifest names it. */
  readonly key?: string;
}

interface NamedPlace {
  readonly place: Place;
  /** Who names it; exceptions among them, those that have ended too. */
  readonly by: Set<DeclaredConfiguration>;
}

interface Context extends ClaimContext, Pick<TwinInput, 'instance' | 'live' | 'nowMs'> {
  readonly automatic: readonly AutomaticConfiguration[];
  readonly key: string | undefined;
  readonly desired: JsonObject;
  readonly recorded: Owners;
  /** All for the module, used or not. */
  readonly profiles: readonly Profile[];
}

/** Every setting that the record holds or some configuration for the module names, those of other devices too; sorted. */
export function explainTwin(input: ExplainInput): SettingExplanation[] {
  const context = contextOf(input);
  return [...placesOf(context)]
    .toSorted(([a, { place: one }], [b, { place: other }]) => compareText(one.name, other.name) || compareText(a, b))
    .map(([, named]) => explainSetting(context, named))
    .toSorted((a, b) => Number(isOut(a)) - Number(isOut(b)));
}

function contextOf({ hubName, decision: { action, facts }, key }: ExplainInput): Context {
  const { input, desired, recorded = NO_OWNERS, ownership } = facts;
  const { automatic } = input.others;
  const profiles = [...input.declared.profiles.values()].filter(({ moduleId }) => moduleId === input.target.moduleId);
  return { ...input, automatic, hubName, key, action, desired, recorded, ownership, profiles };
}

/** What concerns other devices alone. */
function isOut({ claims, owner }: SettingExplanation): boolean {
  return owner === undefined && claims.every(({ verdict }) => verdict === 'Out');
}

function placesIn({ atoms, unset, profile }: DeclaredConfiguration): Place[] {
  return [
    ...atoms.map(({ name, path }) => ({ name, path })),
    ...unset.map((name) => ({ name, path: atomPath(profile.section, name) })),
  ];
}

/** By pointer. */
function placesOf(context: Context): ReadonlyMap<string, NamedPlace> {
  const { declared, target, ownership, key } = context;
  const places = new Map<string, NamedPlace>();
  const add = (place: Place, by?: DeclaredConfiguration): void => {
    const pointer = formatPointer(place.path);
    const known = places.get(pointer) ?? { place, by: new Set() };
    if (by !== undefined) known.by.add(by);
    places.set(pointer, known);
  };
  for (const configuration of [...declared.configurations, ...declared.exceptions, ...declared.expired]) {
    if (configuration.profile.moduleId !== target.moduleId) continue;
    for (const place of placesIn(configuration)) add(place, configuration);
  }
  for (const { entry, paths } of ownership.recorded) {
    for (const path of paths) add({ name: atomName(path.slice(entry.section.length)), path });
  }
  if (key !== undefined) {
    const paths = [...placesNamed(context, key), ...placesKnown(context.profiles, key)];
    for (const path of paths) add({ name: key, path });
  }
  return places;
}

/** Where the twin has something of that name, in the section of some profile or at the top. */
function placesNamed({ profiles, desired }: Context, key: string): string[][] {
  const sections = [...profiles.map(({ section }) => section), []];
  return sections.map((section) => atomPath(section, key)).filter((path) => getPath(desired, path) !== undefined);
}

function explainSetting(context: Context, { place, by }: NamedPlace): SettingExplanation {
  const { name, path } = place;
  const configurations = [...by];
  const claims = configurations
    .toSorted((a, b) => b.priority - a.priority || compareText(a.name, b.name))
    .map((configuration) => claimOf(context, place, configuration))
    .toSorted((a, b) => rank(a) - rank(b));
  const [first] = claims;
  const isDecided = first?.verdict === 'Won' || (first?.verdict === 'Held' && !isContradicted(context, name));
  const declared = isDecided ? first.value : undefined;
  const live = getPath(context.desired, path);
  const lastWrite =
    live === undefined || context.live === undefined ? undefined : lastWriteOf(context.live, path, context.instance);
  const acknowledgement = acknowledgementOf(context, place);
  const next = context.live === undefined ? undefined : nextStepOf({ ...context, name, path, live });
  const profiles = [...configurations.map(({ profile }) => profile), ...context.profiles];
  const agentDefault = profiles.map(({ defaults }) => getKey(defaults, name)).find(isGiven);
  const owner = context.ownership.recordedPaths.overlapping(path)[0]?.owner;
  const whose =
    owner === undefined && claims.length === 0 ? whoseOf({ ...context, name, path, value: live }) : undefined;
  const values = [declared, live, next?.value, ...claims.map(({ value }) => value)];
  return {
    name,
    ...(declared === undefined ? {} : { declared }),
    ...(live === undefined ? {} : { live }),
    ...(lastWrite === undefined ? {} : { lastWrite }),
    ...(acknowledgement === undefined ? {} : { acknowledgement }),
    ...(owner === undefined ? {} : { owner }),
    ...(whose === undefined ? {} : { whose }),
    ...(next === undefined ? {} : { next }),
    ...(agentDefault === undefined ? {} : { agentDefault }),
    sensitive: isSensitive(name, values, profiles, configurations.length > 0),
    claims,
  };
}

/** A value that no manifest names is sensitive by its form too. */
function isSensitive(
  name: string,
  values: readonly (Json | undefined)[],
  profiles: readonly Profile[],
  isVouchedFor: boolean,
): boolean {
  if (profiles.some(({ sensitive }) => values.some((value) => holdsMatch(name, value, sensitive)))) return true;
  return !isVouchedFor && values.some((value) => value !== undefined && holdsSecret(name, value));
}

function isContradicted({ target }: Context, name: string): boolean {
  return target.conflicts.some((conflict) => conflict.name === name);
}

function acknowledgementOf(
  { ownership, live, nowMs, profiles, target }: Context,
  place: Place,
): SettingExplanation['acknowledgement'] {
  const atom = [...ownership.atoms, ...target.observedAtoms].map((one) => one.atom).find(isAt(place));
  const profile = [...target.profiles, ...profiles].find(({ section }) => liesIn(section, place.path));
  if (atom === undefined || profile === undefined || live === undefined) return undefined;
  if (atom.policy !== 'Override' || !isMet(atom, live.properties.desired)) return undefined;
  const { state, detail } = readAcknowledgement(profile, [atom], live, nowMs);
  return { state, detail };
}

function isGiven(value: Json | undefined): boolean {
  return value !== undefined;
}
