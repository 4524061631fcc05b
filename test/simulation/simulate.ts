// `npm run simulate -- --seeds N [--seed S] [--quiet] [--record]`: runs scenarios one after the other; shrinks and
// prints a failing one. With --record it appends the figures to the campaign's ledger.
import { parseArgs } from 'node:util';
import { appendPiece, commitNow } from './campaign.ts';
import { createScenario } from './scenario.ts';
import { runScenario } from './run.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    quiet: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});
const PIECE_SEEDS = 500;
const HOURS_A_YEAR = 8_766;

interface Sums {
  readonly startedAt: NodeJS.CpuUsage;
  readonly perScenario: { readonly calls: number; readonly faults: number; readonly devices: number }[];
  readonly reasons: Map<string, number>;
  readonly failures: { readonly seed: number; readonly violation: string }[];
  calls: number;
  writes: number;
  faults: number;
  deviceHours: number;
}

function zeros(): Sums {
  const counted = { calls: 0, writes: 0, faults: 0, deviceHours: 0 };
  return { startedAt: process.cpuUsage(), perScenario: [], reasons: new Map(), failures: [], ...counted };
}

async function simulate(seed: number, sums: readonly Sums[]): Promise<void> {
  const scenario = createScenario(seed);
  const { violations, counts, deviceHours } = await runScenario(scenario);
  const [violation] = violations;
  for (const all of sums) {
    all.calls += counts.calls;
    all.writes += counts.writes;
    all.faults += counts.faults;
    all.deviceHours += deviceHours;
    all.perScenario.push({ calls: counts.calls, faults: counts.faults, devices: scenario.devices.length });
    for (const [reason, times] of counts.reasons) all.reasons.set(reason, (all.reasons.get(reason) ?? 0) + times);
    if (violation !== undefined) all.failures.push({ seed, violation });
  }
  if (violation === undefined) return;
  tell(`FAILED seed ${seed}: ${violation}\n  replay: npm run simulate -- --seeds 1 --seed ${seed}`);
  if (values.quiet) return;
  const smaller = await shrink(scenario);
  tell(`  cut down to ${smaller.scenario.events.length} of ${scenario.events.length} events:`);
  for (const line of smaller.outcome.history) tell(`    ${line}`);
}

function cpuSeconds({ startedAt }: Sums): number {
  const { user, system } = process.cpuUsage(startedAt);
  return (user + system) / 1e6;
}

function summary(first: number, sums: Sums): string {
  const { perScenario, failures, deviceHours, faults, calls, writes, reasons } = sums;
  const median = (read: (one: Sums['perScenario'][number]) => number): number =>
    perScenario.map(read).toSorted((a, b) => a - b)[Math.floor(perScenario.length / 2)] ?? 0;
  const met = [...reasons].toSorted((a, b) => b[1] - a[1]).map(([reason, times]) => `${reason} ${times}`);
  return (
    `${perScenario.length} seeds from ${first}: ${failures.length} failed; ` +
    `${(deviceHours / HOURS_A_YEAR).toFixed(1)} device-years, ${faults} faults, ${calls} hub calls, ${writes} writes; ` +
    `median scenario ${median(({ devices }) => devices)} devices, ${median(({ faults: one }) => one)} faults, ` +
    `${median(({ calls: one }) => one)} calls; ${(perScenario.length / cpuSeconds(sums)).toFixed(1)} scenarios a CPU second\n` +
    `met: ${met.join(', ')}`
  );
}

function record(firstSeed: number, piece: Sums): void {
  const { failures, deviceHours, faults, calls, writes, perScenario } = piece;
  appendPiece({
    commit: commitNow(),
    date: new Date().toISOString().slice(0, 10),
    firstSeed,
    seeds: perScenario.length,
    deviceHours: Math.round(deviceHours),
    faults,
    calls,
    writes,
    cpuSeconds: Math.round(cpuSeconds(piece)),
    failures,
  });
}

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

const first = Number(values.seed);
const end = first + Number(values.seeds);
const total = zeros();
for (let from = first; from < end; from += PIECE_SEEDS) {
  const piece = zeros();
  const to = Math.min(end, from + PIECE_SEEDS);
  for (let seed = from; seed < to; seed += 1) await simulate(seed, [total, piece]);
  if (values.record) record(from, piece);
}
tell(summary(first, total));
process.exitCode = total.failures.length === 0 ? 0 : 1;
