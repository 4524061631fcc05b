// Messages a day by tier and units.
import { expect, test } from 'vitest';
import { dailyMessages } from '../../../src/controller/budget/daily-messages.ts';

test.each([
  { tier: 'F1', units: 1, messages: 8_000 },
  { tier: 'S1', units: 1, messages: 400_000 },
  { tier: 'S1', units: 2, messages: 800_000 },
  { tier: 'S2', units: 1, messages: 6_000_000 },
  { tier: 'S3', units: 1, messages: 300_000_000 },
])('a hub of $units $tier has $messages messages a day', ({ tier, units, messages }) => {
  expect(dailyMessages({ tier, units })).toBe(messages);
});
