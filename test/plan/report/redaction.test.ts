// No output contains a sensitive value.
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import { createRedaction } from '../../../src/plan/report/redaction.ts';
import { MODULE, profileOf } from '../fixture.ts';

const PROFILES = [
  profileOf('a', { section: ['g'], sensitive: ['token', 'up/key', '*Secret'] }),
  profileOf('b', { sensitive: ['rootToken'] }),
  profileOf('c', { moduleId: 'other', sensitive: ['url'] }),
];

describe('a value at a path', () => {
  const redact = createRedaction(PROFILES, MODULE);
  test.each<[sentence: string, path: string[], value: Json, want: Json]>([
    ['nothing to hide', [], { g: { url: 'u' } }, { g: { url: 'u' } }],
    ['inside a section', [], { g: { token: 't', url: 'u' } }, { g: { token: '(sensitive)', url: 'u' } }],
    ['that is an object', ['g'], { token: { a: 1 } }, { token: '(sensitive)' }],
    ['at its own path', ['g', 'token'], 't', '(sensitive)'],
    ['deep inside', ['g', 'token', 'a', '0'], 't', '(sensitive)'],
    ['below a nested name', ['g', 'up', 'key', '3'], 't', '(sensitive)'],
    ['inside a nested name', ['g'], { up: { key: ['t'], other: 1 } }, { up: { key: '(sensitive)', other: 1 } }],
    ['by a pattern', ['g'], { mySecret: 1 }, { mySecret: '(sensitive)' }],
    ['a removal may be seen', ['g'], { token: null }, { token: null }],
    ['of the same name elsewhere', ['h'], { token: 't' }, { token: 't' }],
    ['at the root', [], { rootToken: 't' }, { rootToken: '(sensitive)' }],
    ['of another module', [], { url: 'u' }, { url: 'u' }],
  ])('%s', (_sentence, path, value, want) => {
    expect(redact(path, value)).toEqual(want);
  });
});

test('where everything in a section is sensitive, its names may still be seen', () => {
  const redact = createRedaction([profileOf('a', { section: ['g'], sensitive: ['*'] })], MODULE);
  expect(redact([], { g: { token: 't' } })).toEqual({ g: { token: '(sensitive)' } });
});

test('keys that JavaScript inherits stay keys', () => {
  const value = JSON.parse('{"g": {"__proto__": {"token": 1}, "constructor": 2}}') as Json;
  expect(createRedaction(PROFILES, MODULE)([], value)).toEqual(value);
});

test('without anything sensitive values pass as they are', () => {
  const value = { a: 1 };
  expect(createRedaction([], MODULE)([], value)).toBe(value);
});
