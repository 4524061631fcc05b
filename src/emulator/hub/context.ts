// What every part of the hub works with.
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { ChangeEvents } from './change-events.ts';
import type { Connections } from './connections.ts';
import type { HubLimits } from './limits.ts';
import type { HubState } from './state.ts';

/** Ways in which the hub can be made to misbehave while it runs. */
export interface HubSwitches {
  /** See null-hazard.ts. */
  nullHazard: boolean;
  /** A configuration that targets a twin no more leaves its values there, where the documentation says they go. */
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
