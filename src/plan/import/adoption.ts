// A fleet that no manifest governs yet, as few configurations: what most twins of a group have, what all groups share, who differs.
import type { Atom, Profile } from '../../model/profile.ts';
import { isScalar, type Scalar } from '../../model/selector.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import { getPath, type Json, type JsonObject } from '../../model/json.ts';
import { compareText } from '../../model/text.ts';
import { decodeSection, type Undeclarable } from '../../profile/decode.ts';
import { sameMeaning } from '../../profile/meaning.ts';
import { checkRules } from '../../profile/rules.ts';
import { REDACTED } from '../report/redaction.ts';

/** One module twin as it is. */
export interface FoundTwin {
  readonly device: DeviceFacts;
  readonly moduleId: string;
  readonly desired: JsonObject;
}

/** Settings by atom name, sorted, plain. */
export type Settings = ReadonlyMap<string, Json>;

/** Devices that have the same values of the tags that groups are made by. */
export interface AdoptedGroup {
  /** In the order of the tags; undefined where a device has no such tag, or none that a selector can name. */
  readonly values: readonly (Scalar | undefined)[];
  /** Of devices that can not be declared as they are: the group must not select them. */
  readonly leftOut: readonly string[];
}

export interface AdoptedProfile {
  readonly profile: Profile;
  readonly twins: number;
  /** Twins with any setting that can be declared. */
  readonly configured: number;
  /** Different configurations among them, by meaning. */
  readonly variants: number;
  /** For the groups named in `groups`: what is left of each after the common settings. */
  readonly common: Settings;
  readonly groups: readonly AdoptedLayer[];
  readonly outliers: readonly Outlier[];
  /** Members that stay on the twins and are not declared, with the number of twins. */
  readonly left: readonly { readonly name: string; readonly why: Undeclarable; readonly twins: number }[];
}

interface AdoptedLayer {
  readonly group: AdoptedGroup;
  readonly twins: number;
  /** Twins that have exactly what the group has. */
  readonly alike: number;
  /** False where most of it has nothing: the common settings are not for it. */
  readonly sharesCommon: boolean;
  readonly settings: Settings;
  /** Common settings that this group does not have, sorted. */
  readonly unset: readonly string[];
}

/** Devices that differ from their group in the same way. */
interface Outlier {
  readonly deviceIds: readonly string[];
  readonly settings: Settings;
  readonly unset: readonly string[];
}

export interface Adoption {
  readonly tags: readonly string[];
  readonly groups: readonly AdoptedGroup[];
  readonly profiles: readonly AdoptedProfile[];
}

/** `leaveOut`: devices that no group may select. */
export function adopt(
  twins: readonly FoundTwin[],
  profiles: Iterable<Profile>,
  tags: readonly string[],
  leaveOut: ReadonlySet<string> = new Set(),
): Adoption {
  const groups = new Map<string, AdoptedGroup & { leftOut: string[] }>();
  const groupOf = new Map<FoundTwin, AdoptedGroup>();
  for (const twin of twins) {
    const { device } = twin;
    const values = tags.map((tag) => scalarTag(device, tag));
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { values, leftOut: [] };
    if (leaveOut.has(device.deviceId) && !group.leftOut.includes(device.deviceId)) group.leftOut.push(device.deviceId);
    groups.set(key, group);
    groupOf.set(twin, group);
  }
  const kept = twins.filter(({ device }) => !leaveOut.has(device.deviceId));
  const byModule = Map.groupBy(kept, ({ moduleId }) => moduleId);
  const adopted = [...profiles]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((profile) => {
      const found = byModule.get(profile.moduleId) ?? [];
      return found.length === 0 ? [] : [adoptProfile(profile, found, groupOf)];
    });
  return { tags, groups: [...groups].toSorted(byKey).map(([, group]) => group), profiles: adopted };
}

