// Runs a query from its text to a page of rows.
import { getKey, setKey, type JsonObject } from '../../../model/json.ts';
import type { HubRecord } from '../record.ts';
import { badRequest } from '../service-error.ts';
import { wireTwin } from '../twins/twin-fields.ts';
import { aggregate } from './aggregate.ts';
import { candidates, type QueryIndex, type TwinQuery } from './candidates.ts';
import { type Place, readContinuation, writeContinuation } from './continuation.ts';
import { compileCondition, compilePath, compileRowCondition } from './evaluate.ts';
import { isAggregation, parseQuery } from './parser.ts';
import type { Query } from './syntax.ts';

export interface QueryOptions {
  /** Most rows; limited by the hub's maximum, which is the default. */
  readonly pageSize?: number | undefined;
  /** From the previous page of the same query; the page size may differ. */
  readonly continuation?: string | undefined;
}

export interface QueryPage {
  /** The row type for `SELECT *`, else Raw. */
  readonly itemType: 'Twin' | 'DeviceJob' | 'Raw';
  /** In the order of creation, or of the first row of a group. */
  readonly items: JsonObject[];
  /** Absent on the last page. Rows created or deleted between pages do not move other rows to another page. */
  readonly continuation?: string;
}

/** Data that queries need besides the twins. */
export interface OtherWriters {
  readonly pageSizeMax: number;
  /** The rows of `devices.jobs`, in the order of creation; undefined: none. */
  readonly jobRows?: (() => Iterable<JsonObject>) | undefined;
}

const START: Place = { next: 0, given: 0 };

/** Throws the service's bare 400 for an invalid query, page size or continuation. */
export function runQuery(index: QueryIndex, text: string, options: QueryOptions & OtherWriters): QueryPage {
  const query = parseQuery(text);
  const place = options.continuation === undefined ? START : readContinuation(text, options.continuation);
  const size = Math.min(pageSize(options), Math.max(0, (query.top ?? Infinity) - place.given));
  const { items, next } = itemsOf(index, query, { from: place.next, size, jobRows: options.jobRows });
  const given = place.given + items.length;
  const isLast = next === undefined || given >= (query.top ?? Infinity);
  return {
    itemType: query.source === 'jobs' ? 'DeviceJob' : query.projections === undefined ? 'Twin' : 'Raw',
    items,
    ...(isLast ? {} : { continuation: writeContinuation(text, { next, given }) }),
  };
}

/** The number of rows on all pages. Throws like `runQuery`. */
export function countRows(index: QueryIndex, text: string): number {
  const query = parseQuery(text);
  if (!isTwinQuery(query)) return 0;
  if (isAggregation(query)) return aggregate(query, matches(index, query, 0)).length;
  let count = 0;
  for (const _record of matches(index, query, 0)) count += 1;
  return Math.min(count, query.top ?? Infinity);
}

/** The ids of all matching devices of a query on devices, in the order of creation. Throws like `runQuery`. */
export function selectDeviceIds(index: QueryIndex, text: string): string[] {
  const query = parseQuery(text);
  if (!isTwinQuery(query)) throw badRequest('query: asks for jobs');
  return Array.from(matches(index, query, 0), ({ deviceId }) => deviceId);
}

/** `next`: where the following page starts; undefined after the last row. */
interface PageOfItems {
  readonly items: JsonObject[];
  readonly next: number | undefined;
}

interface PageBounds extends Pick<OtherWriters, 'jobRows'> {
  readonly from: number;
  readonly size: number;
}

function itemsOf(index: QueryIndex, query: Query, { from, size, jobRows }: PageBounds): PageOfItems {
  if (!isTwinQuery(query)) return jobPage(query, jobRows?.() ?? [], from, size);
  return isAggregation(query) ? groupPage(index, query, from, size) : rowPage(index, query, from, size);
}

export function isTwinQuery(query: Query): query is Query & TwinQuery {
  return query.source !== 'jobs';
}

/** Positions count all rows; jobs that expire after a month shift them. */
function jobPage(query: Query, rows: Iterable<JsonObject>, from: number, size: number): PageOfItems {
  const holds = compileRowCondition(query.where, getKey);
  const items: JsonObject[] = [];
  let place = -1;
  for (const row of rows) {
    place += 1;
    if (place < from || !holds(row)) continue;
    if (items.length === size) return { items, next: place };
    items.push(row);
  }
  return { items, next: undefined };
}

function rowPage(index: QueryIndex, query: Query & TwinQuery, from: number, size: number): PageOfItems {
  const build = rowBuilder(query);
  const items: JsonObject[] = [];
  for (const record of matches(index, query, from)) {
    if (items.length === size) return { items, next: record.sequence };
    items.push(build(record));
  }
  return { items, next: undefined };
}

function groupPage(index: QueryIndex, query: Query & TwinQuery, from: number, size: number): PageOfItems {
  const groups = aggregate(query, matches(index, query, 0));
  const items = groups.slice(from, from + size);
  const next = from + items.length;
  return { items, next: next < groups.length ? next : undefined };
}

/** The matching records, from a position in the order of creation. Must not be resumed after a write. */
export function* matches(index: QueryIndex, query: TwinQuery, from: number): Generator<HubRecord, void, undefined> {
  const holds = compileCondition(query.where);
  for (const record of candidates(index, query, from)) if (holds(record)) yield record;
}

/** Omits columns that are undefined for a row. */
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
  if (!Number.isInteger(pageSize) || pageSize < 1)
    throw badRequest('query: the page size is not a positive whole number');
  return Math.min(pageSize, pageSizeMax);
}
