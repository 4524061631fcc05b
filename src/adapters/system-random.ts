// Randomness of the operating system: fit for keys.
import { randomFillSync } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** A system call costs more than the rest, so get many numbers at once. */
const NUMBERS = 512;

const words = new Uint32Array(2 * NUMBERS);
let used = words.length;

export const systemRandom: Random = {
  /** 53 random bits. */
  next() {
    if (used === words.length) {
      randomFillSync(words);
      used = 0;
    }
    const high = words[used] ?? 0;
    const low = words[used + 1] ?? 0;
    used += 2;
    return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 9_007_199_254_740_992;
  },
};
