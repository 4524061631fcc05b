// Scheduled twin updates: one row for each rule of the service.
import { describe, expect, test } from 'vitest';
import { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import { createTestClock, type TestClock } from '../../../support/test-clock.ts';
import { newHub, refusal, type TestHub } from '../new-hub.ts';

const STEP_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const PATCH = { etag: '*', tags: { ring: 1 }, properties: { desired: { level: 3, old: null } } };
const JOB = { jobId: 'j1', type: 'scheduleUpdateTwin', queryCondition: "tags.site = 'lyon'", updateTwin: PATCH };

/** This many nested objects. */
function nested(depth: number): object {
  let value: object = {};
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

interface Timed extends TestHub {
  readonly clock: TestClock;
}

/** Devices `d1` and `d2` in Lyon, `d3` elsewhere. */
function fleet(): Timed {
  const clock = createTestClock();
  const made = newHub({ clock });
  for (const id of ['d1', 'd2', 'd3']) made.hub.createDevice(id, {});
  for (const deviceId of ['d1', 'd2']) made.hub.patchTwin({ deviceId }, { tags: { site: 'lyon' } });
  return { ...made, clock };
}

function statusOf(hub: IotHub, jobId = 'j1'): unknown {
  return hub.getJob(jobId)['status'];
}

describe('the life of a job', () => {
  test('queued, running, completed', async () => {
    const { hub, clock } = fleet();
    expect(hub.createJob('j1', JOB)).toEqual({
      jobId: 'j1',
      queryCondition: JOB.queryCondition,
      createdTime: '2026-11-23T12:00:00Z',
      startTime: '2026-11-23T12:00:00Z',
      maxExecutionTimeInSeconds: 3600,
      type: 'scheduleUpdateTwin',
      updateTwin: PATCH,
      status: 'queued',
      deviceJobStatistics: { deviceCount: 0, failedCount: 0, succeededCount: 0, runningCount: 0, pendingCount: 0 },
    });
    await clock.advance(STEP_MS);
    expect(hub.getJob('j1')).toMatchObject({
      status: 'running',
      deviceJobStatistics: { deviceCount: 2, pendingCount: 2, succeededCount: 0 },
    });
    await clock.advance(STEP_MS);
    expect(hub.getJob('j1')).toMatchObject({
      status: 'completed',
      endTime: '2026-11-23T12:00:02Z',
      deviceJobStatistics: { deviceCount: 2, pendingCount: 0, succeededCount: 2, failedCount: 0 },
    });
    expect(clock.pending).toBe(0);
  });

  test('writes as a client’s patch does', async () => {
    const { hub, clock } = fleet();
    hub.patchTwin({ deviceId: 'd1' }, { properties: { desired: { old: 1, kept: 2 } } });
    const heard: object[] = [];
    hub.connect({ deviceId: 'd1' }, (patch) => heard.push(patch));
    hub.createJob('j1', JOB);
    await clock.advance(2 * STEP_MS);
    expect(hub.getTwin({ deviceId: 'd1' })).toMatchObject({
      etag: 'AAAAAAAAAAQ=',
      tags: { site: 'lyon', ring: 1 },
      properties: { desired: { kept: 2, level: 3, $version: 3 } },
    });
    expect(heard).toEqual([{ level: 3, old: null, $version: 3 }]);
    expect(hub.getTwin({ deviceId: 'd3' })['tags']).toBeUndefined();
  });

  test('with a start that is ahead it is scheduled until then, in the hub’s own zone where none is named', async () => {
    const { hub, clock } = fleet();
    const made = hub.createJob('j1', { ...JOB, startTime: '2026-11-23T13:00:00.123456' });
    expect(made).toMatchObject({ status: 'queued', startTime: '2026-11-23T13:00:00.123Z' });
    await clock.advance(STEP_MS);
    expect(statusOf(hub)).toBe('scheduled');
    await clock.advance(HOUR_MS - STEP_MS);
    expect(statusOf(hub)).toBe('scheduled');
    await clock.advance(STEP_MS);
    expect(statusOf(hub)).toBe('running');
    await clock.advance(STEP_MS);
    expect(statusOf(hub)).toBe('completed');
  });

  test.each([
    ['none', undefined],
    ['null', null],
    ['in the past', '2020-01-01T00:00:00Z'],
    ['168 hours ahead', '2026-11-30T12:00:00.000Z'],
    ['with an offset', '2026-11-23T14:00:00+01:00'],
  ])('a start is taken: %s', (_sentence, startTime) => {
    expect(fleet().hub.createJob('j1', { ...JOB, startTime })['status']).toBe('queued');
  });

  test.each([
    ['beyond 168 hours', '2026-11-30T12:00:00.001Z'],
    ['no time', 'soon'],
    ['a day that is none', '2026-13-41T00:00:00Z'],
    ['a number', 5],
  ])('a start is refused: %s', (_sentence, startTime) => {
    const { code, status } = refusal(() => fleet().hub.createJob('j1', { ...JOB, startTime }));
    expect([status, code]).toEqual([400, 'ArgumentInvalid']);
  });

  test('a query that cannot be read is taken, and fails later', async () => {
    const { hub, clock } = fleet();
    expect(hub.createJob('j1', { ...JOB, queryCondition: 'tags.a ==' })['status']).toBe('queued');
    await clock.advance(STEP_MS);
    expect(hub.getJob('j1')).toMatchObject({ status: 'failed', failureReason: expect.any(String) as string });
    expect(clock.pending).toBe(0);
  });

  test('a star is all devices', async () => {
    const { hub, clock } = fleet();
    hub.createJob('j1', { ...JOB, queryCondition: '*' });
    await clock.advance(2 * STEP_MS);
    expect(hub.getJob('j1')).toMatchObject({ deviceJobStatistics: { succeededCount: 3 } });
  });

  test('a device that cannot be written fails alone', async () => {
    const { hub, clock } = fleet();
    hub.createJob('j1', JOB);
    await clock.advance(STEP_MS);
    hub.deleteDevice('d1', '*');
    await clock.advance(STEP_MS);
    expect(hub.getJob('j1')).toMatchObject({
      status: 'completed',
      deviceJobStatistics: { deviceCount: 2, succeededCount: 1, failedCount: 1 },
    });
  });

  test('a restored hub goes on with it, wherever it was', async () => {
    const { hub, clock, options } = fleet();
    hub.createJob('j1', JOB);
    const second = IotHub.restore(options, hub.dump());
    hub.close();
    await clock.advance(STEP_MS);
    expect(statusOf(second)).toBe('running');
    const third = IotHub.restore(options, second.dump());
    second.close();
    await clock.advance(STEP_MS);
    expect(statusOf(third)).toBe('completed');
    expect(third.getTwin({ deviceId: 'd2' })['tags']).toEqual({ site: 'lyon', ring: 1 });
  });

  test('is forgotten a month after its end, when another comes', async () => {
    const { hub, clock } = fleet();
    hub.createJob('j1', JOB);
    await clock.advance(30 * DAY_MS + 2 * STEP_MS);
    hub.createJob('j2', { ...JOB, jobId: 'j2' });
    expect(statusOf(hub)).toBe('completed');
    await clock.advance(DAY_MS);
    hub.createJob('j3', { ...JOB, jobId: 'j3' });
    expect([statusOf(hub), statusOf(hub, 'j2')]).toEqual(['unknown', 'completed']);
  });
});

describe('what is refused', () => {
  const rows: [sentence: string, body: unknown][] = [
    ['no object', []],
    ['another type', { ...JOB, type: 'export' }],
    ['another id', { ...JOB, jobId: 'j2' }],
    ['no query', { ...JOB, queryCondition: undefined }],
    ['no patch', { ...JOB, updateTwin: undefined }],
    ['a key that twins refuse', { ...JOB, updateTwin: { etag: '*', tags: { 'a b': 1 } } }],
    ['values without end', { ...JOB, updateTwin: { etag: '*', properties: { desired: nested(50_000) } } }],
    ['no time to run', { ...JOB, maxExecutionTimeInSeconds: 0 }],
  ];
  test.each(rows)('%s', (_sentence, body) => {
    const { hub, records } = newHub();
    expect(refusal(() => hub.createJob('j1', body))).toMatchObject({ status: 400, code: 'ArgumentInvalid' });
    expect(records).toEqual([]);
  });

  test.each([undefined, '"*"', 'AAAAAAAAAAE='])('the etag %j of the patch, with the service’s own text', (etag) => {
    const { status, text } = refusal(() => newHub().hub.createJob('j1', { ...JOB, updateTwin: { ...PATCH, etag } }));
    expect(status).toBe(400);
    expect(text).toContain(
      'Error: BadRequest {"Message":"ErrorCode:ArgumentInvalid;Missing or invalid etag for job type',
    );
  });

  test.each(['Upper', 'a_b', 'a.b', 'a b', '', 'x'.repeat(65)])('the id %j', (id) => {
    expect(refusal(() => newHub().hub.createJob(id, { ...JOB, jobId: id }))).toMatchObject({ status: 400 });
  });

  test('a condition that is too long', () => {
    const body = { ...JOB, queryCondition: `deviceId = '${'x'.repeat(8192)}'` };
    expect(refusal(() => newHub().hub.createJob('j1', body)).code).toBe('PreconditionFailed');
  });

  test('an id that was used, though its job is over', async () => {
    const { hub, clock } = fleet();
    hub.createJob('j1', JOB);
    await clock.advance(2 * STEP_MS);
    expect(refusal(() => hub.createJob('j1', JOB))).toMatchObject({ status: 409, number: 409104 });
  });

  test('a second one while the first waits or runs; a scheduled one holds its place', async () => {
    const { hub, clock } = fleet();
    const second = (): unknown => hub.createJob('j2', { ...JOB, jobId: 'j2' });
    const refused = { status: 429, number: 429004, code: 'ThrottlingMaxActiveJobCountExceeded' };
    hub.createJob('j1', { ...JOB, startTime: '2026-11-23T13:00:00Z' });
    expect(refusal(second)).toMatchObject(refused);
    await clock.advance(STEP_MS);
    expect(refusal(second)).toMatchObject(refused);
    hub.cancelJob('j1');
    expect(second).not.toThrow();
  });
});

describe('reading and cancelling', () => {
  test('an unknown job is of unknown type and status', () => {
    expect(newHub().hub.getJob('nope')).toEqual({ jobId: 'nope', type: 'unknown', status: 'unknown' });
  });

  test('a cancelled job does nothing', async () => {
    const { hub, clock } = fleet();
    hub.createJob('j1', JOB);
    expect(hub.cancelJob('j1')).toMatchObject({ jobId: 'j1', status: 'cancelled' });
    await clock.advance(HOUR_MS);
    expect(statusOf(hub)).toBe('cancelled');
    expect(hub.getTwin({ deviceId: 'd1' })['tags']).toEqual({ site: 'lyon' });
  });

  test('running, completed and cancelled jobs cannot be cancelled', async () => {
    const { hub, clock } = fleet();
    const refused = { status: 405, number: 405102, code: 'OperationNotAllowedInCurrentState' };
    hub.createJob('j1', JOB);
    for (let step = 0; step < 2; step += 1) {
      await clock.advance(STEP_MS);
      expect(refusal(() => hub.cancelJob('j1'))).toMatchObject(refused);
    }
    hub.createJob('j2', { ...JOB, jobId: 'j2' });
    hub.cancelJob('j2');
    expect(refusal(() => hub.cancelJob('j2'))).toMatchObject(refused);
  });

  test('what is missing cannot be cancelled', () => {
    expect(refusal(() => newHub().hub.cancelJob('nope'))).toMatchObject({ status: 404, code: 'JobNotFound' });
  });

  test('lists are filtered and paged', async () => {
    const { hub, clock } = fleet();
    for (let number = 1; number <= 5; number += 1) {
      hub.createJob(`j${number}`, { ...JOB, jobId: `j${number}` });
      if (number === 2) hub.cancelJob('j2');
      else await clock.advance(2 * STEP_MS);
    }
    const idsOf = (items: readonly object[]): unknown[] => items.map((item) => (item as { jobId: string }).jobId);
    expect(idsOf(hub.listJobs().items)).toEqual(['j1', 'j2', 'j3', 'j4', 'j5']);
    expect(idsOf(hub.listJobs({ status: 'Cancelled' }).items)).toEqual(['j2']);
    expect(idsOf(hub.listJobs({ type: 'scheduleDeviceMethod' }).items)).toEqual([]);
    const filter = { type: 'scheduleUpdateTwin', status: 'completed' };
    const first = hub.listJobs({ ...filter, pageSize: 3 });
    expect(idsOf(first.items)).toEqual(['j1', 'j3', 'j4']);
    const second = hub.listJobs({ ...filter, pageSize: 3, continuation: first.continuation });
    expect(idsOf(second.items)).toEqual(['j5']);
    expect(second).not.toHaveProperty('continuation');
    expect(refusal(() => hub.listJobs({ continuation: first.continuation })).status).toBe(400);
  });
});

describe('devices.jobs', () => {
  async function afterTwoJobs(): Promise<IotHub> {
    const { hub, clock } = fleet();
    hub.createJob('j1', JOB);
    await clock.advance(STEP_MS);
    hub.deleteDevice('d1', '*');
    await clock.advance(STEP_MS);
    hub.createJob('j2', { ...JOB, jobId: 'j2', queryCondition: "deviceId = 'd3'" });
    await clock.advance(2 * STEP_MS);
    return hub;
  }

  test('has a row for each device of a job', async () => {
    const hub = await afterTwoJobs();
    const page = hub.query("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j1'");
    const common = {
      jobId: 'j1',
      jobType: 'scheduleUpdateTwin',
      startTimeUtc: '2026-11-23T12:00:01Z',
      endTimeUtc: '2026-11-23T12:00:02Z',
      createdDateTimeUtc: '2026-11-23T12:00:00Z',
      lastUpdatedDateTimeUtc: '2026-11-23T12:00:02Z',
    };
    const error = { code: 'DeviceNotFound', description: 'd1' };
    expect(page).toEqual({
      itemType: 'DeviceJob',
      items: [
        { deviceId: 'd1', ...common, status: 'failed', error },
        { deviceId: 'd2', ...common, status: 'completed', outcome: { deviceMethodResponse: null } },
      ],
    });
  });

  const rows: [condition: string, want: readonly string[]][] = [
    ["devices.jobs.deviceId = 'd2'", ['j1 d2']],
    ["jobId = 'j2'", ['j2 d3']],
    ["devices.jobs.status = 'failed'", ['j1 d1']],
    ["devices.jobs.jobType = 'scheduleUpdateTwin' AND devices.jobs.status = 'completed'", ['j1 d2', 'j2 d3']],
    ["devices.jobs.createdTimeUtc > '2026-11-23T12:00:01Z'", ['j2 d3']],
    ["DEVICES.JOBS.deviceid IN ['d1', 'd3']", ['j1 d1', 'j2 d3']],
    ["devices.jobs.error.code = 'DeviceNotFound'", ['j1 d1']],
  ];
  test.each(rows)('WHERE %s', async (condition, want) => {
    const { items } = (await afterTwoJobs()).query(`SELECT * FROM devices.jobs WHERE ${condition}`);
    expect(items.map(({ jobId, deviceId }) => `${String(jobId)} ${String(deviceId)}`)).toEqual(want);
  });

  test('is paged', async () => {
    const hub = await afterTwoJobs();
    const text = "SELECT * FROM devices.jobs WHERE devices.jobs.status = 'completed'";
    const first = hub.query(text, { pageSize: 1 });
    expect(first.items.map(({ deviceId }) => deviceId)).toEqual(['d2']);
    const second = hub.query(text, { pageSize: 1, continuation: first.continuation });
    expect(second.items.map(({ deviceId }) => deviceId)).toEqual(['d3']);
    expect(second).not.toHaveProperty('continuation');
  });

  test('is not behind when the index is', async () => {
    const hub = await afterTwoJobs();
    hub.setLag({ devices: HOUR_MS });
    expect(hub.query('SELECT * FROM devices.jobs').items).toHaveLength(3);
  });
});
