import { describe, expect, test } from 'vitest';
import { DeviceList, DeviceTable } from '../../../src/controller/twins/device-table.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { DeviceFacts } from '../../../src/model/twin.ts';

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
    const devices = new DeviceTable();
    devices.replace(listOf(device('a'), device('b')));
    devices.set(device('c'));
    devices.set(device('a', { env: 'lab' }));
    devices.delete('b');
    expect([...devices.all()].map(({ deviceId }) => deviceId)).toEqual(['a', 'c']);
    expect(devices.get('a')?.tags).toEqual({ env: 'lab' });
    devices.replace(listOf(device('b')));
    expect([devices.size, devices.get('a')]).toEqual([1, undefined]);
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
