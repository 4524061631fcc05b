// Device identities: the rules of creation, update and deletion, and their wire form.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../src/model/json.ts';
import { hubWithModule, MODULE, newHub, refusal, START_MS } from '../new-hub.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const OTHER_KEY = Buffer.alloc(16, 2).toString('base64');
const BAD_REQUEST = { status: 400, code: 'ArgumentInvalid', number: 400004, text: 'BadRequest', envelope: 1 };

function keysOf(identity: JsonObject): JsonObject {
  return (identity['authentication'] as { symmetricKey: JsonObject }).symmetricKey;
}

function counterOf(identity: JsonObject): number {
  return Number(Buffer.from(identity['etag'] as string, 'base64').toString());
}

test('a new device has the fields of a real one', () => {
  const { hub } = newHub();
  const device = hub.createDevice('d', { deviceId: 'd' });
  expect(device).toEqual({
    deviceId: 'd',
    generationId: expect.stringMatching(/^\d{18}$/),
    etag: expect.any(String),
    connectionState: 'Disconnected',
    status: 'enabled',
    statusReason: null,
    connectionStateUpdatedTime: '0001-01-01T00:00:00Z',
    statusUpdatedTime: '0001-01-01T00:00:00Z',
    lastActivityTime: '0001-01-01T00:00:00Z',
    cloudToDeviceMessageCount: 0,
    authentication: {
      symmetricKey: { primaryKey: expect.any(String), secondaryKey: expect.any(String) },
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
      type: 'sas',
    },
    capabilities: { iotEdge: false },
  });
  expect(counterOf(device)).toBeGreaterThan(0);
  expect(hub.getDevice('d')).toEqual(device);
});

describe('creation and update by one PUT', () => {
  test('without If-Match only creates, whatever etag the body carries', () => {
    const { hub } = newHub();
    const { etag } = hub.putDevice('d', {}, undefined);
    expect(refusal(() => hub.putDevice('d', { etag: etag as string }, undefined))).toEqual({
      status: 409,
      code: 'DeviceAlreadyExists',
      number: 409001,
      text: "A device with ID 'd' is already registered.",
      envelope: 1,
    });
  });

  test('with If-Match only updates', () => {
    const { hub } = newHub();
    const notFound = { status: 404, code: 'DeviceNotFound', number: 404001, text: 'd', envelope: 1 };
    expect(refusal(() => hub.putDevice('d', {}, '*'))).toEqual(notFound);
    const before = hub.putDevice('d', {}, undefined);
    const next = hub.putDevice('d', { status: 'disabled', statusReason: 'lost' }, `"${before['etag'] as string}"`);
    expect(next).toMatchObject({ status: 'disabled', statusReason: 'lost', generationId: before['generationId'] });
    expect(counterOf(next)).toBe(counterOf(before) + 1);
  });

  test('takes the etag quoted, weak, bare or as a star', () => {
    const { hub } = newHub();
    hub.createDevice('d', {});
    const etag = () => hub.getDevice('d')['etag'] as string;
    const forms = [
      (tag: string) => tag,
      (tag: string) => `"${tag}"`,
      (tag: string) => `W/"${tag}"`,
      () => '"*"',
      () => '*',
    ];
    for (const form of forms) expect(hub.putDevice('d', {}, form(etag()))['etag']).toBe(etag());
  });

  test('names both versions where the etag is stale', () => {
    const { hub } = newHub();
    const old = hub.createDevice('d', {});
    hub.putDevice('d', {}, '*');
    expect(refusal(() => hub.putDevice('d', {}, `"${old['etag'] as string}"`))).toEqual({
      status: 412,
      code: 'PreconditionFailed',
      number: 412001,
      text: `Precondition failed: Device version did not match, existingVersion:${counterOf(old) + 1} newVersion:${counterOf(old)}`,
      envelope: 1,
    });
    expect(refusal(() => hub.putDevice('d', {}, '"?"'))).toMatchObject({
      text: 'PreconditionFailed, ETag may be invalid.',
    });
  });

  test('mints new keys where authentication is left out, and keeps those it is given', () => {
    const { hub } = newHub();
    const first = keysOf(hub.createDevice('d', {}));
    const second = keysOf(hub.putDevice('d', {}, '*'));
    expect(second['primaryKey']).not.toBe(first['primaryKey']);
    const symmetricKey = { primaryKey: KEY, secondaryKey: OTHER_KEY };
    expect(keysOf(hub.putDevice('d', { authentication: { symmetricKey } }, '*'))).toEqual(symmetricKey);
    expect(hub.identityKeys({ deviceId: 'd' })).toEqual({ primary: KEY, secondary: OTHER_KEY });
  });

  test('moves the time of the status only with the status', () => {
    const { hub, time } = newHub();
    hub.createDevice('d', {});
    time.now = START_MS + 1000;
    hub.putDevice('d', { status: 'disabled' }, '*');
    time.now = START_MS + 2000;
    const want = '2026-11-23T17:40:01Z';
    expect(hub.putDevice('d', { status: 'disabled' }, '*')['statusUpdatedTime']).toBe(want);
    expect(hub.getTwin({ deviceId: 'd' })).toMatchObject({ statusUpdateTime: want, status: 'disabled' });
  });

  test('leaves the twin alone', () => {
    const { hub } = newHub();
    hub.createDevice('d', {});
    const { etag } = hub.patchTwin({ deviceId: 'd' }, { tags: { a: 1 } });
    hub.putDevice('d', {}, '*');
    expect(hub.getTwin({ deviceId: 'd' })).toMatchObject({ tags: { a: 1 }, etag });
  });
});

