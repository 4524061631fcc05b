// Writes, counted over the embedded hub: none for a fleet that is as declared, one for each device that a change concerns.
import { systemClock as clock } from '../src/adapters/system-clock.ts';
import { SILENT_LOG } from '../src/cli/connect/plan-hub.ts';
import { applyOnce } from '../src/controller/once/apply.ts';
import { IotHub } from '../src/emulator/hub/iot-hub.ts';
import { inProcessHub } from '../src/emulator/in-process-hub.ts';
import { invariant } from '../src/model/errors.ts';
import { createSeededRandom } from '../src/model/seeded-random.ts';
import { createManualClock, declare, fillHub, HOST_NAME, plannerFor, SEED, START_MS } from './fleet.ts';
import { exactly, type Figure, note } from './measure.ts';
import { FLEET_SOURCE } from './sources.ts';

const DEVICES = 5_000;
const BEFORE = 'highPriorityMessageFrequency: PT10M';
const AFTER = 'highPriorityMessageFrequency: PT12M';

export async function benchWrites(): Promise<readonly Figure[]> {
  const iot = new IotHub({ hostName: HOST_NAME, clock: createManualClock(START_MS), random: createSeededRandom(SEED) });
  const fleet = fillHub(iot, DEVICES);
  invariant(FLEET_SOURCE.split(BEFORE).length === 2, 'one configuration has the setting');
  const first = await patchesFor(iot, FLEET_SOURCE);
  const second = await patchesFor(iot, FLEET_SOURCE);
  const changed = await patchesFor(iot, FLEET_SOURCE.replace(BEFORE, AFTER));
  const again = await patchesFor(iot, FLEET_SOURCE.replace(BEFORE, AFTER));
  const twins = fleet.filter(({ hasModule }) => hasModule);
  const concerned = twins.filter(({ tags, agent }) => tags['site'] === 'lyon' && agent.kind.startsWith('legacy'));
  return [
    note('devices', String(DEVICES)),
    exactly('patches of the first pass', first, twins.length),
    exactly('patches of the second', second, 0),
    exactly('patches after one key changed', changed, concerned.length),
    exactly('patches of the pass after that', again, 0),
  ];
}

/** Counted where they arrive. */
async function patchesFor(iot: IotHub, source: string): Promise<number> {
  const hub = inProcessHub(iot);
  let patches = 0;
  await applyOnce({
    planner: plannerFor(declare(source)),
    hub: {
      ...hub,
      patchModuleTwin: (...parameters) => {
        patches += 1;
        return hub.patchModuleTwin(...parameters);
      },
    },
    hubName: 'bench',
    clock,
    random: createSeededRandom(SEED),
    log: SILENT_LOG,
    metrics: { count() {}, gauge() {}, observe() {} },
    signal: new AbortController().signal,
  });
  return patches;
}
