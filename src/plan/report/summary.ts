// Counts over a plan that add up: every twin is in exactly one of them. `Patch` are changes of desired properties,
// `Create` new modules, `Record` writes that change neither: they are never added up as if they were one thing.
import { REASONS, changesOf, type ActionType, type TwinAction } from '../../model/action.ts';

export interface PlanSummary {
  /** The sum of `actions` without `Skip`: a module that need not exist and does not is no twin. */
  readonly twins: number;
  readonly actions: Readonly<Record<ActionType, number>>;
  /** By `ACTION/REASON`, only those that occur; the sum is that of `actions`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Single settings that would be written, over all twins. */
  readonly settings: { readonly added: number; readonly changed: number; readonly removed: number };
}

const ACTION_TYPES = Object.keys(REASONS) as ActionType[];

export function summarize(actions: Iterable<TwinAction>): PlanSummary {
  const byType = countEach(ACTION_TYPES, () => 0);
  const reasons: Record<string, number> = {};
  const settings = { added: 0, changed: 0, removed: 0 };
  let twins = 0;
  for (const action of actions) {
    const { type, reason } = action;
    if (type !== 'Skip') twins += 1;
    byType[type] += 1;
    const label = `${type}/${reason}`;
    reasons[label] = (reasons[label] ?? 0) + 1;
    for (const { before, after } of changesOf(action)) {
      if (after === undefined) settings.removed += 1;
      else if (before === undefined) settings.added += 1;
      else settings.changed += 1;
    }
  }
  return { twins, actions: byType, reasons, settings };
}

/** Of several hubs together. */
export function addSummaries(summaries: readonly PlanSummary[]): PlanSummary {
  const sum = (count: (summary: PlanSummary) => number): number =>
    summaries.reduce((total, summary) => total + count(summary), 0);
  const labels = new Set(summaries.flatMap(({ reasons }) => Object.keys(reasons)));
  return {
    twins: sum(({ twins }) => twins),
    actions: countEach(ACTION_TYPES, (type) => sum(({ actions }) => actions[type])),
    reasons: countEach([...labels], (label) => sum(({ reasons }) => reasons[label] ?? 0)),
    settings: {
      added: sum(({ settings }) => settings.added),
      changed: sum(({ settings }) => settings.changed),
      removed: sum(({ settings }) => settings.removed),
    },
  };
}

function countEach<K extends string>(keys: readonly K[], count: (key: K) => number): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, count(key)])) as Record<K, number>;
}
