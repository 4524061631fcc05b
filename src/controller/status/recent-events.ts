// The last events of a controller, in memory: equal ones are counted, and the oldest go.
import { eventType, isWriteEvent, type ControllerEvent } from '../../model/event.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Recorder } from '../../ports/recorder.ts';

const EVENTS_MAX = 1_000;

export type RecentEvent = ControllerEvent & {
  /** Grows with each event recorded; an equal one gets a new one. */
  readonly sequence: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** How often an equal one was recorded; the data are those of the last. */
  readonly count: number;
};

export class RecentEvents implements Recorder {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #events = new Map<string, RecentEvent>();
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(event: ControllerEvent): void {
    const key = keyOf(event);
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

  /** Of the last event; 0 before any. One that is smaller than before is another process's. */
  get latest(): number {
    return this.#sequence;
  }

  /** Those recorded after a sequence, oldest first. */
  after(sequence: number): RecentEvent[] {
    return [...this.#events.values()].filter((event) => event.sequence > sequence);
  }
}

/** Equal are warnings of the same thing, writes of the same values to a twin, and others with the same data. */
function keyOf(event: ControllerEvent): string {
  const { hub, deviceId, moduleId, reason } = event;
  const about = [hub, deviceId, moduleId, reason];
  if (eventType(event) === 'Warning') return JSON.stringify(about);
  if (!isWriteEvent(event)) return JSON.stringify(event);
  const changes = event.changes.map(({ name, before, after }) => ({ name, before, after }));
  return JSON.stringify([...about, changes, event.detail]);
}
