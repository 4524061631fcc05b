import { expect, test } from 'vitest';
import { firstLines } from '../../../src/cli/render/table.ts';

const lines = Array.from({ length: 12 }, (_, index) => `  line ${index}`);

test.each([
  { of: 0, shown: 0, more: [] },
  { of: 10, shown: 10, more: [] },
  { of: 11, shown: 10, more: ['  and 1 more'] },
  { of: 12, shown: 10, more: ['  and 2 more'] },
])('of $of lines $shown are shown', ({ of, shown, more }) => {
  expect(firstLines(lines.slice(0, of))).toEqual([...lines.slice(0, shown), ...more]);
});
