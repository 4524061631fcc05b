// A hub with an already configured fleet whose agents have answered: the ordinary case for a controller.
import { runAgents } from '../src/emulator/agents/run-agents.ts';
import { buildFleet, type FleetDevice } from '../src/emulator/fleet/demo-fleet.ts';
import { loadFleet } from '../src/emulator/fleet/load-fleet.ts';
import type { IotHub } from '../src/emulator/hub/iot-hub.ts';
import { loadManifests } from '../src/manifest/load.ts';
import type { Declared } from '../src/model/declared.ts';
import { digestBytes } from '../src/model/digest.ts';
import { invariant } from '../src/model/errors.ts';
import { getPath, isObject, setPath, type JsonObject } from '../src/model/json.ts';
import { createSeededRandom } from '../src/model/seeded-random.ts';
import { asTwin, deviceFacts, etagCounter, etagOfCounter, type Twin } from '../src/model/twin.ts';
import { createPlanner, type Planner } from '../src/plan/planner.ts';
import type { Clock } from '../src/ports/clock.ts';
import { FLEET_SOURCE } from './sources.ts';

export const SEED = 20_261_124;
export const HOST_NAME = 'bench.azure-devices.net';
/** The morning on which all benchmarks take place. */
export const START_MS = Date.UTC(2026, 10, 24);
const MODULES = 'SELECT * FROM devices.modules';

export function declare(text: string = FLEET_SOURCE): Declared {
  const bytes = Buffer.from(text);
  const files = [{ path: 'bench.yaml', bytes }];
  const { declared, diagnostics } = loadManifests({ revision: `sha256:${digestBytes(bytes)}`, files, partial: false });
  invariant(declared !== undefined, `the manifests are good: ${JSON.stringify(diagnostics[0])}`);
  return declared;
}

export function plannerFor(declared: Declared): Planner {
  const [hub] = declared.hubs;
  invariant(hub !== undefined, 'there is always a hub');
  return createPlanner(declared, { hub, hubMode: 'Enforce', instance: 'default' });
}

/** A clock that advances only on command. */
export interface ManualClock extends Clock {
  /** Runs everything due within this many milliseconds, in order. */
  advance(ms: number): void;
}

export function createManualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  let due: { atMs: number; run: () => void }[] = [];
  return {
    now: () => nowMs,
    schedule(delayMs, run) {
      const item = { atMs: nowMs + delayMs, run };
      due.push(item);
      return () => {
        item.run = () => {};
      };
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const ready = due.filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs);
        if (ready.length === 0) break;
        due = due.filter(({ atMs }) => atMs > endMs);
        for (const { atMs, run } of ready) {
          nowMs = Math.max(nowMs, atMs);
          run();
        }
      }
      nowMs = endMs;
    },
  };
}

/** The demonstration fleet of this size: one module for each device but one in a hundred. */
export function fillHub(hub: IotHub, devices: number): readonly FleetDevice[] {
  const fleet = buildFleet({ devices, seed: SEED });
  loadFleet(hub, fleet);
  return fleet.devices;
}

/** Writes what is declared to every twin, and lets the agents that are online answer. */
export function converge(hub: IotHub, devices: number, clock: ManualClock): void {
  const fleet = fillHub(hub, devices);
  const planner = plannerFor(declare());
  const factsOf = (deviceId: string) => deviceFacts(hub.getTwin({ deviceId }) as unknown as Twin);
  for (const twin of allTwins(hub)) {
    const { deviceId, moduleId = '' } = twin;
    const device = factsOf(deviceId);
    const action = planner.plan(planner.targetFor(device, moduleId), device, twin, clock.now());
    if (action.type === 'Patch' || action.type === 'Record')
      hub.patchTwin({ deviceId, moduleId }, action.patch, `"${twin.etag}"`);
  }
  runAgents(hub, fleet, clock, createSeededRandom(SEED));
  clock.advance(10_000);
}

/**
 * Changes one owned setting on each of `count` twins as another writer, and makes the record look as if the write were
 * ours. Returns the keys `DEVICE/MODULE`.
 */
export function hideDrift(hub: IotHub, count: number): Set<string> {
  const random = createSeededRandom(SEED);
  const planner = plannerFor(declare());
  const twins = [...allTwins(hub)];
  const drifted = new Set<string>();
  while (drifted.size < count) {
    const twin = twins[Math.floor(random.next() * twins.length)];
    const { deviceId, moduleId = '', etag } = twin as Twin;
    const key = `${deviceId}/${moduleId}`;
    if (drifted.has(key)) continue;
    const { atoms } = planner.targetFor(deviceFacts(hub.getTwin({ deviceId }) as unknown as Twin), moduleId);
    const atom = atoms[Math.floor(random.next() * atoms.length)]?.atom;
    if (atom === undefined) continue;
    const desired: JsonObject = {};
    setPath(desired, atom.wrapped ? [...atom.path, 'value'] : atom.path, 'changed by hand');
    const next = etagOfCounter((etagCounter(etag) ?? 0n) + 1n);
    hub.patchTwin({ deviceId, moduleId }, { properties: { desired }, tags: { twinward: { default: { etag: next } } } });
    const after = hub.getTwin({ deviceId, moduleId });
    invariant(getPath(after, ['tags', 'twinward', 'default', 'etag']) === after['etag'], 'the record looks right');
    drifted.add(key);
  }
  return drifted;
}

/** Pages of 100 rows, as the hub answers them. */
export function* pagesOf(hub: IotHub, query: string): Generator<JsonObject[]> {
  let continuation: string | undefined;
  do {
    const page = hub.query(query, { continuation });
    yield page.items;
    continuation = page.continuation;
  } while (continuation !== undefined);
}

function* allTwins(hub: IotHub): Generator<Twin> {
  for (const page of pagesOf(hub, MODULES)) {
    for (const row of page) {
      const twin = asTwin(row);
      invariant(twin !== undefined && isObject(row), 'rows are twins');
      yield twin;
    }
  }
}
