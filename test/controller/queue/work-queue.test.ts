import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { RETRY, SETTLED, type Outcome } from '../../../src/controller/queue/outcome.ts';
import { WorkQueue, type Priority } from '../../../src/controller/queue/work-queue.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';
import { createMetrics, HALF, type Numbers } from '../fixture.ts';

const THROTTLED: Outcome = { kind: 'Retry', pace: 'Throttled' };
const STALLED: Outcome = { kind: 'Stalled' };

interface Bench {
  readonly clock: TestClock;
  readonly queue: WorkQueue;
  readonly metrics: Numbers;
  /** Keys as they were begun, with the seconds since the start. */
  readonly begun: string[];
  readonly idle: { count: number };
  /** Ends the turn at a key that is active. */
  end(key: string, outcome?: Outcome): Promise<void>;
}

function failOnBug(_key: string, error: unknown): never {
  throw error;
}

/** A queue whose work ends when the test says so. */
function createBench(concurrency = 1): Bench {
  const clock = createTestClock();
  const metrics = createMetrics();
  const startedAtMs = clock.now();
  const active = new Map<string, (outcome: Outcome) => void>();
  const begun: string[] = [];
  const idle = { count: 0 };
  const queue = new WorkQueue({
    name: 'dev',
    concurrency,
    clock,
    random: HALF,
    metrics,
    onIdle: () => (idle.count += 1),
    onBug: failOnBug,
    process: (key) => {
      expect(active.has(key)).toBe(false);
      begun.push(`${key}@${(clock.now() - startedAtMs) / 1_000}`);
      return new Promise((resolve) => active.set(key, resolve));
    },
  });
  return {
    clock,
    queue,
    metrics,
    begun,
    idle,
    async end(key, outcome = SETTLED) {
      const resolve = active.get(key);
      active.delete(key);
      resolve?.(outcome);
      await clock.flush();
    },
  };
}

describe('one worker per key', () => {
  test('a key that is queued is not queued twice', async () => {
    const { queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    for (let count = 0; count < 3; count += 1) queue.add('b', 'Resync');
    expect(queue.size).toBe(2);
    await end('a');
    await end('b');
    expect(begun).toEqual(['a@0', 'b@0']);
    expect(queue.size).toBe(0);
  });

  test('a key added while it is worked on is worked on once more, afterwards', async () => {
    const { queue, begun, end } = createBench(4);
    queue.add('a', 'Resync');
    queue.add('a', 'Resync');
    queue.add('a', 'Drift');
    expect(begun).toEqual(['a@0']);
    await end('a');
    expect(begun).toEqual(['a@0', 'a@0']);
    await end('a');
    expect(begun).toHaveLength(2);
  });

  test('no more keys at the same time than it may', async () => {
    const { queue, begun, metrics, end } = createBench(3);
    for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key, 'Change');
    expect(begun).toEqual(['a@0', 'b@0', 'c@0']);
    expect(metrics.total('controller_runtime_active_workers')).toBe(3);
    expect(metrics.total('workqueue_depth')).toBe(2);
    await end('b');
    expect(begun.at(-1)).toBe('d@0');
  });
});

