// Runs one scenario to its end: first faults, then calm until everything is as declared, then no further write.
import type { Scenario } from './scenario.ts';
import { checkConverged, checkReport } from './state.ts';
import { enforceAll } from './policy.ts';
import { RESYNC_MS, World, type Counts } from './world.ts';

export interface Outcome {
  readonly violations: readonly string[];
  readonly history: readonly string[];
  readonly counts: Counts;
  /** Simulated, of all devices together. */
  readonly deviceHours: number;
}

/** In which everything must be as declared: backoff of five minutes at most, and passes every five. */
const CONVERGENCE_MS = 60 * 60_000;
/** A contested setting is written again once its count has decayed: it halves each hour. */
const AFTER_A_FIGHT_MS = 5 * 60 * 60_000;
const QUIET_MS = 3 * RESYNC_MS;

export async function runScenario(scenario: Scenario): Promise<Outcome> {
  // The embedded hub throws thousands of errors, whose stack traces are never read.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const world = new World(scenario);
  try {
    await live(world);
  } finally {
    world.end();
    Error.stackTraceLimit = stackTraceLimit;
  }
  const { violations, history, counts } = world;
  return { violations, history, counts, deviceHours: (world.nowMs / 3_600_000) * scenario.devices.length };
}

async function live(world: World): Promise<void> {
  const { events, lengthMs } = world.scenario;
  for (const event of events) {
    await world.runUntil(event.atMs);
    if (world.violations.length > 0) return;
    await world.happen(event);
    for (const problem of checkReport(world)) world.blame(problem);
  }
  await world.runUntil(lengthMs);
  if (world.violations.length > 0) return;
  await world.calmDown(enforceAll(world.policy));
  if (await converges(world)) await staysQuiet(world);
}

/** Until all is as declared, and a while passed in which there was nothing to do. */
async function converges(world: World): Promise<boolean> {
  const hasFight = world.scenario.events.some(({ happening }) => happening.kind === 'hostile');
  const untilMs = world.nowMs + (hasFight ? AFTER_A_FIGHT_MS : CONVERGENCE_MS);
  for (;;) {
    const { writes } = world.counts;
    await world.runUntil(world.nowMs + 2 * RESYNC_MS);
    if (world.violations.length > 0) return false;
    const problems = checkConverged(world);
    if (problems.length === 0 && world.counts.writes === writes) return true;
    if (world.nowMs < untilMs) continue;
    for (const problem of problems) world.blame(problem);
    if (problems.length === 0) world.blame('there is no end of writing');
    return false;
  }
}

async function staysQuiet(world: World): Promise<void> {
  const { counts, forgotten } = world;
  const { writes } = counts;
  await world.runUntil(world.nowMs + QUIET_MS);
  const more = counts.writes - writes - (world.forgotten - forgotten);
  if (more > 0) world.blame(`${more} writes although all is quiet`);
  for (const problem of [...checkConverged(world), ...checkReport(world)]) world.blame(problem);
}
