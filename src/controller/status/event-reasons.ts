// The closed list of what events are about; docs/reasons.md is checked against it.
import { REASONS } from '../../model/action.ts';
import type { ControllerEvent, TwinEvent } from '../../ports/recorder.ts';

/** A twin was written: what for. */
const WRITES = [...REASONS.Patch, ...REASONS.Record] as const;

/** Guards are told of their hub, once, and a plan that went stale of its command. */
const HOLDS = REASONS.Hold.filter((reason) => reason !== 'GuardRefused' && reason !== 'PlanStale');

export const EVENT_REASONS = {
  Normal: [
    ...WRITES,
    // Of a twin.
    'ModuleCreated',
    'Recovered', // what a warning said of a twin or a hub is over
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
    'Rejected',
    'Unsupported',
    'NotAcknowledged',
    'Contested',
    'Unassigned',
    'WriteFailed',
    ...HOLDS,
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

export type NormalReason = (typeof EVENT_REASONS)['Normal'][number];
export type WarningReason = (typeof EVENT_REASONS)['Warning'][number];

const WRITE_REASONS: ReadonlySet<string> = new Set(WRITES);

/** True where it tells of a write to a twin. */
export function isWriteEvent(event: ControllerEvent): event is TwinEvent {
  return event.type === 'Normal' && event.deviceId !== undefined && WRITE_REASONS.has(event.reason);
}
