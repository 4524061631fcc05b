// The hub's change events: the messages behind the routes TwinChangeEvents, DeviceLifecycleEvents and
// DeviceConnectionStateEvents, before any protocol.
import { getKey, isObject, setKey, type Json, type JsonObject } from '../../model/json.ts';
import { twinEtag } from './etag.ts';
import type { HubRecord } from './record.ts';
import { isoTime } from './times.ts';
import { wireSection, type Section } from './twins/twin-document.ts';
import { twinVersion } from './twins/twin-fields.ts';

export type ChangeSource = 'twinChangeEvents' | 'deviceLifecycleEvents' | 'deviceConnectionStateEvents';

export type ChangeOperation =
  | 'updateTwin'
  | 'replaceTwin'
  | 'createDeviceIdentity'
  | 'deleteDeviceIdentity'
  | 'deviceConnected'
  | 'deviceDisconnected';

export interface ChangeEvent {
  readonly source: ChangeSource;
  readonly operation: ChangeOperation;
  readonly deviceId: string;
  /** Only for modules; life-cycle operations of modules have the names of devices' (facts of 2024 and later). */
  readonly moduleId: string | undefined;
  readonly atMs: number;
  /** Shares its parts with the hub's memory: do not change it. */
  readonly body: JsonObject;
}

export type ChangeListener = (event: ChangeEvent) => void;

/** The keys in a patch, as sent. */
export interface PatchedSections {
  readonly tags?: JsonObject | undefined;
  readonly desired?: JsonObject | undefined;
  readonly reported?: JsonObject | undefined;
}

/** Notifies one listener after a change is committed; free without a listener. */
export class ChangeEvents {
  #listener: ChangeListener | undefined;

  /** Replaces the listener; undefined removes it. */
  listen(listener: ChangeListener | undefined): void {
    this.#listener = listener;
  }

  /** The event has only what the patch named, unchanged values included. */
  twinUpdated(record: HubRecord, { tags, desired, reported }: PatchedSections, atMs: number): void {
    if (this.#listener === undefined) return;
    const properties: JsonObject = {};
    if (desired !== undefined) properties['desired'] = patchedSection(record.desired, desired);
    if (reported !== undefined) properties['reported'] = patchedSection(record.reported, reported);
    const body = {
      version: twinVersion(record),
      ...(tags === undefined ? {} : { tags }),
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
    };
    this.#tell('twinChangeEvents', 'updateTwin', record, atMs, body);
  }

  twinReplaced(record: HubRecord, atMs: number): void {
    if (this.#listener === undefined) return;
    const { deviceId, moduleId, tags, desired, reported } = record;
    this.#tell('twinChangeEvents', 'replaceTwin', record, atMs, {
      deviceId,
      ...(moduleId === undefined ? {} : { moduleId }),
      etag: twinEtag(record.twinEtag),
      version: twinVersion(record),
      tags,
      properties: { desired: wireSection(desired), reported: wireSection(reported) },
    });
  }

  identityCreated(record: HubRecord, atMs: number): void {
    if (this.#listener !== undefined) {
      this.#tell('deviceLifecycleEvents', 'createDeviceIdentity', record, atMs, freshTwin(record));
    }
  }

  identityDeleted(record: HubRecord, atMs: number): void {
    if (this.#listener !== undefined) {
      this.#tell('deviceLifecycleEvents', 'deleteDeviceIdentity', record, atMs, freshTwin(record));
    }
  }

  /** The number only needs to grow with time; its real form is not established. */
  connectionChanged(record: HubRecord, atMs: number): void {
    if (this.#listener === undefined) return;
    const operation = record.connected ? 'deviceConnected' : 'deviceDisconnected';
    const sequenceNumber = atMs.toString(16).toUpperCase().padStart(SEQUENCE_DIGITS, '0');
    this.#tell('deviceConnectionStateEvents', operation, record, atMs, { sequenceNumber });
  }

  #tell(source: ChangeSource, operation: ChangeOperation, record: HubRecord, atMs: number, body: JsonObject): void {
    const { deviceId, moduleId } = record;
    this.#listener?.({ source, operation, deviceId, moduleId, atMs, body });
  }
}

const SEQUENCE_DIGITS = 48;

function patchedSection(section: Section, patch: JsonObject): JsonObject {
  return { ...patch, $metadata: metadataOf(section.metadata, patch), $version: section.version };
}

/** The metadata of the patched keys, with the stamps above them; removed keys have none. */
function metadataOf(metadata: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const stamp of ['$lastUpdated', '$lastUpdatedVersion']) {
    const value = getKey(metadata, stamp);
    if (value !== undefined) result[stamp] = value;
  }
  for (const key of Object.keys(patch)) {
    const below = getKey(metadata, key);
    const value = patch[key] as Json;
    if (isObject(below)) setKey(result, key, isObject(value) ? metadataOf(below, value) : below);
  }
  return result;
}

/** The twin in life-cycle events: as newly created, whatever it holds now. */
function freshTwin({ deviceId, moduleId }: HubRecord): JsonObject {
  const section = (): JsonObject => ({ $metadata: { $lastUpdated: isoTime(null) }, $version: 1 });
  return {
    deviceId,
    ...(moduleId === undefined ? {} : { moduleId }),
    etag: twinEtag(1),
    version: 2,
    properties: { desired: section(), reported: section() },
  };
}
