// Values that are remembered: computed once, forgotten together, and never a failure.
import { expect, test } from 'vitest';
import { remembering } from '../../src/model/lazy.ts';

test('what was answered is not computed again, until so many answers are known', () => {
  const asked: string[] = [];
  const lengthOf = remembering(2, (text: string) => {
    asked.push(text);
    return text.length;
  });
  expect(['a', 'bb', 'a', 'bb'].map(lengthOf)).toEqual([1, 2, 1, 2]);
  expect(asked).toEqual(['a', 'bb']);
  expect(['ccc', 'ccc', 'a'].map(lengthOf)).toEqual([3, 3, 1]);
  expect(asked).toEqual(['a', 'bb', 'ccc', 'a']);
});

test('a failure is no answer', () => {
  let isReady = false;
  const read = remembering(2, (key: string) => {
    if (!isReady) throw new Error('not yet');
    return key;
  });
  expect(() => read('a')).toThrow('not yet');
  isReady = true;
  expect(read('a')).toBe('a');
});
