// Keys of the work queue: one text for one module twin. Ids on a hub never hold a "/".
import type { ModuleRef } from '../model/twin.ts';

export function keyOf(deviceId: string, moduleId: string): string {
  return `${deviceId}/${moduleId}`;
}

export function refOf(key: string): ModuleRef {
  const slash = key.indexOf('/');
  return { deviceId: key.slice(0, slash), moduleId: key.slice(slash + 1) };
}
