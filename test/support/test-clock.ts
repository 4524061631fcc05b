// A clock that only tests move. Between two timers everything that can run runs.
import { setImmediate as settle } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock.ts';

export interface TestClock extends Clock {
  /** Moves time forward, calling what falls due in order, each followed by all the work that it sets off. */
  advance(ms: number): Promise<void>;
  /** Lets everything run that needs no time. */
  flush(): Promise<void>;
  /** Timers that are set. */
  readonly pending: number;
}

/** Turns of the event loop that count as "everything ran": chains of promises end within one, streams need a few. */
const TURNS = 3;

export function createTestClock(startMs = Date.UTC(2026, 10, 23, 12)): TestClock {
  let nowMs = startMs;
  let order = 0;
  const timers = new Map<number, { readonly dueMs: number; readonly callback: () => void }>();

  function nextDue(untilMs: number): number | undefined {
    let first: number | undefined;
    for (const [id, { dueMs }] of timers) {
      if (dueMs > untilMs) continue;
      if (first === undefined || dueMs < (timers.get(first)?.dueMs ?? Infinity)) first = id;
    }
    return first;
  }

  async function flush(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await settle();
  }

  return {
    now: () => nowMs,
    schedule(delayMs, callback) {
      const id = (order += 1);
      timers.set(id, { dueMs: nowMs + Math.max(0, delayMs), callback });
      return () => {
        timers.delete(id);
      };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await flush();
      for (let id = nextDue(untilMs); id !== undefined; id = nextDue(untilMs)) {
        const timer = timers.get(id);
        timers.delete(id);
        nowMs = Math.max(nowMs, timer?.dueMs ?? nowMs);
        timer?.callback();
        await flush();
      }
      nowMs = untilMs;
    },
    flush,
    get pending() {
      return timers.size;
    },
  };
}
