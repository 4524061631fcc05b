// How a simulated agent reacts to its twin: a pure function for each kind.
import type { JsonObject } from '../../model/json.ts';

/**
 * `Start`: the process starts and reads the whole twin. `Reconnect`: the same process reconnects, and may read the
 * whole twin. `Change`: a patch of the desired properties, as sent.
 */
export type NotificationKind = 'Start' | 'Reconnect' | 'Change';

/** The agent's effective plain settings, by name and in its own spelling; undefined if it is not running. */
export type AgentState = JsonObject | undefined;

export interface Reaction {
  readonly state: AgentState;
  /** A merge patch of the reported properties; undefined if the agent reports nothing. */
  readonly report?: JsonObject;
}

/** `notification`: desired properties with `$version`; `state` is undefined at the start. Changes neither. */
export type Behaviour = (state: AgentState, notification: JsonObject, kind: NotificationKind) => Reaction;
