// From a change that the hub tells of to the keys that are worth a look.
import type { Change } from '../../model/change.ts';
import { getKey, isObject, mergePatch, patchTouches, type JsonObject } from '../../model/json.ts';
import { isReservedName } from '../../model/reserved-device.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import type { Planner } from '../../plan/planner.ts';
import { RECORD_TAG, rawRecord, recordedEtag } from '../../plan/record/record.ts';
import { isTagless } from '../../plan/select/selection.ts';
import type { Hints } from './hints.ts';
import { keyOf, refOf } from '../../model/twin-key.ts';
import type { HubScope } from '../reconcile/hub-context.ts';

type Scope = Pick<HubScope, 'open' | 'view'> & { readonly hints: Hints };

/**
 * None for what is none of our business, and for what we did ourselves: agents report often, others tag devices often, and
 * a read costs a message of the hub's day.
 */
export function hintedKeys(scope: Scope, change: Change): readonly string[] {
  const { open, view } = scope;
  const { deviceId, moduleId } = change;
  const device = view.device(deviceId);
  if (device === undefined && isReservedName(deviceId)) return [];
  if (moduleId === undefined) {
    return concernsSelectors(open, device, change) ? open.moduleIds.map((id) => keyOf(deviceId, id)) : [];
  }
  const key = keyOf(deviceId, moduleId);
  return concernsModule(scope, change, key) ? [key] : [];
}

/** The twin is declared or carries our record, as far as it is known. */
export function isOurs(scope: Pick<HubScope, 'open' | 'view'>, key: string): boolean {
  return isManaged(scope, key) || scope.view.state(key) !== undefined;
}

function isManaged({ open, view }: Pick<HubScope, 'open' | 'view'>, key: string): boolean {
  const { deviceId, moduleId } = refOf(key);
  if (!view.isListed) return open.moduleIds.includes(moduleId);
  const device = view.device(deviceId);
  return device !== undefined && open.targetsFor(device).some((target) => target.moduleId === moduleId);
}

/** Tags that no selector looks at say nothing, unless they are the only ones: a device without any is another matter. */
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
function concernsModule(scope: Scope, change: Change, key: string): boolean {
  const { open, view, hints } = scope;
  const { deviceId, isLifecycle, isReplaced, tags, desiredVersion } = change;
  // What is not read since it was hinted at may be managed by now.
  const isUnread = view.device(deviceId) === undefined || hints.isStale(deviceId);
  const isHinted = isUnread && hints.has(key);
  if (isLifecycle || isReplaced) return isHinted || isOurs(scope, key);
  const isRecord = tags !== undefined && patchTouches(tags, [RECORD_TAG, open.instance]);
  if (!isRecord && desiredVersion === undefined) return false;
  if (!isHinted && !(isRecord ? isOurs(scope, key) : isManaged(scope, key))) return false;
  return !isOwnWrite(change, open.instance, view.ownWrites.etag(key));
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
