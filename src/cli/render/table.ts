// Columns as kubectl prints them; counts, and the first lines of many.

/** Lines without trailing blanks; the first row is the header. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** `1 twin`, `412 twins`, `11,400 devices`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

const LINES_SHOWN_MAX = 10;

/** The first ten, and the number of the others. */
export function firstLines(lines: readonly string[]): string[] {
  const more = lines.length - LINES_SHOWN_MAX;
  return [...lines.slice(0, LINES_SHOWN_MAX), ...(more > 0 ? [`  and ${more} more`] : [])];
}
