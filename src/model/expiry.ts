// Time and exceptions: which are active, and when the next one ends.
import type { Declared } from './declared.ts';

/** Moves ended exceptions to `expired`; returns the same object if none ended. */
export function activeAt(declared: Declared, nowMs: number): Declared {
  const { exceptions, expired } = declared;
  if (exceptions.every(({ expiresAtMs }) => expiresAtMs > nowMs)) return declared;
  const all = [...exceptions, ...expired].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...declared,
    exceptions: all.filter(({ expiresAtMs }) => expiresAtMs > nowMs),
    expired: all.filter(({ expiresAtMs }) => expiresAtMs <= nowMs),
  };
}

/** End of the next exception to expire; undefined if none is active. */
export function nextExpiryMs({ exceptions }: Declared, nowMs: number): number | undefined {
  const ends = exceptions.map(({ expiresAtMs }) => expiresAtMs).filter((endMs) => endMs > nowMs);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
