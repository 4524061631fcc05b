// How long work takes at our pace, and what it costs of the hub's daily messages: shown before anything is done.
import type { Capacity, DeclaredHub } from '../../model/declared.ts';
import type { CallCount } from '../../plan/report/call-count.ts';
import { dailyMessages } from './daily-messages.ts';
import { rates } from './rates.ts';

export interface Cost extends CallCount {
  /** At our share of the hub's throttle; undefined where no limit is known. */
  readonly pace: Pace | undefined;
}

export interface Pace {
  /** Twin writes a second: our share, and what the hub allows all its clients together. */
  readonly writesPerSecond: number;
  readonly hubWritesPerSecond: number;
  /** Pages of lists a second: our share. */
  readonly queriesPerSecond: number;
  /** Of the slowest class of calls. */
  readonly seconds: number;
  /** Messages a day: of the whole hub, and our share. */
  readonly dailyMessages: number;
  readonly dailyShare: number;
}

/** Without a capacity there is no pace. */
export function costOf(work: CallCount, { capacity, budget }: Pick<DeclaredHub, 'capacity' | 'budget'>): Cost {
  if (capacity === undefined || budget.throttle <= 0) return { ...work, pace: undefined };
  return { ...work, pace: paceOf(work, capacity, budget) };
}

function paceOf({ reads, writes, creations }: CallCount, capacity: Capacity, budget: DeclaredHub['budget']): Pace {
  const { queries, twinReads, twinWrites, registry } = rates(capacity);
  const needed = [reads / twinReads, writes / twinWrites, creations / registry];
  const daily = dailyMessages(capacity);
  return {
    writesPerSecond: twinWrites * budget.throttle,
    hubWritesPerSecond: twinWrites,
    queriesPerSecond: queries * budget.throttle,
    seconds: Math.max(...needed) / budget.throttle,
    dailyMessages: daily,
    dailyShare: daily * budget.dailyMessages,
  };
}
