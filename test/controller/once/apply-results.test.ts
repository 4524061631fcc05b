// How often one key is tried, and what its last word is.
import { expect, test } from 'vitest';
import { TwinTable } from '../../../src/controller/twins/twin-table.ts';
import { ApplyResults } from '../../../src/controller/once/apply-results.ts';
import { RETRY, SETTLED, type Outcome } from '../../../src/controller/queue/outcome.ts';
import type { Reconciled } from '../../../src/controller/reconcile/reconcile.ts';

const KEY = 'd1/azureiotsecurity';

function ended(outcome: Outcome): Reconciled {
  const ref = { deviceId: 'd1', moduleId: 'azureiotsecurity' };
  const result = outcome === SETTLED ? 'Unchanged' : 'Failed';
  return { ref, result, action: undefined, live: undefined, outcome, error: undefined };
}

/** What the queue is told after each try, until nothing is left to do. */
function triesOf(triesMax: number, outcome: Outcome): string[] {
  const results = new ApplyResults(triesMax);
  results.expect(KEY);
  const told: string[] = [];
  for (let next: Outcome = RETRY; next !== SETTLED;) {
    next = results.settle(KEY, ended(outcome));
    told.push(next.kind);
  }
  expect(results.progress).toEqual({ done: 1, total: 1 });
  return told;
}

test.each([
  ['three tries, and no fourth', 3, RETRY, ['Retry', 'Retry', 'Settled']],
  ['a single try', 1, RETRY, ['Settled']],
  ['a short wait is a try', 2, { kind: 'RequeueAfter', delayMs: 60_000 }, ['RequeueAfter', 'Settled']],
  ['a longer wait is not waited for', 2, { kind: 'RequeueAfter', delayMs: 60_001 }, ['Settled']],
  ['what can not help is not tried again', 3, { kind: 'Stalled' }, ['Settled']],
] as const)('%s', (_sentence, triesMax, outcome, wanted) => {
  expect(triesOf(triesMax, outcome)).toEqual(wanted);
});

test('a key that was never reached has failed', () => {
  const open = new ApplyResults(3);
  open.expect(KEY);
  const { results, outcomes } = open.close(new TwinTable());
  expect(outcomes.Failed).toBe(1);
  expect(results).toMatchObject([{ outcome: 'Failed', error: { code: 'Aborted' } }]);
});
