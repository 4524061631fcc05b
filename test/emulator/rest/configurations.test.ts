// Configurations and jobs over REST: statuses, headers, bodies, envelopes.
import { describe, expect, test } from 'vitest';
import { createFixture, type SignedRequest } from './hub-fixture.ts';

const CONTENT = { deviceContent: { 'properties.desired.level': 3 } };
const JOB = { jobId: 'j', type: 'scheduleUpdateTwin', queryCondition: '*', updateTwin: { etag: '*', tags: { a: 1 } } };

interface Row {
  readonly sentence: string;
  readonly request: SignedRequest;
  readonly status: number;
  readonly code?: string;
}

/** On a hub with the configuration `c` and the job `j`. */
const ROWS: readonly Row[] = [
  {
    sentence: 'a new one is 200',
    request: { method: 'PUT', path: '/configurations/n', body: { content: CONTENT } },
    status: 200,
  },
  {
    sentence: 'one that exists',
    request: { method: 'PUT', path: '/configurations/c', body: { content: CONTENT } },
    status: 409,
    code: 'ConfigurationAlreadyExists',
  },
  {
    sentence: 'an update with a bare etag is misread',
    request: { method: 'PUT', path: '/configurations/c', body: { content: CONTENT }, headers: { 'if-match': 'MQ==' } },
    status: 409,
    code: 'ConfigurationAlreadyExists',
  },
  {
    sentence: 'an update',
    request: {
      method: 'PUT',
      path: '/configurations/c',
      body: { content: CONTENT },
      headers: { 'if-match': '"MQ=="' },
    },
    status: 200,
  },
  {
    sentence: 'a stale update',
    request: {
      method: 'PUT',
      path: '/configurations/c',
      body: { content: CONTENT },
      headers: { 'if-match': '"MA=="' },
    },
    status: 412,
    code: 'PreconditionFailed',
  },
  {
    sentence: 'an update of what is missing',
    request: { method: 'PUT', path: '/configurations/n', body: { content: CONTENT }, headers: { 'if-match': '"*"' } },
    status: 404,
    code: 'ConfigurationNotFound',
  },
  { sentence: 'get', request: { path: '/configurations/c' }, status: 200 },
  {
    sentence: 'get what is missing',
    request: { path: '/configurations/n' },
    status: 404,
    code: 'ConfigurationNotFound',
  },
  { sentence: 'list, with a top that is ignored', request: { path: '/configurations?top=0' }, status: 200 },
  { sentence: 'delete without an etag', request: { method: 'DELETE', path: '/configurations/c' }, status: 204 },
  {
    sentence: 'an escaped id',
    request: { path: "/configurations/a%2Bb'" },
    status: 404,
    code: 'ConfigurationNotFound',
  },
  {
    sentence: 'capitals in an id',
    request: { method: 'PUT', path: '/configurations/C', body: { content: CONTENT } },
    status: 400,
    code: 'ArgumentInvalid',
  },
  {
    sentence: 'testQueries',
    request: { method: 'POST', path: '/configurations/testQueries', body: { targetCondition: '*' } },
    status: 200,
  },
  {
    sentence: 'content on what is no edge device',
    request: {
      method: 'POST',
      path: '/devices/d/applyConfigurationContent',
      body: { modulesContent: { $edgeAgent: {} } },
    },
    status: 400,
    code: 'ArgumentInvalid',
  },
  {
    sentence: 'content on an edge device',
    request: {
      method: 'POST',
      path: '/devices/e/applyConfigurationContent',
      body: { modulesContent: { $edgeAgent: {} } },
    },
    status: 204,
  },
  {
    sentence: 'a job that exists',
    request: { method: 'PUT', path: '/jobs/v2/j', body: JOB },
    status: 409,
    code: 'JobAlreadyExists',
  },
  {
    sentence: 'a second active job',
    request: { method: 'PUT', path: '/jobs/v2/k', body: { ...JOB, jobId: 'k' } },
    status: 429,
    code: 'ThrottlingMaxActiveJobCountExceeded',
  },
  {
    sentence: 'a job that calls a method',
    request: { method: 'PUT', path: '/jobs/v2/k', body: { jobId: 'k', type: 'scheduleDeviceMethod' } },
    status: 501,
    code: 'NotImplemented',
  },
  { sentence: 'a job', request: { path: '/jobs/v2/j' }, status: 200 },
  { sentence: 'an unknown job', request: { path: '/jobs/v2/nope' }, status: 200 },
  { sentence: 'cancelling', request: { method: 'POST', path: '/jobs/v2/j/cancel' }, status: 200 },
  {
    sentence: 'cancelling an unknown job',
    request: { method: 'POST', path: '/jobs/v2/nope/cancel' },
    status: 404,
    code: 'JobNotFound',
  },
  {
    sentence: 'listing jobs',
    request: { path: '/jobs/v2/query?jobType=scheduleUpdateTwin&jobStatus=queued' },
    status: 200,
  },
];

