// A mutant: one small change of a source file that some check must notice.
import type { CodePlace } from './find-code.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

export interface Mutant extends Edit {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Test files or folders, in order; those of its folder unless given. */
  readonly checks?: readonly string[] | undefined;
}

/** A mutant before its place is found. */
export interface HandMade extends CodePlace {
  /** What goes wrong, in plain words. */
  readonly name: string;
  /** Takes the place of the code. */
  readonly replacement: string;
  readonly checks?: readonly string[];
}

export function mutate(source: string, { start, end, replacement }: Edit): string {
  return source.slice(0, start) + replacement + source.slice(end);
}
