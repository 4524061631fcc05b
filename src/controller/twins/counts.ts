// Counts over the memory of one hub: how many twins are in which state, and which are worst.
import { REASONS, type ActionType } from '../../model/action.ts';
import type { AcknowledgementState } from '../../model/twin.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { FleetView } from './fleet-view.ts';
import { refOf } from '../../model/twin-key.ts';
import type { FleetCounts, Offender } from '../status/status.ts';
import type { TwinState } from './twin-state.ts';

export const OFFENDERS_MAX = 10;

export interface Tally {
  readonly counts: FleetCounts;
  /** Twins whose last attempt failed, and twins that are held. */
  readonly failing: number;
  readonly held: number;
  /** The held ones by reason. */
  readonly heldBy: ReadonlyMap<string, number>;
  /** Twins with a setting that another writer keeps changing. */
  readonly contested: number;
  readonly offenders: readonly Offender[];
  readonly moreOffenders: number;
}

const ACTION_TYPES = Object.keys(REASONS) as ActionType[];

const ACKNOWLEDGEMENT_STATES: readonly AcknowledgementState[] = [
  'Written',
  'Applied',
  'Rejected',
  'NotAcknowledged',
  'Unsupported',
  'Unreachable',
];

const NO_ACTIONS = zeros(ACTION_TYPES);
const NO_ACKNOWLEDGEMENTS = zeros(ACKNOWLEDGEMENT_STATES);

function zeros<K extends string>(keys: readonly K[]): Readonly<Record<K, number>> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}

export function tally(view: FleetView): Tally {
  const actions = { ...NO_ACTIONS };
  const acknowledgements = { ...NO_ACKNOWLEDGEMENTS };
  const worst = OFFENCES.map((): Offender[] => []);
  let twins = 0;
  let failing = 0;
  let contested = 0;
  const heldBy = new Map<string, number>();
  let offenderCount = 0;
  for (const [key, state] of view.states()) {
    if (state.type !== 'Skip') twins += 1;
    actions[state.type] += 1;
    if (state.acknowledgement !== undefined) acknowledgements[state.acknowledgement] += 1;
    if (state.failure !== undefined) failing += 1;
    if (state.reason === 'Contested') contested += 1;
    if (state.type === 'Hold') heldBy.set(state.reason, (heldBy.get(state.reason) ?? 0) + 1);
    const rank = OFFENCES.findIndex((offence) => offence(state) !== undefined);
    if (rank === -1) continue;
    offenderCount += 1;
    const rivals = worst[rank];
    if (rivals === undefined || rivals.length >= OFFENDERS_MAX) continue;
    rivals.push({ ...refOf(key), reason: OFFENCES[rank]?.(state) ?? state.reason, detail: state.detail });
  }
  const offenders = worst.flat().slice(0, OFFENDERS_MAX);
  return {
    counts: { devices: view.deviceCount, twins, actions, acknowledgements },
    failing,
    held: actions.Hold,
    heldBy,
    contested,
    offenders,
    moreOffenders: offenderCount - offenders.length,
  };
}

/** What is wrong with a twin, worst first; the first that applies names it. */
const OFFENCES: readonly ((state: TwinState) => string | undefined)[] = [
  ({ failure }) => failure,
  ({ type, reason }) => (type === 'Hold' ? reason : undefined),
  ({ reason }) => (reason === 'Contested' ? reason : undefined),
  ...(['Rejected', 'Unsupported', 'NotAcknowledged'] as const).map(
    (bad) => (state: TwinState) => (state.acknowledgement === bad ? bad : undefined),
  ),
  ({ type, reason }) => (type === 'Keep' && reason === 'Unassigned' ? reason : undefined),
  ({ type, reason }) => (type === 'Wait' ? reason : undefined),
];

/** Every twin is in exactly one state: what its agent says where it is in sync, else what is to be done. */
export function gaugeDevices(metrics: Metrics, hub: string, { counts, contested }: Tally): void {
  const { actions, acknowledgements } = counts;
  metrics.gauge('twinward_contested_devices', { hub }, contested);
  for (const type of ACTION_TYPES) {
    if (type !== 'Equal') metrics.gauge('twinward_devices', { hub, state: type }, actions[type]);
  }
  for (const state of ACKNOWLEDGEMENT_STATES) {
    metrics.gauge('twinward_devices', { hub, state }, acknowledgements[state]);
  }
}
