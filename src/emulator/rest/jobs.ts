// The paths of scheduled jobs.
import { isObject } from '../../model/json.ts';
import type { Access } from './authorization.ts';
import type { Parts } from './parts.ts';
import { parseCount, readJson } from './requests.ts';

const READ: Access = { permission: 'ServiceConnect', actions: ['jobs/read'] };
const WRITE: Access = { permission: 'ServiceConnect', actions: ['jobs/write'] };
const CANCEL: Access = { permission: 'ServiceConnect', actions: ['jobs/delete'] };

export function addJobs({ app, hub, answers, check }: Parts): void {
  app.get('/jobs/v2/query', (c) => {
    check(c, READ);
    const { items, continuation } = hub.listJobs({
      type: c.req.query('jobType'),
      status: c.req.query('jobStatus'),
      pageSize: parseCount(c.req.header('x-ms-max-item-count'), 'x-ms-max-item-count'),
      continuation: c.req.header('x-ms-continuation'),
    });
    const next = continuation === undefined ? {} : { 'x-ms-continuation': continuation };
    return answers.json(items, { 'x-ms-item-type': 'jobResponse', ...next });
  });
  app.put('/jobs/v2/:jobId', async (c) => {
    check(c, WRITE);
    const body = await readJson(c);
    if (isObject(body) && body['type'] === 'scheduleDeviceMethod') {
      return answers.missing(
        501,
        'NotImplemented',
        'The embedded hub has no direct methods, and no jobs that call them.',
      );
    }
    return answers.json(hub.createJob(c.req.param('jobId'), body));
  });
  app.get('/jobs/v2/:jobId', (c) => {
    check(c, READ);
    return answers.json(hub.getJob(c.req.param('jobId')));
  });
  app.post('/jobs/v2/:jobId/cancel', (c) => {
    check(c, CANCEL);
    return answers.json(hub.cancelJob(c.req.param('jobId')));
  });
}
