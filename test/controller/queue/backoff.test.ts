import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { backoffMs } from '../../../src/controller/queue/backoff.ts';

const THROTTLED_DELAY_MS = 10_000;

const BACKOFF_MAX_MS = 300_000;

const always = (value: number): { next: () => number } => ({ next: () => value });

describe('the wait after a failure', () => {
  test.each([
    { name: 'doubles with each failure', pace: 'Normal', waits: [1_000, 2_000, 4_000, 8_000] },
    {
      name: 'starts at ten seconds and more where we were too fast',
      pace: 'Throttled',
      waits: [20_000, 30_000, 50_000],
    },
  ] as const)('$name', ({ pace, waits }) => {
    const longest = waits.map((_wait, index) => Math.round(backoffMs(index + 1, pace, always(1))));
    expect(longest).toEqual(waits);
  });

  test('is spread over the whole of it and never longer than the limit, however many failures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, draw) => {
          const normal = backoffMs(failures, 'Normal', always(draw));
          const throttled = backoffMs(failures, 'Throttled', always(draw));
          expect(normal).toBeGreaterThanOrEqual(0);
          expect(normal).toBeLessThanOrEqual(BACKOFF_MAX_MS * draw);
          expect(throttled).toBeGreaterThanOrEqual(THROTTLED_DELAY_MS);
          expect(throttled).toBeLessThanOrEqual(THROTTLED_DELAY_MS + BACKOFF_MAX_MS * draw);
        },
      ),
      { numRuns: 200 },
    );
  });
});
