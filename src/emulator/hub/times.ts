// Formats of times in the hub's answers.
import { remembering } from '../../model/lazy.ts';

const NEVER = '0001-01-01T00:00:00Z';
/** Milliseconds from 0001-01-01, where .NET's ticks begin, to 1970-01-01. */
const EPOCH_OFFSET_MS = 62_135_596_800_000;
const TICKS_PER_MS = 10_000n;

/** ISO 8601 without trailing zeros in the fraction; the year 1 means never. */
export function isoTime(ms: number | null): string {
  if (ms === null) return NEVER;
  return textOf(ms);
}

/** Many records share a millisecond, and are shown repeatedly. */
const textOf = remembering(1_024, (ms: number) => {
  const text = new Date(ms).toISOString();
  return ms % 10 === 0 ? text.replace(/\.?0*Z$/, 'Z') : text;
});

/** Ticks of 100 ns since the year 1; `offset` makes them distinct within a millisecond. */
export function ticks(ms: number, offset: number): string {
  return String(BigInt(Math.floor(ms) + EPOCH_OFFSET_MS) * TICKS_PER_MS + (BigInt(offset) % TICKS_PER_MS));
}
