// What the hub stores for one automatic configuration or edge deployment, and its wire form.
import type { JsonObject } from '../../../model/json.ts';
import { identityEtag } from '../etag.ts';
import { isoTime, ticks } from '../times.ts';

export type ContentKind = 'deviceContent' | 'moduleContent' | 'modulesContent';

/** JSON as it is, so that journals and snapshots hold records unchanged. Times are milliseconds. */
export interface ConfigurationRecord {
  readonly id: string;
  /** Place in the order of creation: of two with the same priority the later wins. */
  readonly sequence: number;
  /** Decimal counter inside the etag. */
  readonly etag: number;
  readonly schemaVersion: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  /** As it was sent when the configuration was created; it never changes. */
  readonly contentKind: ContentKind;
  readonly content: JsonObject;
  readonly targetCondition: string;
  readonly priority: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly systemQueries: Readonly<Record<string, string>>;
  readonly customQueries: Readonly<Record<string, string>>;
  /** Null until the first evaluation. */
  readonly results: MetricResults | null;
}

export interface MetricResults {
  readonly system: Readonly<Record<string, number>>;
  readonly custom: Readonly<Record<string, number>>;
}

/** `MQ==` is 1. Quoted in headers, bare in bodies. */
export function configurationEtag({ etag }: Pick<ConfigurationRecord, 'etag'>): string {
  return identityEtag(etag);
}

/**
 * What `$lastUpdatedByDigest` says of a write by this configuration: ticks, as real twins show. Another one after each
 * write of a client, so that what was applied before is applied anew.
 */
export function configurationDigest({ updatedAt, sequence }: ConfigurationRecord): string {
  return ticks(updatedAt, sequence);
}

export function wireConfiguration(record: ConfigurationRecord): JsonObject {
  const { results } = record;
  return {
    id: record.id,
    schemaVersion: record.schemaVersion,
    labels: record.labels,
    content: { [record.contentKind]: record.content },
    targetCondition: record.targetCondition,
    createdTimeUtc: isoTime(record.createdAt),
    lastUpdatedTimeUtc: isoTime(record.updatedAt),
    priority: record.priority,
    systemMetrics: { results: results?.system ?? {}, queries: record.systemQueries },
    metrics: { results: results?.custom ?? {}, queries: record.customQueries },
    etag: configurationEtag(record),
  };
}
