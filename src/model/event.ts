// What a controller records: a closed set of events, each with its data. Text is made where an event is shown.
import { REASONS, type SettingChange, type TwinAction } from './action.ts';
import type { Approval } from './declared.ts';
import type { Diagnostic, Origin } from './diagnostic.ts';
import type { Guard } from './guard.ts';
import type { Json } from './json.ts';
import type { Suspension } from './suspension.ts';
import type { ModuleRef } from './twin.ts';

/** Why a twin is written. */
export const WRITE_REASONS = [...REASONS.Patch, ...REASONS.Record] as const;

/** Why one twin is held. Guards refuse for a whole hub, and only a command has a plan that can be stale. */
export const HOLD_REASONS = REASONS.Hold.filter((reason) => reason !== 'GuardRefused' && reason !== 'PlanStale');

/** What an agent may make of settings that needs a person. */
export const REFUSAL_REASONS = ['Rejected', 'Unsupported', 'NotAcknowledged'] as const;

/** Every reason by the type of its events; docs/reasons.md is checked against this table. */
export const EVENT_REASONS = {
  Normal: [
    ...WRITE_REASONS,
    // Of a twin.
    'ModuleCreated',
    'Recovered', // of a twin or a hub
    // Of a hub.
    'ChangeApproved',
    'WaitingForLease',
    'LeaseAcquired',
    'SuspensionsChanged',
    // Of the source.
    'Loaded',
  ],
  Warning: [
    // Of a twin.
    ...REFUSAL_REASONS,
    'Contested',
    'Unassigned',
    'WriteFailed',
    ...HOLD_REASONS,
    // Of a hub.
    'GuardRefused',
    'LeaseLost',
    'ConnectFailed',
    'ListFailed',
    'ListEmpty',
    'OtherWriter',
    // Of the source.
    'ReadFailed',
    'InvalidManifests',
    'SourceEmpty',
  ],
} as const;

export type EventType = keyof typeof EVENT_REASONS;
export type WarningReason = (typeof EVENT_REASONS)['Warning'][number];

/** Failures of a write that a retry alone does not heal; others are a matter of their hub. */
export const LASTING_FAILURES = ['Unauthorized', 'TooLarge', 'Invalid', 'Bug'] as const;

/** A difference that was written; null stands for a sensitive value, which no event holds. */
export type RecordedChange = Omit<SettingChange, 'before' | 'after' | 'sensitive'> &
  (
    | { readonly sensitive: false; readonly before: Json | undefined; readonly after: Json | undefined }
    | { readonly sensitive: true; readonly before: null | undefined; readonly after: null | undefined }
  );

/** Who decides about a twin, and where the manifest is; undefined where the source holds none any more. */
export interface RecordedOwner {
  readonly owner: TwinAction['owners'][number];
  readonly origin: Origin | undefined;
}

interface OfTwin extends ModuleRef {
  /** The Hub's name in the manifests. */
  readonly hub: string;
}

type OfNoTwin = { readonly [K in keyof ModuleRef]?: undefined };
type Recovered = { readonly reason: 'Recovered'; readonly from: WarningReason };

export interface TwinWritten extends OfTwin {
  readonly reason: (typeof WRITE_REASONS)[number];
  /** Empty where only the record was written, and of a nudge. */
  readonly changes: readonly RecordedChange[];
  readonly owners: readonly RecordedOwner[];
  /** Of the manifests that decided. */
  readonly revision: string;
  readonly etagBefore: string;
  readonly etagAfter: string;
  /** What the write means beside its changes: who owns what from now on, what is left. */
  readonly detail: string | undefined;
}

/** What begins to be wrong with a twin; `detail` is the agent's own words, or what would release the twin. */
export type TwinTrouble =
  | {
      readonly reason: (typeof REFUSAL_REASONS)[number] | 'Contested' | 'Unassigned' | (typeof HOLD_REASONS)[number];
      readonly detail: string | undefined;
    }
  | { readonly reason: 'WriteFailed'; readonly failure: (typeof LASTING_FAILURES)[number] };

export type TwinEvent = TwinWritten | (OfTwin & (TwinTrouble | Recovered | { readonly reason: 'ModuleCreated' }));

/** Counts twins; for SourceShrunk configurations, for ListShort devices that are missing. */
type RefusedGuard = { readonly guard: Guard; readonly count: number; readonly limit: number | undefined };

export type HubEvent = OfNoTwin & { readonly hub: string } & (
    | Recovered
    | {
        readonly reason: 'GuardRefused';
        readonly refused: readonly RefusedGuard[];
        /** What a person writes to approve it; undefined where no twin would change. */
        readonly approval: string | undefined;
        readonly detail: string;
      }
    | { readonly reason: 'ChangeApproved'; readonly approval: Approval }
    | { readonly reason: 'WaitingForLease'; readonly holder: string; readonly kind: string }
    | { readonly reason: 'LeaseAcquired' }
    | { readonly reason: 'LeaseLost'; readonly why: string }
    /** All that are in force now. */
    | { readonly reason: 'SuspensionsChanged'; readonly suspensions: readonly Suspension[] }
    | { readonly reason: 'ConnectFailed' | 'ListFailed' | 'ListEmpty' | 'OtherWriter'; readonly detail: string }
  );

/** `kept` is the revision that goes on deciding; undefined before the first. */
export type SourceEvent = OfNoTwin & { readonly hub?: undefined } & (
    | { readonly reason: 'Loaded'; readonly revision: string }
    | ({ readonly kept: string | undefined } & SourceRefusal)
  );

/** `diagnostic` is the first of `errors`. */
type SourceRefusal =
  | { readonly reason: 'ReadFailed'; readonly detail: string }
  | { readonly reason: 'InvalidManifests'; readonly diagnostic: Diagnostic | undefined; readonly errors: number }
  | { readonly reason: 'SourceEmpty' };

export type ControllerEvent = TwinEvent | HubEvent | SourceEvent;
export type EventReason = ControllerEvent['reason'];

const WARNINGS: ReadonlySet<EventReason> = new Set(EVENT_REASONS.Warning);

export function eventType({ reason }: Pick<ControllerEvent, 'reason'>): EventType {
  return WARNINGS.has(reason) ? 'Warning' : 'Normal';
}

const WRITES: ReadonlySet<EventReason> = new Set(WRITE_REASONS);

export function isWriteEvent(event: ControllerEvent): event is TwinWritten {
  return WRITES.has(event.reason);
}

/** Leaves the values of sensitive settings out. */
export function recordedChanges(changes: readonly SettingChange[]): readonly RecordedChange[] {
  return changes.map(({ before, after, sensitive, ...change }) =>
    sensitive
      ? { ...change, sensitive, before: hidden(before), after: hidden(after) }
      : { ...change, sensitive, before, after },
  );
}

function hidden(value: Json | undefined): null | undefined {
  return value === undefined ? undefined : null;
}
