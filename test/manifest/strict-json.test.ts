// JSON as opposed to YAML: the same verdict as the runtime's own parser, with our own place and words.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SourceFile } from '../../src/model/snapshot.ts';
import { findNotJson } from '../../src/manifest/strict-json.ts';
import { file, legacy, load } from './fixture.ts';

test.each<[text: string, offset: number, message: string]>([
  ['', 0, 'The file has no value.'],
  [' \n', 2, 'The file has no value.'],
  ['# ours\n{}', 0, 'JSON has no comments.'],
  ['{} // ours', 3, 'JSON has no comments.'],
  ['{"a": 1, # ours\n"b": 2}', 9, 'JSON has no comments.'],
  ["['a']", 1, 'In JSON a text needs double quotes.'],
  ['{"a": 1,}', 8, 'JSON allows no comma after the last item.'],
  ['[1, ]', 4, 'JSON allows no comma after the last item.'],
  ['{a: 1}', 1, 'In JSON a key needs double quotes.'],
  ['{"a": 1, b: 2}', 9, 'In JSON a key needs double quotes.'],
  ['{"a" 1}', 5, 'A ":" belongs between a key and its value.'],
  ['{"a": 1 "b": 2}', 8, 'A "," or "}" belongs here.'],
  ['[1 2]', 3, 'A "," or "]" belongs here.'],
  ['[1}', 2, 'A "," or "]" belongs here.'],
  ['a: 1\n', 0, 'In JSON a value is a text'],
  ['[01]', 1, 'In JSON a value is a text'],
  ['[+1]', 1, 'In JSON a value is a text'],
  ['[.inf]', 1, 'In JSON a value is a text'],
  ['{"a": yes}', 6, 'In JSON a value is a text'],
  ['{"a": }', 6, 'In JSON a value is a text'],
  ['{}\n---\n{}', 3, 'A JSON file has one value; put several resources into the "items" of a List.'],
  ['{"a": [1', 8, 'The file ends before its JSON does.'],
  ['{"a', 3, 'The file ends before its JSON does.'],
  ['{"a":', 5, 'The file ends before its JSON does.'],
  ['["a\nb"]', 3, 'no line breaks'],
  ['["\\x41"]', 2, 'no escapes but those of JSON'],
])('%j is no JSON', (text, offset, message) => {
  const found = findNotJson(text);
  expect(found?.offset).toBe(offset);
  expect(found?.message).toContain(message);
  expect(isParsed(text)).toBe(false);
});

test('it takes what the runtime takes, and nothing else', () => {
  const sign = fc.constantFrom(...'{}[],:"\'#-+.0123eEtrufalsn\\ \n\t'.split(''));
  const edit = fc.record({ at: fc.nat(), cut: fc.nat(2), put: fc.array(sign, { maxLength: 2 }) });
  const json = fc.json({ maxDepth: 3 });
  const text = fc.tuple(json, fc.array(edit, { maxLength: 2 })).map(([whole, edits]) =>
    edits.reduce((now, { at, cut, put }) => {
      const place = at % (now.length + 1);
      return now.slice(0, place) + put.join('') + now.slice(place + cut);
    }, whole),
  );
  let taken = 0;
  fc.assert(
    fc.property(text, (given) => {
      const isJson = findNotJson(given) === undefined;
      if (isJson) taken += 1;
      expect(isJson).toBe(isParsed(given));
    }),
    { numRuns: 3_000 },
  );
  expect(taken).toBeGreaterThan(300);
});

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('a long text and a deep one need no more room', () => {
  expect(findNotJson(`["${'a\\n'.repeat(2_000_000)}"]`)).toBeUndefined();
  expect(findNotJson('['.repeat(100_000))?.offset).toBe(100_000);
});

describe('a file', () => {
  const yaml = legacy('base', '{eventPriorityLogn: High}');
  const codes = (...given: SourceFile[]): string[] => load(...given).diagnostics.map(({ code }) => code);

  test('that is named .json and holds YAML is refused, with what else is wrong in it', () => {
    expect(codes(file('a.JSON', yaml))).toEqual(['TW1010', 'TW1301']);
  });

  test.each(['{"a": [1', '{"a": 1}\n{"b": 2}', '{\t"a": 1\n\tb: 2', '{"a": .inf}', '{"a": !x 1}', ''])(
    'that is neither, %j, is reported once',
    (text) => {
      expect(codes(file('a.json', text)).filter((code) => !/^TW(?:1009|11|21)/.test(code))).toEqual(['TW1010']);
    },
  );

  test('of another name may hold what it likes of YAML', () => {
    expect(codes(file('a.yaml', yaml), file('<stdin>', yaml.replace('base', 'other')))).not.toContain('TW1010');
  });
});
