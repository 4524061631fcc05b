// The table of mutants still fits the code, and the rules make mutants that a parser takes.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { equivalentOf, findEquivalents } from './equivalent.ts';
import { generate, sample } from './generate.ts';
import { HAND_MADE, locate, readDeclarations } from './hand-made.ts';
import { mutate } from './mutant.ts';
import { markdown, sectionsOf, verdictOf } from './report.ts';
import { readResults, RECORDED_RESULTS } from './results.ts';
import { checksOf, isOpen } from './run-mutants.ts';
import { ROOT } from './workspace.ts';

const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const isCode = (file: string, source: string): boolean => parseSync(file, source).errors.length === 0;
const declarations = readDeclarations();

describe('made by hand', () => {
  test('there are enough, and no two of a name', () => {
    expect(HAND_MADE.length).toBeGreaterThan(100);
    expect(new Set(HAND_MADE.map(({ name }) => name)).size).toBe(HAND_MADE.length);
  });

  test.each(HAND_MADE.map((one) => [one.name, one] as const))('%s: its code is there once', (_name, one) => {
    const mutant = locate(one, declarations);
    const source = sourceOf(mutant.file);
    const broken = mutate(source, mutant);
    expect(broken).not.toBe(source);
    expect(isCode(mutant.file, broken)).toBe(true);
  });

  test('their checks exist', () => {
    const checks = new Set(HAND_MADE.flatMap((one) => one.checks ?? []));
    expect([...checks].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('the error for a row without a place names the row', () => {
    const one = { name: 'one', in: 'planTwin', code: 'gone()', replacement: 'b' };
    expect(() => locate(one, declarations)).toThrow('The row "one": 0 times in planTwin: gone()');
  });
});

/** The mutations of a line, without names. */
function made(source: string): string[] {
  return generate('one.ts', source).map((mutant) => mutate(source, mutant));
}

describe('generated', () => {
  test.each([
    ['if (a) b();', ['if (!(a)) b();', 'if (false) b();', 'if (true) b();', 'if (a) {}']],
    [
      'while (!a) b += 1;',
      ['while (false) b += 1;', 'while ((a)) b += 1;', 'while (!a) b -= 1;', 'while (!a) b += 2;', 'while (!a) {}'],
    ],
    ['x = a < b;', ['{}', 'x = a <= b;']],
    ['const x = a ?? b;', ['const x = ((a) && (b));']],
    ['const x = a || b;', ['const x = ((a) && (b));']],
    ['const x = a?.b;', ['const x = a.b;']],
    ['const x = a?.[b]?.(c);', ['const x = a?.[b](c);', 'const x = a[b]?.(c);']],
    ['const x = [...a, true];', ['const x = [];', 'const x = [...[], true];', 'const x = [...a, false];']],
    ['const x = { ...a };', ['const x = { ...{} };']],
    ["const x = 'Drift';", ["const x = '';"]],
    ['const x = a < b ? -1 : 1;', ['const x = a <= b ? -1 : 1;']],
    ["const x = 'words for people';", []],
    ["const x = a as 'Drift' | true;", []],
    ["import a from 'a';", []],
    ['const x = a.some(b);', ['const x = a.every(b);']],
    ['const x = a.toString();', []],
  ])('%s', (source, wanted) => {
    expect(made(source).toSorted()).toEqual(wanted.toSorted());
  });

  const files = globSync('src/plan/**/*.ts', { cwd: ROOT }).toSorted();
  const all = files.flatMap((file) => generate(file, sourceOf(file)));

  test('no two have the same name', () => {
    expect(all.length).toBeGreaterThan(1_500);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  test('all of them are code', () => {
    const broken = sample(all, 200, 1).filter((mutant) => !isCode(mutant.file, mutate(sourceOf(mutant.file), mutant)));
    expect(broken).toEqual([]);
  });

  test('a seed draws the same ones again', () => {
    expect(sample(all, 20, 7)).toEqual(sample(all, 20, 7));
    expect(sample(all, 20, 7)).not.toEqual(sample(all, 20, 8));
    expect(sample(all, 20, 7)).toHaveLength(20);
  });

  test('every mutant listed as equivalent can still be made', () => {
    const mutants = [...all, ...HAND_MADE.map((one) => locate(one, declarations))];
    const equivalents = findEquivalents(declarations);
    const found = new Set(mutants.map((mutant) => equivalentOf(equivalents, mutant)));
    expect(equivalents.filter((one) => !found.has(one)).map(({ replacement }) => replacement)).toEqual([]);
  });
});

describe('what is left to ask', () => {
  const mutant = { name: 'one', file: 'src/plan/one.ts', start: 0, end: 1, replacement: '' };
  const known = (byTests: string | null | undefined, bySimulator: string | null | undefined) => ({
    name: mutant.name,
    byTests,
    bySimulator,
    equivalent: undefined,
    ms: 1,
  });
  test.each([
    ['nothing is known', undefined, { tests: true, seeds: 0 }, true],
    ['the tests noticed it', known('a test', undefined), { tests: true, seeds: 0 }, false],
    [
      'the tests noticed it and the simulator was not asked',
      known('a test', undefined),
      { tests: true, seeds: 1 },
      true,
    ],
    ['the tests noticed it and the simulator did not', known('a test', null), { tests: true, seeds: 1 }, false],
    ['it survived', known(null, null), { tests: true, seeds: 0 }, true],
  ])('%s', (_name, result, options, wanted) => {
    expect(isOpen(mutant, { ...options, knownOf: () => result })).toBe(wanted);
  });

  test('the simulator is not asked about what it does not run', () => {
    const adapter = { ...mutant, file: 'src/adapters/one.ts' };
    expect(isOpen(adapter, { tests: false, seeds: 1, knownOf: () => undefined })).toBe(false);
  });
});

describe('the checks of a mutant', () => {
  const tests = ['test/plan/guards.test.ts', 'test/plan/record/record.test.ts', 'test/cli/record.test.ts'];
  const find = (pattern: string): string[] => tests.filter((path) => matchesGlob(path, pattern));
  test.each([
    ['src/plan/guards.ts', [['test/plan/guards.test.ts'], ['test/plan']]],
    ['src/plan/guards/guards.ts', [['test/plan/guards.test.ts'], ['test/plan']]],
    ['src/plan/record/record.ts', [['test/plan/record/record.test.ts'], ['test/plan']]],
    ['src/plan/record.ts', [['test/plan/record/record.test.ts'], ['test/plan']]],
    ['src/plan/record/hashes.ts', [['test/plan']]],
    ['src/cli/commands/record.ts', [['test/cli/record.test.ts'], ['test/']]],
    ['src/main.ts', [['test/']]],
  ])('of %s begin with the nearest', (file, wanted) => {
    const mutant = { name: 'one', file, start: 0, end: 1, replacement: '' };
    expect(checksOf(mutant, find).slice(0, wanted.length)).toEqual(wanted);
  });
});

describe('the report', () => {
  const result = { name: 'one', byTests: null, bySimulator: null, equivalent: undefined, ms: 1_234 };

  test('an unnoticed mutant has survived, unless it is equivalent', () => {
    expect(verdictOf(result)).toBe('SURVIVED');
    expect(verdictOf({ ...result, equivalent: 'why' })).toBe('equivalent');
    expect(verdictOf({ ...result, bySimulator: 'seed 1: no' })).toBe('caught');
  });

  test('the page has a row for each, and no cell breaks it', () => {
    const page = markdown([{ title: 'All', results: [{ ...result, byTests: 'a | b' }] }]);
    expect(page).toContain('- All: 1 mutants, 1 caught by the tests, 0 of 1 by the simulator alone; 0 survived');
    expect(page).toContain('| one | caught | `` a \\| b `` | - | 1.2 s |');
  });

  test('the recorded results are of mutants made by hand and of generated ones, and none survived', () => {
    const sections = sectionsOf(readResults(RECORDED_RESULTS));
    expect(sections.map(({ title }) => title)).toEqual(['Made by hand', 'Generated']);
    const names = new Set(HAND_MADE.map(({ name }) => name));
    expect(sections[0]?.results.filter(({ name }) => !names.has(name))).toEqual([]);
    expect(sections.flatMap(({ results }) => results).filter((one) => verdictOf(one) === 'SURVIVED')).toEqual([]);
  });
});
