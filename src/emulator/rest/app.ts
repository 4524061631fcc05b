// The service REST API of the embedded hub: paths, permissions, headers. The hub implements the operations.
import { Hono, type Context } from 'hono';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FrontDoor } from '../front-door.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import { badRequest, inEnvelope2, ServiceError } from '../hub/service-error.ts';
import type { Operation } from '../throttles/operations.ts';
import { createAnswers } from './answers.ts';
import { type Access, createAuthorize, requireEnabledDevice } from './authorization.ts';
import { addConfigurations } from './configurations.ts';
import { addControl } from './control.ts';
import { skewedClock, throughFrontDoor } from './front.ts';
import { addJobs } from './jobs.ts';
import type { Check, Parts } from './parts.ts';
import type { Policy } from './policies.ts';
import { BULK_BODY_BYTES_MAX, parseCount, pathSegments, readJson, requireApiVersion } from './requests.ts';
import type { TokenIssuer } from './token-issuer.ts';

export interface RestOptions {
  readonly hub: IotHub;
  readonly policies: readonly Policy[];
  /** Issuer of accepted bearer tokens; undefined: none are accepted. */
  readonly issuer?: TokenIssuer | undefined;
  readonly clock: Clock;
  /** Throttles, counts and faults calls, and enables the control endpoint; undefined: none of that. */
  readonly front?: FrontDoor | undefined;
  /** Logs failures that are not refusals. */
  readonly log?: Log | undefined;
}

const REGISTRY_READ: Access = { permission: 'RegistryRead', actions: ['devices/read'] };
const REGISTRY_WRITE: Access = { permission: 'RegistryWrite', actions: ['devices/write'] };
const REGISTRY_DELETE: Access = { permission: 'RegistryWrite', actions: ['devices/delete'] };
const REGISTRY_BULK: Access = { permission: 'RegistryWrite', actions: ['devices/write', 'devices/delete'] };
const TWIN_READ: Access = { permission: 'ServiceConnect', actions: ['twins/read'] };
const TWIN_WRITE: Access = { permission: 'ServiceConnect', actions: ['twins/write'] };

/** Admitted by the front door once for each entry. */
const BULK: Operation = { class: 'identities', isWrite: true, path: '/devices', isBulk: true };

/** Paths of a real hub that this one lacks. */
const NOT_EMULATED =
  /^\/(?:jobs|digitaltwins|messages|twins\/[^/]+\/(?:modules\/[^/]+\/)?methods|devices\/[^/]+\/commands)(?:\/|$)/;

/** Needs no socket: `app.request()` answers like the server. Paths may end in "/", as the SDK's lists do. */
export function restApp({ hub, policies, issuer, clock, front, log }: RestOptions): Hono {
  const app = new Hono({ strict: false });
  const answers = createAnswers(clock);
  const authorize = createAuthorize({ hub, policies, issuer }, front === undefined ? clock : skewedClock(clock, front));
  const check: Check = (c, access) => {
    const credentials = { header: c.req.header('authorization'), path: pathSegments(c.req.path), method: c.req.method };
    const caller = authorize(credentials, access);
    requireApiVersion(c);
    return caller;
  };
  const parts: Parts = { app, hub, answers, check, front };
  if (front !== undefined) {
    app.use(throughFrontDoor(front));
    // By the true clock, because a skewed one could lock out its own correction.
    const authorizeControl = createAuthorize({ hub, policies, issuer }, clock);
    addControl({ app, hub, front, answers, authorize: authorizeControl, issuer, clock });
  }
  addDevices(parts);
  addModules(parts);
  addTwins(parts, '/twins/:deviceId');
  addTwins(parts, '/twins/:deviceId/modules/:moduleId');
  addQuery(parts);
  addStatistics(parts);
  addConfigurations(parts);
  addJobs(parts);
  app.notFound((c) =>
    NOT_EMULATED.test(c.req.path)
      ? answers.missing(501, 'NotImplemented', 'The embedded hub does not have this part of the service.')
      : answers.missing(404, 'NotFound', 'No such resource.'),
  );
  app.onError((error) => {
    if (error instanceof ServiceError) return answers.refusal(error);
    log?.error('embedded hub failed', { error: error.message });
    return answers.refusal(new ServiceError('ServerError', 'The embedded hub failed; its log says why.'));
  });
  return app;
}

