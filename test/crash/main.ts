// `npm run crash-test -- [--rounds N] [--seed S]`: kills a hub during writes and checks what is left.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashRepeatedly } from './crash.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '4' }, seed: { type: 'string', default: '1' } },
});
const folder = mkdtempSync(join(tmpdir(), 'twinward-crash-'));
try {
  const { answered, open, landed, violations } = await crashRepeatedly({
    folder,
    seed: Number(values.seed),
    rounds: Number(values.rounds),
    workers: 8,
    // With such twins a snapshot is due after some hundred writes, and the crash falls into some of them.
    writesMax: 2_500,
    paddingBytes: 16_000,
  });
  for (const violation of violations) process.stdout.write(`FAILED ${violation}\n`);
  process.stdout.write(
    `${values.rounds} crashes, seed ${values.seed}: ${answered} answered writes are all there; ` +
      `${landed} of ${open} things written without an answer had changed\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
