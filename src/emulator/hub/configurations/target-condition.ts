// Target conditions and metric queries of configurations, parsed by the query parser.
import { parseQuery } from '../query/parser.ts';
import type { Expression, Query } from '../query/syntax.ts';
import { attempt, invalidCustomMetric, invalidTargetCondition, ServiceError } from '../service-error.ts';
import type { ContentKind } from './configuration.ts';

export const ALL_DEVICES = '*';
export const CUSTOM_METRICS_MAX = 5;

const MODULES_PREFIX = /^\s*from\s+devices\.modules\s+where\s/i;
const ROOTS_OF_CONDITIONS: ReadonlySet<string> = new Set(['deviceId', 'moduleId', 'tags']);

/**
 * The query for the targeted twins. Undefined for an empty condition, which targets nothing. Throws
 * InvalidConfigurationTargetCondition: only the id, tags and reported properties are allowed.
 */
export function targetQuery(kind: ContentKind, condition: string): Query | undefined {
  if (condition.trim() === '') return undefined;
  const query = explain(condition, () => parseQuery(queryText(kind, condition)));
  const { where, groupBy } = query;
  if (groupBy.length > 0) throw invalidTargetCondition(condition, 'it groups');
  if (where !== undefined) checkPaths(condition, where, kind);
  return query;
}

/** Like `targetQuery`, for a condition of unknown kind; refuses `*`, like the service's check. */
export function testTargetCondition(condition: string): string | undefined {
  const kind = MODULES_PREFIX.test(condition) ? 'moduleContent' : 'deviceContent';
  return failureOf(() => {
    if (condition.trim() === ALL_DEVICES) throw invalidTargetCondition(condition, 'it is not an expression');
    targetQuery(kind, condition);
  });
}

/** Throws InvalidConfigurationCustomMetricsQuery. */
export function checkMetric(name: string, text: string): void {
  let query: Query;
  try {
    query = parseQuery(text);
  } catch (error) {
    throw error instanceof ServiceError ? invalidCustomMetric(name, error.detail ?? error.text) : error;
  }
  if (query.source === 'jobs') throw invalidCustomMetric(name, 'it asks for jobs');
}

export function testMetric(name: string, text: string): string | undefined {
  return failureOf(() => checkMetric(name, text));
}

/** The metrics of every configuration. Their texts are those seen on real hubs. */
export function systemQueries(id: string, kind: ContentKind, condition: string): Record<string, string> {
  const columns = kind === 'moduleContent' ? 'deviceId, moduleId' : 'deviceId';
  const source = kind === 'moduleContent' ? 'devices.modules' : 'devices';
  const applied = `configurations.[[${id}]].status = 'Applied'`;
  const targeted = `select ${columns} from ${source}${whereOf(kind, condition)}`;
  if (kind !== 'modulesContent') {
    return { targetedCount: targeted, appliedCount: `select ${columns} from ${source} where ${applied}` };
  }
  const onAgent = `select deviceId from devices.modules where moduleId = '$edgeAgent' and ${applied}`;
  const reported = `${onAgent} and properties.desired.$version = properties.reported.lastDesiredVersion`;
  return {
    targetedCount: targeted,
    appliedCount: onAgent,
    reportedSuccessfulCount: `${reported} and properties.reported.lastDesiredStatus.code = 200`,
    reportedFailedCount: `${reported} and properties.reported.lastDesiredStatus.code != 200`,
  };
}

function whereOf(kind: ContentKind, condition: string): string {
  const text = condition.trim();
  if (text === '') return ` where deviceId = ''`;
  if (kind === 'moduleContent') return ` where ${text.replace(MODULES_PREFIX, '')}`;
  if (kind === 'deviceContent') return text === ALL_DEVICES ? '' : ` where ${text}`;
  return ` where capabilities.iotEdge = true${text === ALL_DEVICES ? '' : ` and (${text})`}`;
}

function queryText(kind: ContentKind, condition: string): string {
  const text = condition.trim();
  if (kind !== 'moduleContent') {
    return text === ALL_DEVICES ? 'SELECT * FROM devices' : `SELECT * FROM devices WHERE ${text}`;
  }
  if (!MODULES_PREFIX.test(condition)) {
    throw invalidTargetCondition(condition, 'for modules it starts with "from devices.modules where"');
  }
  return `SELECT * ${text}`;
}

function explain(condition: string, run: () => Query): Query {
  try {
    return run();
  } catch (error) {
    throw error instanceof ServiceError ? invalidTargetCondition(condition, error.detail ?? error.text) : error;
  }
}

function checkPaths(condition: string, where: Expression, kind: ContentKind): void {
  for (const [root, ...rest] of pathsOf(where)) {
    const isAllowed = ROOTS_OF_CONDITIONS.has(root) || (root === 'properties' && rest[0] === 'reported');
    if (!isAllowed || (root === 'moduleId' && kind !== 'moduleContent')) {
      throw invalidTargetCondition(condition, `it may not ask for ${[root, ...rest].join('.')}`);
    }
  }
}

function pathsOf(expression: Expression): (readonly [string, ...string[]])[] {
  switch (expression.kind) {
    case 'constant':
      return [];
    case 'path':
    case 'isDefined':
      return [expression.path];
    case 'and':
    case 'or':
      return expression.terms.flatMap((term) => pathsOf(term));
    case 'not':
    case 'negate':
    case 'in':
      return pathsOf(expression.operand);
    case 'compare':
    case 'arithmetic':
      return [...pathsOf(expression.left), ...pathsOf(expression.right)];
    case 'startsWith':
    case 'endsWith':
      return [...pathsOf(expression.text), ...pathsOf(expression.part)];
  }
}

function failureOf(run: () => void): string | undefined {
  const failure = attempt(run);
  return failure instanceof ServiceError ? failure.text : undefined;
}
