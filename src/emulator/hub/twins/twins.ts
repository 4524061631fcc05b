// Service operations on twins: read, patch, replace.
import { isObject, mergePatch, cloneJson, type Json, type JsonObject } from '../../../model/json.ts';
import type { HubContext } from '../context.ts';
import { checkTwinEtag } from '../etag.ts';
import type { HubRecord, IdentityRef } from '../record.ts';
import { hazardousSection } from './null-hazard.ts';
import { badRequest, deviceNotFound, invalidArgument } from '../service-error.ts';
import { isoTime } from '../times.ts';
import {
  patchSection,
  replacementPatch,
  replaceSection,
  type Section,
  type Signature,
  signSection,
} from './twin-document.ts';
import { checkSize, checkValues } from './twin-limits.ts';

/** The two sections that a client can write. Undefined if it sent none, or null. */
interface TwinWrite {
  readonly tags: JsonObject | undefined;
  readonly desired: JsonObject | undefined;
}

/** A missing module is reported as its device. */
export function requireTwin({ state }: HubContext, ref: IdentityRef): HubRecord {
  const record = state.find(ref);
  if (record === undefined) throw deviceNotFound(ref.deviceId);
  return record;
}

/**
 * Merges tags and desired properties in one step and delivers the desired patch, as sent, to a connected device. A body
 * with neither changes nothing, not even the etag (not established).
 */
export function patchTwin(hub: HubContext, ref: IdentityRef, body: unknown, ifMatch?: string): HubRecord {
  const record = requireTwin(hub, ref);
  checkTwinEtag(record.twinEtag, ifMatch);
  const { tags, desired } = parseTwinWrite(body);
  if (tags === undefined && desired === undefined) return record;
  if (tags !== undefined) checkValues(tags, 'patch');
  if (desired !== undefined) checkValues(desired, 'patch');
  const now = hub.clock.now();
  const at = isoTime(now);
  const next = {
    ...record,
    twinEtag: record.twinEtag + 1,
    tags: tags === undefined ? record.tags : (mergePatch(record.tags, tags) as JsonObject),
    desired: desired === undefined ? record.desired : patchDesired(hub, record.desired, desired, at),
  };
  return commitWrite(hub, { before: record, next, delivered: desired }, () =>
    hub.events.twinUpdated(next, { tags, desired }, now),
  );
}

/**
 * Replaces tags and desired properties; unsent sections become empty. That `$version` increments, and a device is
 * notified, even if desired properties were neither present nor sent is not established.
 */
export function replaceTwin(hub: HubContext, ref: IdentityRef, body: unknown, ifMatch?: string): HubRecord {
  const record = requireTwin(hub, ref);
  checkTwinEtag(record.twinEtag, ifMatch);
  const { tags = {}, desired = {} } = parseTwinWrite(body);
  checkValues(tags, 'replacement');
  checkValues(desired, 'replacement');
  const now = hub.clock.now();
  const next = {
    ...record,
    twinEtag: record.twinEtag + 1,
    tags: cloneJson(tags),
    desired: replaceSection(record.desired, desired, isoTime(now)),
  };
  const delivered = replacementPatch(record.desired.properties, desired);
  return commitWrite(hub, { before: record, next, delivered }, () => hub.events.twinReplaced(next, now));
}

/** A write of automatic configurations, with signatures; an empty patch changes no counter. */
export interface SignedWrite {
  readonly patch: JsonObject;
  readonly signatures: readonly Signature[];
  /** The new state of the twin's configurations; undefined if none targets it. */
  readonly configurations: HubRecord['configurations'];
}

/** Delivered like any desired patch. */
export function writeSignedDesired(hub: HubContext, record: HubRecord, write: SignedWrite): void {
  const { configurations: _before, ...rest } = record;
  const next = write.configurations === undefined ? rest : { ...rest, configurations: write.configurations };
  if (Object.keys(write.patch).length === 0) {
    hub.state.commit({ put: [next], removed: [] });
    return;
  }
  const now = hub.clock.now();
  const patched = patchSection(record.desired, write.patch, isoTime(now), 'desired');
  const written = { ...next, twinEtag: record.twinEtag + 1, desired: signSection(patched, write.signatures) };
  commitWrite(hub, { before: record, next: written, delivered: write.patch }, () =>
    hub.events.twinUpdated(written, { desired: write.patch }, now),
  );
}

function patchDesired({ switches }: HubContext, section: Section, patch: JsonObject, at: string): Section {
  const spoilt = switches.nullHazard ? hazardousSection(section, patch) : undefined;
  return spoilt ?? patchSection(section, patch, at, 'desired');
}

interface Write {
  readonly before: HubRecord;
  readonly next: HubRecord;
  /** The patch for a connected device. */
  readonly delivered: JsonObject | undefined;
}

/** Notifies the change listener before the device, whose reaction is a separate change. */
function commitWrite(hub: HubContext, { before, next, delivered }: Write, tell: () => void): HubRecord {
  const { tagsBytesMax, desiredBytesMax } = hub.limits;
  if (next.tags !== before.tags) checkSize('Tags', next.tags, tagsBytesMax);
  if (next.desired !== before.desired) checkSize('Properties.Desired', next.desired.properties, desiredBytesMax);
  hub.state.commit({ put: [next], removed: [] });
  tell();
  if (delivered !== undefined) hub.connections.deliver(next, delivered, next.desired.version);
  return next;
}

/** All other root fields are read-only and ignored, so that a client can send a whole twin back. */
function parseTwinWrite(body: unknown): TwinWrite {
  if (!isObject(body)) throw badRequest('the body is not a JSON object');
  const properties = parseSection(body['properties']);
  const desired = parseSection(properties?.['desired']);
  return { tags: parseSection(body['tags']), desired: desired === undefined ? undefined : withoutHubKeys(desired) };
}

function parseSection(value: Json | undefined): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return value;
  throw invalidArgument("Provided json is not a valid 'tags' or 'properties' object.");
}

function withoutHubKeys(desired: JsonObject): JsonObject {
  if (!Object.hasOwn(desired, '$metadata') && !Object.hasOwn(desired, '$version')) return desired;
  const { $metadata: _metadata, $version: _version, ...properties } = desired;
  return properties;
}
