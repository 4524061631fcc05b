import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Fifo } from '../../../src/controller/queue/fifo.ts';

test('gives back what it got, in order, like a plain array does', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2_000 }), { maxLength: 40 }), (runs) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      const given: (number | undefined)[] = [];
      const wanted: (number | undefined)[] = [];
      let next = 0;
      for (const [index, run] of runs.entries()) {
        for (let count = 0; count < run; count += 1) {
          if (index % 3 === 2) {
            given.push(fifo.shift());
            wanted.push(model.shift());
          } else {
            fifo.push(next);
            model.push(next);
            next += 1;
          }
        }
        expect(fifo.length).toBe(model.length);
      }
      expect(given).toEqual(wanted);
    }),
    { numRuns: 30 },
  );
});

test('an empty one gives nothing and stays of use', () => {
  const fifo = new Fifo<string>();
  expect(fifo.shift()).toBeUndefined();
  fifo.push('a');
  expect([fifo.shift(), fifo.shift(), fifo.length]).toEqual(['a', undefined, 0]);
});
