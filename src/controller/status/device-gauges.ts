// Gauges of a hub's twins by state, from counts that are kept anyway.
import type { Metrics } from '../../ports/metrics.ts';
import { ACKNOWLEDGEMENT_STATES, ACTION_TYPES, type TwinCounts } from '../twins/state-counts.ts';

/** Every twin is in exactly one state: what its agent says where it is in sync, else what is to be done. */
export function setDeviceGauges(metrics: Metrics, hub: string, counts: TwinCounts): void {
  const { actions, acknowledgements, contested } = counts;
  metrics.gauge('twinward_contested_devices', { hub }, contested);
  for (const type of ACTION_TYPES) {
    if (type !== 'Equal') metrics.gauge('twinward_devices', { hub, state: type }, actions[type]);
  }
  for (const state of ACKNOWLEDGEMENT_STATES) {
    metrics.gauge('twinward_devices', { hub, state }, acknowledgements[state]);
  }
}
