// The shared context of all parts of the hub.
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { ChangeEvents } from './change-events.ts';
import type { Connections } from './connections.ts';
import type { HubLimits } from './limits.ts';
import type { HubState } from './state.ts';

/** Switches for misbehaviour at run time. */
export interface HubSwitches {
  /** See null-hazard.ts. */
  nullHazard: boolean;
  /**
   * A configuration that no longer targets a twin leaves its values there, although the documentation says that it
   * removes them.
   */
  keepsLeftSettings: boolean;
}

export interface HubContext {
  readonly hostName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: HubLimits;
  readonly state: HubState;
  readonly connections: Connections;
  readonly events: ChangeEvents;
  readonly switches: HubSwitches;
}
