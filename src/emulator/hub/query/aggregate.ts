// Aggregates and GROUP BY: folds many rows into one for each group.
import { canonicalJson, setKey, type Json, type JsonObject } from '../../../model/json.ts';
import type { HubRecord } from '../record.ts';
import { compilePath } from './evaluate.ts';
import type { Aggregate, Path, Projection, Query } from './syntax.ts';

/** Folds rows one by one; the result is undefined if no row had a value. */
interface Fold {
  add(record: HubRecord): void;
  result(): Json | undefined;
}

/** In the order of each group's first row. Without GROUP BY there is one group, even without rows. */
export function aggregate(query: Query, rows: Iterable<HubRecord>): JsonObject[] {
  const keyReaders = query.groupBy.map((path) => compilePath(path));
  const groups = new Map<string, Map<string, Fold>>();
  if (keyReaders.length === 0) groups.set(groupKey([]), openFolds(query));
  for (const record of rows) {
    const key = groupKey(keyReaders.map((read) => read(record)));
    let folds = groups.get(key);
    if (folds === undefined) {
      folds = openFolds(query);
      groups.set(key, folds);
    }
    for (const fold of folds.values()) fold.add(record);
  }
  return [...groups.values()].map((folds) => closeFolds(folds));
}

/** Rows without the value form a group of their own, distinct from those with null. */
function groupKey(values: readonly (Json | undefined)[]): string {
  return values.map((value) => (value === undefined ? 'undefined' : canonicalJson(value))).join('\n');
}

function openFolds({ projections = [] }: Query): Map<string, Fold> {
  return new Map(projections.map((projection) => [projection.name, openFold(projection)]));
}

function closeFolds(folds: ReadonlyMap<string, Fold>): JsonObject {
  const row: JsonObject = {};
  for (const [name, fold] of folds) {
    const value = fold.result();
    if (value !== undefined) setKey(row, name, value);
  }
  return row;
}

function openFold(projection: Projection): Fold {
  if (projection.kind === 'path') return firstOf(projection.path);
  if (projection.path === undefined) return countOf();
  return numbersOf(projection.aggregate, projection.path);
}

/** A grouped column: all rows of the group have the same value. */
function firstOf(path: Path): Fold {
  const read = compilePath(path);
  let first: HubRecord | undefined;
  return {
    add: (record) => {
      first ??= record;
    },
    result: () => (first === undefined ? undefined : read(first)),
  };
}

function countOf(): Fold {
  let count = 0;
  return {
    add: () => {
      count += 1;
    },
    result: () => count,
  };
}

/** Ignores values that are not numbers (not established). */
function numbersOf(aggregate: Aggregate, path: Path): Fold {
  const read = compilePath(path);
  let [count, sum, min, max] = [0, 0, Infinity, -Infinity];
  return {
    add: (record) => {
      const value = read(record);
      if (typeof value !== 'number') return;
      count += 1;
      sum += value;
      min = Math.min(min, value);
      max = Math.max(max, value);
    },
    result: () =>
      count === 0 ? undefined : { AVG: sum / count, SUM: sum, MIN: min, MAX: max, COUNT: count }[aggregate],
  };
}
