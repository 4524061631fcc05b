// How a simulated agent takes what it is told: a pure function for each kind.
import type { JsonObject } from '../../model/json.ts';

/**
 * `Start`: the process starts and reads the whole twin. `Reconnect`: the same process is back, and may read the whole twin.
 * `Change`: a patch of the desired properties, as sent.
 */
export type NotificationKind = 'Start' | 'Reconnect' | 'Change';

/** The plain settings the agent runs with, by name and in its own spelling; undefined where it is not running. */
export type AgentState = JsonObject | undefined;

export interface Reaction {
  readonly state: AgentState;
  /** A merge patch of the reported properties; undefined where the agent says nothing. */
  readonly report?: JsonObject;
}

/** `notification` is desired properties with `$version`; `state` is undefined at the start. Changes neither. */
export type Behaviour = (state: AgentState, notification: JsonObject, kind: NotificationKind) => Reaction;
