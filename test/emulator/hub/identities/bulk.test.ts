// POST /devices: every import mode, entry by entry.
import { describe, expect, test } from 'vitest';
import type { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import { hubWithModule, MODULE, refusal } from '../new-hub.ts';

const OK = { isSuccessful: true, errors: [], warnings: [] };

function etagOf(hub: IotHub): string {
  return hub.getDevice('d')['etag'] as string;
}

describe('what succeeds', () => {
  const rows: [sentence: string, entry: (hub: IotHub) => object, seen: (hub: IotHub) => unknown, want: unknown][] = [
    ['create', () => ({ id: 'n', importMode: 'create' }), (hub) => hub.getDevice('n')['status'], 'enabled'],
    [
      'create a module',
      () => ({ id: 'd', moduleId: 'n', importMode: 'create' }),
      (hub) => hub.getModule('d', 'n')['moduleId'],
      'n',
    ],
    [
      'Update, in the SDK’s case',
      () => ({ id: 'd', importMode: 'Update', status: 'disabled' }),
      (hub) => hub.getDevice('d')['status'],
      'disabled',
    ],
    [
      'update of a module',
      () => ({ id: 'd', moduleId: 'm', importMode: 'update', managedBy: 'me' }),
      (hub) => hub.getModule('d', 'm')['managedBy'],
      'me',
    ],
    [
      'UpdateIfMatchETag',
      (hub) => ({ id: 'd', importMode: 'UpdateIfMatchETag', eTag: etagOf(hub), statusReason: 'r' }),
      (hub) => hub.getDevice('d')['statusReason'],
      'r',
    ],
    [
      'UpdateIfMatchETag with all that was read of the device, whose etag is spelt otherwise',
      (hub) => ({ ...hub.getDevice('d'), id: 'd', importMode: 'UpdateIfMatchETag', statusReason: 'r' }),
      (hub) => hub.getDevice('d')['statusReason'],
      'r',
    ],
    ['Delete', () => ({ id: 'd', importMode: 'Delete' }), (hub) => hub.statistics().totalDeviceCount, 0],
    [
      'delete of a module',
      () => ({ id: 'd', moduleId: 'm', importMode: 'delete' }),
      (hub) => hub.listModules('d').length,
      0,
    ],
    [
      'DeleteIfMatchETag',
      (hub) => ({ id: 'd', importMode: 'DeleteIfMatchETag', eTag: etagOf(hub) }),
      (hub) => hub.statistics().totalDeviceCount,
      0,
    ],
    [
      'updateTwin',
      () => ({ id: 'd', importMode: 'updateTwin', tags: { a: 1 } }),
      (hub) => hub.getTwin({ deviceId: 'd' })['tags'],
      { a: 1 },
    ],
    [
      'updateTwin of a module',
      () => ({ id: 'd', moduleId: 'm', importMode: 'updateTwin', tags: { a: 1 } }),
      (hub) => hub.getTwin(MODULE)['tags'],
      { a: 1 },
    ],
    [
      'updateTwinIfMatchETag',
      () => ({ id: 'd', importMode: 'updateTwinIfMatchETag', twinETag: 'AAAAAAAAAAE=', tags: { a: 1 } }),
      (hub) => hub.getTwin({ deviceId: 'd' })['etag'],
      'AAAAAAAAAAI=',
    ],
    [
      'create with twin data',
      () => ({ id: 'n', importMode: 'create', tags: { a: 1 }, properties: { desired: { b: 2 } } }),
      (hub) => hub.getTwin({ deviceId: 'n' })['tags'],
      { a: 1 },
    ],
  ];
  test.each(rows)('%s', (_sentence, entry, seen, want) => {
    const { hub } = hubWithModule();
    expect(hub.bulk([entry(hub)])).toEqual(OK);
    expect(seen(hub)).toEqual(want);
  });

  test('twin data are merged', () => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { properties: { desired: { a: 1, b: 2 } } });
    hub.bulk([{ id: 'd', moduleId: 'm', importMode: 'updateTwin', properties: { desired: { b: null, c: 3 } } }]);
    expect(hub.getTwin(MODULE)).toMatchObject({ properties: { desired: { a: 1, c: 3, $version: 3 } } });
  });
});

