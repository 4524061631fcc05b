// The line that says what a plan will take.
import { describe, expect, test } from 'vitest';
import { costText, formatShare, formatTime } from '../../../src/cli/render/cost-text.ts';
import { createStyle } from '../../../src/cli/render/style.ts';
import { costOf } from '../../../src/controller/budget/cost.ts';

const PLAIN = createStyle({}, { write: () => {}, isTerminal: false, columns: 80 });
const HUB = { capacity: { tier: 'S1', units: 1 }, budget: { throttle: 0.4, dailyMessages: 0.01 } };
const WORK = { reads: 2_180, writes: 2_180, creations: 0, messages: 2_300 };

describe('the cost', () => {
  test.each([
    [
      'at the pace of the hub',
      costOf(WORK, HUB),
      ['Cost     2,180 writes at 20/s (40 % of 50/s), about 2 min, about 2,300 messages (0.6 % of 400,000 a day)'],
    ],
    [
      'that is more than our share of the day',
      costOf({ ...WORK, reads: 1, writes: 1, messages: 8_000 }, HUB),
      [
        'Cost     1 write at 20/s (40 % of 50/s), 1 s, about 8,000 messages (2 % of 400,000 a day), ' +
          'more than our share of 4,000',
      ],
    ],
    [
      'where nothing limits us',
      costOf({ ...WORK, creations: 2 }, { ...HUB, capacity: undefined }),
      [
        'Cost     2,180 writes, 2 modules created, about 2,300 messages; no capacity is declared, so calls are not limited',
      ],
    ],
    ['of nothing', costOf({ ...WORK, writes: 0 }, HUB), []],
  ])('%s', (_sentence, cost, want) => {
    expect(costText(cost, PLAIN)).toEqual(want);
  });
});

test('shares and times are as exact as people need them', () => {
  expect([0, 0.0001, 0.003, 0.0915, 0.191, 1.5].map(formatShare)).toEqual([
    '0 %',
    'less than 0.1 %',
    '0.3 %',
    '9.2 %',
    '19 %',
    '150 %',
  ]);
  expect([0.2, 9, 89, 300, 9_000].map(formatTime)).toEqual(['1 s', '9 s', '89 s', 'about 5 min', 'about 2.5 h']);
});
