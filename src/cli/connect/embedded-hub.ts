// The embedded hub as commands run it: opened, filled with a fleet, served over HTTPS, its secrets in private files.
import {
  buildFleet,
  connectionString,
  EventLog,
  FrontDoor,
  loadFleet,
  openHub,
  runAgents,
  serveDevices,
  serveEvents,
  serveHub,
  type Capacity,
  type FleetPlan,
  type IotHub,
  type OpenHub,
  type Role,
  type RunningDevices,
  type RunningEvents,
  type RunningServer,
} from '../../emulator/index.ts';
import { createSeededRandom } from '../../model/seeded-random.ts';
import { PRIVATE_FOLDER_MODE, writeAccess } from './access-files.ts';
import { IDENTITIES_MAX } from '../input/defaults.ts';
import { CliFailure } from '../failure.ts';
import { makeFolder } from '../input/make-folder.ts';
import { EXIT } from '../exit-code.ts';
import type { World } from '../world.ts';

const OWNER_POLICY = 'iothubowner';
/** What the token in the access folder may do: as much as the owner's policy. */
const TOKEN_ROLE: Role = 'IoT Hub Data Contributor';
/** As the connection string beside it, it is good for as long as anybody runs a hub for tests. */
const TOKEN_LIFETIME_SECONDS = 365 * 86_400;
/** Faults that strike by chance strike the same calls each time. */
const FAULT_SEED = 1;

export interface EmbeddedHubOptions {
  readonly hostName: string;
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Serves change events over AMQP here; 0 takes a free one. */
  readonly eventsPort?: number;
  /** Serves devices over MQTT here; 0 takes a free one. */
  readonly mqttPort?: number;
  /** Keeps the hub across restarts; memory only without it. */
  readonly data?: string;
  readonly fleet?: { readonly devices: number; readonly seed: number };
  /** Whether those of the fleet run; true unless said. */
  readonly agents?: boolean;
  /** Devices and modules together. */
  readonly identitiesMax?: number;
  /** Limits calls and daily messages; nothing is limited without it. */
  readonly throttle?: Capacity;
  /** How far behind queries are; they see the present unless said. */
  readonly queryLagMs?: number;
  /** Where the connection strings, a bearer token and the CA certificate go. Made where it is missing. */
  readonly accessFolder: string;
}

export interface EmbeddedHub {
  readonly endpoint: string;
  readonly hostName: string;
  /** A secret. */
  readonly connectionString: string;
  readonly connectionStringFile: string;
  /** Holds a secret. */
  readonly tokenFile: string;
  readonly caFile: string;
  /** For Event Hubs clients, a secret; undefined where events are not served. */
  readonly eventsConnectionString: string | undefined;
  readonly eventsConnectionStringFile: string | undefined;
  readonly mqttPort: number | undefined;
  /** Undefined where no fleet was asked for. */
  readonly fleet: FleetPlan | undefined;
  /** False where the data directory knew this hub already: its devices are as they were. */
  readonly isNew: boolean;
  close(): Promise<void>;
}

