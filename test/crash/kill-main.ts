// `npm run kill-test -- [--kills N] [--devices N] [--seed S]`: kills the controller at random moments and checks the
// result.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { killRepeatedly } from './kill.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    devices: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'twinward-kill-'));
const startedAtMs = systemClock.now();
try {
  const { kills, killsAtWork, commits, intrusions, writes, quietWrites, violations } = await killRepeatedly({
    folder,
    seed: Number(values.seed),
    kills: Number(values.kills),
    devices: Number(values.devices),
    quietMs: 10_000,
  });
  for (const violation of violations) process.stdout.write(`FAILED ${violation}\n`);
  const seconds = Math.round((systemClock.now() - startedAtMs) / 1_000);
  process.stdout.write(
    `${kills} kills, seed ${values.seed}, ${values.devices} devices, ${seconds} s: ${killsAtWork} kills in the middle of writing; ` +
      `${commits} commits, ${intrusions} writes by others; ${writes.settings} writes of settings and ${writes.records} of ` +
      `records were judged; ${quietWrites} writes at rest; ${violations.length} violations\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
