// Records what a controller did and what needs a person. For people and machines to read, never an input of a decision.
import type { ControllerEvent } from '../model/event.ts';

export interface Recorder {
  /** A warning is recorded when something begins, not as long as it lasts. Never throws and never waits. */
  record(event: ControllerEvent): void;
}