function addDevices({ app, hub, answers, check, front }: Parts): void {
  app.get('/devices', (c) => {
    check(c, REGISTRY_READ);
    return answers.json(hub.listDevices(parseCount(c.req.query('top'), 'top')));
  });
  app.post('/devices', async (c) => {
    check(c, REGISTRY_BULK);
    const entries = await readJson(c, BULK_BODY_BYTES_MAX);
    await front?.admit(BULK, Array.isArray(entries) ? Math.max(1, entries.length) : 1);
    const result = hub.bulk(entries);
    return answers.jsonWithStatus(result.isSuccessful ? 200 : 400, result);
  });
  app.get('/devices/:deviceId', (c) => {
    check(c, REGISTRY_READ);
    return answers.json(hub.getDevice(c.req.param('deviceId')));
  });
  app.put('/devices/:deviceId', async (c) => {
    check(c, REGISTRY_WRITE);
    return answers.json(hub.putDevice(c.req.param('deviceId'), await readJson(c), c.req.header('if-match')));
  });
  app.delete('/devices/:deviceId', (c) => {
    check(c, REGISTRY_DELETE);
    hub.deleteDevice(c.req.param('deviceId'), c.req.header('if-match'));
    return answers.empty();
  });
}

/** A device may manage its own modules with its own key, like agents and the IoT Identity Service. */
function addModules({ app, hub, answers, check }: Parts): void {
  const checkModules = (c: Context, deviceId: string, access: Access): void => {
    const caller = inEnvelope2(() => check(c, { ...access, allowsIdentity: true }));
    // Under Entra a missing device is a 404, and a disabled one is allowed.
    if (caller === 'signature') requireEnabledDevice(hub, deviceId);
  };
  app.get('/devices/:deviceId/modules', (c) => {
    const deviceId = c.req.param('deviceId');
    checkModules(c, deviceId, REGISTRY_READ);
    return answers.json(hub.listModules(deviceId));
  });
  app.get('/devices/:deviceId/modules/:moduleId', (c) => {
    const { deviceId, moduleId } = c.req.param();
    checkModules(c, deviceId, REGISTRY_READ);
    return answers.json(hub.getModule(deviceId, moduleId));
  });
  app.put('/devices/:deviceId/modules/:moduleId', async (c) => {
    const { deviceId, moduleId } = c.req.param();
    checkModules(c, deviceId, REGISTRY_WRITE);
    return answers.json(hub.putModule(deviceId, moduleId, await readJson(c), c.req.header('if-match')));
  });
  app.delete('/devices/:deviceId/modules/:moduleId', (c) => {
    const { deviceId, moduleId } = c.req.param();
    checkModules(c, deviceId, REGISTRY_DELETE);
    hub.deleteModule(deviceId, moduleId, c.req.header('if-match'));
    return answers.empty();
  });
}

function addTwins({ app, hub, answers, check }: Parts, path: string): void {
  app.get(path, (c) => {
    check(c, TWIN_READ);
    return answers.json(hub.getTwin(twinRef(c)));
  });
  app.patch(path, async (c) => {
    check(c, TWIN_WRITE);
    return answers.json(hub.patchTwin(twinRef(c), await readJson(c), c.req.header('if-match')));
  });
  app.put(path, async (c) => {
    check(c, TWIN_WRITE);
    return answers.json(hub.replaceTwin(twinRef(c), await readJson(c), c.req.header('if-match')));
  });
}

function addQuery({ app, hub, answers, check, front }: Parts): void {
  app.post('/devices/query', async (c) => {
    check(c, TWIN_READ);
    const { itemType, items, continuation } = (front ?? hub).query(queryText(await readJson(c)), {
      pageSize: parseCount(c.req.header('x-ms-max-item-count'), 'x-ms-max-item-count'),
      continuation: c.req.header('x-ms-continuation'),
    });
    // Omitted on the last page: clients ask for another page while the header is present.
    const next = continuation === undefined ? {} : { 'x-ms-continuation': continuation };
    return answers.json(items, { 'x-ms-item-type': itemType, ...next });
  });
}

/** The permission under a signature is not established; these two are likely. */
function addStatistics({ app, hub, answers, check }: Parts): void {
  app.get('/statistics/devices', (c) => {
    check(c, { permission: 'RegistryRead', actions: ['statistics/read'] });
    return answers.json(hub.statistics());
  });
  app.get('/statistics/service', (c) => {
    check(c, { permission: 'ServiceConnect', actions: ['statistics/read'] });
    return answers.json(hub.serviceStatistics());
  });
}

function twinRef(c: Context): { deviceId: string; moduleId?: string | undefined } {
  return { deviceId: c.req.param('deviceId') ?? '', moduleId: c.req.param('moduleId') };
}

function queryText(body: unknown): string {
  const text = typeof body === 'object' && body !== null && 'query' in body ? body.query : undefined;
  if (typeof text !== 'string') throw badRequest('the body has no query');
  return text;
}
