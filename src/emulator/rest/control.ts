// The control endpoint, which no real hub has: counters, settings, faults and actions for tests.
import type { Context, Hono } from 'hono';
import type { Clock } from '../../ports/clock.ts';
import type { FrontDoor } from '../front-door.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import { invalidArgument } from '../hub/service-error.ts';
import type { Answers } from './answers.ts';
import type { Authorize } from './authorization.ts';
import { readAction, readRule, readRules, readSettings, readTokenRequest } from './control-schema.ts';
import type { Permission } from './policies.ts';
import type { Role } from './roles.ts';
import { pathSegments, readJson } from './requests.ts';
import { LIFETIME_SECONDS, type TokenIssuer } from './token-issuer.ts';

/** A path that no real hub has. */
const CONTROL_PATH = '/emulator';

/** Only the owner's policy has them all. */
const OWNER_PERMISSIONS: readonly Permission[] = ['RegistryRead', 'RegistryWrite', 'ServiceConnect', 'DeviceConnect'];

const BODY_BYTES_MAX = 1024 * 1024;

/** Default principal of a token. */
const PRINCIPAL = 'emulator';
const CONTRIBUTOR: Role = 'IoT Hub Data Contributor';

interface Parts {
  readonly app: Hono;
  readonly hub: IotHub;
  readonly front: FrontDoor;
  readonly answers: Answers;
  readonly authorize: Authorize;
  readonly issuer: TokenIssuer | undefined;
  readonly clock: Clock;
}

/** Needs no `api-version`. Its calls are never counted, throttled or hit by a fault. */
export function addControl({ app, hub, front, answers, authorize, issuer, clock }: Parts): void {
  const check = (c: Context): void => {
    const credentials = { header: c.req.header('authorization'), path: pathSegments(c.req.path) };
    for (const permission of OWNER_PERMISSIONS) authorize(credentials, { permission });
  };
  const current = (): object => ({
    throttle: front.throttle ?? null,
    lag: hub.lag ?? null,
    clockSkewMs: front.clockSkewMs,
    historyMs: hub.historyMs,
    nullHazard: hub.nullHazard,
    keepsLeftSettings: hub.keepsLeftSettings,
  });

  app.get(`${CONTROL_PATH}/counters`, (c) => {
    check(c);
    return answers.json(front.counters);
  });
  app.delete(`${CONTROL_PATH}/counters`, (c) => {
    check(c);
    front.resetCounters();
    return answers.empty();
  });

  app.get(`${CONTROL_PATH}/settings`, (c) => {
    check(c);
    return answers.json(current());
  });
  app.patch(`${CONTROL_PATH}/settings`, async (c) => {
    check(c);
    const settings = readSettings(await readJson(c, BODY_BYTES_MAX));
    const { throttle, lag, clockSkewMs, historyMs, nullHazard, keepsLeftSettings } = settings;
    if (throttle !== undefined) front.setThrottle(throttle ?? undefined);
    if (lag !== undefined) hub.setLag(lag ?? undefined);
    if (clockSkewMs !== undefined) front.clockSkewMs = clockSkewMs;
    if (historyMs !== undefined) hub.setHistory(historyMs);
    if (nullHazard !== undefined) hub.setNullHazard(nullHazard);
    if (keepsLeftSettings !== undefined) hub.setKeepsLeftSettings(keepsLeftSettings);
    return answers.json(current());
  });

  app.post(`${CONTROL_PATH}/tokens`, async (c) => {
    check(c);
    if (issuer === undefined) throw invalidArgument('The hub has no issuer of tokens.');
    const request = readTokenRequest(await readJson(c, BODY_BYTES_MAX));
    const { principal = PRINCIPAL, roles = [CONTRIBUTOR], lifetimeSeconds = LIFETIME_SECONDS } = request;
    const nowMs = clock.now();
    const token = issuer.issue({ principal, roles, lifetimeSeconds, nowMs });
    return answers.json({ token, expiresOnTimestamp: nowMs + lifetimeSeconds * 1000 });
  });

  app.get(`${CONTROL_PATH}/faults`, (c) => {
    check(c);
    return answers.json(front.faults.status());
  });
  app.put(`${CONTROL_PATH}/faults`, async (c) => {
    check(c);
    front.faults.set(readRules(await readJson(c, BODY_BYTES_MAX)));
    return answers.json(front.faults.status());
  });
  app.post(`${CONTROL_PATH}/faults`, async (c) => {
    check(c);
    front.faults.add(readRule(await readJson(c, BODY_BYTES_MAX)));
    return answers.json(front.faults.status());
  });
  app.delete(`${CONTROL_PATH}/faults`, (c) => {
    check(c);
    front.faults.clear();
    return answers.empty();
  });

  app.post(`${CONTROL_PATH}/actions`, async (c) => {
    check(c);
    const action = readAction(await readJson(c, BODY_BYTES_MAX));
    if (action.kind === 'failOver') {
      if (hub.historyMs === 0 && hub.lag === undefined) {
        throw invalidArgument('The hub has no history to fall back to: set historyMs first.');
      }
    } else if (action.deviceId === undefined) throw invalidArgument('action lacks deviceId.');
    return answers.json({ isDone: front.perform(action) });
  });
}
