// The small version of `npm run kill-test`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killRepeatedly } from './kill.ts';

test('a controller that is killed while it writes leaves nothing undone and writes nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-kill-'));
  try {
    const { writes, violations } = await killRepeatedly({ folder, seed: 1, kills: 2, devices: 30, quietMs: 1_500 });
    expect(violations).toEqual([]);
    expect(writes.settings).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
