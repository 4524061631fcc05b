// `npm run bench [-- NAME[=SIZE]...]`: runs the benchmarks, prints their figures, and fails where a limit is not kept.
import { cpus } from 'node:os';
import { benchConfigurations } from './configurations.ts';
import { SEED } from './fleet.ts';
import { benchHubScale, benchHubScaleData } from './hub-scale.ts';
import { benchImport } from './import.ts';
import type { Figure } from './measure.ts';
import { benchMemory } from './memory.ts';
import { benchPlan } from './plan.ts';
import { benchValidate } from './validate.ts';
import { benchWrites } from './writes.ts';

type Benchmark = (size?: number) => Promise<readonly Figure[]>;

const SHORT: Readonly<Record<string, Benchmark>> = {
  plan: benchPlan,
  writes: benchWrites,
  memory: benchMemory,
  validate: benchValidate,
  import: benchImport,
  configurations: benchConfigurations,
};

/** Minutes and gigabytes: they run where they are named. Their size is a number of devices. */
const LONG: Readonly<Record<string, Benchmark>> = {
  'hub-scale': benchHubScale,
  'hub-scale-data': benchHubScaleData,
};

const BENCHMARKS = { ...SHORT, ...LONG };

const named = new Map(
  process.argv.slice(2).map((word) => {
    const [name = '', size] = word.split('=');
    return [name, size === undefined ? undefined : Number(size)] as const;
  }),
);
const wanted = named.size > 0 ? [...named.keys()] : Object.keys(SHORT);
const unknown = wanted.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}". Known: ${Object.keys(BENCHMARKS).join(', ')}.`);
  process.exit(1);
}
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, seed ${SEED}`,
);
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (!wanted.includes(name)) continue;
  console.log(`\n${name}`);
  for (const { what, value, limit, isMet } of await run(named.get(name))) {
    const verdict = limit === undefined ? '' : `${limit.padEnd(10)} ${isMet === true ? 'met' : 'MISSED'}`;
    console.log(`  ${what.padEnd(44)} ${value.padStart(16)}   ${verdict}`.trimEnd());
    if (isMet === false) process.exitCode = 1;
  }
}
