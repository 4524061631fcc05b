import { expect, test } from 'vitest';
import { Hints } from '../../../src/controller/twins/hints.ts';
import { TwinTable } from '../../../src/controller/twins/twin-table.ts';

const HINTED_MAX = 50_000;

function start(): { hints: Hints; beginPass: () => void; endPass: () => void } {
  const twins = new TwinTable();
  const hints = new Hints(twins);
  return {
    hints,
    beginPass: () => twins.beginPass(0),
    endPass: () => {
      twins.endPass([]);
      hints.endPass();
    },
  };
}

test('a hint lasts until a pass that began after it has ended', () => {
  const { hints, beginPass, endPass } = start();
  hints.add('before/m');
  beginPass();
  hints.add('during/m');
  expect([hints.has('before/m'), hints.has('during/m')]).toEqual([true, true]);
  endPass();
  expect([hints.has('before/m'), hints.has('during/m')]).toEqual([false, true]);
});

test('a twin that is hinted at again meanwhile is as one that was not before', () => {
  const { hints, beginPass, endPass } = start();
  hints.add('d/m');
  beginPass();
  hints.add('d/m');
  endPass();
  expect(hints.has('d/m')).toBe(true);
});

test('a hint of a device lasts as long, whether it was read meanwhile or not, and one of a twin is none of its device', () => {
  const { hints, beginPass, endPass } = start();
  hints.addDevice('before');
  beginPass();
  hints.addDevice('during');
  hints.add('other/m');
  expect([hints.takeDevice('before'), hints.takeDevice('during'), hints.takeDevice('other')]).toEqual([
    true,
    true,
    false,
  ]);
  expect(['before', 'during', 'other'].map((id) => hints.hasDevice(id))).toEqual([true, true, false]);
  endPass();
  expect(['before', 'during'].map((id) => hints.hasDevice(id))).toEqual([false, true]);
});

test('too many are left to the next pass, and known ones are taken still', () => {
  const { hints, beginPass, endPass } = start();
  const taken = Array.from({ length: 50_001 }, (_, index) => hints.add(`d${index}/m`));
  expect(taken.filter((isTaken) => isTaken)).toHaveLength(50_000);
  expect([hints.has('d50000/m'), hints.add('d0/m')]).toEqual([true, true]);
  beginPass();
  endPass();
  expect(hints.add('d50000/m')).toBe(true);
});

test('where there is no room any key may be one that was left out, until a later pass has ended', () => {
  const { hints, beginPass, endPass } = start();
  beginPass();
  for (let index = 0; index < HINTED_MAX; index += 1) hints.add(`d${index}/m`);
  expect([hints.has('other/m'), hints.add('late/m'), hints.has('other/m')]).toEqual([false, false, true]);
  endPass();
  expect([hints.has('other/m'), hints.hasDevice('other')]).toEqual([true, true]);
  beginPass();
  endPass();
  expect([hints.has('other/m'), hints.hasDevice('other')]).toEqual([false, false]);
});
