// A scheduled job as the hub stores it, and its wire form.
import type { JsonObject } from '../../../model/json.ts';
import { isoTime } from '../times.ts';

export type JobStatus = 'queued' | 'scheduled' | 'running' | 'completed' | 'failed' | 'cancelled';

/** Plain JSON, so that journals and snapshots store records unchanged. Times are milliseconds; null means never. */
export interface JobRecord {
  readonly jobId: string;
  /** Position in the order of creation. */
  readonly sequence: number;
  readonly type: 'scheduleUpdateTwin';
  /** The text after WHERE, or `*`; checked when the job runs. */
  readonly queryCondition: string;
  readonly updateTwin: JsonObject;
  readonly maxExecutionTimeInSeconds: number;
  readonly createdAt: number;
  /** Earliest start. */
  readonly startAt: number;
  readonly updatedAt: number;
  readonly endAt: number | null;
  readonly status: JobStatus;
  readonly failureReason: string | null;
  /** The devices found when it began. */
  readonly devices: readonly JobDevice[];
}

export interface JobDevice {
  readonly deviceId: string;
  readonly status: 'pending' | 'completed' | 'failed';
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly error: { readonly code: string; readonly description: string } | null;
}

/** True until the job ends; scheduled ones count as active too. */
export function isActive({ status }: JobRecord): boolean {
  return status === 'queued' || status === 'scheduled' || status === 'running';
}

export function wireJob(job: JobRecord): JsonObject {
  const { failureReason } = job;
  return {
    jobId: job.jobId,
    queryCondition: job.queryCondition,
    createdTime: isoTime(job.createdAt),
    startTime: isoTime(job.startAt),
    ...(job.endAt === null ? {} : { endTime: isoTime(job.endAt) }),
    maxExecutionTimeInSeconds: job.maxExecutionTimeInSeconds,
    type: job.type,
    updateTwin: job.updateTwin,
    status: job.status,
    ...(failureReason === null ? {} : { failureReason, statusMessage: failureReason }),
    deviceJobStatistics: statisticsOf(job),
  };
}

/** Rows of `devices.jobs`: one for each device of the job. */
export function jobRows(job: JobRecord): JsonObject[] {
  return job.devices.map(({ deviceId, status, startAt, endAt, error }) => ({
    deviceId,
    jobId: job.jobId,
    jobType: job.type,
    status,
    ...(startAt === null ? {} : { startTimeUtc: isoTime(startAt) }),
    ...(endAt === null ? {} : { endTimeUtc: isoTime(endAt) }),
    createdDateTimeUtc: isoTime(job.createdAt),
    lastUpdatedDateTimeUtc: isoTime(endAt ?? job.updatedAt),
    ...(status === 'completed' ? { outcome: { deviceMethodResponse: null } } : {}),
    ...(error === null ? {} : { error: { code: error.code, description: error.description } }),
  }));
}

/** Field names by lower-case name; the documentation's queries use another name for one of them. */
const ROW_FIELDS = new Map(
  [
    'deviceId',
    'jobId',
    'jobType',
    'status',
    'startTimeUtc',
    'endTimeUtc',
    'createdDateTimeUtc',
    'lastUpdatedDateTimeUtc',
    'outcome',
    'error',
  ].map((name) => [name.toLowerCase(), name]),
).set('createdtimeutc', 'createdDateTimeUtc');

/** The exact spelling of a row's field; undefined if there is none. */
export function jobFieldName(name: string): string | undefined {
  return ROW_FIELDS.get(name.toLowerCase());
}

function statisticsOf({ devices }: JobRecord): JsonObject {
  const count = (status: JobDevice['status']): number => devices.filter((device) => device.status === status).length;
  return {
    deviceCount: devices.length,
    failedCount: count('failed'),
    succeededCount: count('completed'),
    runningCount: 0,
    pendingCount: count('pending'),
  };
}
