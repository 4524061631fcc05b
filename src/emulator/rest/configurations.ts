// The paths of automatic configurations and edge deployments.
import type { Context } from 'hono';
import type { JsonObject } from '../../model/json.ts';
import type { Access } from './authorization.ts';
import type { Parts } from './parts.ts';
import { readJson } from './requests.ts';

const READ: Access = { permission: 'ServiceConnect', actions: ['configurations/read'] };
const WRITE: Access = { permission: 'ServiceConnect', actions: ['configurations/write'] };
const DELETE: Access = { permission: 'ServiceConnect', actions: ['configurations/delete'] };
const TEST: Access = { permission: 'ServiceConnect', actions: ['configurations/testQueries/action'] };
const APPLY: Access = { permission: 'ServiceConnect', actions: ['configurations/applyToEdgeDevice/action'] };

export function addConfigurations({ app, hub, answers, check }: Parts): void {
  /** The etag is quoted in the header and bare in the body. */
  const answer = (configuration: JsonObject): Response =>
    answers.json(configuration, { etag: JSON.stringify(configuration['etag']) });
  const idOf = (c: Context): string => c.req.param('id') ?? '';

  app.get('/configurations', (c) => {
    check(c, READ);
    return answers.json(hub.listConfigurations());
  });
  app.post('/configurations/testQueries', async (c) => {
    check(c, TEST);
    return answers.json(hub.testQueries(await readJson(c)));
  });
  app.get('/configurations/:id', (c) => {
    check(c, READ);
    return answer(hub.getConfiguration(idOf(c)));
  });
  app.put('/configurations/:id', async (c) => {
    check(c, WRITE);
    return answer(hub.putConfiguration(idOf(c), await readJson(c), c.req.header('if-match')));
  });
  app.delete('/configurations/:id', (c) => {
    check(c, DELETE);
    hub.deleteConfiguration(idOf(c), c.req.header('if-match'));
    return answers.empty();
  });
  app.post('/devices/:deviceId/applyConfigurationContent', async (c) => {
    check(c, APPLY);
    hub.applyConfigurationContent(c.req.param('deviceId'), await readJson(c));
    return answers.empty();
  });
}