describe('priorities', () => {
  test('a change goes before drift and drift before routine, each in the order it came', async () => {
    const { queue, begun, end } = createBench();
    queue.add('first', 'Resync');
    queue.add('r1', 'Resync');
    queue.add('d1', 'Drift');
    queue.add('c1', 'Change');
    queue.add('r2', 'Resync');
    queue.add('c2', 'Change');
    for (const key of ['first', 'c1', 'c2', 'd1', 'r1', 'r2']) await end(key);
    expect(begun.map((text) => text.split('@')[0])).toEqual(['first', 'c1', 'c2', 'd1', 'r1', 'r2']);
  });

  test('a queued key moves up when it becomes important, never down', async () => {
    const { queue, begun, metrics, end } = createBench();
    queue.add('first', 'Resync');
    queue.add('a', 'Resync');
    queue.add('b', 'Resync');
    queue.add('b', 'Change');
    queue.add('b', 'Resync');
    expect(metrics.total('workqueue_depth', { priority: 'Resync' })).toBe(1);
    expect(metrics.total('workqueue_depth', { priority: 'Change' })).toBe(1);
    for (const key of ['first', 'b', 'a']) await end(key);
    expect(begun.map((text) => text.split('@')[0])).toEqual(['first', 'b', 'a']);
    expect(metrics.total('workqueue_depth')).toBe(0);
  });

  test('a key that became important while it failed is important at its next try', async () => {
    const { clock, queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    queue.add('a', 'Drift');
    await end('a', RETRY);
    queue.add('x', 'Resync');
    await clock.advance(400);
    queue.add('y', 'Resync');
    await clock.advance(100);
    await end('x');
    expect(begun.at(-1)).toBe('a@0.5');
  });
});

describe('after a failure', () => {
  test('waits longer each time, and from the start again after a success', async () => {
    const { clock, queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    for (const waitMs of [500, 1_000, 2_000, 4_000]) {
      await end('a', RETRY);
      await clock.advance(waitMs);
    }
    expect(begun).toEqual(['a@0', 'a@0.5', 'a@1.5', 'a@3.5', 'a@7.5']);
    await end('a');
    queue.add('a', 'Resync');
    await end('a', RETRY);
    await clock.advance(500);
    expect(begun.slice(5)).toEqual(['a@7.5', 'a@8']);
  });

  test('waits ten seconds and more where the hub was asked too fast', async () => {
    const { clock, queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    await end('a', THROTTLED);
    await clock.advance(14_999);
    expect(begun).toHaveLength(1);
    await clock.advance(1);
    expect(begun).toEqual(['a@0', 'a@15']);
  });

  test('waits exactly as long as it was told to, and forgets its failures', async () => {
    const { clock, queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    await end('a', RETRY);
    await clock.advance(500);
    await end('a', { kind: 'RequeueAfter', delayMs: 60_000 });
    await clock.advance(60_000);
    await end('a', RETRY);
    await clock.advance(500);
    expect(begun).toEqual(['a@0', 'a@0.5', 'a@60.5', 'a@61']);
  });

  test('routine does not hurry a key that waits, a person does', async () => {
    const { clock, queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    await end('a', { kind: 'RequeueAfter', delayMs: 60_000 });
    queue.add('a', 'Resync');
    queue.add('a', 'Drift');
    await clock.advance(1_000);
    expect(begun).toHaveLength(1);
    queue.add('a', 'Change');
    expect(begun).toEqual(['a@0', 'a@1']);
    await end('a');
    expect(clock.pending).toBe(0);
  });

  test('is not tried again where only a person can help, until it is added', async () => {
    const { clock, queue, begun, end } = createBench();
    queue.add('a', 'Resync');
    await end('a', STALLED);
    await clock.advance(3_600_000);
    expect(begun).toHaveLength(1);
    expect(queue.size).toBe(0);
    queue.add('a', 'Resync');
    expect(begun).toHaveLength(2);
  });

  test('lets others go first', async () => {
    const { queue, begun, end } = createBench();
    queue.add('a', 'Change');
    queue.add('b', 'Resync');
    await end('a', RETRY);
    expect(begun.map((text) => text.split('@')[0])).toEqual(['a', 'b']);
  });
});

describe('the end', () => {
  test('is told when nothing is queued, active or waiting', async () => {
    const { clock, queue, idle, end } = createBench();
    let isIdle = false;
    queue.add('a', 'Resync');
    void queue.idle().then(() => (isIdle = true));
    await end('a', RETRY);
    expect([isIdle, idle.count]).toEqual([false, 0]);
    await clock.advance(500);
    await end('a');
    expect([isIdle, idle.count]).toEqual([true, 1]);
    await expect(queue.idle()).resolves.toBeUndefined();
  });

  test('forgets what is not begun, waits for what is, and takes no more', async () => {
    const { clock, queue, begun, idle, metrics, end } = createBench(2);
    for (const key of ['a', 'b', 'c']) queue.add(key, 'Resync');
    await end('b', RETRY);
    queue.add('d', 'Change');
    let isStopped = false;
    void queue.stop().then(() => (isStopped = true));
    queue.add('e', 'Change');
    await end('c', RETRY);
    expect(isStopped).toBe(false);
    await end('a', SETTLED);
    expect(isStopped).toBe(true);
    await clock.advance(3_600_000);
    expect(begun.map((text) => text.split('@')[0])).toEqual(['a', 'b', 'c']);
    expect(clock.pending).toBe(0);
    expect(metrics.total('workqueue_depth')).toBe(0);
    expect(idle.count).toBe(0);
    await expect(queue.stop()).resolves.toBeUndefined();
  });

  test('what was forgotten does not count as done', async () => {
    const { queue, idle, end } = createBench();
    queue.add('a', 'Resync');
    await end('a', RETRY);
    await queue.stop();
    expect(idle.count).toBe(0);
  });
});

describe('whatever is added and whatever comes of it', () => {
  const priority = fc.constantFrom<Priority>('Change', 'Drift', 'Resync');
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ key: fc.nat({ max: 5 }), priority }) },
    { weight: 1, arbitrary: fc.record({ advanceMs: fc.nat({ max: 3_000 }) }) },
  );
  const turn = fc.record({
    tookMs: fc.nat({ max: 1_500 }),
    outcome: fc.constantFrom<Outcome>(
      SETTLED,
      RETRY,
      THROTTLED,
      STALLED,
      { kind: 'RequeueAfter', delayMs: 0 },
      { kind: 'RequeueAfter', delayMs: 20_000 },
    ),
  });

  test('no key is worked on twice at once, every key is worked on after it was last added, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(turn, { maxLength: 25 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, turns, concurrency) => {
          const clock = createTestClock();
          const metrics = createMetrics();
          const active = new Set<string>();
          const addedAt = new Map<string, number>();
          const begunAt = new Map<string, number>();
          let now = 0;
          let turnsTaken = 0;
          const queue = new WorkQueue({
            name: 'dev',
            concurrency,
            clock,
            random: HALF,
            metrics,
            onBug: failOnBug,
            process: async (key) => {
              expect(active.has(key)).toBe(false);
              active.add(key);
              expect(active.size).toBeLessThanOrEqual(concurrency);
              begunAt.set(key, (now += 1));
              const { tookMs, outcome } = turns[(turnsTaken += 1) - 1] ?? { tookMs: 1, outcome: SETTLED };
              await new Promise<void>((resolve) => void clock.schedule(tookMs, resolve));
              active.delete(key);
              return outcome;
            },
          });
          for (const one of steps) {
            if ('advanceMs' in one) await clock.advance(one.advanceMs);
            else {
              addedAt.set(`k${one.key}`, (now += 1));
              queue.add(`k${one.key}`, one.priority);
            }
          }
          await clock.advance(30 * 60_000);
          for (const [key, at] of addedAt) expect(begunAt.get(key)).toBeGreaterThan(at);
          expect([queue.size, active.size, clock.pending]).toEqual([0, 0, 0]);
          expect(metrics.total('workqueue_depth')).toBe(0);
          for (const one of ['Change', 'Drift', 'Resync']) {
            expect(metrics.total('workqueue_depth', { priority: one })).toBe(0);
          }
          expect(metrics.total('controller_runtime_active_workers')).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('a bug in the work frees its worker, is reported, and does not end the queue', async () => {
  const clock = createTestClock();
  const metrics = createMetrics();
  const bugs: string[] = [];
  const done: string[] = [];
  const queue = new WorkQueue({
    name: 'dev',
    concurrency: 1,
    clock,
    random: HALF,
    metrics,
    onBug: (key, error) => {
      bugs.push(`${key} ${String(error)}`);
      return RETRY;
    },
    process: async (key) => {
      if (key === 'bad' && bugs.length === 0) throw new TypeError('what?');
      done.push(key);
      return SETTLED;
    },
  });
  queue.add('bad', 'Change');
  queue.add('good', 'Resync');
  await clock.flush();
  expect([bugs, done]).toEqual([['bad TypeError: what?'], ['good']]);
  expect(metrics.total('controller_runtime_active_workers')).toBe(0);
  await clock.advance(60_000);
  expect([done, queue.size]).toEqual([['good', 'bad'], 0]);
});
