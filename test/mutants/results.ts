// The results of mutants as a file: one line of JSON for each.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MutantResult } from './run-mutants.ts';

/** Of the last whole run. */
export const RECORDED_RESULTS = join(import.meta.dirname, 'results.jsonl');

/** None where there is no such file. */
export function readResults(file: string): MutantResult[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MutantResult);
}

export function writeResults(file: string, results: Iterable<MutantResult>): void {
  writeFileSync(file, Array.from(results, (result) => `${JSON.stringify(result)}\n`).join(''));
}
