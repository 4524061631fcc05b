// `npm run fuzz -- [--runs N] [--seed S] [FILE]`: runs every fuzz test with this many cases, by the same runner as `npm
// test`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { env } from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/adapters/system-clock.ts';

const SEEDS = 2 ** 31;

const { values, positionals } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(systemClock.now() % SEEDS) },
  },
  allowPositionals: true,
});
const root = join(import.meta.dirname, '..', '..');
const files = positionals.length === 0 ? ['test/fuzz/'] : positionals;
process.stdout.write(`${values.runs} cases of each test, seed ${values.seed}\n`);
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--test-timeout=0', ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, TWINWARD_FUZZ_RUNS: values.runs, TWINWARD_FUZZ_SEED: values.seed },
  },
);
const again = `npm run fuzz -- --runs ${values.runs} --seed ${values.seed} ${positionals.join(' ')}`;
if (status !== 0) process.stdout.write(`FAILED; the same again: ${again.trimEnd()}\n`);
process.exitCode = status ?? 1;
