// Module identities, whose refusals go out in envelope 2.
import { describe, expect, test } from 'vitest';
import { hubWithModule, refusal } from '../new-hub.ts';

test('a module has the fields of a real one, and no status', () => {
  const { hub } = hubWithModule();
  expect(hub.getModule('d', 'm')).toEqual({
    moduleId: 'm',
    managedBy: null,
    deviceId: 'd',
    generationId: expect.stringMatching(/^\d{18}$/),
    etag: expect.any(String),
    connectionState: 'Disconnected',
    connectionStateUpdatedTime: '0001-01-01T00:00:00Z',
    lastActivityTime: '0001-01-01T00:00:00Z',
    cloudToDeviceMessageCount: 0,
    authentication: {
      symmetricKey: { primaryKey: expect.any(String), secondaryKey: expect.any(String) },
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
      type: 'sas',
    },
  });
});

test('an update replaces it whole', () => {
  const { hub } = hubWithModule();
  const first = hub.putModule('d', 'm', { managedBy: 'me' }, '*');
  const second = hub.putModule('d', 'm', {}, `"${first['etag'] as string}"`);
  expect([first['managedBy'], second['managedBy']]).toEqual(['me', null]);
  expect(second['authentication']).not.toEqual(first['authentication']);
  expect(second['etag']).not.toBe(first['etag']);
});

test('authentication none becomes sas', () => {
  const { hub } = hubWithModule();
  expect(hub.putModule('d', 'n', { authentication: { type: 'none' } }, undefined)['authentication']).toMatchObject({
    type: 'sas',
  });
});

test('lists are in the order of creation', () => {
  const { hub } = hubWithModule();
  for (const id of ['z', 'a']) hub.putModule('d', id, {}, undefined);
  expect(hub.listModules('d').map(({ moduleId }) => moduleId)).toEqual(['m', 'z', 'a']);
});

describe('what is refused', () => {
  type Hub = ReturnType<typeof hubWithModule>['hub'];
  const rows: [sentence: string, run: (hub: Hub) => unknown, want: object][] = [
    [
      'creating it twice',
      (hub) => hub.putModule('d', 'm', {}, undefined),
      {
        status: 409,
        code: 'ModuleAlreadyExistsOnDevice',
        number: 409301,
        text: 'Device d in IotHub acme-prod already contains Module m.',
      },
    ],
    [
      'on a missing device',
      (hub) => hub.putModule('x', 'm', {}, undefined),
      { status: 404, code: 'DeviceNotFound', number: 404001 },
    ],
    [
      'updating a missing one',
      (hub) => hub.putModule('d', 'x', {}, '*'),
      { status: 404, code: 'ModuleNotFound', number: 404010 },
    ],
    [
      'updating with a stale etag',
      (hub) => hub.putModule('d', 'm', {}, '"MQ=="'),
      { status: 412, code: 'PreconditionFailed' },
    ],
    ['reading a missing one', (hub) => hub.getModule('d', 'x'), { status: 404, code: 'ModuleNotFound' }],
    ['reading on a missing device', (hub) => hub.getModule('x', 'm'), { status: 404, code: 'DeviceNotFound' }],
    ['listing a missing device', (hub) => hub.listModules('x'), { status: 404, code: 'DeviceNotFound' }],
    ['deleting a missing one', (hub) => hub.deleteModule('d', 'x', '*'), { status: 404, code: 'ModuleNotFound' }],
    ['deleting without an etag', (hub) => hub.deleteModule('d', 'm', undefined), { status: 412, text: 'Etag missing' }],
    [
      'an id with a dollar',
      (hub) => hub.putModule('d', '$mine', {}, undefined),
      { status: 400, code: 'ArgumentInvalid' },
    ],
    ['an illegal id', (hub) => hub.putModule('d', 'a b', {}, undefined), { status: 400, code: 'ArgumentInvalid' }],
    ['another id in the body', (hub) => hub.putModule('d', 'n', { moduleId: 'o' }, undefined), { status: 400 }],
    ['another device in the body', (hub) => hub.putModule('d', 'n', { deviceId: 'e' }, undefined), { status: 400 }],
    ['a body that is no object', (hub) => hub.putModule('d', 'n', 'x', undefined), { status: 400, text: 'BadRequest' }],
  ];
  test.each(rows)('%s', (_sentence, run, want) => {
    const { hub } = hubWithModule();
    const before = hub.dump();
    expect(refusal(() => run(hub))).toMatchObject({ ...want, envelope: 2 });
    expect(hub.dump()).toEqual(before);
  });

  test('a fifty-first', () => {
    const { hub } = hubWithModule();
    for (let index = 1; index < 50; index += 1) hub.putModule('d', `m${index}`, {}, undefined);
    expect(refusal(() => hub.putModule('d', 'one-more', {}, undefined))).toMatchObject({
      status: 413,
      code: 'TooManyModulesOnDevice',
      number: 413003,
      envelope: 2,
    });
    hub.deleteModule('d', 'm', '*');
    hub.putModule('d', 'one-more', {}, undefined);
  });

  test('changing the hub’s own modules', () => {
    const { hub } = hubWithModule();
    hub.createDevice('e', { capabilities: { iotEdge: true } });
    expect(refusal(() => hub.deleteModule('e', '$edgeHub', '*'))).toMatchObject({
      status: 401,
      code: 'SystemModuleModifyUnauthorizedAccess',
    });
  });
});

test('a module made again starts over', () => {
  const { hub } = hubWithModule();
  const ref = { deviceId: 'd', moduleId: 'm' };
  hub.patchTwin(ref, { properties: { desired: { a: 1 } } });
  hub.deleteModule('d', 'm', '*');
  expect(refusal(() => hub.getTwin(ref))).toMatchObject({ code: 'DeviceNotFound', text: 'd', envelope: 1 });
  hub.putModule('d', 'm', {}, undefined);
  expect(hub.getTwin(ref)).toMatchObject({ etag: 'AAAAAAAAAAE=', version: 2 });
});
