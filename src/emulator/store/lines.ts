// Files of JSON lines: reads them in pieces, and finds a torn last line.
import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

export interface Line {
  readonly text: string;
  /** Offset of the byte after its line feed. */
  readonly end: number;
}

/** Lines that end in a line feed; omits the rest after the last one, a torn write. Empty if there is no file. */
export function* readLines(path: string): Generator<Line, void, undefined> {
  const file = openIfThere(path);
  if (file === undefined) return;
  try {
    yield* splitLines(file);
  } finally {
    closeSync(file);
  }
}

/** The error names file and line, but no text, which may contain keys. */
export function parseLine({ text }: Line, path: string, lineNumber: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(
      `${path}:${lineNumber} is damaged. Restore the data directory from a copy, or start with a new one.`,
    );
  }
}

function* splitLines(file: number): Generator<Line, void, undefined> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let parts: Buffer[] = [];
  let offset = 0;
  for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) {
    let start = 0;
    for (let feed = chunk.indexOf(LINE_FEED); feed !== -1 && feed < size; feed = chunk.indexOf(LINE_FEED, start)) {
      parts.push(chunk.subarray(start, feed));
      yield { text: Buffer.concat(parts).toString(), end: offset + feed + 1 };
      parts = [];
      start = feed + 1;
    }
    // The chunk is reused for the next piece.
    parts.push(Buffer.from(chunk.subarray(start, size)));
    offset += size;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