describe('what fails for an entry', () => {
  const rows: [sentence: string, entry: object, want: object][] = [
    [
      'creating what exists',
      { id: 'd', importMode: 'create' },
      { errorCode: 'DeviceAlreadyExists', operation: 'create' },
    ],
    [
      'creating a module that exists',
      { id: 'd', moduleId: 'm', importMode: 'create' },
      { errorCode: 'ModuleAlreadyExistsOnDevice', moduleId: 'm' },
    ],
    [
      'updating what is missing',
      { id: 'x', importMode: 'Update' },
      { deviceId: 'x', errorCode: 'DeviceNotFound', errorStatus: 'x' },
    ],
    ['deleting what is missing', { id: 'x', importMode: 'delete' }, { errorCode: 'DeviceNotFound' }],
    [
      'a stale etag',
      { id: 'd', importMode: 'updateIfMatchETag', eTag: 'MQ==' },
      { errorCode: 'PreconditionFailed', operation: 'updateIfMatchETag' },
    ],
    [
      'no etag',
      { id: 'd', importMode: 'deleteIfMatchETag' },
      { errorCode: 'PreconditionFailed', errorStatus: 'Etag missing' },
    ],
    [
      'a stale twin etag',
      { id: 'd', importMode: 'updateTwinIfMatchETag', twinETag: 'AAAAAAAAAAI=', tags: {} },
      { errorCode: 'PreconditionFailed' },
    ],
    [
      'the twin of a missing module',
      { id: 'd', moduleId: 'x', importMode: 'updateTwin', tags: {} },
      { errorCode: 'DeviceNotFound', moduleId: 'x' },
    ],
    [
      'a twin that breaks a limit',
      { id: 'd', importMode: 'updateTwin', tags: { 'a.b': 1 } },
      { errorCode: 'ArgumentInvalid' },
    ],
  ];
  test.each(rows)('%s', (_sentence, entry, want) => {
    const { hub } = hubWithModule();
    const before = hub.dump();
    const result = hub.bulk([entry]);
    expect(result).toMatchObject({ isSuccessful: false, errors: [want], warnings: [] });
    expect(Object.keys(result.errors[0] ?? {}).toSorted()).toEqual([
      'deviceId',
      'errorCode',
      'errorStatus',
      'moduleId',
      'operation',
    ]);
    expect(hub.dump()).toEqual(before);
  });

  test('does not stop the others', () => {
    const { hub } = hubWithModule();
    const result = hub.bulk(['a', 'd', 'b'].map((id) => ({ id, importMode: 'create' })));
    expect(result.errors).toHaveLength(1);
    expect(hub.statistics().totalDeviceCount).toBe(3);
  });

  test('a new device whose twin data are refused is registered without them, with a warning', () => {
    const { hub } = hubWithModule();
    expect(hub.bulk([{ id: 'n', importMode: 'create', tags: { 'a b': 1 } }])).toMatchObject({
      isSuccessful: true,
      errors: [],
      warnings: [{ deviceId: 'n', warningCode: 'DeviceRegisteredWithoutTwin' }],
    });
    expect(hub.getTwin({ deviceId: 'n' })['version']).toBe(2);
  });
});

describe('what fails as a whole', () => {
  test('a device named twice, modules counting as their device', () => {
    const { hub } = hubWithModule();
    hub.putModule('d', 'n', {}, undefined);
    const before = hub.dump();
    const entries = ['m', 'n'].map((moduleId) => ({ id: 'd', moduleId, importMode: 'updateTwin', tags: { a: 1 } }));
    expect(refusal(() => hub.bulk(entries))).toEqual({
      status: 400,
      code: 'DeviceDefinedMultipleTimes',
      number: 400011,
      text: 'DeviceDefinedMultipleTimes, device ID d',
      envelope: 1,
    });
    expect(hub.dump()).toEqual(before);
  });

  test('more than 100 entries', () => {
    const { hub } = hubWithModule();
    const entries = Array.from({ length: 101 }, (_, index) => ({ id: `x${index}`, importMode: 'create' }));
    expect(refusal(() => hub.bulk(entries))).toMatchObject({ status: 413, code: 'TooManyDevices' });
    expect(hub.bulk(entries.slice(1))).toEqual(OK);
  });

  test.each([
    [{ items: [] }],
    [[]],
    [['x']],
    [[{ importMode: 'create' }]],
    [[{ id: 'a b', importMode: 'create' }]],
    [[{ id: 'a' }]],
    [[{ id: 'a', importMode: 'explode' }]],
    [[{ id: 'a', importMode: 'createOrUpdate' }]],
    [[{ id: 'a', importMode: 'createOrUpdateIfMatchETag', eTag: 'MQ==' }]],
    [[{ id: 'a', moduleId: 1, importMode: 'create' }]],
  ])('the body %j', (body) =>
    expect(refusal(() => hubWithModule().hub.bulk(body))).toMatchObject({ status: 400, text: 'BadRequest' }),
  );
});
