import { expect, test } from 'vitest';
import { OwnWrites } from '../../../src/controller/twins/own-writes.ts';
import { NO_MEMORY } from '../../../src/plan/record/record.ts';

const HOUR_MS = 3_600_000;

test('the last write to a twin is remembered for three hours', () => {
  const writes = new OwnWrites();
  const first = { ...NO_MEMORY, desiredVersion: 1 };
  const second = { ...NO_MEMORY, desiredVersion: 2 };
  writes.note('a', first, 0);
  writes.note('b', first, HOUR_MS);
  writes.note('a', second, 2 * HOUR_MS);
  writes.forgetOld(4 * HOUR_MS - 1);
  expect([writes.memory('a'), writes.memory('b')]).toEqual([second, first]);
  writes.forgetOld(4 * HOUR_MS);
  expect([writes.memory('a'), writes.memory('b')]).toEqual([second, undefined]);
  writes.forgetOld(5 * HOUR_MS);
  expect(writes.memory('a')).toBeUndefined();
});

test('what was sent last is known by its etag, before and after it is answered', () => {
  const writes = new OwnWrites();
  writes.note('a', NO_MEMORY, 0);
  writes.begin('a', 'E1', 1);
  expect([writes.etag('a'), writes.memory('a')]).toEqual(['E1', NO_MEMORY]);
  writes.note('a', { ...NO_MEMORY, desiredVersion: 2 }, 2);
  expect([writes.etag('a'), writes.etag('b')]).toEqual(['E1', undefined]);
  writes.begin('a', undefined, 3);
  expect(writes.etag('a')).toBeUndefined();
});
