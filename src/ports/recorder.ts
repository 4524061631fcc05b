// Events for people: what was written, and what needs attention. Never an input of a decision.

export interface ControllerEvent {
  /** The Hub's name in the manifests; absent for an event of the source. */
  readonly hub?: string;
  /** Both are absent for an event of a hub or of the source. */
  readonly deviceId?: string;
  readonly moduleId?: string;
  /** A warning is recorded when something begins, not repeatedly while it lasts. */
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
