// The last events of a controller, in memory: what is told again is counted, and the oldest go.
import type { Clock } from '../../ports/clock.ts';
import type { ControllerEvent, Recorder } from '../../ports/recorder.ts';

export const EVENTS_MAX = 1_000;

export interface RecentEvent extends ControllerEvent {
  /** Grows with each event told; one that is told again gets a new one. */
  readonly sequence: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** How often the same was told; of a warning only what it is about counts, and the last message stands. */
  readonly count: number;
}

export class RecentEvents implements Recorder {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #events = new Map<string, RecentEvent>();
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(event: ControllerEvent): void {
    const { hub, deviceId, moduleId, type, reason, message } = event;
    const key = JSON.stringify([hub, deviceId, moduleId, type, reason, type === 'Warning' ? undefined : message]);
    const nowMs = this.#clock.now();
    const known = this.#events.get(key);
    this.#events.delete(key);
    this.#sequence += 1;
    const firstAtMs = known?.firstAtMs ?? nowMs;
    const count = (known?.count ?? 0) + 1;
    this.#events.set(key, { ...event, sequence: this.#sequence, firstAtMs, lastAtMs: nowMs, count });
    const [oldest] = this.#events.keys();
    if (this.#events.size > EVENTS_MAX && oldest !== undefined) this.#events.delete(oldest);
  }

  /** Of the last that was told; 0 before any. One that is smaller than before is another process's. */
  get latest(): number {
    return this.#sequence;
  }

  /** Those told after a sequence, oldest first. */
  after(sequence: number): RecentEvent[] {
    return [...this.#events.values()].filter((event) => event.sequence > sequence);
  }
}
