// docs/reasons.md says what the code says: every action with its reasons, and every cause.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHANGE_CAUSES, REASONS } from '../../src/plan/action.ts';

const PAGE = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');

/** Cells of the table rows whose first cell is a code span. */
const ROWS = PAGE.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.slice(2, -2).split(' | '));

test('every reason of every action is explained, in order, with what to do', () => {
  const told = ROWS.filter((cells) => cells.length === 4);
  const known = Object.entries(REASONS).flatMap(([type, reasons]) =>
    reasons.map((reason) => [`\`${type}\``, `\`${reason}\``]),
  );
  expect(told.map(([type, reason]) => [type, reason])).toEqual(known);
  for (const [, , when = '', what = ''] of told) expect(`${when}\n${what}`).toMatch(/^.+\.\n.+\.$/);
});

test('every cause of a change is explained, in order', () => {
  const told = ROWS.filter((cells) => cells.length === 2);
  expect(told.map(([cause]) => cause)).toEqual(CHANGE_CAUSES.map((cause) => `\`${cause}\``));
  for (const [, when] of told) expect(when).toMatch(/\.$/);
});
