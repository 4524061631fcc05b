// docs/reasons.md says what the code says: every action with its reasons, and every cause.
import { expect, test } from 'vitest';
import { CHANGE_CAUSES, REASONS } from '../../src/model/action.ts';
import { readPage, tableIn } from '../docs/markdown.ts';

const PAGE = readPage('docs/reasons.md');

test('every reason of every action is explained, in order, with what to do', () => {
  const told = tableIn(PAGE, 'Actions and reasons');
  const known = Object.entries(REASONS).flatMap(([type, reasons]) => reasons.map((reason) => [type, reason]));
  expect(told.map(([type, reason]) => [type, reason])).toEqual(known);
  for (const [, , when = '', what = ''] of told) expect(`${when}\n${what}`).toMatch(/^.+\.\n.+\.$/);
});

test('every cause of a change is explained, in order', () => {
  const told = tableIn(PAGE, 'Causes of a change');
  expect(told.map(([cause]) => cause)).toEqual(CHANGE_CAUSES);
  for (const [, when] of told) expect(when).toMatch(/\.$/);
});
