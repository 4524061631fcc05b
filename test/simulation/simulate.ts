// `npm run simulate -- --seeds N [--seed S]`: scenarios one after the other; a failing one is cut down and told.
import { parseArgs } from 'node:util';
import { createScenario } from './scenario.ts';
import { runScenario } from './run.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    quiet: { type: 'boolean' },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
const sums = { calls: 0, writes: 0, faults: 0, deviceHours: 0, failed: 0 };
const perScenario: { calls: number; faults: number; devices: number }[] = [];
const startedAt = process.cpuUsage();

for (let seed = first; seed < first + count; seed += 1) {
  const scenario = createScenario(seed);
  const { violations, counts, deviceHours } = await runScenario(scenario);
  sums.calls += counts.calls;
  sums.writes += counts.writes;
  sums.faults += counts.faults;
  sums.deviceHours += deviceHours;
  perScenario.push({ calls: counts.calls, faults: counts.faults, devices: scenario.devices.length });
  if (violations.length === 0) continue;
  sums.failed += 1;
  process.stdout.write(
    `FAILED seed ${seed}: ${violations[0]}\n  replay: npm run simulate -- --seeds 1 --seed ${seed}\n`,
  );
  if (values.quiet === true) continue;
  const smaller = await shrink(scenario);
  process.stdout.write(`  cut down to ${smaller.scenario.events.length} of ${scenario.events.length} events:\n`);
  process.stdout.write(`${smaller.outcome.history.map((line) => `    ${line}`).join('\n')}\n`);
}

const cpu = process.cpuUsage(startedAt);
const seconds = (cpu.user + cpu.system) / 1e6;
const median = (pick: (one: (typeof perScenario)[number]) => number): number =>
  perScenario.map(pick).toSorted((a, b) => a - b)[Math.floor(perScenario.length / 2)] ?? 0;
process.stdout.write(
  `${count} seeds from ${first}: ${sums.failed} failed; ${(sums.deviceHours / 8_766).toFixed(1)} device-years, ` +
    `${sums.faults} faults, ${sums.calls} hub calls, ${sums.writes} writes; median scenario ${median(({ devices }) => devices)} devices, ` +
    `${median(({ faults }) => faults)} faults, ${median(({ calls }) => calls)} calls; ${(count / seconds).toFixed(1)} scenarios a CPU second\n`,
);
process.exitCode = sums.failed === 0 ? 0 : 1;
