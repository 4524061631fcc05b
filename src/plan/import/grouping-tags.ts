// Device tags by which a fleet can be grouped, and the one that would leave far fewer outliers.
import { adopt, scalarTag, type Adoption, type FoundTwin } from './adoption.ts';
import type { Profile } from '../../model/profile.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import { isScalar } from '../../model/selector.ts';
import type { DeviceFacts } from '../../model/twin.ts';

/** Names of tags that groups can be made by, `outer.inner` of a tag inside a tag: those that have one value on some device. */
export function groupingTags(devices: Iterable<DeviceFacts>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { tags } of devices) addScalars(names, tags);
  return names;
}

function addScalars(names: Set<string>, tags: JsonObject, above = ''): void {
  for (const [key, value] of Object.entries(tags)) {
    if (isObject(value)) addScalars(names, value, `${above}${key}.`);
    else if (isScalar(value)) names.add(`${above}${key}`);
  }
}

/** Devices that differ from their group, over all profiles. */
export function countOutliers({ profiles }: Adoption): number {
  return profiles.reduce(
    (sum, { outliers }) => sum + outliers.reduce((count, { deviceIds }) => count + deviceIds.length, 0),
    0,
  );
}

const TAG_VALUES_MAX = 20;
/** A tag that names devices one by one groups nothing. */
const TWINS_PER_VALUE_MIN = 4;

export interface BetterTag {
  readonly tag: string;
  /** Outliers that would be left. */
  readonly outliers: number;
}

/** The tag that halves the outliers at least when it is added to those that group; undefined where none does. */
export function betterTag(
  twins: readonly FoundTwin[],
  profiles: readonly Profile[],
  { tags }: Adoption,
  outliers: number,
): BetterTag | undefined {
  const names = new Set(twins.flatMap(({ device }) => Object.keys(device.tags)));
  const candidates = [...names.difference(new Set(tags))].toSorted().filter((tag) => {
    const values = new Set(twins.map(({ device }) => scalarTag(device, tag)));
    const isCommon = values.size <= TAG_VALUES_MAX && values.size * TWINS_PER_VALUE_MIN <= twins.length;
    return !tag.includes('.') && values.size > 1 && isCommon;
  });
  const tried = candidates
    .map((tag) => ({ tag, outliers: countOutliers(adopt(twins, profiles, [...tags, tag])) }))
    .toSorted((a, b) => a.outliers - b.outliers);
  const [best] = tried;
  return best !== undefined && best.outliers * 2 <= outliers ? best : undefined;
}
