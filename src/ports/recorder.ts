// Events for people: what was done to one twin and why. A hint to look, never an input of a decision.
import type { ModuleRef } from '../model/twin.ts';

export interface TwinEvent extends ModuleRef {
  /** The Hub's name in the manifests. */
  readonly hub: string;
  readonly type: 'Normal' | 'Warning';
  /** The reason of the action, from its closed list. */
  readonly reason: string;
  /** What changed, old and new; nothing sensitive. */
  readonly message: string;
}

export interface Recorder {
  /** Never throws and never waits. */
  record(event: TwinEvent): void;
}
