// Which exceptions count at a time, and when that changes next.
import { describe, expect, test } from 'vitest';
import type { Declared } from '../../src/model/declared.ts';
import { activeAt, nextExpiryMs } from '../../src/model/expiry.ts';
import { declare, exceptionOf } from '../plan/fixture.ts';

function declaredWith(ends: Readonly<Record<string, number>>): Declared {
  const exceptions = Object.entries(ends).map(([name, expiresAtMs]) => ({ ...exceptionOf(name, {}), expiresAtMs }));
  return { ...declare({}), exceptions };
}

function names({ exceptions, expired }: Declared): string {
  return `${exceptions.map(({ name }) => name).join('')}|${expired.map(({ name }) => name).join('')}`;
}

describe('exceptions that end at 10, 20 and 30', () => {
  const declared = declaredWith({ a: 30, b: 10, c: 20 });
  test.each([
    [0, 'abc|', 10],
    [9, 'abc|', 10],
    [10, 'ac|b', 20],
    [25, 'a|bc', 30],
    [30, '|abc', undefined],
  ])('at %d', (nowMs, want, next) => {
    expect(names(activeAt(declared, nowMs))).toBe(want);
    expect(names(activeAt(activeAt(declared, 10), Math.max(nowMs, 10)))).toBe(
      names(activeAt(declared, Math.max(nowMs, 10))),
    );
    expect(nextExpiryMs(declared, nowMs)).toBe(next);
  });

  test('the very state where none has ended', () => {
    expect(activeAt(declared, 5)).toBe(declared);
  });
});
