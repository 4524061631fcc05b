// The control endpoint: who may call it, what it does, and what it says of a body it cannot take.
import { describe, expect, test } from 'vitest';
import { FrontDoor } from '../../../src/emulator/front-door.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { restApp } from '../../../src/emulator/rest/app.ts';
import { createPolicies } from '../../../src/emulator/rest/policies.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';
import { createFixture, HOST, NOW_MS, sasToken } from './hub-fixture.ts';

interface Controlled {
  readonly clock: TestClock;
  readonly hub: IotHub;
  /** `PATCH /emulator/settings`; the answer's status, and its body where it has one. */
  send(request: string, body?: unknown, policy?: string): Promise<{ status: number; body: unknown }>;
}

function createControlled(): Controlled {
  const clock = createTestClock(NOW_MS);
  const hub = new IotHub({ hostName: HOST, clock, random: createSeededRandom(1) });
  hub.createDevice('d', {});
  hub.putModule('d', 'm', {}, undefined);
  const policies = createPolicies(createSeededRandom(2));
  const front = new FrontDoor({ hub, clock, random: createSeededRandom(3) });
  const app = restApp({ hub, policies, clock, front });
  return {
    clock,
    hub,
    send: async (request, body, policy = 'iothubowner') => {
      const [method = '', path = ''] = request.split(' ');
      const key = policies.find(({ name }) => name === policy)?.primaryKey ?? '';
      const response = await app.request(`https://${HOST}${path}?api-version=2021-04-12`, {
        method,
        headers: { authorization: sasToken({ key, skn: policy }), 'content-length': String(bodyText(body).length) },
        ...(body === undefined ? {} : { body: bodyText(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

function bodyText(body: unknown): string {
  if (body === undefined) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

const OFF = { throttle: null, lag: null, clockSkewMs: 0, historyMs: 0, nullHazard: false, keepsLeftSettings: false };
const S1 = { tier: 'S1', units: 1 };

describe('access', () => {
  const requests = [
    'GET /emulator/counters',
    'DELETE /emulator/counters',
    'GET /emulator/settings',
    'PATCH /emulator/settings',
    'GET /emulator/faults',
    'PUT /emulator/faults',
    'POST /emulator/faults',
    'DELETE /emulator/faults',
    'POST /emulator/actions',
  ];
  test.each(requests)('%s is for the owner alone', async (request) => {
    const { send } = createControlled();
    for (const policy of ['service', 'device', 'registryRead', 'registryReadWrite', 'nobody']) {
      expect((await send(request, undefined, policy)).status).toBe(401);
    }
    expect((await send(request)).status).not.toBe(401);
  });

  test('a hub without a front door has no such path', async () => {
    expect((await createFixture().send({ path: '/emulator/counters' })).status).toBe(404);
  });
});

describe('counters', () => {
  test('count calls, writes, bytes, messages and outcomes by class, and can be reset', async () => {
    const { send } = createControlled();
    await send('PATCH /twins/d/modules/m', { tags: { a: 1 } });
    await send('GET /twins/d/modules/m');
    await send('GET /twins/x');
    await send('POST /devices', [{ id: 'e', importMode: 'create' }]);
    const { body } = await send('GET /emulator/counters');
    expect(body).toMatchObject({
      classes: {
        twinUpdates: { calls: 1, answered: 1, writes: 1, messages: 1 },
        twinReads: { calls: 2, answered: 1, refused: 1, writes: 0, messages: 1 },
        identities: { calls: 1, answered: 1, writes: 1, messages: 0 },
        queries: { calls: 0 },
      },
      total: { calls: 4, answered: 3, refused: 1, throttled: 0, cut: 0 },
      messagesToday: 2,
    });
    const { classes } = body as { classes: Record<string, { bytes: number }> };
    expect(classes['twinReads']?.bytes).toBeGreaterThan(500);
    expect((await send('DELETE /emulator/counters')).status).toBe(204);
    expect((await send('GET /emulator/counters')).body).toMatchObject({ total: { calls: 0 }, messagesToday: 2 });
  });
});

describe('settings', () => {
  test('are off at first, are set one by one, and taken away with null', async () => {
    const { send } = createControlled();
    expect((await send('GET /emulator/settings')).body).toEqual(OFF);
    const lag = { devices: 1000, ghosts: 5000 };
    expect((await send('PATCH /emulator/settings', { throttle: S1, lag })).body).toEqual({ ...OFF, throttle: S1, lag });
    const rest = { historyMs: 60_000, nullHazard: true, keepsLeftSettings: true, clockSkewMs: -5 };
    expect((await send('PATCH /emulator/settings', { throttle: null, ...rest })).body).toEqual({
      ...OFF,
      lag,
      ...rest,
    });
  });

  test('a throttle limits from then on, each identity of a bulk for itself', async () => {
    const { send } = createControlled();
    await send('PATCH /emulator/settings', { throttle: { ...S1, burstSeconds: 60, backlogSeconds: 0 } });
    const entries = (prefix: string, count: number): object[] =>
      Array.from({ length: count }, (_, n) => ({ id: `${prefix}${n}`, importMode: 'create' }));
    expect((await send('POST /devices', entries('a', 60))).status).toBe(200);
    const refused = await send('POST /devices', entries('b', 60));
    expect(refused.status).toBe(429);
    expect(JSON.stringify(refused.body)).toContain('Operation type: RegistryWrite');
    expect((await send('POST /devices', entries('c', 40))).status).toBe(200);
    expect((await send('GET /devices/d')).status).toBe(429);
  });

  test('a call that waits is answered when its turn comes', async () => {
    const { clock, send } = createControlled();
    await send('PATCH /emulator/settings', { throttle: { ...S1, rates: { twinReads: 1 }, burstSeconds: 1 } });
    const [first, second] = [send('GET /twins/d'), send('GET /twins/d')];
    expect((await first).status).toBe(200);
    let isAnswered = false;
    void second.then(() => (isAnswered = true));
    await clock.advance(999);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    expect((await second).status).toBe(200);
  });

  test('a skewed clock refuses tokens, but not those of the control endpoint', async () => {
    const { send } = createControlled();
    await send('PATCH /emulator/settings', { clockSkewMs: 3_600_000 });
    expect((await send('GET /twins/d')).status).toBe(401);
    await send('PATCH /emulator/settings', { clockSkewMs: 0 });
    expect((await send('GET /twins/d')).status).toBe(200);
  });

  test('a lag is one of queries', async () => {
    const { send } = createControlled();
    await send('PATCH /emulator/settings', { lag: { devices: 1000 } });
    await send('PUT /devices/e', { deviceId: 'e' });
    expect((await send('POST /devices/query', { query: 'SELECT deviceId FROM devices' })).body).toEqual([
      { deviceId: 'd' },
    ]);
    await send('PATCH /emulator/settings', { lag: null });
    expect((await send('POST /devices/query', { query: 'SELECT deviceId FROM devices' })).body).toHaveLength(2);
  });
});

describe('faults', () => {
  test('are ordered, strike, tell how often, and are cleared', async () => {
    const { send } = createControlled();
    const rule = {
      name: 'busy',
      on: { classes: ['twinReads'] },
      count: 1,
      fault: { kind: 'refusal', code: 'ServerBusy' },
    };
    expect((await send('PUT /emulator/faults', [rule])).body).toEqual([{ rule, matched: 0, struck: 0 }]);
    const slow = { on: { path: '/jobs/*' }, fault: { kind: 'latency', ms: 1 } };
    expect((await send('POST /emulator/faults', slow)).body).toHaveLength(2);
    expect((await send('GET /twins/d')).status).toBe(503);
    expect((await send('GET /twins/d')).status).toBe(200);
    expect((await send('GET /emulator/faults')).body).toMatchObject([
      { matched: 2, struck: 1 },
      { matched: 0, struck: 0 },
    ]);
    expect((await send('DELETE /emulator/faults')).status).toBe(204);
    expect((await send('GET /emulator/faults')).body).toEqual([]);
  });

  test('of pages change what a query answers', async () => {
    const { send } = createControlled();
    await send('PUT /emulator/faults', [{ on: { source: 'devices' }, fault: { kind: 'emptyPage' } }]);
    expect(await send('POST /devices/query', { query: 'SELECT * FROM devices' })).toEqual({ status: 200, body: [] });
    expect((await send('POST /devices/query', { query: 'SELECT * FROM devices.modules' })).body).toHaveLength(1);
  });
});

describe('actions', () => {
  test('happen at once', async () => {
    const { clock, send } = createControlled();
    await send('PATCH /emulator/settings', { historyMs: 60_000 });
    await clock.advance(1000);
    await send('PATCH /twins/d', { tags: { a: 1 } });
    expect((await send('POST /emulator/actions', { kind: 'failOver', lossMs: 500 })).body).toEqual({ isDone: true });
    expect((await send('GET /twins/d')).body as JsonObject).not.toHaveProperty('tags');
    await send('POST /emulator/actions', { kind: 'delete', deviceId: 'd' });
    expect((await send('GET /twins/d')).status).toBe(404);
    expect((await send('POST /emulator/actions', { kind: 'wipeTags', deviceId: 'd' })).body).toEqual({ isDone: false });
  });
});

describe('a body it cannot take is answered with 400 and its place', () => {
  const rows: [request: string, body: unknown, text: string][] = [
    ['PATCH /emulator/settings', '{', 'BadRequest'],
    ['PATCH /emulator/settings', [], 'settings should be object.'],
    ['PATCH /emulator/settings', { lags: {} }, 'settings.lags is not known here.'],
    ['PATCH /emulator/settings', { lag: 5 }, 'settings.lag should be object.'],
    ['PATCH /emulator/settings', { lag: { devices: -1 } }, 'settings.lag.devices should be >= 0.'],
    ['PATCH /emulator/settings', { lag: { device: 1 } }, 'settings.lag.device is not known here.'],
    ['PATCH /emulator/settings', { throttle: { tier: 'S1' } }, 'settings.throttle lacks units.'],
    [
      'PATCH /emulator/settings',
      { throttle: { tier: 'S4', units: 1 } },
      'settings.throttle.tier should be one of F1, S1, S2, S3.',
    ],
    [
      'PATCH /emulator/settings',
      { throttle: { ...S1, rates: { x: 1 } } },
      'settings.throttle.rates.x is not known here.',
    ],
    ['PATCH /emulator/settings', { nullHazard: 'yes' }, 'settings.nullHazard should be boolean.'],
    ['PUT /emulator/faults', {}, 'faults should be a list of rules.'],
    ['PUT /emulator/faults', [{}], 'faults[0] lacks fault.'],
    ['POST /emulator/faults', { fault: { kind: 'reset', ms: 1 } }, 'rule.fault.ms is not known here.'],
    ['POST /emulator/faults', { fault: { kind: 'latency' } }, 'rule.fault lacks ms.'],
    ['POST /emulator/faults', { every: 0, fault: { kind: 'reset' } }, 'rule.every should be >= 1.'],
    [
      'POST /emulator/faults',
      { on: { source: 'devices' }, fault: { kind: 'reset' } },
      'rule.on.source is only for faults of pages, not for reset.',
    ],
    [
      'POST /emulator/faults',
      { fault: { kind: 'action', action: { kind: 'failOver' } } },
      'rule.fault.action lacks lossMs.',
    ],
    [
      'POST /emulator/actions',
      { kind: 'explode' },
      'action.kind should be one of failOver, delete, recreate, wipeTags.',
    ],
    [
      'POST /emulator/actions',
      { kind: '__proto__' },
      'action.kind should be one of failOver, delete, recreate, wipeTags.',
    ],
    ['POST /emulator/actions', { kind: 'delete' }, 'action lacks deviceId.'],
    [
      'POST /emulator/actions',
      { kind: 'failOver', lossMs: 1 },
      'The hub has no history to fall back to: set historyMs first.',
    ],
  ];
  test.each(rows)('%s %j', async (request, body, text) => {
    const { send } = createControlled();
    const answer = await send(request, body);
    expect(answer.status).toBe(400);
    expect((answer.body as JsonObject)['Message']).toBe(`ErrorCode:ArgumentInvalid;${text}`);
    expect((await send('GET /emulator/settings')).body).toEqual(OFF);
  });

  test('and an unknown code with all that are known', async () => {
    const { send } = createControlled();
    const { status, body } = await send('POST /emulator/faults', { fault: { kind: 'refusal', code: 'Teapot' } });
    expect(status).toBe(400);
    expect((body as JsonObject)['Message']).toMatch(/rule\.fault\.code should be one of GenericBadRequest, /);
  });
});