describe('ids', () => {
  test.each(['a', "A-:.+%_#*?!(),=@;$'9", 'x'.repeat(128)])('%s is legal', (id) => {
    expect(newHub().hub.createDevice(id, {})['deviceId']).toBe(id);
  });

  test.each(['', 'a b', 'a/b', 'é', 'x'.repeat(129), 'a\n'])('%j is refused', (id) => {
    expect(refusal(() => newHub().hub.createDevice(id, {}))).toEqual(BAD_REQUEST);
  });

  test('differ by case', () => {
    const { hub } = newHub();
    hub.createDevice('d', {});
    expect(refusal(() => hub.getDevice('D'))).toMatchObject({ status: 404 });
  });

  test('must agree between path and body', () => {
    expect(refusal(() => newHub().hub.createDevice('d', { deviceId: 'e' }))).toEqual(BAD_REQUEST);
  });
});

test.each([
  [null],
  ['x'],
  [[]],
  [{ status: 'off' }],
  [{ statusReason: 'x'.repeat(129) }],
  [{ capabilities: 1 }],
  [{ parentScopes: [1] }],
])('the body %j is refused', (body) =>
  expect(refusal(() => newHub().hub.createDevice('d', body))).toEqual(BAD_REQUEST),
);

describe('deletion', () => {
  test('takes the twin and the modules along', () => {
    const { hub } = hubWithModule();
    hub.deleteDevice('d', '*');
    expect(refusal(() => hub.getTwin(MODULE))).toMatchObject({ status: 404 });
    expect(refusal(() => hub.getTwin({ deviceId: 'd' }))).toMatchObject({ status: 404 });
    expect(hub.query('SELECT * FROM devices.modules').items).toEqual([]);
    hub.createDevice('d', {});
    expect(hub.listModules('d')).toEqual([]);
  });

  test('needs an etag, and a device', () => {
    const { hub } = newHub();
    expect(refusal(() => hub.deleteDevice('d', '*'))).toMatchObject({ status: 404, code: 'DeviceNotFound' });
    hub.createDevice('d', {});
    expect(refusal(() => hub.deleteDevice('d', undefined))).toMatchObject({ status: 412, text: 'Etag missing' });
    expect(refusal(() => hub.deleteDevice('d', '"MQ=="'))).toMatchObject({ status: 412 });
    hub.deleteDevice('d', `"${hub.getDevice('d')['etag'] as string}"`);
  });

  test('and creation again makes another generation with a fresh twin', () => {
    const { hub } = newHub();
    const { generationId } = hub.createDevice('d', {});
    hub.patchTwin({ deviceId: 'd' }, { tags: { a: 1 } });
    hub.deleteDevice('d', '*');
    expect(hub.createDevice('d', {})['generationId']).not.toBe(generationId);
    expect(hub.getTwin({ deviceId: 'd' })).toMatchObject({ etag: 'AAAAAAAAAAE=', version: 2 });
  });
});

