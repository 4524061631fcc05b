// A day in the life of a controller, in minutes: the real one over the embedded hub and simulated time, a fleet that is
// edited, tampered with, replaced and unreachable by turns, and the heap after each hour.
import { getHeapSpaceStatistics } from 'node:v8';
import { jsonLog } from '../../src/adapters/json-log.ts';
import { prometheusMetrics } from '../../src/adapters/prometheus-metrics.ts';
import { startController, type Controller } from '../../src/controller/controller.ts';
import { RecentEvents } from '../../src/controller/status/recent-events.ts';
import type { HubStatus } from '../../src/controller/status/status.ts';
import { runAgents, type AgentPlacement, type RunningAgents } from '../../src/emulator/agents/run-agents.ts';
import { buildFleet, type FleetDevice } from '../../src/emulator/fleet/demo-fleet.ts';
import { loadFleet } from '../../src/emulator/fleet/load-fleet.ts';
import type { FaultRule } from '../../src/emulator/faults/fault.ts';
import { FrontDoor } from '../../src/emulator/front-door.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { digestBytes } from '../../src/model/digest.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { Source } from '../../src/ports/source.ts';
import { pathOf } from '../simulation/oracle.ts';
import {
  MODULES,
  mutatePolicy,
  pick,
  SETTINGS,
  toFiles,
  type Policy,
  type ProfileName,
  NOTHING,
} from '../simulation/policy.ts';
import { createSimClock } from '../simulation/sim-clock.ts';

export interface DayOptions {
  readonly seed: number;
  readonly devices: number;
  readonly hours: number;
  /** Called after each hour. */
  readonly onHour: (hour: Hour) => void;
}

export interface Hour {
  readonly hour: number;
  /** Of data, in use after garbage was collected. */
  readonly heapBytes: number;
  /** Of the controller, since the start. */
  readonly writes: number;
}

export interface Day {
  readonly hours: readonly Hour[];
  readonly commits: number;
  readonly happenings: number;
  /** Passes over the whole fleet. */
  readonly passes: number;
  /** At the end, when all is at rest. */
  readonly status: HubStatus;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const RESYNC_MS = 5 * MINUTE_MS;
/** At the end of each hour, with the same manifests each time: what differs then was kept for nothing. */
const REST_MS = 20 * MINUTE_MS;
/** In each hour, of each thousand devices. */
const HAPPENINGS = 60;
const COMMITS = 2;
const REPLACEABLE_SHARE = 0.1;
const START_MS = Date.UTC(2026, 10, 24);
/** The same few devices again and again: what is contested is remembered. */
const ARGUED = 3;

export async function liveADay({ seed, devices, hours, onHour }: DayOptions): Promise<Day> {
  const world = new World(seed, devices);
  const measured: Hour[] = [];
  for (let hour = 1; hour <= hours; hour += 1) {
    world.schedule();
    await world.clock.runUntil(START_MS + hour * HOUR_MS - REST_MS);
    world.calmDown();
    await world.clock.runUntil(START_MS + hour * HOUR_MS);
    const one = { hour, heapBytes: heapBytes(), writes: world.status.writes };
    measured.push(one);
    onHour(one);
  }
  const { status, commits, happenings, passes } = world;
  await world.end();
  return { hours: measured, commits, happenings, passes, status };
}

function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('node must be started with --expose-gc');
  // Objects with a finalizer are collected only by the second run.
  globalThis.gc();
  globalThis.gc();
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !OF_CODE.test(name));
  return spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, process.memoryUsage().external);
}

/** V8 optimizes functions all day long: that memory is bounded by the sources, and is not our data. */
const OF_CODE = /^(?:code|trusted)_/;

/** Each for a while, each hour: the hub is too busy, connections are cut, and lists come without rows. */
const FAULTS: readonly FaultRule[] = [
  { fault: { kind: 'refusal', code: 'ThrottlingException' }, probability: 0.5 },
  { fault: { kind: 'reset', when: 'after' }, probability: 0.5 },
  { on: { source: 'modules' }, fault: { kind: 'emptyPage' }, probability: 0.5 },
];

