// Code is found by what it means to a parser, exactly once, and the error helps where it is not.
import { describe, expect, test } from 'vitest';
import { declarationsOf, findCode, type CodePlace } from './find-code.ts';

const PLAN = `
/** A comment. */
export function plan(a: number, words: Record<string, string>) {
  // Another comment.
  if ((a === 1) /* one */ && words["key"] !== \`\${a}\`) return a;
  const { b = 1_000 } = { b: a };
  stop(a);
  log(b);
  return { a, [b]: 'x', 404: "Gone" };
}
export const LIMITS = { most: 5, least: 1 };
const same = (): number => 1;
`;

const LOOP = `
export class Loop {
  #left = 3;
  async run(): Promise<void> {
    for await (const one of this.all()) await this.#take(one);
  }
  #take(one: number) {
    this.#left -= one;
    if (one > 1) stop(one);
    if (one > 2) stop(one);
  }
}
function same() {
  return 1;
}
`;

const DECLARATIONS = [
  ...declarationsOf('src/plan/plan.ts', PLAN),
  ...declarationsOf('src/controller/deep/loop.ts', LOOP),
];

function textAt(place: CodePlace): string {
  const { source, start, end } = findCode(DECLARATIONS, place);
  return source.slice(start, end);
}

describe('code is found', () => {
  test.each([
    ['an expression', 'plan', 'a===1', 'a === 1'],
    ['with other quotes and parentheses', 'plan', "(words['key']) !== `${a}`", 'words["key"] !== `${a}`'],
    ['over several lines, with a comment', 'plan', 'a === // one\n 1', 'a === 1'],
    ['a number that is written otherwise', 'plan', '1000', '1_000'],
    ['a statement', 'plan', 'stop( a );', 'stop(a);'],
    ['statements side by side', 'plan', 'stop(a); log(b);', 'stop(a);\n  log(b);'],
    [
      'a return',
      'plan',
      'return {a, [b]: "x", 404: `Gone`};'.replaceAll('`', "'"),
      `return { a, [b]: 'x', 404: "Gone" };`,
    ],
    ['a property', 'plan', "404: 'Gone',", '404: "Gone"'],
    [
      'a shorthand property, of which both halves are one',
      'plan',
      "{ a, [b]: 'x', 404: 'Gone' }",
      `{ a, [b]: 'x', 404: "Gone" }`,
    ],
    ['properties side by side', 'LIMITS', 'most: 5, least: 1', 'most: 5, least: 1'],
    ['in a private member', 'Loop.#take', 'this.#left -= one;', 'this.#left -= one;'],
    ['in a field', 'Loop.#left', '3', '3'],
    ['with await', 'Loop.run', 'await this.#take(one)', 'await this.#take(one)'],
    ['in the only one of a name that has it', 'same', 'return 1;', 'return 1;'],
    ['in a declaration of a folder', 'plan/same', '1', '1'],
    ['in a declaration of a folder inside', 'controller/same', '1', '1'],
  ])('%s', (_what, name, code, wanted) => {
    expect(textAt({ in: name, code })).toBe(wanted);
  });
});

describe('no place', () => {
  test.each([
    [
      'code that is elsewhere',
      'plan',
      'this.#left -= one;',
      '0 times in plan: this.#left -= one; (it is in Loop.#take of src/controller/deep/loop.ts)',
    ],
    [
      'code that has changed',
      'plan',
      'a === 2',
      '0 times in plan: a === 2 (nearest in plan of src/plan/plan.ts: a === 1 | ',
    ],
    ['a part of an expression', 'Loop.#take', 'left -= one', '0 times in Loop.#take'],
    ['statements that do not follow each other', 'plan', 'log(b); stop(a);', '0 times in plan'],
    [
      'a name that is gone',
      'Loop.take',
      'gone()',
      '0 times in Loop.take: gone() (nearest names: Loop.#take of src/controller/deep/loop.ts, ',
    ],
    ['another folder', 'cli/plan', 'stop(a);', '0 times in cli/plan: stop(a); (it is in plan of src/plan/plan.ts)'],
    [
      'code that is there twice',
      'Loop.#take',
      'stop(one)',
      '2 times in Loop.#take: stop(one) (src/controller/deep/loop.ts:9, src/controller/deep/loop.ts:10)',
    ],
    [
      'two declarations that have it',
      'same',
      '1',
      '2 times in same: 1 (src/plan/plan.ts:12, src/controller/deep/loop.ts:14)',
    ],
    ['what is no code', 'plan', 'if (', 'neither an expression nor statements nor properties: if ('],
  ])('%s', (_what, name, code, message) => {
    expect(() => findCode(DECLARATIONS, { in: name, code })).toThrow(message);
  });
});
