// All mutants made by hand: bugs that a person could well have made, each at one place of the code.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declarationsOf, findCode, type Declaration } from './find-code.ts';
import { GUARDS } from './hand-made/guards.ts';
import { HINTS } from './hand-made/hints.ts';
import { MEANING } from './hand-made/meaning.ts';
import { EXCEPTIONS, MODES } from './hand-made/modes.ts';
import { OTHERS, OWNERSHIP } from './hand-made/ownership.ts';
import { REPORTS } from './hand-made/reports.ts';
import { LEASE, WORK } from './hand-made/work.ts';
import { DIRECT_READS, LISTS, WRITES } from './hand-made/writes.ts';
import type { HandMade, Mutant } from './mutant.ts';
import { ROOT } from './workspace.ts';

export const HAND_MADE: readonly HandMade[] = [
  ...WRITES,
  ...LISTS,
  ...DIRECT_READS,
  ...OWNERSHIP,
  ...MODES,
  ...EXCEPTIONS,
  ...GUARDS,
  ...OTHERS,
  ...MEANING,
  ...WORK,
  ...HINTS,
  ...LEASE,
  ...REPORTS,
];

/** Of all product files. */
export function readDeclarations(): Declaration[] {
  const files = globSync('src/**/*.ts', { cwd: ROOT }).toSorted();
  return files.flatMap((file) => declarationsOf(file, readFileSync(join(ROOT, file), 'utf8')));
}

/** Throws where the code to break is not there exactly once. */
export function locate(
  { name, replacement, checks, ...place }: HandMade,
  declarations: readonly Declaration[],
): Mutant {
  try {
    const { file, start, end } = findCode(declarations, place);
    return { name, file, start, end, replacement, checks };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`The row "${name}": ${error.message}`, { cause: error });
  }
}
