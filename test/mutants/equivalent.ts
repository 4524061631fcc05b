// Mutants that mean the same as the code they change: no check can tell them apart, and here is why.
import { linesOf, type Mutant } from './mutant.ts';

export interface Equivalent {
  readonly file: string;
  /** The changed lines, with single spaces. */
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const EQUIVALENTS: readonly Equivalent[] = [];

export function equivalentOf(source: string, mutant: Mutant): Equivalent | undefined {
  const { before, after } = linesOf(source, mutant);
  return EQUIVALENTS.find((one) => one.file === mutant.file && one.before === before && one.after === after);
}