/** For every device: then all twins are written in each hour, and what is remembered of own writes is as much each time. */
const AT_REST: Policy = {
  ...NOTHING,
  configurations: (Object.keys(SETTINGS) as ProfileName[]).map((profile, priority) => ({
    name: `rest-${priority}`,
    profile,
    priority,
    tag: undefined,
    isGrouped: false,
    policies: {},
    unset: [],
    settings: Object.fromEntries(Object.entries(SETTINGS[profile]).map(([key, [first = null]]) => [key, first])),
    state: 'Enforce',
    deletionPolicy: 'Remove',
  })),
};

class World {
  readonly clock = createSimClock(START_MS);
  commits = 0;
  happenings = 0;
  passes = 0;
  readonly #random: SeededRandom;
  readonly #hub: IotHub;
  readonly #front: FrontDoor;
  readonly #fleet: FleetDevice[];
  /**
   * The devices at the front have no agents, and may be replaced: otherwise the fleet's own part of the heap would
   * shrink.
   */
  readonly #replaceable: number;
  readonly #agents: RunningAgents;
  readonly #controller: Controller;
  readonly #metrics = prometheusMetrics();
  #policy: Policy = AT_REST;
  #text: string;
  #onTrigger = (): void => {};
  #created = 0;
  /** The approval that the controller last asked for. */
  #approved: string | undefined;

