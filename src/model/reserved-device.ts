// The one device identity that an installation keeps for itself: no agent, no configuration, only what it must remember.
import { isObject } from './json.ts';
import type { DeviceFacts } from './twin.ts';

const PREFIX = 'twinward-';

/** The tag of its twin under which everything is. */
export const RESERVED_TAG = 'twinward';

export function reservedDeviceId(instance: string): string {
  return `${PREFIX}${instance}`;
}

/** A device of somebody's may have such a name too. */
export function isReservedName(deviceId: string): boolean {
  return deviceId.startsWith(PREFIX);
}

/** True for the reserved device of any installation on the hub; a device of somebody's that only has such a name runs. */
export function isReserved({ deviceId, status, tags }: Pick<DeviceFacts, 'deviceId' | 'status' | 'tags'>): boolean {
  return isReservedName(deviceId) && (status === 'disabled' || isObject(tags[RESERVED_TAG]));
}
