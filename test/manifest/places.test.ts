// Origins in a file of several documents: each document is parsed again on demand, whatever surrounds it.
import { describe, expect, test } from 'vitest';
import { parseFile } from '../../src/manifest/document.ts';

/** The position of a word, counted from 1. */
function placeOf(text: string, word: string): { line: number; column: number } {
  const lines = text.slice(0, text.indexOf(word)).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

const TEXTS: readonly [sentence: string, text: string][] = [
  ['one document', 'a: {b: [x, HERE0]}\n'],
  [
    'documents one after the other',
    'a: {b: [x, HERE0]}\n---\na: {b: [x, HERE1]}\n---\na:\n  b:\n    - x\n    - HERE2\n',
  ],
  ['comments between them', '# one\n\na: {b: [x, HERE0]} # two\n# three\n---\n# four\n\na: {b: [x, HERE1]}\n# five\n'],
  ['an empty one between them', 'a: {b: [x, HERE0]}\n---\n---\n# nothing\n---\na: {b: [x, HERE1]}\n'],
  ['ends that are marked', 'a: {b: [x, HERE0]}\n...\n---\na: {b: [x, HERE1]}\n...\n# end\n'],
  ['directives', '%YAML 1.2\n---\na: {b: [x, HERE0]}\n...\n%YAML 1.2\n---\na: {b: [x, HERE1]}\n'],
  ['content on the line of the mark', '--- {a: {b: [x, HERE0]}}\n--- {a: {b: [x, HERE1]}}\n'],
  ['an anchor of the same name in each', 'c: &it [x, HERE0]\na: {b: *it}\n---\nc: &it [x, HERE1]\na: {b: *it}\n'],
  ['Windows line ends', 'a: {b: [x, HERE0]}\r\n---\r\na: {b: [x, HERE1]}\r\n'],
  ['a byte order mark', '\uFEFFa: {b: [x, HERE0]}\n---\na: {b: [x, HERE1]}\n'],
  ['one that is wrong between them', 'a: {b: [x, HERE0]}\n---\na: {b: [x\n---\na: {b: [x, HERE1]}\n'],
];

describe('the place of a value', () => {
  test.each(TEXTS)('%s', (_sentence, text) => {
    const { documents } = parseFile({ path: 'all.yaml', bytes: Buffer.from(text) });
    expect(documents.map(({ json }) => json)).toMatchObject(
      documents.map((_, index) => ({ a: { b: ['x', `HERE${index}`] } })),
    );
    const seen = text.replace('\uFEFF', '');
    expect(documents.map((document) => document.originOf(['a', 'b', '1']))).toEqual(
      documents.map((_, index) => ({ file: 'all.yaml', ...placeOf(seen, `HERE${index}`) })),
    );
    expect(documents.length).toBe(text.split('HERE').length - 1);
  });
});
