// Progress of jobs: queued, perhaps scheduled, running, ended.
import { isObject } from '../../../model/json.ts';
import type { HubContext } from '../context.ts';
import { selectDeviceIds } from '../query/query.ts';
import { ServiceError } from '../service-error.ts';
import { patchTwin } from '../twins/twins.ts';
import { isActive, type JobDevice, type JobRecord } from './job.ts';

/** Delay from the creation of a job to its start, and from there to its devices. */
const STEP_MS = 1000;
const ALL_DEVICES = '*';

/** When the next step of any job is due; undefined if none waits or runs. */
export function jobsDueAt({ state }: HubContext): number | undefined {
  let dueAt: number | undefined;
  for (const job of state.jobs.values()) {
    if (isActive(job)) dueAt = Math.min(dueAt ?? Infinity, stepDueAt(job));
  }
  return dueAt;
}

/** Runs one step of each due job, in the order of creation. */
export function runJobs(hub: HubContext): void {
  const now = hub.clock.now();
  const due = [...hub.state.jobs.values()].filter((job) => isActive(job) && stepDueAt(job) <= now);
  for (const job of due.toSorted((a, b) => a.sequence - b.sequence)) {
    const put = [step(hub, job, now)];
    hub.state.commit({ put: [], removed: [], jobs: { put, removed: [] } });
  }
}

function stepDueAt({ status, createdAt, updatedAt, startAt }: JobRecord): number {
  if (status === 'queued') return createdAt + STEP_MS;
  return status === 'scheduled' ? startAt : updatedAt + STEP_MS;
}

function step(hub: HubContext, job: JobRecord, now: number): JobRecord {
  if (job.status === 'running') return finish(hub, job, now);
  return now < job.startAt ? { ...job, status: 'scheduled', updatedAt: now } : begin(hub, job, now);
}

function begin({ state }: HubContext, job: JobRecord, now: number): JobRecord {
  const { queryCondition } = job;
  const where = queryCondition.trim() === ALL_DEVICES ? '' : ` WHERE ${queryCondition}`;
  try {
    const deviceIds = selectDeviceIds(state, `SELECT * FROM devices${where}`);
    const devices = deviceIds.map((deviceId): JobDevice => {
      return { deviceId, status: 'pending', startAt: null, endAt: null, error: null };
    });
    return { ...job, status: 'running', updatedAt: now, devices };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return {
      ...job,
      status: 'failed',
      updatedAt: now,
      endAt: now,
      failureReason: `The query is invalid: ${error.text}`,
    };
  }
}

/** All devices at once, each separately. After a crash some are written twice, with the same patch. */
function finish(hub: HubContext, job: JobRecord, now: number): JobRecord {
  const devices = job.devices.map((device): JobDevice => {
    const error = updateTwin(hub, device.deviceId, job);
    return { ...device, status: error === null ? 'completed' : 'failed', startAt: job.updatedAt, endAt: now, error };
  });
  return { ...job, status: 'completed', updatedAt: now, endAt: now, devices };
}

function updateTwin(hub: HubContext, deviceId: string, job: JobRecord): JobDevice['error'] {
  const { tags, properties } = job.updateTwin;
  const desired = isObject(properties) ? properties['desired'] : undefined;
  try {
    patchTwin(hub, { deviceId }, { ...(tags === undefined ? {} : { tags }), properties: { desired: desired ?? null } });
    return null;
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, description: error.text };
    throw error;
  }
}
