// How many cases each fuzz test makes, and from which seed: few and always the same in `npm test`; `npm run fuzz` says more.
import { env } from 'node:process';
import type { Parameters } from 'fast-check';

/** `usual` cases by default. A failure prints the seed and the shrunk case. */
export function fuzz<T>(usual: number, examples: T[] = []): Parameters<T> {
  const numRuns = Number(env['TWINWARD_FUZZ_RUNS'] ?? usual) + examples.length;
  return { numRuns, seed: Number(env['TWINWARD_FUZZ_SEED'] ?? 1), examples };
}