describe('edge devices', () => {
  const edge = { capabilities: { iotEdge: true } };

  test('have a scope and the two modules of the hub', () => {
    const { hub } = newHub();
    const { deviceScope } = hub.createDevice('e', edge);
    expect(deviceScope).toMatch(/^ms-azure-iot-edge:\/\/e-\d{18}$/);
    expect(hub.listModules('e')).toMatchObject(
      ['$edgeAgent', '$edgeHub'].map((moduleId) => ({
        moduleId,
        managedBy: 'iotEdge',
        authentication: { type: 'none' },
      })),
    );
    expect(hub.putDevice('e', edge, '*')['deviceScope']).toBe(deviceScope);
    expect(hub.listModules('e')).toHaveLength(2);
  });

  const scope = 'ms-azure-iot-edge://parent-635928930091746067';
  test.each([
    ['an edge device is below the parents it names', { ...edge, parentScopes: [scope] }, [scope]],
    ['no parents are none', { ...edge, parentScopes: [] }, undefined],
    ['another device is below the scope it is in', { deviceScope: scope }, [scope]],
    ['and has no say in it', { parentScopes: [scope] }, undefined],
  ])('%s', (_sentence, body, parentScopes) => {
    const { hub } = newHub();
    expect(hub.createDevice('e', body)['parentScopes']).toEqual(parentScopes);
    expect(hub.putDevice('e', body, '*')['parentScopes']).toEqual(parentScopes);
    expect(hub.getTwin({ deviceId: 'e' })['parentScopes']).toEqual(parentScopes);
  });

  test('keep the scope of their own, whatever is sent', () => {
    const { deviceScope } = newHub().hub.createDevice('e', { ...edge, deviceScope: scope });
    expect(deviceScope).toMatch(/^ms-azure-iot-edge:\/\/e-/);
  });

  test('come and go by update', () => {
    const { hub } = hubWithModule();
    hub.putDevice('d', edge, '*');
    expect(hub.listModules('d').map(({ moduleId }) => moduleId)).toEqual(['m', '$edgeAgent', '$edgeHub']);
    hub.putDevice('d', {}, '*');
    expect(hub.listModules('d').map(({ moduleId }) => moduleId)).toEqual(['m']);
  });
});

describe('lists and counts', () => {
  test('are in the order of creation and at most 1000', () => {
    const { hub } = newHub();
    for (let index = 0; index < 1001; index += 1) hub.createDevice(`d${index}`, {});
    expect(hub.listDevices().map(({ deviceId }) => deviceId)).toEqual(
      Array.from({ length: 1000 }, (_, index) => `d${index}`),
    );
    expect([1, 3, 1000, 0, -1, 1001, 2.5].map((top) => hub.listDevices(top).length)).toEqual([
      1, 3, 1000, 1000, 1000, 1000, 1000,
    ]);
  });

  test('follow the identities', () => {
    const { hub } = hubWithModule();
    hub.createDevice('off', { status: 'disabled' });
    hub.createDevice('gone', { status: 'disabled' });
    hub.deleteDevice('gone', '*');
    expect(hub.statistics()).toEqual({ totalDeviceCount: 2, enabledDeviceCount: 1, disabledDeviceCount: 1 });
    hub.putDevice('off', {}, '*');
    expect(hub.statistics()).toEqual({ totalDeviceCount: 2, enabledDeviceCount: 2, disabledDeviceCount: 0 });
  });

  test('stop at the hub’s capacity, devices and modules together', () => {
    const { hub } = hubWithModule({ limits: { identitiesMax: 3 } });
    hub.createDevice('e', {});
    expect(refusal(() => hub.createDevice('f', {}))).toMatchObject({ status: 413, code: 'TooManyDevices' });
    expect(refusal(() => hub.putModule('e', 'm', {}, undefined))).toMatchObject({ status: 413, envelope: 2 });
  });
});

test('the same requests at the same times make the same hub', () => {
  expect(hubWithModule().hub.dump()).toEqual(hubWithModule().hub.dump());
});
