// Client operations on configurations: create, update, read, delete, and checking queries.
import { cloneJson, isObject, type Json, type JsonObject } from '../../../model/json.ts';
import type { HubContext } from '../context.ts';
import {
  badRequest,
  configurationAlreadyExists,
  configurationCountExceeded,
  configurationNotFound,
  etagInvalid,
  invalidCustomMetric,
} from '../service-error.ts';
import { type ConfigurationRecord, configurationEtag } from './configuration.ts';
import { parseContent } from './content.ts';
import {
  checkMetric,
  CUSTOM_METRICS_MAX,
  systemQueries,
  targetQuery,
  testMetric,
  testTargetCondition,
} from './target-condition.ts';

const ID_PATTERN = /^[a-z0-9\-+%_*!']{1,128}$/;

/**
 * Without If-Match, or with an unquoted one, creates a configuration, which must not exist; with it, updates one, which
 * must exist. An update requires content and ignores it.
 */
export function putConfiguration(
  hub: HubContext,
  id: string,
  body: unknown,
  ifMatch: string | undefined,
): ConfigurationRecord {
  if (!ID_PATTERN.test(id)) throw badRequest("the id of a configuration has 1 to 128 of a-z, 0-9 and -+%_*!'");
  if (!isObject(body)) throw badRequest('the body is not a JSON object');
  if ((body['id'] ?? id) !== id) throw badRequest('id differs between path and body');
  const sent = quotedTag(ifMatch);
  const record = sent === undefined ? create(hub, id, body) : update(hub, id, body, sent);
  hub.state.commit({ put: [], removed: [], configurations: { put: [record], removed: [] } });
  return record;
}

export function requireConfiguration({ state }: HubContext, id: string): ConfigurationRecord {
  const record = state.configurations.get(id);
  if (record === undefined) throw configurationNotFound(id);
  return record;
}

/** In the order of creation. */
export function listConfigurations({ state }: HubContext): ConfigurationRecord[] {
  return [...state.configurations.values()].toSorted((a, b) => a.sequence - b.sequence);
}

/** Its values stay on twins. */
export function deleteConfiguration(hub: HubContext, id: string, ifMatch: string | undefined): void {
  const sent = quotedTag(ifMatch);
  const record = requireConfiguration(hub, id);
  if (sent !== undefined) checkEtag(record, sent);
  hub.state.commit({ put: [], removed: [], configurations: { put: [], removed: [id] } });
}

/** Checks a target condition and metrics; errors are part of a 200 answer. */
export function testQueries(body: unknown): JsonObject {
  if (!isObject(body)) throw badRequest('the body is not a JSON object');
  const condition = body['targetCondition'] ?? '';
  if (typeof condition !== 'string') throw badRequest('targetCondition is not a text');
  const customMetricQueryErrors: JsonObject = {};
  for (const [name, text] of Object.entries(parseTexts(body['customMetricQueries'], 'customMetricQueries'))) {
    const failure = testMetric(name, text);
    if (failure !== undefined) customMetricQueryErrors[name] = failure;
  }
  return { targetConditionError: testTargetCondition(condition) ?? null, customMetricQueryErrors };
}

type Fields = Pick<
  ConfigurationRecord,
  'schemaVersion' | 'labels' | 'targetCondition' | 'priority' | 'systemQueries' | 'customQueries'
>;

function create(hub: HubContext, id: string, body: JsonObject): ConfigurationRecord {
  const { state, limits, clock } = hub;
  if (state.configurations.has(id)) throw configurationAlreadyExists(id);
  if (state.configurations.size >= limits.configurationsMax) throw configurationCountExceeded(limits.configurationsMax);
  const { kind, content } = parseContent(body['content']);
  const now = clock.now();
  return {
    id,
    sequence: state.nextSequence,
    etag: 1,
    contentKind: kind,
    content: cloneJson(content),
    createdAt: now,
    updatedAt: now,
    results: null,
    ...parseFields(id, kind, body),
  };
}

function update(hub: HubContext, id: string, body: JsonObject, sent: string): ConfigurationRecord {
  const before = requireConfiguration(hub, id);
  checkEtag(before, sent);
  parseContent(body['content']);
  return {
    ...before,
    ...parseFields(id, before.contentKind, body),
    etag: before.etag + 1,
    updatedAt: hub.clock.now(),
  };
}

function parseFields(id: string, kind: ConfigurationRecord['contentKind'], body: JsonObject): Fields {
  const targetCondition = body['targetCondition'] ?? '';
  if (typeof targetCondition !== 'string') throw badRequest('targetCondition is not a text');
  targetQuery(kind, targetCondition);
  const priority = body['priority'] ?? 0;
  if (typeof priority !== 'number' || !Number.isInteger(priority) || priority < 0) {
    throw badRequest('priority is not a whole number from 0 on');
  }
  const schemaVersion = body['schemaVersion'] ?? null;
  if (schemaVersion !== null && typeof schemaVersion !== 'string') throw badRequest('schemaVersion is not a text');
  const labels = body['labels'] ?? null;
  const metrics = body['metrics'] ?? {};
  if (!isObject(metrics)) throw badRequest('metrics is not an object');
  const customQueries = parseTexts(metrics['queries'], 'metrics.queries');
  const names = Object.keys(customQueries);
  if (names.length > CUSTOM_METRICS_MAX) {
    throw invalidCustomMetric(names.at(-1) ?? '', `there are at most ${CUSTOM_METRICS_MAX}`);
  }
  for (const name of names) checkMetric(name, customQueries[name] ?? '');
  return {
    schemaVersion,
    labels: labels === null ? null : parseTexts(labels, 'labels'),
    targetCondition,
    priority,
    systemQueries: systemQueries(id, kind, targetCondition),
    customQueries,
  };
}

function parseTexts(value: Json | undefined, name: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw badRequest(`${name} is not an object`);
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== 'string') throw badRequest(`${name}.${key} is not a text`);
    return [key, text];
  });
  return Object.fromEntries(entries);
}

function checkEtag(record: ConfigurationRecord, sent: string): void {
  if (sent !== '*' && sent !== configurationEtag(record)) throw etagInvalid();
}

/** The service accepts only quoted etags, and ignores a bare one. */
function quotedTag(ifMatch: string | undefined): string | undefined {
  return ifMatch === undefined ? undefined : /^"(.*)"$/.exec(ifMatch.trim())?.[1];
}
