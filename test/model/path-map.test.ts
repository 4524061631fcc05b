// Values by path, found from above and below.
import { describe, expect, test } from 'vitest';
import { PathMap } from '../../src/model/path-map.ts';

describe('what lies at, above or below a path', () => {
  const map = new PathMap<string>();
  for (const path of [['a', 'b'], ['a', 'c', 'd'], ['x'], ['__proto__'], ['e/f']]) map.set(path, path.join('.'));
  test.each<[path: string[], want: string[]]>([
    [[], ['a.b', 'a.c.d', 'x', '__proto__', 'e/f']],
    [['a'], ['a.b', 'a.c.d']],
    [['a', 'b'], ['a.b']],
    [['a', 'b', 'z'], ['a.b']],
    [['a', 'c'], ['a.c.d']],
    [['a', 'd'], []],
    [['x', 'y', 'z'], ['x']],
    [['__proto__'], ['__proto__']],
    [['constructor'], []],
    [['e'], []],
  ])('%j', (path, want) => {
    expect(map.overlapping(path)).toEqual(want);
    expect(map.overlaps(path)).toBe(want.length > 0);
  });

  test('the root lies above everything', () => {
    const whole = new PathMap<number>();
    expect(whole.isEmpty).toBe(true);
    whole.set([], 1);
    expect(whole.isEmpty).toBe(false);
    expect(whole.overlapping(['a'])).toEqual([1]);
  });

  test('a later value at the same path takes its place', () => {
    const twice = new PathMap<number>();
    twice.set(['a'], 1);
    twice.set(['a'], 2);
    expect(twice.overlapping(['a'])).toEqual([2]);
  });
});
