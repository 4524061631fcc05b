// Simulated time: timers in a heap, and between two of them all the work that needs no time.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock.ts';

export interface SimClock extends Clock {
  /** Runs everything that falls due until then, in order, or until `isOver` says so between two timers. */
  runUntil(untilMs: number, isOver?: () => boolean): Promise<void>;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** Resolves once all promises that could be settled are; without a turn of the event loop, where nothing of ours waits. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}

export function createSimClock(startMs: number): SimClock {
  let nowMs = startMs;
  let order = 0;
  const heap: Timer[] = [];

  function isBefore(a: Timer, b: Timer): boolean {
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
  }

  function push(timer: Timer): void {
    heap.push(timer);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child] as Timer, heap[parent] as Timer)) return;
      swap(child, parent);
      child = parent;
    }
  }

  function pop(): Timer | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = parent * 2 + 1;
      let least = parent;
      if (left < heap.length && isBefore(heap[left] as Timer, heap[least] as Timer)) least = left;
      if (left + 1 < heap.length && isBefore(heap[left + 1] as Timer, heap[least] as Timer)) least = left + 1;
      if (least === parent) return first;
      swap(parent, least);
      parent = least;
    }
  }

  function swap(a: number, b: number): void {
    [heap[a], heap[b]] = [heap[b] as Timer, heap[a] as Timer];
  }

  return {
    now: () => nowMs,
    schedule(delayMs, callback) {
      const timer: Timer = { dueMs: nowMs + Math.max(0, delayMs), order: (order += 1), callback, isCancelled: false };
      push(timer);
      return () => {
        timer.isCancelled = true;
      };
    },
    async runUntil(untilMs, isOver = () => false) {
      await breathe();
      while (!isOver()) {
        let next = heap[0];
        while (next?.isCancelled === true) {
          pop();
          next = heap[0];
        }
        if (next === undefined || next.dueMs > untilMs) break;
        pop();
        nowMs = Math.max(nowMs, next.dueMs);
        next.callback();
        await settle();
      }
      if (!isOver()) nowMs = Math.max(nowMs, untilMs);
    },
  };
}
