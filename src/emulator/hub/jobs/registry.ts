// Client operations on scheduled jobs: create, read, cancel, list.
import { cloneJson, isObject, type Json, type JsonObject } from '../../../model/json.ts';
import type { HubContext } from '../context.ts';
import { readContinuation, writeContinuation } from '../query/continuation.ts';
import {
  badRequest,
  invalidArgument,
  jobAlreadyExists,
  jobIsBeyondCancelling,
  jobNotFound,
  ServiceError,
  tooManyActiveJobs,
} from '../service-error.ts';
import { checkValues } from '../twins/twin-limits.ts';
import { isActive, jobRows, type JobRecord, wireJob } from './job.ts';

const ID_PATTERN = /^[a-z0-9\-']{1,64}$/;
const HOUR_MS = 3_600_000;
const START_AHEAD_HOURS_MAX = 168;
const HISTORY_MS = 30 * 24 * HOUR_MS;
const MAX_EXECUTION_SECONDS = 3600;
/** A real hub answered longer ones with PreconditionFailed. */
const CONDITION_CHARACTERS_MAX = 8192;
/** UTC without a zone. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/;

/** The answer always says queued. A condition that is not a valid query is accepted, and fails later. */
export function createJob(hub: HubContext, jobId: string, body: unknown): JobRecord {
  if (!ID_PATTERN.test(jobId)) throw badRequest("the id of a job has 1 to 64 of a-z, 0-9, - and '");
  if (!isObject(body)) throw badRequest('the body is not a JSON object');
  if ((body['jobId'] ?? jobId) !== jobId) throw badRequest('jobId differs between path and body');
  if (body['type'] !== 'scheduleUpdateTwin') throw badRequest('unknown type of job');
  const now = hub.clock.now();
  const fields = parseFields(body, now);
  const { jobs } = hub.state;
  if (jobs.has(jobId)) throw jobAlreadyExists(jobId);
  const active = jobs.values().filter((job) => isActive(job));
  if (active.toArray().length >= hub.limits.activeJobsMax) throw tooManyActiveJobs(hub.limits.activeJobsMax);
  const job: JobRecord = {
    jobId,
    sequence: hub.state.nextSequence,
    type: 'scheduleUpdateTwin',
    ...fields,
    createdAt: now,
    updatedAt: now,
    endAt: null,
    status: 'queued',
    failureReason: null,
    devices: [],
  };
  const forgotten = jobs.values().filter(({ endAt }) => endAt !== null && endAt < now - HISTORY_MS);
  hub.state.commit({
    put: [],
    removed: [],
    jobs: { put: [job], removed: forgotten.map((old) => old.jobId).toArray() },
  });
  return job;
}

/** A job that does not exist has unknown type and status. */
export function readJob({ state }: HubContext, jobId: string): JsonObject {
  const job = state.jobs.get(jobId);
  return job === undefined ? { jobId, type: 'unknown', status: 'unknown' } : wireJob(job);
}

/** Takes effect at once; a real hub may still answer queued for a while. */
export function cancelJob(hub: HubContext, jobId: string): JobRecord {
  const job = hub.state.jobs.get(jobId);
  if (job === undefined) throw jobNotFound(jobId);
  if (job.status !== 'queued' && job.status !== 'scheduled') throw jobIsBeyondCancelling(jobId, job.status);
  const now = hub.clock.now();
  const cancelled: JobRecord = { ...job, status: 'cancelled', updatedAt: now, endAt: now };
  hub.state.commit({ put: [], removed: [], jobs: { put: [cancelled], removed: [] } });
  return cancelled;
}

export interface JobFilter {
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly pageSize?: number | undefined;
  readonly continuation?: string | undefined;
}

/** In the order of creation. An unknown type or status is not an error. */
export function listJobs(
  { state, limits }: HubContext,
  { type, status, pageSize = limits.pageSizeMax, continuation }: JobFilter,
): { readonly items: JsonObject[]; readonly continuation?: string } {
  if (pageSize < 1) throw badRequest('jobs: the page size is not a positive whole number');
  const question = `jobs ${type ?? ''} ${status ?? ''}`;
  const { next } = continuation === undefined ? { next: 0 } : readContinuation(question, continuation);
  const size = Math.min(pageSize, limits.pageSizeMax);
  const found = inOrder(state.jobs.values()).filter(
    (job) => job.sequence >= next && isSame(type, job.type) && isSame(status, job.status),
  );
  const items = found.slice(0, size).map((job) => wireJob(job));
  const following = found[size];
  if (following === undefined) return { items };
  return { items, continuation: writeContinuation(question, { next: following.sequence, given: 0 }) };
}

/** The rows of `devices.jobs`, in the order of creation. */
export function* allJobRows({ state }: HubContext): Generator<JsonObject, void, undefined> {
  for (const job of inOrder(state.jobs.values())) yield* jobRows(job);
}

function inOrder(jobs: Iterable<JobRecord>): JobRecord[] {
  return [...jobs].toSorted((a, b) => a.sequence - b.sequence);
}

function isSame(wanted: string | undefined, name: string): boolean {
  return wanted === undefined || wanted.toLowerCase() === name.toLowerCase();
}

type Fields = Pick<JobRecord, 'queryCondition' | 'updateTwin' | 'maxExecutionTimeInSeconds' | 'startAt'>;

function parseFields(body: JsonObject, now: number): Fields {
  const { queryCondition, updateTwin } = body;
  if (typeof queryCondition !== 'string' || queryCondition.trim() === '') throw badRequest('no queryCondition');
  if (queryCondition.length > CONDITION_CHARACTERS_MAX) {
    throw new ServiceError(
      'PreconditionFailed',
      `queryCondition has more than ${CONDITION_CHARACTERS_MAX} characters.`,
    );
  }
  if (!isObject(updateTwin)) throw badRequest('updateTwin is not an object');
  if (updateTwin['etag'] !== '*') throw etagOfJobMissing();
  checkSections(updateTwin);
  const seconds = body['maxExecutionTimeInSeconds'] ?? MAX_EXECUTION_SECONDS;
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 1) {
    throw badRequest('maxExecutionTimeInSeconds is not a whole number from 1 on');
  }
  return {
    queryCondition,
    updateTwin: cloneJson(updateTwin),
    maxExecutionTimeInSeconds: seconds,
    startAt: parseStart(body['startTime'], now),
  };
}

