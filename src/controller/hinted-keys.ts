// From a change that the hub tells of to the keys that are worth a look.
import type { Change } from '../model/change.ts';
import { getKey, isObject } from '../model/json.ts';
import { isReservedName } from '../model/reserved-device.ts';
import { rawRecord, recordedEtag } from '../plan/record.ts';
import { keyOf } from './key.ts';
import type { HubScope } from './scope.ts';

/** None for what is none of our business, and for what we did ourselves. What is known of the device is forgotten where it changed. */
export function hintedKeys(
  { open, view, hints }: Pick<HubScope, 'open' | 'view' | 'hints'>,
  change: Change,
): readonly string[] {
  const { deviceId, moduleId, isLifecycle, tags, desiredVersion } = change;
  // Agents report often, and a read costs a message of the hub's day.
  if (!isLifecycle && tags === undefined && desiredVersion === undefined) return [];
  const device = view.device(deviceId);
  if (device === undefined && isReservedName(deviceId)) return [];
  if (moduleId === undefined) {
    if (!isLifecycle && tags === undefined) return [];
    view.forgetDevice(deviceId);
    return open.moduleIds.map((id) => keyOf(deviceId, id));
  }
  const key = keyOf(deviceId, moduleId);
  // A device that was just hinted at is not read yet.
  const isManaged =
    device === undefined
      ? hints?.has(key) === true
      : open.targetsFor(device).some((target) => target.moduleId === moduleId);
  const isKnown = isManaged || view.state(key) !== undefined;
  if (!isKnown) return [];
  const isOwn = !isLifecycle && isOwnWrite(change, open.instance, view.ownWrites.etag(key));
  return isOwn ? [] : [key];
}

/**
 * A write of ours that changes settings holds the record, which says what `$version` it leaves behind; one of the record
 * alone is told by the etag in it. Whoever writes back a whole twin sends an old record along, and who wipes it sends none.
 */
function isOwnWrite({ tags, desiredVersion }: Change, instance: string, sentEtag: string | undefined): boolean {
  if (desiredVersion === undefined) return sentEtag !== undefined && recordedEtag({ tags }, instance) === sentEtag;
  const record = rawRecord({ tags }, instance);
  return isObject(record) && getKey(record, 'desired') === desiredVersion;
}
