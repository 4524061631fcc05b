// A mutant: one small change of a source file that some check must notice.

export interface Mutant {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Test files or folders, in order; those of its folder unless given. */
  readonly checks?: readonly string[] | undefined;
}

export function mutate(source: string, { start, end, replacement }: Mutant): string {
  return source.slice(0, start) + replacement + source.slice(end);
}

/** The lines that a mutant touches, before and after, each with single spaces: what stays the same when others move. */
export function linesOf(source: string, mutant: Mutant): { readonly before: string; readonly after: string } {
  const from = source.lastIndexOf('\n', mutant.start - 1) + 1;
  const end = source.indexOf('\n', mutant.end);
  const to = end === -1 ? source.length : end;
  const after = source.slice(from, mutant.start) + mutant.replacement + source.slice(mutant.end, to);
  return { before: oneLine(source.slice(from, to)), after: oneLine(after) };
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}
