// Counts over a plan that add up.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  REASONS,
  changesDevice,
  writes,
  type ActionReason,
  type ActionType,
  type SettingChange,
  type TwinAction,
} from '../../../src/model/action.ts';
import { actionOf } from '../actions.ts';
import { configurationOwner } from '../../../src/model/owner.ts';
import { addSummaries, summarize } from '../../../src/plan/report/summary.ts';

const change = (before: number | undefined, after: number | undefined): SettingChange => ({
  name: 'a',
  path: ['a'],
  before,
  after,
  owner: configurationOwner('o'),
  cause: 'Drift',
  sensitive: false,
});

test('counts twins by action and reason, and settings by what happens to them', () => {
  const summary = summarize([
    actionOf('Patch', 'Drift', { changes: [change(1, 2), change(1, undefined), change(undefined, 2)] }),
    actionOf('Patch', 'Drift', { changes: [change(1, 2)] }),
    actionOf('Create', 'ModuleMissing'),
    actionOf('Record', 'Adopted'),
    actionOf('Equal', 'InSync'),
  ]);
  expect(summary).toEqual({
    twins: 5,
    actions: { Equal: 1, Patch: 2, Record: 1, Create: 1, Observe: 0, Wait: 0, Skip: 0, Keep: 0, Hold: 0 },
    reasons: { 'Patch/Drift': 2, 'Create/ModuleMissing': 1, 'Record/Adopted': 1, 'Equal/InSync': 1 },
    settings: { added: 1, changed: 2, removed: 1 },
  });
});

/** One of each type and reason. */
const all = Object.entries(REASONS).flatMap(([type, reasons]) =>
  reasons.map((reason: ActionReason) => actionOf(type as ActionType, reason, { changes: [change(1, 2)] })),
);

test('every twin is in exactly one of the counts', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...all)), (actions) => {
      const { twins, actions: byType, reasons } = summarize(actions);
      const modules = actions.filter(({ type }) => type === 'Skip').length;
      const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
      expect([twins + modules, sum(byType), sum(reasons)]).toEqual([actions.length, actions.length, actions.length]);
    }),
    { numRuns: 50 },
  );
});

test('a record is written and changes no device', () => {
  const typesOf = (actions: readonly TwinAction[]) => [...new Set(actions.map(({ type }) => type))];
  expect(typesOf(all.filter(writes))).toEqual(['Patch', 'Record', 'Create']);
  expect(typesOf(all.filter(changesDevice))).toEqual(['Patch', 'Create']);
});

test('the summaries of hubs add up to that of all their twins', () => {
  const some = fc.array(fc.constantFrom(...all));
  fc.assert(
    fc.property(some, some, (a, b) => {
      expect(addSummaries([summarize(a), summarize(b)])).toEqual(summarize([...a, ...b]));
    }),
    { numRuns: 50 },
  );
});
