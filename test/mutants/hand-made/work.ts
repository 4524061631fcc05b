// Mutants of the work queue, the budget and the lease.
import type { HandMade } from '../mutant.ts';

export const WORK: readonly HandMade[] = [
  {
    name: 'a failure is not tried again',
    in: 'WorkQueue.#settle',
    code: "outcome.kind === 'Settled' || outcome.kind === 'Stalled'",
    replacement: "outcome.kind !== 'RequeueAfter'",
  },
  {
    name: 'the backoff forgets how often it failed',
    in: 'WorkQueue.#settle',
    code: 'item.failures + 1',
    replacement: '1',
  },
  {
    name: 'the backoff remembers failures after a success',
    in: 'WorkQueue.#settle',
    code: "item.failures = outcome.kind === 'Retry' ? item.failures + 1 : 0",
    replacement: "item.failures += outcome.kind === 'Retry' ? 1 : 0",
  },
  {
    name: 'what comes for a key that is being worked on is lost',
    in: 'WorkQueue.add',
    code: 'item.again = higher(item.again, priority);',
    replacement: '',
  },
  {
    name: 'two workers take the same key',
    in: 'WorkQueue.#run',
    code: "item.phase = 'active'",
    replacement: "item.phase = 'waiting'",
  },
  {
    name: 'the backoff has no jitter',
    in: 'backoffMs',
    code: 'random.next() * ceiling',
    replacement: 'ceiling',
  },
  {
    name: 'the backoff grows for ever',
    in: 'backoffMs',
    code: 'Math.min(BACKOFF_MAX_MS, baseOf(pace) * 2 ** (failures - 1))',
    replacement: 'baseOf(pace) * 2 ** (failures - 1)',
  },
  {
    name: 'a used-up quota is tried again at once',
    in: 'classify',
    code: "{ kind: 'RequeueAfter', delayMs: untilNextUtcDay(nowMs) }",
    replacement: 'RETRY',
  },
  {
    name: 'a key is tried once too often',
    in: 'ApplyResults.settle',
    code: 'tries < this.#triesMax',
    replacement: 'tries <= this.#triesMax',
  },
  {
    name: 'a race with another writer is a failure',
    in: 'converge',
    code: 'if (!isRace(error) || count === DECISIONS_MAX) throw error;',
    replacement: 'throw error;',
  },
  {
    name: 'a pass that failed forgets that it followed a change',
    in: 'dropPass',
    code: 'state.isChange || state.passing?.isChange === true',
    replacement: 'state.isChange',
  },
  {
    name: 'a hub that could not be listed is not tried again',
    in: 'HubLoop.#delayAfter',
    code: "if (after.kind === 'Retry') return backoffMs(failures, after.pace, random);",
    replacement: '',
  },
  {
    name: 'a 429 does not slow us down',
    in: 'heed',
    code: "if (error instanceof HubError && error.code === 'Throttled') bucket.slowDown();",
    replacement: '',
  },
  {
    name: 'a 429 is a failure like any other',
    in: 'CODES_BY_STATUS',
    code: "429: 'Throttled'",
    replacement: "429: 'Unavailable'",
  },
  {
    name: 'more is spent than the budget has',
    in: 'TokenBucket.#serve',
    code: 'this.#tokens < 1',
    replacement: 'this.#tokens < 0',
  },
  {
    name: 'a hub that is connected anew begins with a full budget',
    in: 'Budgets.hubWithin',
    code: 'known?.limits !== limits',
    replacement: 'known?.limits !== `${limits} `',
  },
  {
    name: 'the budget is ten times its share',
    in: 'bucketsFor',
    code: 'rate * budget.throttle',
    replacement: '10 * rate * budget.throttle',
  },
  {
    name: 'lists take no turn',
    in: 'pagesWithin',
    code: 'bucket.take(signal)',
    replacement: 'Promise.resolve()',
  },
  {
    name: 'comparing may use up the messages of the day',
    in: 'affordablePeriodMs',
    code: 'Math.max(periodMs, (passMessages / allowance) * DAY_MS)',
    replacement: 'periodMs',
  },
];

export const LEASE: readonly HandMade[] = [
  {
    name: 'the lease is taken from whoever holds it',
    in: 'HeldLease.#isOurs',
    code: 'lease?.holder === this.#options.holder',
    replacement: 'lease?.holder !== this.#options.holder',
  },
  {
    name: 'the lease is not renewed',
    in: 'HeldLease.#hold',
    code: 'this.#schedule(this.#holding, ttlMs * RENEW_SHARE);',
    replacement: '',
  },
  {
    name: 'the lease of a dead holder never runs out',
    in: 'HeldLease.#hasRunOut',
    code: 'nowMs - this.#watched.sinceMs >= ttlSeconds * 1_000',
    replacement: 'false',
  },
  {
    name: 'a lease that changes under our eyes runs out',
    in: 'HeldLease.#hasRunOut',
    code: 'if (this.#watched?.version !== version) this.#watched = { version, sinceMs: nowMs };',
    replacement: 'this.#watched ??= { version, sinceMs: nowMs };',
  },
  {
    name: 'a lease that could not be renewed is held for ever',
    in: 'HeldLease.isHeld',
    code: 'this.#holding !== undefined && clock.now() < this.#holding.stopAtMs',
    replacement: 'this.#holding !== undefined',
  },
  {
    name: 'writes pass without the lease',
    in: 'fencedHub',
    code: "writesTo !== 'fleet' || isAllowed() ? run() : refuse()",
    replacement: 'run()',
  },
];
