// Ordered rows against a sorted list.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HubRecord } from '../../../src/emulator/hub/record.ts';
import { OrderedRows } from '../../../src/emulator/hub/rows.ts';

const SEQUENCES = 200;

function record(sequence: number, label: string): HubRecord {
  return { sequence, deviceId: label } as HubRecord;
}

test('hold what was put and not removed, in order, from any number on', () => {
  const sequence = fc.nat(SEQUENCES);
  const step = fc.oneof(
    fc.record({ put: sequence, label: fc.constantFrom('a', 'b') }),
    fc.record({ from: sequence, remove: fc.nat(150) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), sequence, (steps, from) => {
      const rows = new OrderedRows();
      const model = new Map<number, string>();
      const put = (sequence: number, label: string) => {
        rows.put(record(sequence, label));
        model.set(sequence, label);
      };
      for (let index = 0; index < SEQUENCES; index += 2) put(index, 'start');
      for (const step of steps) {
        if ('put' in step) put(step.put, step.label);
        else {
          for (let index = step.from; index < step.from + step.remove; index += 1) {
            rows.remove(index);
            model.delete(index);
          }
        }
      }
      const want = [...model].filter(([sequence]) => sequence >= from).toSorted(([a], [b]) => a - b);
      expect([...rows.from(from)].map(({ sequence, deviceId }) => [sequence, deviceId])).toEqual(want);
    }),
  );
});
