// `npm run bench [-- NAME...]`: runs the benchmarks, prints their figures, and fails where a limit is not kept.
import { cpus } from 'node:os';
import { SEED } from './fleet.ts';
import type { Figure } from './measure.ts';
import { benchMemory } from './memory.ts';
import { benchPlan } from './plan.ts';
import { benchValidate } from './validate.ts';
import { benchWrites } from './writes.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  plan: benchPlan,
  writes: benchWrites,
  memory: benchMemory,
  validate: benchValidate,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}". Known: ${Object.keys(BENCHMARKS).join(', ')}.`);
  process.exit(1);
}
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, seed ${SEED}`,
);
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n${name}`);
  for (const { what, value, limit, isMet } of await run()) {
    const verdict = limit === undefined ? '' : `${limit.padEnd(10)} ${isMet === true ? 'met' : 'MISSED'}`;
    console.log(`  ${what.padEnd(44)} ${value.padStart(16)}   ${verdict}`.trimEnd());
    if (isMet === false) process.exitCode = 1;
  }
}