function byKey([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function scalarTag({ tags }: DeviceFacts, tag: string): Scalar | undefined {
  const value = getPath(tags, tag.split('.'));
  return isScalar(value) ? value : undefined;
}

/** A twin by what it means: two are equal where their keys are. */
interface Unit {
  readonly deviceId: string;
  readonly group: AdoptedGroup;
  readonly key: string;
  readonly settings: Settings;
}

/** The twins of a group. */
interface UnitLayer {
  readonly group: AdoptedGroup;
  readonly members: readonly Unit[];
  readonly typical: Settings;
  readonly typicalKey: string;
}

function adoptProfile(
  profile: Profile,
  twins: readonly FoundTwin[],
  groupOf: ReadonlyMap<FoundTwin, AdoptedGroup>,
): AdoptedProfile {
  const decoded = twins.map((twin) => ({ twin, ...decodeSection(profile, twin.desired, REDACTED) }));
  const meaningOf = createMeanings(decoded.flatMap(({ atoms }) => atoms));
  const units = decoded.map(({ twin, atoms }): Unit => {
    const settings = new Map(
      atoms.map((atom) => [atom.name, meaningOf(atom)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    const group = groupOf.get(twin) as AdoptedGroup;
    return { deviceId: twin.device.deviceId, group, key: keyOf(settings), settings };
  });
  const layers = [...Map.groupBy(units, ({ group }) => group)]
    .toSorted(([a], [b]) => byKey([JSON.stringify(a.values)], [JSON.stringify(b.values)]))
    .map(([group, members]): UnitLayer => {
      const typical = typicalOf(profile, members);
      return { group, members, typical, typicalKey: keyOf(typical) };
    });
  const common = commonOf(layers.map(({ typical }) => typical).filter(({ size }) => size > 0));
  const configured = units.filter(({ settings }) => settings.size > 0);
  const left = new Map<string, { name: string; why: Undeclarable; twins: number }>();
  for (const one of decoded.flatMap((twin) => twin.left)) {
    const key = `${one.why} ${one.name}`;
    left.set(key, { ...one, twins: (left.get(key)?.twins ?? 0) + 1 });
  }
  return {
    profile,
    twins: units.length,
    configured: configured.length,
    variants: new Set(configured.map(({ key }) => key)).size,
    common,
    groups: layers.map(({ group, members, typical, typicalKey }) => ({
      group,
      twins: members.length,
      alike: members.filter(({ key }) => key === typicalKey).length,
      sharesCommon: typical.size > 0,
      ...differenceBetween(typical.size === 0 ? new Map() : common, typical),
    })),
    outliers: outliersOf(layers),
    left: [...left.values()].toSorted((a, b) => b.twins - a.twins || (a.name < b.name ? -1 : 1)),
  };
}

/** Gives each value the most common of the spellings that mean the same. */
function createMeanings(atoms: readonly Atom[]): (atom: Atom) => Json {
  const spellings = new Map<string, Map<string, { atom: Atom; count: number }>>();
  for (const atom of atoms) {
    const ofName = spellings.get(atom.name) ?? new Map<string, { atom: Atom; count: number }>();
    const text = JSON.stringify(atom.plain);
    ofName.set(text, { atom, count: (ofName.get(text)?.count ?? 0) + 1 });
    spellings.set(atom.name, ofName);
  }
  const meanings = new Map<string, Json>();
  for (const [name, ofName] of spellings) {
    const chosen: Atom[] = [];
    const byCount = [...ofName].toSorted(([a, { count: m }], [b, { count: n }]) => n - m || (a < b ? -1 : 1));
    for (const [text, { atom }] of byCount) {
      // Only what would really stay as it is counts as the same.
      const same = chosen.find((one) => sameMeaning(one, atom.value));
      if (same === undefined) chosen.push(atom);
      meanings.set(`${name}\n${text}`, (same ?? atom).plain);
    }
  }
  return ({ name, plain }) => meanings.get(`${name}\n${JSON.stringify(plain)}`) as Json;
}

function keyOf(settings: Settings): string {
  return JSON.stringify([...settings]);
}

/** What most members have, whole: a mixture of several might break a rule that each of them keeps. */
function typicalOf(profile: Profile, members: readonly Unit[]): Settings {
  const variants = [...Map.groupBy(members, ({ key }) => key)]
    .map(([key, alike]) => ({ key, count: alike.length, settings: (alike[0] as Unit).settings }))
    .toSorted((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
  const sound = variants.find(({ settings }) => !breaksRule(profile, settings));
  return sound?.settings ?? new Map();
}

function breaksRule(profile: Profile, settings: Settings): boolean {
  return checkRules(profile, Object.fromEntries(settings)).some(({ severity }) => severity === 'error');
}

/** Settings for the common configuration: where one line there replaces more lines in the groups. */
function commonOf(groups: readonly Settings[]): Settings {
  const common = new Map<string, Json>();
  if (groups.length < 2) return common;
  const names = new Set(groups.flatMap((settings) => [...settings.keys()]));
  for (const name of [...names].toSorted()) {
    const values = groups.flatMap((settings) => (settings.has(name) ? [settings.get(name) as Json] : []));
    const byText = [...Map.groupBy(values, (value) => JSON.stringify(value))].toSorted(
      ([a, m], [b, n]) => n.length - m.length || (a < b ? -1 : 1),
    );
    const [most = []] = byText.map(([, list]) => list);
    const linesWith = 1 + (values.length - most.length) + (groups.length - values.length);
    if (linesWith < values.length && !overlapsAny(name, common.keys())) common.set(name, most[0] as Json);
  }
  return common;
}

/** What to add to one to mean the other. */
function differenceBetween(below: Settings, wanted: Settings): Pick<AdoptedLayer, 'settings' | 'unset'> {
  const settings = new Map(
    [...wanted].filter(
      ([name, value]) => !below.has(name) || JSON.stringify(below.get(name)) !== JSON.stringify(value),
    ),
  );
  const unset = [...below.keys()].filter((name) => !overlapsAny(name, wanted.keys()));
  return { settings, unset: unset.toSorted() };
}

/** True where the two name one place, or one lies in the other: a claim on either is one on both. */
function overlapsAny(name: string, others: Iterable<string>): boolean {
  for (const other of others) {
    if (name === other || name.startsWith(`${other}/`) || other.startsWith(`${name}/`)) return true;
  }
  return false;
}

/** Those who differ in the same way are one, whatever group they are in; most devices first. */
function outliersOf(layers: readonly UnitLayer[]): Outlier[] {
  const outliers = new Map<string, Outlier & { deviceIds: string[] }>();
  for (const { members, typical, typicalKey } of layers) {
    for (const { key, settings, deviceId } of members) {
      if (key === typicalKey) continue;
      const difference = differenceBetween(typical, settings);
      const name = JSON.stringify([[...difference.settings], difference.unset]);
      const known = outliers.get(name);
      if (known === undefined) outliers.set(name, { ...difference, deviceIds: [deviceId] });
      else known.deviceIds.push(deviceId);
    }
  }
  return [...outliers.values()]
    .map((outlier) => ({ ...outlier, deviceIds: outlier.deviceIds.toSorted() }))
    .toSorted(
      (a, b) => b.deviceIds.length - a.deviceIds.length || compareText(String(a.deviceIds[0]), String(b.deviceIds[0])),
    );
}