/** Refuses at once what a twin can't hold. */
function checkSections({ tags, properties }: JsonObject): void {
  const desired = isObject(properties) ? properties['desired'] : undefined;
  for (const section of [tags, desired]) if (isObject(section)) checkValues(section, 'patch');
}

function parseStart(value: Json | undefined, now: number): number {
  if (value === undefined || value === null || value === '') return now;
  const zone = typeof value === 'string' ? ISO_TIME.exec(value) : null;
  if (typeof value !== 'string' || zone === null) throw badRequest('startTime is not a time in ISO 8601');
  const startAt = Date.parse(zone[1] === undefined ? `${value}Z` : value);
  if (Number.isNaN(startAt)) throw badRequest('startTime is not a time in ISO 8601');
  if (startAt > now + START_AHEAD_HOURS_MAX * HOUR_MS) {
    throw invalidArgument(`startTime should be within ${START_AHEAD_HOURS_MAX} hours.`);
  }
  return startAt;
}

/** One refusal nested in another, as recorded. */
function etagOfJobMissing(): ServiceError {
  const text =
    'Missing or invalid etag for job type ScheduleUpdateTwin. ' +
    "ScheduleUpdateTwin job type is a force update, which only accepts '*' as the Etag.";
  const inner = JSON.stringify({ Message: `ErrorCode:ArgumentInvalid;${text}`, ExceptionMessage: '' });
  return new ServiceError('ArgumentInvalid', `Error: BadRequest ${inner}`, { detail: text });
}
