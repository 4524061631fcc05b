// Time and exceptions: which of them still count, and when the next ends.
import type { Declared } from './declared.ts';

/** The same state with every exception whose time is over among the expired ones; the very state where none is. */
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

/** When an exception ends next; undefined where none is left. */
export function nextExpiryMs({ exceptions }: Declared, nowMs: number): number | undefined {
  const ends = exceptions.map(({ expiresAtMs }) => expiresAtMs).filter((endMs) => endMs > nowMs);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
