// A plan as data for machines: one entry for each twin, the differences as JSON Patch (RFC 6902), nothing sensitive.
import jsonPatch from 'fast-json-patch';
import { isObject, mergePatch, parsePointer, type Json, type JsonObject } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import type { Twin } from '../../model/twin.ts';
import {
  changesOf,
  type ActionReason,
  type ActionType,
  type ChangeCause,
  type SettingChange,
  type TwinAction,
} from '../../model/action.ts';
import { createRedaction, REDACTED, type Redact } from './redaction.ts';

/** An RFC 6902 operation. `path` is a JSON pointer into the twin. */
interface ChangeOperation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: string;
  readonly value?: Json;
}

/** Why one setting changes. An absent `before` or `after` means that there is no such key. */
interface SettingDocument {
  readonly name: string;
  readonly owner: string;
  readonly cause: ChangeCause;
  readonly before?: Json;
  readonly after?: Json;
}

export interface ActionDocument {
  /** The Hub's name in the manifests. */
  readonly hub: string;
  readonly deviceId: string;
  readonly moduleId: string;
  readonly action: ActionType;
  readonly reason: ActionReason;
  readonly owners: readonly string[];
  /** The etag it is based on; null where there is no twin. */
  readonly etag: string | null;
  /** From the twin as read to the twin as it will be, record included. */
  readonly changes: readonly ChangeOperation[];
  /** The merge patch to be sent; null where no twin is written. */
  readonly patch: Json;
  readonly settings: readonly SettingDocument[];
  /** Differences that are left alone. */
  readonly observed: readonly SettingDocument[];
  readonly message?: string;
}

interface DocumentContext {
  readonly hub: string;
  readonly profiles: ReadonlyMap<string, Profile>;
}

/** `live` is the twin that the action was decided on. */
export function actionDocument(
  { hub, profiles }: DocumentContext,
  action: TwinAction,
  live: Twin | undefined,
): ActionDocument {
  const { deviceId, moduleId, type, reason, owners, message } = action;
  const common = { hub, deviceId, moduleId, action: type, reason, owners, etag: live?.etag ?? null };
  const redact = createRedaction(profiles.values(), moduleId);
  const patch = type === 'Patch' || type === 'Record' ? { ...action.patch } : undefined;
  return {
    ...common,
    changes: patch === undefined || live === undefined ? [] : changeOperations(live, patch, redact),
    patch: patch === undefined ? null : redactPatch(patch, redact),
    settings: changesOf(action).map((change) => settingDocument(change, redact)),
    observed: action.observed.map((change) => settingDocument(change, redact)),
    ...(message === undefined ? {} : { message }),
  };
}

function settingDocument(change: SettingChange, redact: Redact): SettingDocument {
  const { name, path, owner, cause, before, after, sensitive } = change;
  const shown = (value: Json): Json => (sensitive ? REDACTED : redact(path, value));
  return {
    name,
    owner,
    cause,
    ...(before === undefined ? {} : { before: shown(before) }),
    ...(after === undefined ? {} : { after: shown(after) }),
  };
}

function changeOperations(live: Twin, patch: JsonObject, redact: Redact): ChangeOperation[] {
  const before: JsonObject = {
    ...(live.tags === undefined ? {} : { tags: live.tags }),
    properties: { desired: live.properties.desired },
  };
  const after = mergePatch(before, patch);
  const operations = jsonPatch.compare(before, after as object) as ChangeOperation[];
  return operations.map((operation) => redactOperation(operation, redact));
}

function redactOperation(operation: ChangeOperation, redact: Redact): ChangeOperation {
  const path = parsePointer(operation.path) ?? [];
  const isDesired = path[0] === 'properties' && path[1] === 'desired';
  if (operation.value === undefined || !isDesired) return operation;
  return { ...operation, value: redact(path.slice(2), operation.value) };
}

function redactPatch(patch: JsonObject, redact: Redact): Json {
  const { properties } = patch;
  if (!isObject(properties) || properties['desired'] === undefined) return patch;
  return { ...patch, properties: { ...properties, desired: redact([], properties['desired']) } };
}
