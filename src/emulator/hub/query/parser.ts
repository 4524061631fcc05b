// Grammar of whole queries.
import { deepEqual } from '../../../model/json.ts';
import { remembering } from '../../../model/lazy.ts';
import { badRequest } from '../service-error.ts';
import { Cursor } from './cursor.ts';
import { parseCondition, parsePath } from './expressions.ts';
import { tokenize } from './lexer.ts';
import { JOB_FIELDS } from './fields.ts';
import type { Path, Projection, Query, QuerySource } from './syntax.ts';

const QUERY_CHARACTERS_MAX = 8192;

/**
 * Throws the service's bare 400, with the reason as detail, for every query that this hub can't answer. Clients repeat
 * the same few, page by page.
 */
export const parseQuery: (text: string) => Query = remembering(64, parse);

function parse(text: string): Query {
  if (text.length > QUERY_CHARACTERS_MAX) throw badRequest(`query: longer than ${QUERY_CHARACTERS_MAX} characters`);
  const cursor = new Cursor(tokenize(text));
  cursor.expectWord('SELECT');
  const top = cursor.takeWord('TOP') === undefined ? undefined : parseCount(cursor);
  const projections = cursor.takeSymbol('*') === undefined ? parseProjections(cursor) : undefined;
  cursor.expectWord('FROM');
  const source = parseSource(cursor);
  if (source === 'jobs') cursor.fields = JOB_FIELDS;
  const where = cursor.takeWord('WHERE') === undefined ? undefined : parseCondition(cursor);
  const groupBy = cursor.takeWord('GROUP') === undefined ? [] : parseGroupBy(cursor);
  cursor.expectEnd();
  const query = { source, projections, top, where, groupBy };
  if (source === 'jobs' && (projections !== undefined || groupBy.length > 0)) {
    throw badRequest('query: jobs are selected whole, and neither grouped nor counted');
  }
  checkAggregation(query);
  return query;
}

/** True if rows are folded into groups. */
export function isAggregation({ projections, groupBy }: Query): boolean {
  return groupBy.length > 0 || projections?.some((projection) => projection.kind === 'aggregate') === true;
}

function parseCount(cursor: Cursor): number {
  const count = cursor.takeNumber();
  if (count === undefined || !Number.isInteger(count) || count < 1) throw badRequest('query: TOP needs a whole number');
  return count;
}

function parseProjections(cursor: Cursor): Projection[] {
  const projections: Projection[] = [];
  do projections.push(parseProjection(cursor, projections.length + 1));
  while (cursor.takeSymbol(',') !== undefined);
  if (new Set(projections.map(({ name }) => name)).size < projections.length) {
    throw badRequest('query: two columns have the same name');
  }
  return projections;
}

/** Without AS a path is named by its last key, an aggregate by its position: `$1` (not established). */
function parseProjection(cursor: Cursor, place: number): Projection {
  const aggregate = cursor.takeCall('COUNT', 'AVG', 'SUM', 'MIN', 'MAX');
  if (aggregate === undefined) {
    const path = parsePath(cursor);
    return { kind: 'path', path, name: takeAlias(cursor) ?? path.at(-1) ?? '' };
  }
  const path = aggregate === 'COUNT' ? undefined : parsePath(cursor);
  cursor.expectSymbol(')');
  return { kind: 'aggregate', aggregate, path, name: takeAlias(cursor) ?? `$${place}` };
}

function takeAlias(cursor: Cursor): string | undefined {
  return cursor.takeWord('AS') === undefined ? undefined : cursor.expectName();
}

function parseSource(cursor: Cursor): QuerySource {
  cursor.expectWord('DEVICES');
  if (cursor.takeSymbol('.') === undefined) return 'devices';
  if (cursor.takeWord('JOBS') !== undefined) return 'jobs';
  cursor.expectWord('MODULES');
  return 'modules';
}

function parseGroupBy(cursor: Cursor): Path[] {
  cursor.expectWord('BY');
  const paths: Path[] = [];
  do paths.push(parsePath(cursor));
  while (cursor.takeSymbol(',') !== undefined);
  return paths;
}

function checkAggregation(query: Query): void {
  if (!isAggregation(query)) return;
  if (query.source === 'modules') throw badRequest('query: aggregates work on devices only');
  if (query.projections === undefined) throw badRequest('query: GROUP BY needs columns');
  for (const projection of query.projections) {
    if (projection.kind === 'path' && !query.groupBy.some((path) => deepEqual([...path], [...projection.path]))) {
      throw badRequest(`query: column ${JSON.stringify(projection.name)} is neither grouped nor an aggregate`);
    }
  }
}
