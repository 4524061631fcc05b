// Encodes plain settings as atoms of a twin, and converts atom names to paths.
import { escapeSegment, getKey, isObject, unescapeSegment, type Json, type JsonObject } from '../model/json.ts';
import type { Atom, Comparator, Profile, SettingPolicy } from '../model/profile.ts';
import { listItems } from './meaning.ts';
import { holdsMatch, matchesPattern } from './patterns.ts';

/** The atom's name: its path below the section, as in RFC 6901 without the first slash. */
export function atomName(segments: readonly string[]): string {
  return segments.map(escapeSegment).join('/');
}

/** Keys from `properties.desired` to the atom. */
export function atomPath(section: readonly string[], name: string): string[] {
  return [...section, ...name.split('/').map(unescapeSegment)];
}

/** One atom for each unit of ownership, sorted by name. `policies` are by top-level setting. */
export function encodeSettings(
  profile: Profile,
  settings: JsonObject,
  policies: ReadonlyMap<string, SettingPolicy> = new Map(),
): Atom[] {
  return splitSettings(profile, settings)
    .map(({ segments, value }) => {
      const name = atomName(segments);
      const wrapped = profile.encoding === 'ValueWrapper';
      return {
        name,
        path: [...profile.section, ...segments],
        value: wrapped ? { value } : value,
        plain: value,
        comparator: comparatorFor(profile, name, value),
        wrapped,
        sensitive: holdsMatch(name, value, profile.sensitive),
        policy: policies.get(segments[0] as string) ?? 'Override',
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export function comparatorOf(profile: Profile, name: string): Comparator {
  return profile.comparators.find(({ keys }) => matchesPattern(name, keys))?.comparator ?? 'exact';
}

/** An empty list means the same as none, unless the agent then uses its own default list. */
function comparatorFor(profile: Profile, name: string, value: Json): Comparator {
  const comparator = comparatorOf(profile, name);
  if (comparator !== 'csvSet' || typeof value !== 'string' || listItems(value).length > 0) return comparator;
  return (getKey(profile.defaults, name) ?? '') === '' ? comparator : 'exact';
}

/** True for members that the profile adds itself, which are not settings. */
export function isEnvelopeKey({ envelope }: Pick<Profile, 'envelope'>, key: string): boolean {
  return envelope !== undefined && Object.hasOwn(envelope, key);
}

interface Piece {
  readonly segments: readonly string[];
  readonly value: Json;
}

/** How many keys below the section atoms may be: components of a PnP root hold their properties one level down. */
export function atomLevels({ encoding, section, ownershipAtom }: Profile): number {
  if (encoding === 'PnpComponent') return section.length === 0 ? 2 : 1;
  return ownershipAtom === 'Leaf' ? Number.POSITIVE_INFINITY : 1;
}

function splitSettings(profile: Profile, settings: JsonObject): Piece[] {
  return descend(settings, atomLevels(profile));
}

function descend(object: JsonObject, levels: number, above: readonly string[] = []): Piece[] {
  return Object.keys(object).flatMap((key) => {
    const value = getKey(object, key) as Json;
    const segments = [...above, key];
    // An empty object above the atoms contains none: as an atom it would own what others put into it.
    const isAbove = levels > 1 && isObject(value);
    return isAbove ? descend(value, levels - 1, segments) : [{ segments, value }];
  });
}
