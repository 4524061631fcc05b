// Moments as people and records read them.

/** `2026-11-24T06:00:00Z`. */
export function momentText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
