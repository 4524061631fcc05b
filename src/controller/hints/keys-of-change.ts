// From a change event to the keys of the twins that are worth a direct read.
import type { Change } from '../../model/change.ts';
import { getKey, isObject, mergePatch, patchTouches, type JsonObject } from '../../model/json.ts';
import { isReservedName } from '../../model/reserved-device.ts';
import { isTagless, type DeviceFacts } from '../../model/twin.ts';
import type { Planner } from '../../plan/planner.ts';
import { RECORD_TAG, rawRecord, recordedEtag } from '../../plan/record/record.ts';
import type { HubContext } from '../context/hub-context.ts';
import type { Hints } from '../twins/hints.ts';
import { keyOf, refOf } from '../../model/twin-key.ts';

type Known = Pick<HubContext, 'rules' | 'devices' | 'twins'>;
type Hinted = Known & { readonly hints: Hints };

/**
 * None for twins that are not ours, and for our own writes: agents report often, others tag devices often, and a read
 * costs a message of the hub's daily quota.
 */
export function keysOfChange(context: Hinted, change: Change): readonly string[] {
  const { planner } = context.rules;
  const { deviceId, moduleId } = change;
  const device = context.devices.get(deviceId);
  if (device === undefined && isReservedName(deviceId)) return [];
  if (moduleId === undefined) {
    return concernsSelectors(planner, device, change) ? planner.moduleIds.map((id) => keyOf(deviceId, id)) : [];
  }
  const key = keyOf(deviceId, moduleId);
  return concernsModule(context, change, key) ? [key] : [];
}

/** True where the twin is declared or carries our record, as far as it is known. */
export function isOurs(context: Known, key: string): boolean {
  return isManaged(context, key) || context.twins.state(key) !== undefined;
}

function isManaged({ rules: { planner }, devices }: Known, key: string): boolean {
  const { deviceId, moduleId } = refOf(key);
  if (!devices.isListed) return planner.moduleIds.includes(moduleId);
  const device = devices.get(deviceId);
  return device !== undefined && planner.targetsFor(device).some((target) => target.moduleId === moduleId);
}

/** Tags that no selector names change no membership, except the last tag of a device: one without tags is treated apart. */
function concernsSelectors(
  { tagPaths }: Planner,
  device: DeviceFacts | undefined,
  { isLifecycle, isReplaced, tags }: Change,
): boolean {
  // What a replacement does not name is gone.
  if (isLifecycle || isReplaced) return true;
  if (tags === undefined) return false;
  if (tagPaths.some((path) => patchTouches(tags, path))) return true;
  const after = { tags: mergePatch(device?.tags, tags) as JsonObject };
  return isTagless(after) || (device !== undefined && isTagless(device));
}

/** Of its tags only our record means anything. */
function concernsModule(context: Hinted, change: Change, key: string): boolean {
  const { rules, devices, twins, hints } = context;
  const { instance } = rules.planner;
  const { deviceId, isLifecycle, isReplaced, tags, desiredVersion } = change;
  // A device that was hinted at and not read since may be managed by now.
  const isUnread = devices.get(deviceId) === undefined || hints.isStale(deviceId);
  const isHinted = isUnread && hints.has(key);
  if (isLifecycle || isReplaced) return isHinted || isOurs(context, key);
  const isRecord = tags !== undefined && patchTouches(tags, [RECORD_TAG, instance]);
  if (!isRecord && desiredVersion === undefined) return false;
  if (!isHinted && !(isRecord ? isOurs(context, key) : isManaged(context, key))) return false;
  return !isOwnWrite(change, instance, twins.writtenEtag(key));
}

/**
 * Our write of settings carries the record, which names the `$version` that it leaves behind; a write of the record alone
 * is known by the etag in it. A writer that puts back a whole twin sends an old record, and one that wipes it sends none.
 */
function isOwnWrite({ tags, desiredVersion }: Change, instance: string, sentEtag: string | undefined): boolean {
  if (desiredVersion === undefined) return sentEtag !== undefined && recordedEtag({ tags }, instance) === sentEtag;
  const record = rawRecord({ tags }, instance);
  return isObject(record) && getKey(record, 'desired') === desiredVersion;
}
