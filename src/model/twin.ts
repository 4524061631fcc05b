// Twins as IoT Hub sends them, and the shared facts about their wire form.
import { isObject, setKey, type Json, type JsonObject } from './json.ts';

/** Names one module twin on one hub. */
export interface ModuleRef {
  readonly deviceId: string;
  readonly moduleId: string;
}

/** User keys, then `$metadata` and `$version` as the hub adds them. */
export type TwinSection = JsonObject;

/** A device or module twin in its wire form, without the keys that we never read. */
export interface Twin {
  readonly deviceId: string;
  /** Only on module twins. */
  readonly moduleId?: string;
  /** Base64 of an 8-byte big-endian counter; moves on writes to tags or desired, never on reports. */
  readonly etag: string;
  readonly status?: string;
  readonly connectionState?: string;
  readonly capabilities?: { readonly iotEdge?: boolean };
  /** Automatic configurations that target it, by id, each `{status}`: `Applied` once it wrote. */
  readonly configurations?: JsonObject;
  /** Absent when empty. */
  readonly tags?: JsonObject;
  readonly properties: { readonly desired: TwinSection; readonly reported: TwinSection };
}

/** The facts that selectors test. */
export interface DeviceFacts {
  readonly deviceId: string;
  /** `enabled` or `disabled`. */
  readonly status: string;
  readonly iotEdge: boolean;
  readonly tags: JsonObject;
}

/** A merge patch (RFC 7386) on a module twin, as sent. */
export interface TwinPatch {
  readonly tags?: JsonObject;
  readonly properties?: { readonly desired: JsonObject };
}

/** Undefined if the value lacks a required field. */
export function asTwin(value: unknown): Twin | undefined {
  if (!isObject(value) || typeof value['deviceId'] !== 'string' || typeof value['etag'] !== 'string') return undefined;
  const { moduleId, tags, properties } = value;
  if (moduleId !== undefined && typeof moduleId !== 'string') return undefined;
  if (tags !== undefined && !isObject(tags)) return undefined;
  if (!isObject(properties) || !isObject(properties['desired']) || !isObject(properties['reported'])) return undefined;
  return value as unknown as Twin;
}

export function deviceFacts(twin: Pick<Twin, 'deviceId' | 'status' | 'capabilities' | 'tags'>): DeviceFacts {
  return {
    deviceId: twin.deviceId,
    status: twin.status ?? 'enabled',
    iotEdge: twin.capabilities?.iotEdge === true,
    tags: twin.tags ?? {},
  };
}

export function isTagless(device: Pick<DeviceFacts, 'tags'>): boolean {
  for (const key in device.tags) if (Object.hasOwn(device.tags, key)) return false;
  return true;
}

/** `properties.desired` without what the hub adds to it. */
export function userDesired(desired: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(desired)) {
    if (key !== '$metadata' && key !== '$version') setKey(copy, key, desired[key] as Json);
  }
  return copy;
}

/** `$version` of the desired properties after a write to them: every write moves it by one. */
export function nextVersion({ properties }: Pick<Twin, 'properties'>): number | undefined {
  const version = properties.desired['$version'];
  return typeof version === 'number' ? version + 1 : undefined;
}

const ETAG_BYTES = 8;

/** The counter in a twin etag, or undefined if the text has another form. */
export function etagCounter(etag: string): bigint | undefined {
  const bytes = Buffer.from(etag, 'base64');
  if (bytes.length !== ETAG_BYTES || bytes.toString('base64') !== etag) return undefined;
  return bytes.readBigUInt64BE();
}

/** The etag of a counter: 3n is "AAAAAAAAAAM=". */
export function etagOfCounter(counter: bigint): string {
  const bytes = Buffer.alloc(ETAG_BYTES);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, counter));
  return bytes.toString('base64');
}

/** The agent's answer to the written settings. `Applied` means that it acknowledged them. */
export type AcknowledgementState =
  | 'Written' // stored in the hub; the agent has not answered yet, or never does
  | 'Applied'
  | 'Rejected'
  | 'NotAcknowledged' // connected, and silent for longer than the profile allows
  | 'Unsupported' // the agent does not know some of the keys
  | 'Unreachable'; // not connected since the write

export interface Acknowledgement {
  readonly state: AcknowledgementState;
  /** Names of atoms that the agent refused or does not know; empty otherwise. */
  readonly keys: readonly string[];
  /** The agent's own words, if any. */
  readonly detail: string | undefined;
  /** Settings of other writers that the agent refuses; if there are any, they are the cause, not ours. */
  readonly foreign: readonly string[];
}
