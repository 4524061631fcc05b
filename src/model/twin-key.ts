// Keys of the work queue: one text for one module twin. Ids on a hub never hold a "/".
import type { ModuleRef } from './twin.ts';

/** One flat text: keys are kept by the hundred thousand, and a concatenation would keep its parts as well. */
export function keyOf(deviceId: string, moduleId: string): string {
  return [deviceId, moduleId].join('/');
}

export function refOf(key: string): ModuleRef {
  const slash = key.indexOf('/');
  return { deviceId: key.slice(0, slash), moduleId: key.slice(slash + 1) };
}
