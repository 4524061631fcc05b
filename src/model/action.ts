// The action for one module twin: a small closed set, each with a reason. Data, printable and comparable.
import type { Json, JsonObject } from './json.ts';
import type { Owner } from './owner.ts';
import type { ModuleRef } from './twin.ts';

/** Every action and its possible reasons; tests check docs/reasons.md against this table. */
export const REASONS = {
  /** Live means what is declared, and the record agrees. */
  Equal: ['InSync'],
  /** Desired properties are written, and the record with them. */
  Patch: [
    'FirstConfiguration',
    'ConfigurationChanged',
    'Drift',
    'SettingRemoved',
    'OwnerRemoved',
    'LeftGroup',
    'ExceptionEnded',
    'Nudge',
  ],
  /** Only the record is written; no desired property changes. */
  Record: ['Adopted', 'OwnerChanged', 'Released'],
  /** The module identity is created; its twin is planned afterwards. */
  Create: ['ModuleMissing'],
  /** Live differs, and its mode is Observe, or another writer contests it. */
  Observe: ['ModeObserve', 'Contested'],
  /** The module must exist before anything can be written. */
  Wait: ['ModuleMissing'],
  /** The module does not exist and need not. */
  Skip: ['ModuleMissing'],
  /** Live and record stay as they are: their owners are absent, or may not write. */
  Keep: ['Unassigned', 'OutOfInput', 'SourceEmpty', 'Suspended'],
  /** Refused whole; the message says what would release it. */
  Hold: [
    'Conflicted',
    'ProfilesOverlap',
    'RulesViolated',
    'ExceptionTooWide',
    'RecordNewer',
    'ProfileUnknown',
    'TwinTooLarge',
    'ManagedByEdge',
    'AutomaticConfiguration',
    'GuardRefused',
    'PlanStale',
  ],
} as const;

export type ActionType = keyof typeof REASONS;
export type ReasonOf<T extends ActionType> = (typeof REASONS)[T][number];
export type ActionReason = ReasonOf<ActionType>;

/** Why one setting changes; tests check docs/reasons.md against this list too. */
export const CHANGE_CAUSES = [
  'FirstConfiguration', // its owner never wrote this twin
  'ConfigurationChanged', // the manifests changed since its owner last wrote this twin
  'Drift', // another writer changed or removed it
  'SettingRemoved', // its owner no longer declares it
  'OwnerRemoved', // its owner left the source and asked for removal
  'LeftGroup', // its owner, or the previous one, no longer selects the device
  'ExceptionEnded', // an exception ended: restored, or set to its owner's value
  'Contested', // another writer keeps changing it: never written
] as const;

export type ChangeCause = (typeof CHANGE_CAUSES)[number];

/** A difference in one owned setting. Values are encoded as in the twin; undefined means absent. */
export interface SettingChange {
  readonly name: string;
  /** Keys from `properties.desired`. */
  readonly path: readonly string[];
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly owner: Owner;
  readonly cause: ChangeCause;
  /** True if neither value may be printed. */
  readonly sensitive: boolean;
}

interface ActionFields<T extends ActionType> {
  readonly type: T;
  readonly reason: ReasonOf<T>;
  readonly deviceId: string;
  readonly moduleId: string;
  /** Owners with a claim on this twin, sorted. */
  readonly owners: readonly Owner[];
  /**
   * Differences left alone: because of a mode, because the owner is not in the input, or because they are contested.
   */
  readonly observed: readonly SettingChange[];
  /**
   * For Hold, Keep, ModeObserve and nudges, and if a part is left unwritten: the problem and how to release it. For
   * Record: the new owners.
   */
  readonly message: string | undefined;
}

interface WriteFields {
  /** Direct reads to make before writing; none for an action planned from direct reads of both. */
  readonly needs: { readonly moduleTwin: boolean; readonly deviceTwin: boolean };
}

interface TwinWriteFields<P> extends WriteFields {
  /** Of the twin that the action is based on. */
  readonly etag: string;
  /** The merge patch to send. Contains sensitive values: never print it. */
  readonly patch: P;
}

interface ChangeFields {
  /** The written changes, removals included; for Create, those written right after it. Empty if the reason is Nudge. */
  readonly changes: readonly SettingChange[];
}

interface RecordPatch {
  readonly tags: JsonObject;
}

interface SettingsPatch extends RecordPatch {
  readonly properties: { readonly desired: JsonObject };
}

export type PatchAction = ActionFields<'Patch'> & ChangeFields & TwinWriteFields<SettingsPatch>;
export type RecordAction = ActionFields<'Record'> & TwinWriteFields<RecordPatch>;
export type CreateAction = ActionFields<'Create'> & ChangeFields & WriteFields;

/** Who refuses: a guard's verdict, or because no pass counted the twin, or no pass has run. */
export type Refuser = 'Guards' | 'NotCounted' | 'NotJudged';

/** Why a twin is held, and who refuses for GuardRefused. */
export type HoldReason =
  | { readonly reason: Exclude<ReasonOf<'Hold'>, 'GuardRefused'> }
  | { readonly reason: 'GuardRefused'; readonly refusedBy: Refuser };

export type HoldAction = ActionFields<'Hold'> & HoldReason;

/** Applying it writes to the hub. */
export type WriteAction = PatchAction | RecordAction | CreateAction;

type IdleType = Exclude<ActionType, (WriteAction | HoldAction)['type']>;

export type TwinAction = WriteAction | HoldAction | { [T in IdleType]: ActionFields<T> }[IdleType];

const NO_CHANGES: readonly SettingChange[] = [];

/** The changes of the action; empty unless it changes desired properties or creates a module. */
export function changesOf(action: TwinAction): readonly SettingChange[] {
  return changesDevice(action) ? action.changes : NO_CHANGES;
}

/** Turns an action into a Hold whose changes are observed. Without an action, the twin's name is enough. */
export function heldInstead(action: TwinAction | ModuleRef, why: HoldReason, message: string | undefined): HoldAction {
  const { deviceId, moduleId } = action;
  const about = 'type' in action ? { owners: action.owners, observed: differencesOf(action) } : NOTHING_KNOWN;
  return { type: 'Hold', ...why, deviceId, moduleId, ...about, message };
}

const NOTHING_KNOWN = { owners: [], observed: [] };

/** Every difference in the action, written or left alone. */
export function differencesOf(action: TwinAction): readonly SettingChange[] {
  return [...action.observed, ...changesOf(action)];
}

export function writes(action: TwinAction): action is WriteAction {
  return action.type === 'Patch' || action.type === 'Record' || action.type === 'Create';
}

/** True if applying the action changes desired properties or creates a module, which exit code 2 reports. */
export function changesDevice(action: TwinAction): action is PatchAction | CreateAction {
  return action.type === 'Patch' || action.type === 'Create';
}
