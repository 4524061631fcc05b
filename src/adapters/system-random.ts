// Randomness of the operating system: fit for keys.
import { randomFillSync } from 'node:crypto';
import type { Random } from '../ports/random.ts';

const buffer = new Uint32Array(2);

export const systemRandom: Random = {
  /** 53 random bits. */
  next() {
    randomFillSync(buffer);
    const [high = 0, low = 0] = buffer;
    return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 9_007_199_254_740_992;
  },
};