  constructor(seed: number, devices: number) {
    const random = createSeededRandom(seed);
    const { clock } = this;
    this.#random = random;
    this.#hub = new IotHub({ hostName: 'sim.azure-devices.net', clock, random });
    this.#front = new FrontDoor({ hub: this.#hub, clock, random });
    const plan = buildFleet({ devices, seed });
    loadFleet(this.#hub, plan);
    this.#fleet = [...plan.devices];
    this.#replaceable = Math.ceil(devices * REPLACEABLE_SHARE);
    const placements: readonly AgentPlacement[] = plan.devices.slice(this.#replaceable);
    this.#agents = runAgents(this.#hub, placements, clock, createSeededRandom(seed));
    this.#text = textOf(this.#policy);
    this.#controller = this.#start();
  }

  get status(): HubStatus {
    const [status] = this.#controller.status().hubs;
    if (status === undefined) throw new Error('the controller has no hub');
    return status;
  }

  /** Schedules the events of the next hour. */
  schedule(): void {
    const count = (HAPPENINGS * this.#fleet.length) / 1_000;
    for (let index = 0; index < count; index += 1) this.#at(() => this.#happen());
    for (let index = 0; index < COMMITS; index += 1) this.#at(() => this.#edit());
    for (let time = 0; time < ARGUED * 10; time += 1) {
      this.#at(() => this.#drift(this.#fleet.at(-1 - (time % ARGUED)) as FleetDevice));
    }
    this.#at(() => {
      this.#text = '\tnot: [yaml';
      this.#onTrigger();
      this.clock.schedule(10 * MINUTE_MS, () => this.#commit(this.#policy));
    });
    for (const rule of FAULTS) {
      this.#at(() => {
        this.#front.faults.add(rule);
        this.clock.schedule(2 * MINUTE_MS, () => this.#front.faults.clear());
      });
    }
  }

  calmDown(): void {
    this.#front.faults.clear();
    // Back to the same twins and tags: settings that stay when their owners go would pile up on the hub, as they should.
    for (const { deviceId, tags, hasModule, ...device } of this.#fleet) {
      this.#hub.patchTwin({ deviceId }, { tags });
      this.#agents.setOnline(deviceId, true);
      const ref = { deviceId, moduleId: MODULES[profileOf(device)] };
      if (hasModule) this.#hub.replaceTwin(ref, { tags: {}, properties: { desired: { appTeam: { channel: 0 } } } });
    }
    this.#commit(AT_REST);
  }

  async end(): Promise<void> {
    const stopped = this.#controller.stop();
    await this.clock.runUntil(this.clock.now() + MINUTE_MS);
    await stopped;
    this.#agents.stop();
    this.#front.close();
    this.#hub.close();
  }

  /** Wired like `twinward run`. */
  #start(): Controller {
    const { clock } = this;
    const source: Source = {
      read: async () => {
        const bytes = Buffer.from(this.#text);
        return { revision: `sha256:${digestBytes(bytes)}`, files: [{ path: 'all.yaml', bytes }], partial: false };
      },
      watch: async (onTrigger) => {
        this.#onTrigger = () => void clock.schedule(250, onTrigger);
        return async () => {
          this.#onTrigger = () => {};
        };
      },
    };
    return startController({
      source,
      connect: async () => ({ hub: inProcessHub(this.#hub, { front: this.#front, clock }), mode: 'Enforce' }),
      clock,
      random: createSeededRandom(1),
      log: jsonLog({ level: 'debug', encoding: 'json', clock, write: (line) => this.#hear(line) }),
      metrics: this.#metrics,
      recorder: new RecentEvents(clock),
      holder: 'soak@test/1',
      resyncPeriodMs: RESYNC_MS,
    });
  }

  #hear(line: string): void {
    if (line.includes('"Pass made"')) this.passes += 1;
    const asked = /twinward\.dev\/approve: (\w+@\d+)/.exec(line)?.[1];
    if (asked === undefined || asked === this.#approved) return;
    this.#approved = asked;
    this.clock.schedule(MINUTE_MS, () => this.#commit(this.#policy));
  }

  #at(run: () => void): void {
    this.clock.schedule(this.#random.next() * (HOUR_MS - REST_MS - 10 * MINUTE_MS), () => {
      this.happenings += 1;
      run();
    });
  }

  /** Only a hub that is written has something to remember. */
  #edit(): void {
    const edited = mutatePolicy(this.#policy, this.clock.now() - START_MS, this.#random);
    this.#commit({ ...edited, hubMode: 'Enforce', maxChanged: undefined });
  }

  #commit(policy: Policy): void {
    this.#policy = policy;
    this.#text = textOf(policy, this.#approved);
    this.commits += 1;
    this.#onTrigger();
  }

  #happen(): void {
    const random = this.#random;
    const index = Math.floor(random.next() * this.#fleet.length);
    const device = this.#fleet[index] as FleetDevice;
    const { deviceId } = device;
    const draw = random.next();
    if (draw < 0.35) this.#drift(device);
    else if (draw < 0.5) this.#write(device, { appTeam: { channel: Math.floor(random.next() * 1_000) } });
    else if (draw < 0.65)
      this.#hub.patchTwin({ deviceId }, { tags: { site: pick(random, ['lyon', 'porto', 'gdansk']) } });
    else if (draw < 0.75) this.#agents.setOnline(deviceId, random.next() < 0.6);
    else if (draw < 0.85) this.#agents.restart(deviceId);
    else this.#replace(index % this.#replaceable);
  }

  #drift(device: FleetDevice): void {
    const profile = profileOf(device);
    const key = pick(this.#random, Object.keys(SETTINGS[profile]));
    const [section, name] = [pathOf(profile, key).slice(0, -1), key];
    const member: JsonObject = { [name]: null };
    this.#write(
      device,
      section.reduceRight<JsonObject>((inner, outer) => ({ [outer]: inner }), member),
    );
  }

  #write(device: FleetDevice, desired: JsonObject): void {
    const { deviceId, hasModule } = device;
    if (hasModule) this.#hub.patchTwin({ deviceId, moduleId: MODULES[profileOf(device)] }, { properties: { desired } });
  }

  /** Deletes a device, and creates another under a new name: leaked data of deleted devices would pile up. */
  #replace(index: number): void {
    const device = this.#fleet[index] as FleetDevice;
    this.#hub.deleteDevice(device.deviceId, '*');
    this.#created += 1;
    const next = { ...device, deviceId: `new-${this.#created}`, moduleTwin: undefined };
    loadFleet(this.#hub, { seed: 0, devices: [next], summary: NO_SUMMARY });
    this.#fleet[index] = next;
  }
}

function textOf(policy: Policy, approval?: string): string {
  return toFiles(policy, START_MS, approval)
    .map(({ text }) => text)
    .join('---\n');
}

const NO_SUMMARY = buildFleet({ devices: 0, seed: 0 }).summary;

function profileOf({ agent }: Pick<FleetDevice, 'agent'>): ProfileName {
  if (agent.kind === 'micro') return 'defender-micro-agent';
  return agent.kind === 'acme-guard' ? 'acme-guard' : 'defender-legacy';
}
