// Which rows a query must read: the devices that its condition names, or all of the source.
import type { HubRecord } from '../record.ts';
import type { RowSource } from '../state.ts';
import type { Expression, Query } from './syntax.ts';

/** The parts of a query that determine which twins it must read. */
export type TwinQuery = Pick<Query, 'where'> & { readonly source: RowSource };

/** The data source of queries: the live state, or a lagging view. */
export interface QueryIndex {
  /** In the order of creation, from this sequence number on. */
  rows(source: RowSource, from: number): Iterable<HubRecord>;
  rowsOfDevice(source: RowSource, deviceId: string): readonly HubRecord[];
}

/** A superset of the matching rows, in the order of creation, from this sequence number on. */
export function candidates(index: QueryIndex, query: TwinQuery, from: number): Iterable<HubRecord> {
  const deviceIds = query.where === undefined ? undefined : pinnedDevices(query.where);
  if (deviceIds === undefined) return index.rows(query.source, from);
  return [...deviceIds]
    .flatMap((deviceId) => index.rowsOfDevice(query.source, deviceId))
    .filter((record) => record.sequence >= from)
    .toSorted((a, b) => a.sequence - b.sequence);
}

/** The only device ids for which the condition can hold; undefined if it names none. */
function pinnedDevices(expression: Expression): ReadonlySet<string> | undefined {
  switch (expression.kind) {
    case 'and':
      return expression.terms.map((term) => pinnedDevices(term)).find((ids) => ids !== undefined);
    case 'or': {
      const pinned = expression.terms.map((term) => pinnedDevices(term));
      return pinned.reduce((all, ids) => (all === undefined || ids === undefined ? undefined : all.union(ids)));
    }
    case 'compare':
      if (expression.operator !== '=') return undefined;
      if (isDeviceId(expression.left)) return constants([expression.right]);
      return isDeviceId(expression.right) ? constants([expression.left]) : undefined;
    case 'in': {
      if (expression.negated || !isDeviceId(expression.operand)) return undefined;
      return new Set(expression.values.filter((value) => typeof value === 'string'));
    }
    default:
      return undefined;
  }
}

function isDeviceId(expression: Expression): boolean {
  return expression.kind === 'path' && expression.path.length === 1 && expression.path[0] === 'deviceId';
}

function constants(expressions: readonly Expression[]): ReadonlySet<string> | undefined {
  const ids = new Set<string>();
  for (const expression of expressions) {
    if (expression.kind !== 'constant') return undefined;
    if (typeof expression.value === 'string') ids.add(expression.value);
  }
  return ids;
}