test.each(ROWS)('$sentence: $status', async ({ request, status, code }) => {
  const fixture = createFixture();
  fixture.hub.putConfiguration('c', { content: CONTENT }, undefined);
  fixture.hub.createJob('j', JOB);
  fixture.hub.createDevice('e', { capabilities: { iotEdge: true } });
  const response = await fixture.send(request);
  expect([response.status, response.headers.get('iothub-errorcode')]).toEqual([status, code ?? null]);
});

describe('permissions of policies', () => {
  test.each([
    ['GET', '/configurations'],
    ['PUT', '/configurations/c'],
    ['DELETE', '/configurations/c'],
    ['POST', '/configurations/testQueries'],
    ['POST', '/devices/d/applyConfigurationContent'],
    ['GET', '/jobs/v2/query'],
    ['PUT', '/jobs/v2/j'],
    ['GET', '/jobs/v2/j'],
    ['POST', '/jobs/v2/j/cancel'],
  ])('%s %s needs service connect', async (method, path) => {
    const fixture = createFixture();
    const granted = await Promise.all(
      fixture.policies.map(async ({ name }) => {
        const response = await fixture.send({ method, path, policy: name, ...(method === 'GET' ? {} : { body: {} }) });
        return response.status === 401 ? [] : [name];
      }),
    );
    expect(granted.flat()).toEqual(['iothubowner', 'service']);
  });
});

test('the etag is quoted in the header and bare in the body', async () => {
  const fixture = createFixture();
  const request = { method: 'PUT', path: '/configurations/c', body: { content: CONTENT } };
  const made = await fixture.send(request);
  expect([made.headers.get('etag'), ((await made.json()) as { etag: string }).etag]).toEqual(['"MQ=="', 'MQ==']);
  expect((await fixture.send({ path: '/configurations/c' })).headers.get('etag')).toBe('"MQ=="');
});

test('jobs and their rows come in pages', async () => {
  const fixture = createFixture();
  for (const jobId of ['j1', 'j2']) {
    fixture.hub.createJob(jobId, { ...JOB, jobId });
    fixture.hub.cancelJob(jobId);
  }
  const headers = { 'x-ms-max-item-count': '1' };
  const first = await fixture.send({ path: '/jobs/v2/query', headers });
  const continuation = first.headers.get('x-ms-continuation') ?? '';
  expect(await first.json()).toMatchObject([{ jobId: 'j1' }]);
  const second = await fixture.send({
    path: '/jobs/v2/query',
    headers: { ...headers, 'x-ms-continuation': continuation },
  });
  expect(await second.json()).toMatchObject([{ jobId: 'j2' }]);
  expect(second.headers.get('x-ms-continuation')).toBeNull();
  const rows = await fixture.send({
    method: 'POST',
    path: '/devices/query',
    body: { query: 'SELECT * FROM devices.jobs' },
  });
  expect([rows.headers.get('x-ms-item-type'), await rows.json()]).toEqual(['DeviceJob', []]);
});

test('a refused etag of a job is one envelope inside another', async () => {
  const response = await createFixture().send({ method: 'PUT', path: '/jobs/v2/j', body: { ...JOB, updateTwin: {} } });
  const { Message } = (await response.json()) as { Message: string };
  const inner = JSON.parse(Message.slice(Message.indexOf('{'))) as { Message: string };
  expect(inner.Message).toBe(
    'ErrorCode:ArgumentInvalid;Missing or invalid etag for job type ScheduleUpdateTwin. ' +
      "ScheduleUpdateTwin job type is a force update, which only accepts '*' as the Etag.",
  );
});
