// Runs the simulated agents of a fleet: which are online, and when each reads and reports.
import type { JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { DeviceConnection } from '../hub/connections.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import { ServiceError } from '../hub/service-error.ts';
import type { AgentState, Behaviour, NotificationKind } from './behaviour.ts';
import { type AgentDescription, behaviourOf, moduleIdOf } from './kinds.ts';

/** The place of an agent. One agent per device. */
export interface AgentPlacement {
  readonly deviceId: string;
  readonly agent: AgentDescription;
  readonly isOnline: boolean;
  /** Time per change, sequentially, which delays its acknowledgements; by default a second at most. */
  readonly slowMs?: number | undefined;
}

export interface RunningAgents {
  /** No effect on a device without an agent. */
  setOnline(deviceId: string, isOnline: boolean): void;
  /** Restarts the agent's process, which reads its whole twin. */
  restart(deviceId: string): void;
  /** The agent's effective settings, which may differ from the twin; undefined if it is not running. */
  settingsOf(deviceId: string): AgentState;
  /** Closes every connection. Idempotent. */
  stop(): void;
}

const REACTION_MS_MIN = 150;
const REACTION_MS_SPREAD = 1350;
/** How often agents check their connection: modules are created, deleted and recreated. */
const CHECK_MS = 15_000;

/** Connects all online agents at once; each reads its twin a little later. */
export function runAgents(
  hub: IotHub,
  fleet: Iterable<AgentPlacement>,
  clock: Clock,
  random: Random,
  checkMs = CHECK_MS,
): RunningAgents {
  const agents = new Map<string, SimulatedAgent>();
  for (const placement of fleet) {
    const agent = new SimulatedAgent(placement, { hub, clock, random });
    agents.set(placement.deviceId, agent);
    agent.setOnline(placement.isOnline);
  }
  let cancelCheck = scheduleCheck();

  function scheduleCheck(): () => void {
    return clock.schedule(checkMs, () => {
      for (const agent of agents.values()) agent.check();
      cancelCheck = scheduleCheck();
    });
  }

  return {
    setOnline: (deviceId, isOnline) => agents.get(deviceId)?.setOnline(isOnline),
    restart: (deviceId) => agents.get(deviceId)?.restart(),
    settingsOf: (deviceId) => agents.get(deviceId)?.settings,
    stop: () => {
      cancelCheck();
      for (const agent of agents.values()) agent.setOnline(false);
    },
  };
}

interface World {
  readonly hub: IotHub;
  readonly clock: Clock;
  readonly random: Random;
}

/** A patch, or a request to read the whole twin. */
interface InboxItem {
  readonly kind: NotificationKind;
  readonly patch?: JsonObject;
}

class SimulatedAgent {
  readonly #deviceId: string;
  readonly #moduleId: string;
  readonly #react: Behaviour;
  readonly #world: World;
  readonly #slowMs: number | undefined;
  #state: AgentState;
  #isOnline = false;
  #hasStarted = false;
  #device: DeviceConnection | undefined;
  #module: DeviceConnection | undefined;
  #inbox: InboxItem[] = [];
  /** Version of the last whole read; 0 once the inbox was empty. */
  #readVersion = 0;
  #cancelReaction: (() => void) | undefined;

  constructor({ deviceId, agent, slowMs }: AgentPlacement, world: World) {
    this.#deviceId = deviceId;
    this.#moduleId = moduleIdOf(agent.kind);
    this.#react = behaviourOf(agent);
    this.#world = world;
    this.#slowMs = slowMs;
  }

  get settings(): AgentState {
    return this.#state;
  }

  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline;
    if (isOnline) this.check();
    else this.#disconnect();
  }

  restart(): void {
    this.#disconnect();
    this.#state = undefined;
    this.#hasStarted = false;
    this.check();
  }

  /** Connects agents that should be online; if the hub refuses, the next check retries. */
  check(): void {
    if (!this.#isOnline) return;
    const { hub } = this.#world;
    this.#device ??= attempt(() =>
      hub.connect(
        { deviceId: this.#deviceId },
        () => {},
        () => {
          this.#device = undefined;
        },
      ),
    );
    if (this.#module !== undefined) return;
    const ref = { deviceId: this.#deviceId, moduleId: this.#moduleId };
    this.#module = attempt(() =>
      hub.connect(
        ref,
        (patch) => this.#enqueue({ kind: 'Change', patch }),
        () => {
          this.#module = undefined;
        },
      ),
    );
    if (this.#module === undefined) return;
    this.#inbox = [];
    this.#readVersion = 0;
    this.#enqueue({ kind: this.#hasStarted ? 'Reconnect' : 'Start' });
  }

  #disconnect(): void {
    this.#cancelReaction?.();
    this.#cancelReaction = undefined;
    this.#inbox = [];
    this.#module?.close();
    this.#device?.close();
    this.#module = undefined;
    this.#device = undefined;
  }

  #enqueue(item: InboxItem): void {
    this.#inbox.push(item);
    this.#reactSoon();
  }

  #reactSoon(): void {
    if (this.#cancelReaction !== undefined) return;
    const { clock, random } = this.#world;
    const delayMs = this.#slowMs ?? REACTION_MS_MIN + Math.floor(random.next() * REACTION_MS_SPREAD);
    this.#cancelReaction = clock.schedule(delayMs, () => {
      this.#cancelReaction = undefined;
      for (const item of this.#inbox.splice(0, this.#slowMs === undefined ? Infinity : 1)) this.#take(item);
      if (this.#inbox.length === 0) this.#readVersion = 0;
      else this.#reactSoon();
    });
  }

  /** A patch that arrived before a whole read is included in it. */
  #take({ kind, patch }: InboxItem): void {
    const notification = patch ?? attempt(() => this.#module?.getTwin().desired);
    if (notification === undefined) return;
    const version = Number(notification['$version']);
    if (patch === undefined) this.#readVersion = version;
    else if (version <= this.#readVersion) return;
    this.#reactTo(notification, kind);
  }

  #reactTo(notification: JsonObject, kind: NotificationKind): void {
    const { state, report } = this.#react(this.#state, notification, kind);
    this.#state = state;
    this.#hasStarted = true;
    if (report !== undefined) attempt(() => this.#module?.report(report));
  }
}

/** Undefined if the hub refuses; agents ignore refusals. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
