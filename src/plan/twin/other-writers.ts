// Who else writes one module twin, as far as it was read before planning, and what is left to them.
import { isManagedByEdge, type AutomaticConfiguration, type ModuleIdentity } from '../../model/other-writer.ts';
import { getKey, isObject } from '../../model/json.ts';
import type { Twin } from '../../model/twin.ts';
import type { SettingChange } from '../../model/action.ts';
import { PathMap } from '../../model/path-map.ts';
import type { Place } from '../target/layering.ts';
import type { RecordMemory } from '../record/record.ts';

export interface OtherWriters {
  /** The hub's automatic configurations that write to module twins; none where the hub would not say. */
  readonly automatic: readonly AutomaticConfiguration[];
  /** Undefined where it was not read. */
  readonly identity: Pick<ModuleIdentity, 'managedBy'> | undefined;
  /** What our own last write left in the record, where this process made it not long ago. */
  readonly memory: RecordMemory | undefined;
}

export const NO_OTHER_WRITERS: OtherWriters = { automatic: [], identity: undefined, memory: undefined };

/** Why these changes are not ours to write. Without changes only the record would be written. */
export function findOtherWriter(
  { automatic, identity }: OtherWriters,
  live: Twin,
  changes: readonly SettingChange[],
): { readonly reason: 'ManagedByEdge' | 'AutomaticConfiguration'; readonly message: string } | undefined {
  if (identity !== undefined && isManagedByEdge(identity)) {
    const message =
      'IoT Edge manages this module, and its deployments overwrite what others write there. Put the settings into the ' +
      'deployment, or let no configuration select the device.';
    return { reason: 'ManagedByEdge', message };
  }
  for (const configuration of automatic) {
    if (!hasApplied(configuration, live)) continue;
    const names = overlapping(configuration, live.moduleId, changes);
    if (names.length === 0) continue;
    const message =
      `The automatic configuration "${configuration.id}" of the hub writes ${names.join(', ')} on this twin and would ` +
      'write it again every five minutes. Delete it, or let no configuration here set that.';
    return { reason: 'AutomaticConfiguration', message };
  }
  return undefined;
}

/** One that has applied to the twin and writes the setting. */
export function writerOf(
  automatic: readonly AutomaticConfiguration[],
  live: Twin,
  setting: Place,
): AutomaticConfiguration | undefined {
  return automatic.find((one) => hasApplied(one, live) && overlapping(one, live.moduleId, [setting]).length > 0);
}

/** The twin itself says so. */
function hasApplied({ id }: AutomaticConfiguration, { configurations }: Twin): boolean {
  const entry = isObject(configurations) ? getKey(configurations, id) : undefined;
  return isObject(entry) && entry['status'] === 'Applied';
}

/** Names of the settings that it writes too, in quotes. */
export function overlapping(
  { writes }: AutomaticConfiguration,
  moduleId: string | undefined,
  settings: readonly Place[],
): string[] {
  const places = new PathMap<true>();
  for (const write of writes) {
    if (write.moduleId === undefined || write.moduleId === moduleId) places.set(write.path, true);
  }
  if (places.isEmpty) return [];
  return settings.filter(({ path }) => places.overlaps(path)).map(({ name }) => `"${name}"`);
}
