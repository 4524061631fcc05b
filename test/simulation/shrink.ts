// Shrinks a failing scenario: removes events, then devices, while it still fails.
import { runScenario, type Outcome } from './run.ts';
import type { Scenario } from './scenario.ts';

export interface Shrunk {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

const RUNS_MAX = 400;

export async function shrink(scenario: Scenario): Promise<Shrunk> {
  let best: Shrunk = { scenario, outcome: await runScenario(scenario) };
  let runs = 0;
  async function attempt(candidate: Scenario): Promise<boolean> {
    if (runs >= RUNS_MAX) return false;
    runs += 1;
    const outcome = await runScenario(candidate);
    if (outcome.violations.length === 0) return false;
    best = { scenario: candidate, outcome };
    return true;
  }
  for (let size = Math.ceil(best.scenario.events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.scenario.events.length;) {
      const events = best.scenario.events.toSpliced(at, size);
      if (!(await attempt({ ...best.scenario, events }))) at += size;
    }
  }
  for (let at = 0; at < best.scenario.devices.length;) {
    const devices = best.scenario.devices.toSpliced(at, 1);
    if (devices.length === 0 || !(await attempt({ ...best.scenario, devices }))) at += 1;
  }
  return best;
}
