// The hub's ways of writing time.

const NEVER = '0001-01-01T00:00:00Z';
/** Milliseconds from 0001-01-01, where .NET's ticks begin, to 1970-01-01. */
const EPOCH_OFFSET_MS = 62_135_596_800_000;
const TICKS_PER_MS = 10_000;
const TICK_DIGITS = 4;

/** ISO 8601 with the fraction's trailing zeros trimmed; the year 1 for never. */
export function isoTime(ms: number | null): string {
  if (ms === null) return NEVER;
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}

/** Ticks of 100 ns since the year 1, made different within a millisecond by `offset`. */
export function ticks(ms: number, offset: number): string {
  return `${ms + EPOCH_OFFSET_MS}${String(offset % TICKS_PER_MS).padStart(TICK_DIGITS, '0')}`;
}
