// Events for people: what was done, and what came to need a look. A hint, never an input of a decision.

export interface ControllerEvent {
  /** The Hub's name in the manifests; absent where the source is meant. */
  readonly hub?: string;
  /** Both are absent where a hub or the source is meant. */
  readonly deviceId?: string;
  readonly moduleId?: string;
  /** A warning is told when something begins, not as long as it lasts. */
  readonly type: 'Normal' | 'Warning';
  /** From the closed list, see `EVENT_REASONS`. */
  readonly reason: string;
  /** What changed, old and new, or what is wrong; nothing sensitive. */
  readonly message: string;
}

export interface TwinEvent extends ControllerEvent {
  readonly hub: string;
  readonly deviceId: string;
  readonly moduleId: string;
}

export interface Recorder {
  /** Never throws and never waits. */
  record(event: ControllerEvent): void;
}