/** Rejects with CliFailure where a port or the directory can't be had. */
export async function startEmbeddedHub(world: World, options: EmbeddedHubOptions): Promise<EmbeddedHub> {
  const { clock, random } = world;
  const { hostName, data, accessFolder, identitiesMax = IDENTITIES_MAX } = options;
  const limits = { identitiesMax };
  requireRoom(options.fleet?.devices ?? 0, identitiesMax);
  if (data !== undefined) makeFolder(data, PRIVATE_FOLDER_MODE);
  const opened = await explain(() => openHub({ hostName, clock, random, limits, directory: data }));
  const { hub, policies, certificate, isNew } = opened;
  const fleet = options.fleet === undefined ? undefined : buildFleet(options.fleet);
  if (fleet !== undefined && isNew) loadFleet(hub, fleet);
  const { queryLagMs = 0, throttle } = options;
  // Only now: the fleet has been there for long.
  if (queryLagMs > 0) hub.setLag({ devices: queryLagMs, modules: queryLagMs });
  const front = new FrontDoor({ hub, clock, random: createSeededRandom(FAULT_SEED), throttle });
  const endpoints = await explain(() => serveAll(world, opened, front, options)).catch((error: unknown) => {
    opened.close();
    throw error;
  });
  const hasAgents = options.agents ?? true;
  const agents =
    fleet !== undefined && hasAgents ? runAgents(hub, fleet.devices, clock, createSeededRandom(fleet.seed)) : undefined;
  const secret = connectionString(hub.hostName, policies, OWNER_POLICY) ?? '';
  const token = opened.issuer.issue({
    principal: 'twinward-hub',
    roles: [TOKEN_ROLE],
    nowMs: clock.now(),
    lifetimeSeconds: TOKEN_LIFETIME_SECONDS,
  });
  const { server, events, devices } = endpoints;
  const { endpoint } = server;
  const eventsConnectionString = events?.connectionString(OWNER_POLICY);
  const files = writeAccess(accessFolder, {
    connectionString: secret,
    eventsConnectionString,
    token,
    ca: certificate.authority,
    endpoint,
  });
  const forget = world.atExit(() => files.remove());
  return {
    endpoint,
    hostName: hub.hostName,
    connectionString: secret,
    connectionStringFile: files.connectionStringFile,
    tokenFile: files.tokenFile,
    caFile: files.caFile,
    eventsConnectionString,
    eventsConnectionStringFile: files.eventsConnectionStringFile,
    mqttPort: devices?.port,
    fleet,
    isNew,
    close: async () => {
      agents?.stop();
      front.close();
      await endpoints.close();
      opened.close();
      files.remove();
      forget();
    },
  };
}

/** A device of a fleet has one module. */
function requireRoom(devices: number, identitiesMax: number): void {
  if (devices * 2 <= identitiesMax) return;
  const why = `A fleet of ${devices} devices has as many modules, and the hub takes ${identitiesMax} of both.`;
  throw new CliFailure(EXIT.Failed, why, `Say --identities-max ${devices * 2}.`);
}

interface Endpoints {
  readonly server: RunningServer;
  readonly events: RunningEvents | undefined;
  readonly devices: RunningDevices | undefined;
  close(): Promise<void>;
}

/** All or none: where one address can't be had, the others are given back. */
async function serveAll(
  { clock }: World,
  { hub, policies, issuer, certificate }: OpenHub,
  front: FrontDoor,
  { host, port, eventsPort, mqttPort }: EmbeddedHubOptions,
): Promise<Endpoints> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closeOne of closers.toReversed()) await closeOne();
  };
  async function opened<T extends { close(): Promise<void> }>(serving: Promise<T>): Promise<T> {
    const one = await serving;
    closers.push(() => one.close());
    return one;
  }
  try {
    const common = { policies, clock, host };
    const server = await opened(serveHub({ ...common, hub, issuer, front, certificate, port }));
    const events =
      eventsPort === undefined
        ? undefined
        : await opened(serveEvents({ ...common, ...eventsOf(hub, clock), port: eventsPort }));
    const devices =
      mqttPort === undefined ? undefined : await opened(serveDevices({ ...common, hub, certificate, port: mqttPort }));
    if (devices !== undefined) server.onUpgrade((...connection) => devices.upgrade(...connection));
    return { server, events, devices, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Events begin with the endpoint: what was before is not kept. */
function eventsOf(hub: IotHub, clock: World['clock']): { readonly log: EventLog; readonly hostName: string } {
  const log = new EventLog({ createdAtMs: clock.now() });
  hub.listen((event) => log.append(event));
  return { log, hostName: hub.hostName };
}

/** What the hub says about ports and directories is meant for people. */
async function explain<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isInUse = error.message.includes(' is in use.');
    throw new CliFailure(EXIT.Failed, error.message, isInUse ? 'For the hub: --port; 0 takes a free one.' : undefined);
  }
}
