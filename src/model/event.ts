// The events of a controller: a closed set, each with its data. The text is made where an event is shown.
import { REASONS, type SettingChange, type TwinAction } from './action.ts';
import type { Approval } from './declared.ts';
import type { Diagnostic, Origin } from './diagnostic.ts';
import type { Guard } from './guard.ts';
import type { Json } from './json.ts';
import type { Suspension } from './suspension.ts';
import type { ModuleRef } from './twin.ts';

/** Reasons to write a twin. */
export const WRITE_REASONS = [...REASONS.Patch, ...REASONS.Record] as const;

/** Reasons to hold one twin: without those of guards, which refuse for a whole hub, and of stale saved plans. */
export const HOLD_REASONS = REASONS.Hold.filter((reason) => reason !== 'GuardRefused' && reason !== 'PlanStale');

/** Acknowledgements that need a person. */
export const REFUSAL_REASONS = ['Rejected', 'Unsupported', 'NotAcknowledged'] as const;

/** Reasons by event type; tests check docs/reasons.md against this table. */
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

/** Failures of a write that a retry does not fix; others concern the whole hub. */
export const LASTING_FAILURES = ['Unauthorized', 'TooLarge', 'Invalid', 'Bug'] as const;

/** A written difference; null replaces a sensitive value. */
export type RecordedChange = Omit<SettingChange, 'before' | 'after' | 'sensitive'> &
  (
    | { readonly sensitive: false; readonly before: Json | undefined; readonly after: Json | undefined }
    | { readonly sensitive: true; readonly before: null | undefined; readonly after: null | undefined }
  );

/** An owner and the place of its manifest; undefined if the source has none any more. */
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
  /** Empty for writes of only the record, and for nudges. */
  readonly changes: readonly RecordedChange[];
  readonly owners: readonly RecordedOwner[];
  /** Of the manifests in force. */
  readonly revision: string;
  readonly etagBefore: string;
  readonly etagAfter: string;
  /** Effects of the write besides changes: new owners, released keys. */
  readonly detail: string | undefined;
}

/** A problem of a twin that begins; `detail`: the agent's words, or how to release the twin. */
export type TwinTrouble =
  | {
      readonly reason: (typeof REFUSAL_REASONS)[number] | 'Contested' | 'Unassigned' | (typeof HOLD_REASONS)[number];
      readonly detail: string | undefined;
    }
  | { readonly reason: 'WriteFailed'; readonly failure: (typeof LASTING_FAILURES)[number] };

export type TwinEvent = TwinWritten | (OfTwin & (TwinTrouble | Recovered | { readonly reason: 'ModuleCreated' }));

/** Counts twins; for SourceShrunk configurations, for ListShort missing devices. */
type RefusedGuard = { readonly guard: Guard; readonly count: number; readonly limit: number | undefined };

export type HubEvent = OfNoTwin & { readonly hub: string } & (
    | Recovered
    | {
        readonly reason: 'GuardRefused';
        readonly refused: readonly RefusedGuard[];
        /** The annotation that approves it; undefined if no twin would change. */
        readonly approval: string | undefined;
        readonly detail: string;
      }
    | { readonly reason: 'ChangeApproved'; readonly approval: Approval }
    | { readonly reason: 'WaitingForLease'; readonly holder: string; readonly kind: string }
    | { readonly reason: 'LeaseAcquired' }
    | { readonly reason: 'LeaseLost'; readonly why: string }
    /** All suspensions in force. */
    | { readonly reason: 'SuspensionsChanged'; readonly suspensions: readonly Suspension[] }
    | { readonly reason: 'ConnectFailed' | 'ListFailed' | 'ListEmpty' | 'OtherWriter'; readonly detail: string }
  );

/** `kept`: the revision that stays in force; undefined before the first. */
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

/** Omits the values of sensitive settings. */
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
