// The tag that would make the groups of an adopted fleet more alike.
import type { Profile } from '../../model/profile.ts';
import { adopt, countOutliers, scalarTag, type Adoption, type FoundTwin } from './adoption.ts';

const TAG_VALUES_MAX = 20;
/** A tag that names devices one by one groups nothing. */
const TWINS_PER_VALUE_MIN = 4;

interface BetterTag {
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
