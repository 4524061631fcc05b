// A plan folded for people: twins that change in the same way are one shape.
import { canonicalJson, getPath, type Json } from '../../model/json.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import { changesOf, type SettingChange, type TwinAction } from '../../model/action.ts';
import type { Owner } from '../../model/owner.ts';
import { tagText } from './change-text.ts';

export interface PlannedTwin {
  readonly action: TwinAction;
  readonly device: DeviceFacts;
  /** True where the manifests before ask for the same: nothing of it comes from this change. */
  readonly wasAskedBefore?: boolean;
}

/** Twins that change alike. */
export interface Shape {
  readonly moduleId: string;
  readonly type: TwinAction['type'];
  readonly reason: TwinAction['reason'];
  readonly owners: readonly Owner[];
  readonly message: string | undefined;
  /** Removals first, then by name. */
  readonly changes: readonly SettingChange[];
  readonly devices: readonly DeviceFacts[];
}

const CONTESTED_MESSAGE = 'Another writer keeps changing it: left alone for a while. Find it, or let the setting go.';

/** Shapes that remove something first, then those with most twins. */
export function foldShapes(twins: Iterable<PlannedTwin>): Shape[] {
  const shapes = new Map<string, Shape & { devices: DeviceFacts[] }>();
  for (const { action, device } of twins) {
    const { moduleId, type, reason, owners } = action;
    // Rate and time of a contest are each twin's own.
    const message = reason === 'Contested' ? CONTESTED_MESSAGE : action.message;
    const changes = changesShown(action).toSorted(compareChanges);
    // Who decides is shown with what changes; where nothing changes, the message says it.
    const who = changes.length === 0 ? [] : owners;
    const key = JSON.stringify([moduleId, type, reason, who, message, changes.map(textOf)]);
    const shape = shapes.get(key);
    if (shape === undefined) shapes.set(key, { moduleId, type, reason, owners, message, changes, devices: [device] });
    else shape.devices.push(device);
  }
  return [...shapes.values()].toSorted(
    (a, b) => Number(removes(b)) - Number(removes(a)) || b.devices.length - a.devices.length,
  );
}

export function removes({ changes }: Pick<Shape, 'changes'>): boolean {
  return changes.some(({ after }) => after === undefined);
}

/** How many of the devices have each value of a tag, `outer.inner` of one in a tag; most first, values as people read them. */
export function countByTag(devices: readonly DeviceFacts[], tag: string): [value: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { tags } of devices) {
    const value = getPath(tags, tag.split('.'));
    if (value === undefined || value === null || typeof value === 'object') continue;
    const text = tagText(value);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

const TAG_VALUES_MAX = 8;

/**
 * The tag that says most about where the devices of each group are: on at least half of them all, with few enough values
 * for a line, and with the most different ones inside the groups. Undefined where no tag distinguishes devices.
 */
export function tellingTag(groups: readonly (readonly DeviceFacts[])[]): string | undefined {
  const devices = groups.flat();
  const names = new Set(devices.flatMap(({ tags }) => Object.keys(tags)));
  const candidates = [...names]
    .toSorted()
    .map((name) => ({ name, counts: countByTag(devices, name) }))
    .filter(({ counts }) => {
      const carriers = counts.reduce((sum, [, count]) => sum + count, 0);
      return counts.length > 1 && counts.length <= TAG_VALUES_MAX && carriers * 2 >= devices.length;
    });
  const insideOf = (name: string): number =>
    groups.reduce((sum, group) => sum + Math.max(0, countByTag(group, name).length - 1), 0);
  return candidates
    .map(({ name, counts }) => ({ name, values: counts.length, inside: insideOf(name) }))
    .toSorted((a, b) => b.inside - a.inside || b.values - a.values)[0]?.name;
}

function changesShown(action: TwinAction): readonly SettingChange[] {
  return action.type === 'Observe' ? action.observed : changesOf(action);
}

function compareChanges(a: SettingChange, b: SettingChange): number {
  return Number(a.after !== undefined) - Number(b.after !== undefined) || (a.name < b.name ? -1 : 1);
}

/** Secrets differ from device to device and are not shown: they make no shape of their own. */
function textOf({ name, before, after, owner, cause, sensitive }: SettingChange): string {
  const text = (value: Json | undefined): string =>
    value === undefined ? '' : sensitive ? 'sensitive' : canonicalJson(value);
  return `${name}\n${text(before)}\n${text(after)}\n${owner}\n${cause}`;
}
