// Section 1.9: scheduled jobs.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { type Answer, describeFacts } from './target.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STEP_MS = 1_000;

describeFacts('jobs', ({ target, isReal }) => {
  let id: string;
  let count = 0;

  beforeEach(() => {
    id = target().id(`j${(count += 1)}`);
  });
  /** Only one job may wait at a time. */
  afterEach(() => cancel());

  /** Waits for hours and finds no device, unless said otherwise. */
  function body(more: JsonObject = {}): JsonObject {
    return {
      jobId: id,
      type: 'scheduleUpdateTwin',
      updateTwin: { etag: '*', tags: { done: true } },
      queryCondition: `deviceId = '${id}'`,
      startTime: hoursAhead(24),
      ...more,
    };
  }

  const hoursAhead = (hours: number): string => new Date(target().now() + hours * HOUR_MS).toISOString();

  function put(more: JsonObject = {}): Promise<Answer> {
    const sent = body(more);
    return target().send({ method: 'PUT', path: `/jobs/v2/${encodeURIComponent(String(sent['jobId']))}`, body: sent });
  }

  function cancel(jobId = id): Promise<Answer> {
    return target().send({ method: 'POST', path: `/jobs/v2/${encodeURIComponent(jobId)}/cancel`, body: {} });
  }

  describe('1.9', () => {
    test('PUT answers queued, GET gives the job, whose time limit is an hour by default', async () => {
      const start = new Date(hoursAhead(24));
      const condition = `deviceId = '${id}'`;
      const scheduled = await target()
        .jobClient()
        .scheduleTwinUpdate(id, condition, { etag: '*', tags: { a: 1 } }, start);
      expect(scheduled.jobStatus).toMatchObject({
        jobId: id,
        type: 'scheduleUpdateTwin',
        status: 'queued',
        maxExecutionTimeInSeconds: 3_600,
      });
      expect((await target().jobClient().getJob(id)).jobStatus).toMatchObject({ jobId: id, queryCondition: condition });
    });

    test('a waiting job is cancelled; a second active one is 429 meanwhile, the same id 409', async () => {
      await put();
      const other = await put({ jobId: `${id}-other` });
      expect(other).toMatchObject({ status: 429, code: 'ThrottlingMaxActiveJobCountExceeded' });
      expect(await put()).toMatchObject({ status: 409, code: 'JobAlreadyExists' });
      expect((await target().jobClient().cancelJob(id)).jobStatus).toMatchObject({ jobId: id });
      await expect.poll(async () => (await target().jobClient().getJob(id)).jobStatus.status).toBe('cancelled');
    });

    test('an unknown job is 200, of unknown type and status', async () => {
      const answer = await target().send({ path: `/jobs/v2/${id}` });
      expect(answer).toMatchObject({ status: 200, body: { type: 'unknown', status: 'unknown' } });
    });

    test('an update needs "*" for its etag: a refusal inside a refusal', async () => {
      const answer = await put({ updateTwin: { tags: {} } });
      expect(answer).toMatchObject({ status: 400, code: 'ArgumentInvalid' });
      const { Message } = answer.body as { Message: string };
      const inner = JSON.parse(Message.slice(Message.indexOf('{'))) as { Message: string };
      expect(inner.Message).toContain(
        "Missing or invalid etag for job type ScheduleUpdateTwin. ScheduleUpdateTwin job type is a force update, which only accepts '*' as the Etag.",
      );
    });

    test.each<[row: string, more: () => JsonObject, status: number]>([
      ["ids have a-z, 0-9, - and '", () => ({ jobId: `${id}-'` }), 200],
      ['ids have no capitals', () => ({ jobId: `${id}-A` }), 400],
      ['ids have 64 characters at most', () => ({ jobId: id.padEnd(65, 'x') }), 400],
      ['a start may be 168 hours ahead', () => ({ startTime: hoursAhead(167) }), 200],
      ['a start may not be later', () => ({ startTime: hoursAhead(169) }), 400],
      ['a condition of 8000 characters is taken', () => ({ queryCondition: condition(8_000) }), 200],
      ['one of 8300 is not', () => ({ queryCondition: condition(8_300) }), 412],
    ])('%s', async (_row, more, status) => {
      const given = more();
      expect((await put(given)).status).toBe(status);
      if (given['jobId'] !== undefined) await cancel(String(given['jobId']));
    });

    const condition = (length: number): string => `deviceId = '${id}'`.padEnd(length);

    test('jobs are listed by type and status, page by page', async () => {
      const [first, second] = [`${id}-1`, `${id}-2`];
      for (const jobId of [first, second]) {
        await put({ jobId });
        await cancel(jobId);
      }
      const seen: unknown[] = [];
      let continuation: string | undefined;
      do {
        const answer = await target().send({
          path: '/jobs/v2/query?jobType=scheduleUpdateTwin&jobStatus=cancelled',
          headers: {
            'x-ms-max-item-count': '1',
            ...(continuation === undefined ? {} : { 'x-ms-continuation': continuation }),
          },
        });
        seen.push(...(answer.body as { jobId: string }[]).map(({ jobId }) => jobId));
        continuation = answer.headers['x-ms-continuation'] as string | undefined;
      } while (continuation !== undefined);
      expect(seen).toEqual(expect.arrayContaining([first, second]));
    });
  });

  // A real hub runs jobs in its own time; here its clock advances.
  describe.skipIf(isReal)('1.9 running, on the embedded hub alone', () => {
    const status = async (): Promise<string> => (await target().jobClient().getJob(id)).jobStatus.status;

    async function device(): Promise<string> {
      const deviceId = target().id(`d${count}`);
      await target().registry().create({ deviceId });
      await target()
        .registry()
        .updateTwin(deviceId, { tags: { ring: id, old: 1 } }, '*');
      return deviceId;
    }

    test('goes from queued over scheduled and running to completed; one without a start begins now', async () => {
      // Within the hour for which clients sign.
      await put({ startTime: new Date(target().now() + MINUTE_MS).toISOString() });
      const seen = [await status()];
      for (const ms of [STEP_MS, MINUTE_MS - STEP_MS, STEP_MS]) {
        await target().embedded().advance(ms);
        seen.push(await status());
      }
      expect(seen).toEqual(['queued', 'scheduled', 'running', 'completed']);
      id = `${id}-now`;
      await put({ startTime: null });
      await target()
        .embedded()
        .advance(2 * STEP_MS);
      expect(await status()).toBe('completed');
    });

    test('writes what its condition finds, nulls delete, and reports each device in numbers and rows', async () => {
      const deviceId = await device();
      const updateTwin = { etag: '*', tags: { old: null }, properties: { desired: { level: 3 } } };
      await put({ startTime: null, queryCondition: `tags.ring = '${id}'`, updateTwin });
      await target()
        .embedded()
        .advance(2 * STEP_MS);
      expect((await target().registry().getTwin(deviceId)).responseBody).toMatchObject({
        tags: { ring: id },
        properties: { desired: { level: 3 } },
      });
      expect((await target().registry().getTwin(deviceId)).responseBody.tags).not.toHaveProperty('old');
      expect((await target().jobClient().getJob(id)).jobStatus.deviceJobStatistics).toEqual({
        deviceCount: 1,
        failedCount: 0,
        succeededCount: 1,
        runningCount: 0,
        pendingCount: 0,
      });
      const { result } = await target()
        .registry()
        .createQuery(`SELECT * FROM devices.jobs WHERE jobId = '${id}'`)
        .next();
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string;
      expect(result).toEqual([
        {
          deviceId,
          jobId: id,
          jobType: 'scheduleUpdateTwin',
          status: 'completed',
          startTimeUtc: time,
          endTimeUtc: time,
          createdDateTimeUtc: time,
          lastUpdatedDateTimeUtc: time,
          outcome: { deviceMethodResponse: null },
        },
      ]);
    });

    test('with a query that is none is taken and fails later', async () => {
      expect((await put({ startTime: null, queryCondition: 'no query' })).status).toBe(200);
      await target().embedded().advance(STEP_MS);
      expect(await status()).toBe('failed');
    });

    test('is not cancelled any more once it runs: 405', async () => {
      await put({ startTime: null });
      await target().embedded().advance(STEP_MS);
      const refusal = { status: 405, code: 'OperationNotAllowedInCurrentState' };
      expect([await status(), await cancel()]).toMatchObject(['running', refusal]);
      await target().embedded().advance(STEP_MS);
      expect([await status(), await cancel()]).toMatchObject(['completed', refusal]);
    });

    test.each([
      [
        'jobs that call methods',
        { method: 'PUT', path: '/jobs/v2/m', body: { jobId: 'm', type: 'scheduleDeviceMethod' } },
      ],
      ['import and export', { method: 'POST', path: '/jobs/create', body: { type: 'export' } }],
      ['the list of imports', { method: 'GET', path: '/jobs' }],
      ['one import', { method: 'GET', path: '/jobs/x' }],
    ])('has no %s, and says so with 501', async (_row, request) => {
      expect(await target().send(request)).toMatchObject({ status: 501, code: 'NotImplemented' });
    });
  });
});
