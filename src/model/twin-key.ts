// Keys of the work queue: one text for one module twin. Ids on a hub never contain "/".
import type { ModuleRef } from './twin.ts';

/**
 * One flat string: there are hundreds of thousands of keys, and a concatenation would also keep its parts in memory.
 */
export function keyOf(deviceId: string, moduleId: string): string {
  return [deviceId, moduleId].join('/');
}

export function refOf(key: string): ModuleRef {
  const slash = key.indexOf('/');
  return { deviceId: key.slice(0, slash), moduleId: key.slice(slash + 1) };
}
