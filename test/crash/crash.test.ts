// The small version of `npm run crash-test`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashRepeatedly } from './crash.ts';

test('a hub that is killed under load has all that it answered, and no write half', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-crash-'));
  try {
    const options = { folder, seed: 1, rounds: 2, workers: 6, writesMax: 250, paddingBytes: 400 };
    const { answered, violations } = await crashRepeatedly(options);
    expect(violations).toEqual([]);
    expect(answered).toBeGreaterThan(100);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
