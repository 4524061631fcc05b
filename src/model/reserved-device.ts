// The device identity that an installation reserves for its own state: no agent, no configuration.
import { isObject } from './json.ts';
import type { DeviceFacts } from './twin.ts';

const PREFIX = 'twinward-';

/** The tag of its twin that holds all state. */
export const RESERVED_TAG = 'twinward';

export function reservedDeviceId(instance: string): string {
  return `${PREFIX}${instance}`;
}

/** A user's device may have such a name too. */
export function isReservedName(deviceId: string): boolean {
  return deviceId.startsWith(PREFIX);
}

/** True for the reserved device of any installation on the hub; an enabled device with such a name is a user's. */
export function isReserved({ deviceId, status, tags }: Pick<DeviceFacts, 'deviceId' | 'status' | 'tags'>): boolean {
  return isReservedName(deviceId) && (status === 'disabled' || isObject(tags[RESERVED_TAG]));
}
