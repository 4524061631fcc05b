// What a hub tells of one change at its event endpoint, as far as it is looked at: whose it is, and what it touches.
import { getKey, getPath, isObject, type JsonObject } from './json.ts';

export interface Change {
  /** As its event names the hub: `acme-prod`; undefined where it does not. */
  readonly hubName: string | undefined;
  readonly deviceId: string;
  /** Undefined for the device's own. */
  readonly moduleId: string | undefined;
  /** The device or the module came or went; else its twin was changed. */
  readonly isLifecycle: boolean;
  /** The twin was put in the place of another: what its event does not name is gone. */
  readonly isReplaced: boolean;
  /** As the patch had them, or all of them where the twin was replaced; undefined where none was named. */
  readonly tags: JsonObject | undefined;
  /** `$version` of the desired properties after the change; undefined where none was named. */
  readonly desiredVersion: number | undefined;
}

/** Sources of events, as IoT Hub names them. Connections and telemetry come the same way and say nothing about a twin. */
export const TWIN_CHANGES = 'twinChangeEvents';
export const LIFECYCLE = 'deviceLifecycleEvents';

const PATCHED = 'updateTwin';

/** Application properties of an event, as IoT Hub names them. */
export interface EventProperties {
  readonly hubName?: unknown;
  readonly deviceId?: unknown;
  readonly moduleId?: unknown;
  readonly opType?: unknown;
}

/** Undefined for what is no change of an identity or a twin. `body` may be anything. */
export function asChange(
  source: unknown,
  { hubName, deviceId, moduleId, opType }: EventProperties,
  body: unknown,
): Change | undefined {
  if (source !== TWIN_CHANGES && source !== LIFECYCLE) return undefined;
  if (!isId(deviceId) || (moduleId !== undefined && !isId(moduleId))) return undefined;
  const isLifecycle = source === LIFECYCLE;
  const about = {
    hubName: typeof hubName === 'string' ? hubName : undefined,
    deviceId,
    moduleId,
    isLifecycle,
    isReplaced: !isLifecycle && opType !== PATCHED,
  };
  if (isLifecycle || !isObject(body)) return { ...about, tags: undefined, desiredVersion: undefined };
  const tags = getKey(body, 'tags');
  const version = getPath(body, ['properties', 'desired', '$version']);
  return {
    ...about,
    tags: isObject(tags) ? tags : undefined,
    desiredVersion: typeof version === 'number' ? version : undefined,
  };
}

/** Ids on a hub never hold a "/", which keys are parted by. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('/');
}
