import { expect, test } from 'vitest';
import { logicalPartition, partitionOf } from '../../../src/emulator/events/partition.ts';

/** From the resolver of Microsoft's tools. */
test.each([
  { id: 'device1', logical: 19_406, of4: 2, of32: 18 },
  { id: 'myDevice', logical: 6_285, of4: 0, of32: 6 },
  { id: 'd', logical: 1_020, of4: 0, of32: 0 },
  { id: 'sensor-0001', logical: 17_847, of4: 2, of32: 17 },
  { id: 'A-very-long-device-identifier', logical: 3_809, of4: 0, of32: 3 },
])('$id is in partition $of4 of 4 and $of32 of 32', ({ id, logical, of4, of32 }) => {
  expect({ logical: logicalPartition(id), of4: partitionOf(id, 4), of32: partitionOf(id, 32) }).toEqual({
    logical,
    of4,
    of32,
  });
});

test('every id has a partition', () => {
  const counts = [0, 0, 0];
  for (let index = 0; index < 3_000; index += 1) counts[partitionOf(`device-${index}`, 3)]! += 1;
  for (const count of counts) expect(count).toBeGreaterThan(500);
});
