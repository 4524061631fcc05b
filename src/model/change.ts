// One change event of a hub, reduced to the facts that Twinward uses.
import { getKey, getPath, isObject, type JsonObject } from './json.ts';

export interface Change {
  /** Name of the hub, as in the event: `acme-prod`; undefined if it has none. */
  readonly hubName: string | undefined;
  readonly deviceId: string;
  /** Undefined for a change of the device itself. */
  readonly moduleId: string | undefined;
  /** The device or module was created or deleted; otherwise its twin changed. */
  readonly isLifecycle: boolean;
  /** The twin was replaced: everything that the event does not name was removed. */
  readonly isReplaced: boolean;
  /** The patched tags, or all tags of a replaced twin; undefined if the event has none. */
  readonly tags: JsonObject | undefined;
  /** Desired `$version` after the change; undefined if the event has none. */
  readonly desiredVersion: number | undefined;
}

/**
 * Sources of events, as IoT Hub names them. The endpoint also delivers connection events and telemetry, which say
 * nothing about twins.
 */
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

/** Undefined if the event is not a change of an identity or a twin. `body` may be anything. */
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

/** Ids on a hub never contain "/", the separator in keys. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('/');
}
