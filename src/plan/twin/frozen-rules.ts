// Rules on what is declared together with what frozen layers keep on this very twin.
import { getKey, getPath, isObject, setKey, type JsonObject } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import { findBrokenRule, type TargetHold } from '../target/hold.ts';
import { type Ownership } from './ownership.ts';
import { PathMap } from '../../model/path-map.ts';
import { isKeeping } from './fate.ts';

/** `next` is `properties.desired` as it would be. What is foreign there does not count. */
export function findFrozenRule(
  profiles: readonly Profile[],
  { atoms, recordedPaths }: Ownership,
  next: JsonObject,
): TargetHold | undefined {
  const ours = new PathMap<true>();
  for (const { atom } of atoms) ours.set(atom.path, true);
  const isOurs = (path: readonly string[]): boolean =>
    ours.overlaps(path) || recordedPaths.overlapping(path).some(({ fate }) => isKeeping(fate));
  for (const profile of profiles) {
    const settings: JsonObject = {};
    const section = getPath(next, profile.section);
    if (!isObject(section)) continue;
    for (const key of Object.keys(section)) {
      if (!isOurs([...profile.section, key])) continue;
      const value = profile.encoding === 'ValueWrapper' ? getPath(section, [key, 'value']) : getKey(section, key);
      if (value !== undefined) setKey(settings, key, value);
    }
    const hold = findBrokenRule(profile, settings);
    if (hold !== undefined) return hold;
  }
  return undefined;
}
