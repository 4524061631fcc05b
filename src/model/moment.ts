// Times as text, for messages and records.

/** `2026-11-24T06:00:00Z`. */
export function momentText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
