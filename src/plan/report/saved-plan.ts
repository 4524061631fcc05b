// A plan as a file: what was decided, by reference and digest, so that later exactly this is written or nothing. No values.
import { digestJson } from '../../model/digest.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { etagCounter, type ModuleRef, type Twin } from '../../model/twin.ts';
import {
  REASONS,
  changesOf,
  heldInstead,
  writes,
  type ActionType,
  type SettingChange,
  type TwinAction,
  type WriteAction,
} from '../../model/action.ts';
import { wrapPlanner, type Planner } from '../planner.ts';
import { RECORD_TAG } from '../record/record.ts';

export interface SavedPlan {
  readonly revision: string;
  readonly partial: boolean;
  readonly instance: string;
  readonly hubs: readonly SavedHub[];
}

export interface SavedHub {
  /** The Hub's name in the manifests, and the host it meant. */
  readonly name: string;
  readonly hostName: string;
  /** Only those that are written. */
  readonly twins: readonly SavedTwin[];
}

export interface SavedTwin extends ModuleRef {
  readonly action: ActionType;
  /** What it was decided on; null where there was no twin. */
  readonly etag: string | null;
  /** Of what was decided, by `actionDigest`. */
  readonly digest: string;
  /** After it nothing is declared for the twin and nothing on it is ours. */
  readonly isLast?: true;
}

/** Undefined for what writes nothing. */
export function savedTwin(action: TwinAction): SavedTwin | undefined {
  if (!writes(action)) return undefined;
  const { deviceId, moduleId, type } = action;
  const etag = type === 'Create' ? null : action.etag;
  const saved = { deviceId, moduleId, action: type, etag, digest: actionDigest(action) };
  return removesRecord(action) ? { ...saved, isLast: true } : saved;
}

function removesRecord(action: WriteAction): boolean {
  const records = action.type === 'Create' ? undefined : action.patch.tags[RECORD_TAG];
  return records === null || (isObject(records) && Object.values(records).includes(null));
}

/**
 * The same for the same decision. Sensitive values are no part of it, as short ones could be guessed from it: that they
 * are the same follows from the etag and the revision.
 */
export function actionDigest(action: TwinAction): string {
  const { type, reason, owners } = action;
  return digestJson([type, reason, [...owners], changesOf(action).map(changeFields)]);
}

function changeFields({ path, before, after, owner, cause, sensitive }: SettingChange): JsonObject {
  const values: JsonObject = {};
  if (before !== undefined) values['before'] = sensitive ? null : before;
  if (after !== undefined) values['after'] = sensitive ? null : after;
  return { path: [...path], owner, cause, sensitive, ...values };
}

/** Whether the twin is as planned, whoever wrote it. The manifests are those of the plan. */
export function isDone(saved: SavedTwin, action: TwinAction | undefined): boolean {
  return action === undefined ? saved.isLast === true : action.type === 'Equal';
}

/** Why a twin is not as it was when it was planned, in words; undefined where it is. `action` is what is decided now, on the twin with this etag. */
export function staleness(saved: SavedTwin, action?: TwinAction, etag?: string): string | undefined {
  if (action === undefined) return 'it is gone, or nothing is declared for it any more';
  if ((etag ?? null) !== saved.etag) return 'it was written to since';
  if (actionDigest(action) !== saved.digest) return 'something else would be done now';
  return undefined;
}

const PLAN_STALE_MESSAGE = 'It is not as it was when the plan was made. Make a new one with twinward plan --out FILE.';

/** The etag counter of a twin that was never written to. */
const NEW_TWIN_COUNTER = 1n;

/** The planner that writes what was planned and holds everything else: `planned` by `KEY`, as `keyOf` gives it. */
export function asPlanned(
  planner: Planner,
  planned: ReadonlyMap<string, SavedTwin>,
  keyOf: (deviceId: string, moduleId: string) => string,
): Planner {
  return wrapPlanner(planner, (plan) => (...twin) => {
    const action = plan(...twin);
    if (!writes(action)) return action;
    const saved = planned.get(keyOf(action.deviceId, action.moduleId));
    const [, , live] = twin;
    const isPlanned =
      saved !== undefined &&
      (staleness(saved, action, live?.etag) === undefined || followsCreation(saved, action, live));
    return isPlanned ? action : heldInstead(action, { reason: 'PlanStale' }, PLAN_STALE_MESSAGE);
  });
}

/** A module that was planned to be created is configured at once, as long as no other writer was there first. */
function followsCreation({ action }: SavedTwin, { reason }: TwinAction, live: Twin | undefined): boolean {
  return (
    action === 'Create' &&
    reason === 'FirstConfiguration' &&
    live !== undefined &&
    etagCounter(live.etag) === NEW_TWIN_COUNTER
  );
}

/** Undefined where the value is no plan that this version could have saved. */
export function readSavedPlan(value: unknown): SavedPlan | undefined {
  if (!isObject(value)) return undefined;
  const { revision, partial, instance, hubs } = value;
  if (typeof revision !== 'string' || typeof partial !== 'boolean' || typeof instance !== 'string') return undefined;
  const read = Array.isArray(hubs) ? hubs.map(readHub) : [undefined];
  return read.every((hub) => hub !== undefined) ? { revision, partial, instance, hubs: read } : undefined;
}

function readHub(value: Json): SavedHub | undefined {
  if (!isObject(value)) return undefined;
  const { name, hostName, twins } = value;
  if (typeof name !== 'string' || typeof hostName !== 'string' || !Array.isArray(twins)) return undefined;
  const read = twins.map(readTwin);
  return read.every((twin) => twin !== undefined) ? { name, hostName, twins: read } : undefined;
}

function readTwin(value: Json): SavedTwin | undefined {
  if (!isObject(value)) return undefined;
  const { deviceId, moduleId, action, etag, digest, isLast } = value;
  const isTwin =
    typeof deviceId === 'string' &&
    typeof moduleId === 'string' &&
    typeof action === 'string' &&
    Object.hasOwn(REASONS, action) &&
    (etag === null || typeof etag === 'string') &&
    typeof digest === 'string';
  if (!isTwin) return undefined;
  const saved = { deviceId, moduleId, action: action as ActionType, etag, digest };
  return isLast === true ? { ...saved, isLast } : saved;
}
