// Who last wrote one setting, by the hub's dates and our record.
import { getKey, getPath, isObject } from '../../model/json.ts';
import type { Twin } from '../../model/twin.ts';
import { rawRecord, readRecord } from './record.ts';

export interface LastWrite {
  /** As the hub dates it. */
  readonly at: string;
  /** Undefined where it was before our own last write: no record says whose it was. */
  readonly by: 'Twinward' | 'Other' | undefined;
  /** Short, of the manifests; only where the write was ours. */
  readonly revision?: string;
}

/** Undefined where the hub gives no date for the path. */
export function lastWriteOf(twin: Twin, path: readonly string[], instance: string): LastWrite | undefined {
  const stamp = getPath(getKey(twin.properties.desired, '$metadata'), path);
  const at = isObject(stamp) ? getKey(stamp, '$lastUpdated') : undefined;
  const version = isObject(stamp) ? getKey(stamp, '$lastUpdatedVersion') : undefined;
  if (typeof at !== 'string') return undefined;
  const record = readRecord(twin, instance);
  if (record.kind !== 'valid' || typeof version !== 'number') return { at, by: undefined };
  const ours = record.memory.desiredVersion ?? 0;
  if (version > ours) return { at, by: 'Other' };
  if (version < ours) return { at, by: undefined };
  const raw = rawRecord(twin, instance);
  const revision = isObject(raw) ? getKey(raw, 'rev') : undefined;
  return { at, by: 'Twinward', ...(typeof revision === 'string' ? { revision } : {}) };
}
