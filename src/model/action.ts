// What to do with one module twin: a small closed set of actions, each with a reason. Data, printable and comparable.
import type { Json } from './json.ts';
import type { TwinPatch } from './twin.ts';

/** Every action and the reasons it can have; docs/reasons.md is checked against this table. */
export const REASONS = {
  /** Live means what is declared and the record agrees. */
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
  /** Live differs, and a mode says to look only, or another writer would not have it otherwise. */
  Observe: ['ModeObserve', 'Contested'],
  /** Nothing can be written until the module exists. */
  Wait: ['ModuleMissing'],
  /** The module does not exist and need not. */
  Skip: ['ModuleMissing'],
  /** What is there is left as it is, and so is the record: those who own it are away, or may not write. */
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
export type ActionReason = (typeof REASONS)[ActionType][number];

/** Why one setting changes; docs/reasons.md is checked against this list too. */
export const CHANGE_CAUSES = [
  'FirstConfiguration', // its owner never wrote this twin
  'ConfigurationChanged', // the manifests changed since its owner last wrote this twin
  'Drift', // somebody else changed or removed it
  'SettingRemoved', // its owner no longer declares it
  'OwnerRemoved', // its owner left the source and asked for removal
  'LeftGroup', // its owner, or the one before, no longer selects the device
  'ExceptionEnded', // an exception is over: put back as it was, or as its owner declares it
  'Contested', // another writer keeps changing it: left alone, never written
] as const;

export type ChangeCause = (typeof CHANGE_CAUSES)[number];

/** A difference in one owned setting. Values are encoded as in the twin; absent means no such key. */
export interface SettingChange {
  readonly name: string;
  /** Keys from `properties.desired`. */
  readonly path: readonly string[];
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly owner: string;
  readonly cause: ChangeCause;
  /** True where neither value may be printed. */
  readonly sensitive: boolean;
}

export interface TwinAction {
  readonly type: ActionType;
  readonly reason: ActionReason;
  readonly deviceId: string;
  readonly moduleId: string;
  /** Owners that decide about this twin, sorted: `SecurityConfiguration/NAME`. */
  readonly owners: readonly string[];
  /** The etag this was decided on; undefined where there is no twin. */
  readonly etag: string | undefined;
  /**
   * What writing would change, removals included; for Create, what is written right after it. Empty for other types, and
   * where the reason is Nudge.
   */
  readonly changes: readonly SettingChange[];
  /** Differences that are left alone: by a mode, for an owner that is not in the input, or as another writer keeps at it. */
  readonly observed: readonly SettingChange[];
  /** What would be sent; undefined where nothing is written to a twin. Holds sensitive values: never print it. */
  readonly patch: TwinPatch | undefined;
  /** Direct reads to make before writing; an action that came from direct reads of both needs none. */
  readonly needs: { readonly moduleTwin: boolean; readonly deviceTwin: boolean };
  /**
   * For Hold, Keep and ModeObserve, for a nudge, and where a part is left unwritten: what is wrong and what would release
   * it. For Record: who owns what from now on.
   */
  readonly message: string | undefined;
}

/** The action as one that writes nothing: what it would have changed is only observed. */
export function heldInstead(
  action: TwinAction,
  reason: (typeof REASONS)['Hold'][number],
  message: string | undefined,
): TwinAction {
  return {
    ...action,
    type: 'Hold',
    reason,
    changes: [],
    observed: [...action.observed, ...action.changes],
    patch: undefined,
    needs: { moduleTwin: false, deviceTwin: false },
    message,
  };
}

/** True where applying the action writes to the hub. */
export function writes(action: Pick<TwinAction, 'type'>): boolean {
  return action.type === 'Patch' || action.type === 'Record' || action.type === 'Create';
}

/** True where applying the action changes desired properties or creates a module: what exit code 2 means. */
export function changesDevice(action: Pick<TwinAction, 'type'>): boolean {
  return action.type === 'Patch' || action.type === 'Create';
}
