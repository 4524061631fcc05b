// The cost of work: time at our pace, messages of the hub's day.
import { describe, expect, test } from 'vitest';
import { costOf } from '../../../src/controller/budget/cost.ts';
import type { Twin } from '../../../src/model/twin.ts';
import { actionOf } from '../../plan/actions.ts';
import { addCalls, NO_CALLS, callsOf } from '../../../src/plan/report/call-count.ts';

const HALF = { throttle: 0.4, dailyMessages: 0.1 };
const S1 = { tier: 'S1', units: 1 };
const READ_DEVICE = { moduleTwin: true, deviceTwin: true };
const NO_READ = { moduleTwin: true, deviceTwin: false };

function twinOf(bytes: number): Twin {
  const desired = { filler: 'x'.repeat(bytes) };
  return { deviceId: 'd', moduleId: 'm', etag: 'AAAAAAAAAAE=', properties: { desired, reported: {} } };
}

describe('the work of one twin', () => {
  test.each([
    ['nothing for a twin in sync', actionOf('Equal', 'InSync'), twinOf(10), NO_CALLS],
    [
      'a read and a write',
      actionOf('Patch', 'Drift', { needs: NO_READ }),
      twinOf(10),
      { reads: 1, writes: 1, creations: 0, messages: 2 },
    ],
    [
      'a large twin is metered in steps of 4 KB, and the device is read before a first write',
      actionOf('Patch', 'Drift', { needs: READ_DEVICE }),
      twinOf(5_000),
      { reads: 2, writes: 1, creations: 0, messages: 5 },
    ],
    [
      'a module that is created is configured afterwards',
      actionOf('Create', 'ModuleMissing', { needs: READ_DEVICE }),
      undefined,
      { reads: 3, writes: 1, creations: 1, messages: 4 },
    ],
  ])('%s', (_sentence, action, twin, want) => {
    expect(callsOf(action, twin)).toEqual(want);
  });
});

test('work adds up', () => {
  const one = { reads: 1, writes: 2, creations: 3, messages: 4 };
  expect(addCalls(one, one)).toEqual({ reads: 2, writes: 4, creations: 6, messages: 8 });
});

describe('the cost', () => {
  test('takes the time of the slowest class of calls, at our share', () => {
    const { pace } = costOf({ reads: 2_180, writes: 2_180, creations: 0, messages: 0 }, { capacity: S1, budget: HALF });
    expect(pace).toEqual({
      writesPerSecond: 20,
      hubWritesPerSecond: 50,
      queriesPerSecond: (20 / 60) * 0.4,
      seconds: 109,
      dailyMessages: 400_000,
      dailyShare: 40_000,
    });
    const created = costOf({ ...NO_CALLS, creations: 100 }, { capacity: S1, budget: HALF });
    expect(created.pace?.seconds).toBeCloseTo(150);
  });

  test('has no pace where nothing is known of the hub', () => {
    expect(costOf(NO_CALLS, { capacity: undefined, budget: HALF }).pace).toBeUndefined();
  });
});
