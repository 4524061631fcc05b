// An automatic configuration or edge deployment as the hub stores it, and its wire form.
import type { JsonObject } from '../../../model/json.ts';
import { identityEtag } from '../etag.ts';
import { isoTime, ticks } from '../times.ts';

export type ContentKind = 'deviceContent' | 'moduleContent' | 'modulesContent';

/** Plain JSON, so that journals and snapshots store records unchanged. Times are milliseconds. */
export interface ConfigurationRecord {
  readonly id: string;
  /** Position in the order of creation: at equal priority the later wins. */
  readonly sequence: number;
  /** Decimal counter inside the etag. */
  readonly etag: number;
  readonly schemaVersion: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  /** As sent at creation; it never changes. */
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
 * The `$lastUpdatedByDigest` of this configuration's writes: ticks, as on real twins. It changes with each client
 * write, so that the configuration is applied again.
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
