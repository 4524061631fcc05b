import { describe, expect, test } from 'vitest';
import { DeviceList, FleetView } from '../../../src/controller/twins/fleet-view.ts';
import type { TwinState } from '../../../src/controller/twins/twin-state.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { DeviceFacts } from '../../../src/model/twin.ts';

const state = (fields: Partial<TwinState> = {}): TwinState => ({
  type: 'Equal',
  reason: 'InSync',
  acknowledgement: 'Applied',
  detail: undefined,
  failure: undefined,
  ...fields,
});
const device = (deviceId: string, tags: JsonObject = {}): DeviceFacts => ({
  deviceId,
  status: 'enabled',
  iotEdge: false,
  tags,
});

function listOf(...devices: readonly DeviceFacts[]): DeviceList {
  const list = new DeviceList();
  for (const facts of devices) list.add(facts);
  return list;
}

describe('devices', () => {
  test('are those of the last whole list, and of direct reads since', () => {
    const view = new FleetView();
    view.replaceDevices(listOf(device('a'), device('b')));
    view.noteDevice(device('c'));
    view.noteDevice(device('a', { env: 'lab' }));
    view.forgetDevice('b');
    expect([...view.devices()].map(({ deviceId }) => deviceId)).toEqual(['a', 'c']);
    expect(view.device('a')?.tags).toEqual({ env: 'lab' });
    view.replaceDevices(listOf(device('b')));
    expect([view.deviceCount, view.device('a')]).toEqual([1, undefined]);
  });

  test('that carry equal tags share them, in whatever order they came', () => {
    const list = listOf(
      device('a', { env: 'prod', site: { city: 'lyon' } }),
      device('b', { site: { city: 'lyon' }, env: 'prod' }),
      device('c', { env: 'lab' }),
    );
    const tags = (id: string): JsonObject | undefined => list.facts.get(id)?.tags;
    expect(tags('a')).toBe(tags('b'));
    expect(tags('a')).not.toBe(tags('c'));
    expect(tags('b')).toEqual({ env: 'prod', site: { city: 'lyon' } });
  });

  test('keep only what selection looks at', () => {
    const row = { ...device('a'), etag: 'AAAAAAAAAAE=', properties: { desired: {}, reported: {} } };
    expect(listOf(row).facts.get('a')).toEqual(device('a'));
  });
});

describe('states', () => {
  test('that are equal are kept once, however many twins are in them', () => {
    const view = new FleetView();
    for (let index = 0; index < 1_000; index += 1) view.note(`d${index}/m`, state());
    expect(new Set([...view.states()].map(([, one]) => one)).size).toBe(1);
    view.note('d1/m', state({ acknowledgement: 'Rejected', detail: 'usb' }));
    expect(view.state('d1/m')).toEqual(state({ acknowledgement: 'Rejected', detail: 'usb' }));
    expect(view.state('d2/m')).toEqual(state());
  });

  test.each([
    { name: 'a failure', fields: { failure: 'Timeout' } },
    { name: 'a detail', fields: { detail: 'usb' } },
    { name: 'an acknowledgement', fields: { acknowledgement: 'Written' } },
    { name: 'a reason', fields: { type: 'Hold', reason: 'Conflicted' } },
  ] as const)('that differ in $name are kept apart', ({ fields }) => {
    const view = new FleetView();
    view.note('a/m', state());
    view.note('b/m', state(fields));
    expect([view.state('a/m'), view.state('b/m')]).toEqual([state(), state(fields)]);
  });

  test('outlive a list of devices and go when they are forgotten', () => {
    const view = new FleetView();
    view.note('a/m', state());
    view.replaceDevices(new DeviceList());
    expect(view.state('a/m')).toEqual(state());
    view.note('a/m', undefined);
    expect([...view.states()]).toEqual([]);
  });
});
