// What the controller says about itself and each hub: data for the CLI, the dashboard and probes, computed when asked.
import type { Mode } from '../../model/declared.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import type { Suspension } from '../../model/suspension.ts';
import type { HubMemory } from '../context/hub-context.ts';
import type { Offender } from '../twins/offenders.ts';
import type { TwinCounts } from '../twins/state-counts.ts';

/** As in Kubernetes (kstatus): `Reconciling` and `Stalled` are listed only while they are true. */
export interface Condition {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled' | 'SourceReady';
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, from a closed list: see `ConditionReason`. */
  readonly reason: ConditionReason;
  readonly message: string;
}

/** Of the source and of hubs; docs/cli.md is checked against this list. */
export const CONDITION_REASONS = [
  // SourceReady
  'Loaded',
  'NotRead',
  'ReadFailed',
  'InvalidManifests',
  'SourceEmpty',
  // Ready, Stalled, Reconciling
  'Succeeded',
  'Progressing',
  'ConnectFailed',
  'ListFailed',
  'ListEmpty',
  'TwinsFailing',
  'TwinsHeld',
  'GuardRefused',
  'WaitingForLease',
  'WaitingForSource',
] as const;

export type ConditionReason = (typeof CONDITION_REASONS)[number];

export interface ControllerStatus {
  /** SourceReady, then Ready. */
  readonly conditions: readonly Condition[];
  readonly source: SourceStatus;
  /** Sorted by name. */
  readonly hubs: readonly HubStatus[];
}

export interface SourceStatus {
  /** The newest revision that was read, good or not. */
  readonly lastAttemptedRevision: string | undefined;
  /** The revision that decides now. */
  readonly lastAppliedRevision: string | undefined;
  /** Of the last attempted revision, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface HubStatus {
  readonly name: string;
  readonly hostName: string | undefined;
  /** The effective ceiling; undefined until connected. */
  readonly mode: Mode | undefined;
  /** Attempted: the newest that was handed to this hub. Applied: a complete pass with it was made and its work is done. */
  readonly lastAttemptedRevision: string;
  readonly lastAppliedRevision: string | undefined;
  /** Ready, then those of Reconciling and Stalled that are true. */
  readonly conditions: readonly Condition[];
  readonly counts: FleetCounts;
  /** Worst first, ten at most. */
  readonly offenders: readonly Offender[];
  /** Offenders beyond those listed. */
  readonly moreOffenders: number;
  /** What the last complete pass could not read, saw of others who write there too, and of approvals, one sentence each. */
  readonly notes: readonly string[];
  /** What people stopped, in force at the last look. */
  readonly suspensions: readonly Suspension[];
  /** The last complete pass. */
  readonly lastResync: { readonly atMs: number; readonly durationMs: number } | undefined;
  /** Patches and creations the hub accepted since the start. */
  readonly writes: number;
  /** Keys that are queued, being worked on, or waiting for another try. */
  readonly pending: number;
}

export interface FleetCounts extends Pick<TwinCounts, 'twins' | 'actions' | 'acknowledgements'> {
  /** Devices on the hub. */
  readonly devices: number;
}

/** As they are now: what the table counts goes on changing. */
export function fleetCounts({ devices, twins }: Pick<HubMemory, 'devices' | 'twins'>): FleetCounts {
  const { twins: count, actions, acknowledgements } = twins.counts;
  return { devices: devices.size, twins: count, actions: { ...actions }, acknowledgements: { ...acknowledgements } };
}
