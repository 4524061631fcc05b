// A query from its text to a page of rows.
import { setKey, type JsonObject } from '../../../model/json.ts';
import type { HubRecord } from '../record.ts';
import { badRequest } from '../service-error.ts';
import { wireTwin } from '../twin-fields.ts';
import { aggregate } from './aggregate.ts';
import { candidates, type QueryIndex } from './candidates.ts';
import { type Place, readContinuation, writeContinuation } from './continuation.ts';
import { compileCondition, compilePath } from './evaluate.ts';
import { isAggregation, parseQuery } from './parser.ts';
import type { Query } from './syntax.ts';

export interface QueryOptions {
  /** Rows at most; the hub's maximum where it is larger or absent. */
  readonly pageSize?: number | undefined;
  /** From the page before of the same query; the page size may differ. */
  readonly continuation?: string | undefined;
}

export interface QueryPage {
  /** Twin for `SELECT *`, else Raw. */
  readonly itemType: 'Twin' | 'Raw';
  /** In the order of creation, or of the first row of a group. */
  readonly items: JsonObject[];
  /** Absent on the last page. Rows that come or go between pages move no other row to another page. */
  readonly continuation?: string;
}

const START: Place = { next: 0, given: 0 };

/** Throws the service's bare 400 for a query, a page size or a continuation it cannot take. */
export function runQuery(
  index: QueryIndex,
  text: string,
  options: QueryOptions & { readonly pageSizeMax: number },
): QueryPage {
  const query = parseQuery(text);
  const place = options.continuation === undefined ? START : readContinuation(text, options.continuation);
  const size = Math.min(pageSize(options), Math.max(0, (query.top ?? Infinity) - place.given));
  const { items, next } = isAggregation(query)
    ? groupPage(index, query, place.next, size)
    : rowPage(index, query, place.next, size);
  const given = place.given + items.length;
  const isLast = next === undefined || given >= (query.top ?? Infinity);
  return {
    itemType: query.projections === undefined ? 'Twin' : 'Raw',
    items,
    ...(isLast ? {} : { continuation: writeContinuation(text, { next, given }) }),
  };
}

/** `next` is where the following page starts; undefined after the last row. */
interface PageOfItems {
  readonly items: JsonObject[];
  readonly next: number | undefined;
}

function rowPage(index: QueryIndex, query: Query, from: number, size: number): PageOfItems {
  const build = rowBuilder(query);
  const items: JsonObject[] = [];
  for (const record of matches(index, query, from)) {
    if (items.length === size) return { items, next: record.sequence };
    items.push(build(record));
  }
  return { items, next: undefined };
}

function groupPage(index: QueryIndex, query: Query, from: number, size: number): PageOfItems {
  const groups = aggregate(query, matches(index, query, 0));
  const items = groups.slice(from, from + size);
  const next = from + items.length;
  return { items, next: next < groups.length ? next : undefined };
}

function* matches(index: QueryIndex, query: Query, from: number): Generator<HubRecord, void, undefined> {
  const holds = compileCondition(query.where);
  for (const record of candidates(index, query, from)) if (holds(record)) yield record;
}

/** Columns that are undefined for a row are left out of it. */
function rowBuilder({ projections }: Query): (record: HubRecord) => JsonObject {
  if (projections === undefined) return wireTwin;
  const columns = projections
    .filter((projection) => projection.kind === 'path')
    .map(({ name, path }) => ({ name, read: compilePath(path) }));
  return (record) => {
    const row: JsonObject = {};
    for (const { name, read } of columns) {
      const value = read(record);
      if (value !== undefined) setKey(row, name, value);
    }
    return row;
  };
}

function pageSize({ pageSize, pageSizeMax }: { pageSize?: number | undefined; pageSizeMax: number }): number {
  if (pageSize === undefined) return pageSizeMax;
  if (!Number.isInteger(pageSize) || pageSize < 1) throw badRequest('query: the page size is no positive whole number');
  return Math.min(pageSize, pageSizeMax);
}
