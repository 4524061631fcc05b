// What is known of agents that makes a change mean more than it says: what they fall back to, and what is sent beside it.
import { deepEqual, getKey, getPath, isObject, type Json } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import type { TwinAction } from '../../model/action.ts';
import { compareText } from '../../model/text.ts';

/** What the agent of a module does without a setting; undefined where its profiles do not know, or not the same. */
export function agentDefault(profiles: Iterable<Profile>, moduleId: string, name: string): Json | undefined {
  const [first, ...others] = [...profiles]
    .filter((profile) => profile.moduleId === moduleId)
    .flatMap(({ defaults }) => getKey(defaults, name) ?? []);
  return others.every((other) => deepEqual(other, first)) ? first : undefined;
}

/** A module whose agent is sent its whole section whenever anything in it changes, and how many settings that is. */
interface WholeSection {
  readonly moduleId: string;
  readonly fewest: number;
  readonly most: number;
}

/** Of the twins that would be patched, sorted by module. */
export function wholeSections(actions: Iterable<TwinAction>, profiles: Iterable<Profile>): WholeSection[] {
  const whole = [...profiles].filter(({ patchGranularity }) => patchGranularity === 'section');
  const found = new Map<string, WholeSection>();
  for (const action of actions) {
    const { moduleId } = action;
    const profile = whole.find((one) => one.moduleId === moduleId);
    if (action.type !== 'Patch' || profile === undefined) continue;
    const section = getPath(action.patch.properties.desired, profile.section);
    if (!isObject(section)) continue;
    const count = Object.values(section).filter((value) => value !== null).length;
    const known = found.get(moduleId) ?? { moduleId, fewest: count, most: count };
    found.set(moduleId, { moduleId, fewest: Math.min(known.fewest, count), most: Math.max(known.most, count) });
  }
  return [...found.values()].toSorted((a, b) => compareText(a.moduleId, b.moduleId));
}
