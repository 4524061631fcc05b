// Random numbers that a seed reproduces: for simulations and demonstrations, never for keys.

export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
}

const WORD = 2 ** 32;

/** Mulberry32. Only the low 32 bits of the seed count. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / WORD;
    },
  };
}
