// Shared by tests of commands: a World that records the output, and a hub served over HTTPS with a small fleet.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../src/cli/program/program.ts';
import type { ExitCode } from '../../src/cli/exit-code.ts';
import type { World } from '../../src/cli/world.ts';
import { serveEvents } from '../../src/emulator/events/amqp-server.ts';
import { EventLog } from '../../src/emulator/events/event-log.ts';
import { buildFleet } from '../../src/emulator/fleet/demo-fleet.ts';
import { loadFleet } from '../../src/emulator/fleet/load-fleet.ts';
import { FrontDoor } from '../../src/emulator/front-door.ts';
import type { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { connectionString } from '../../src/emulator/rest/policies.ts';
import { serveHub } from '../../src/emulator/server.ts';
import { openHub } from '../../src/emulator/store/open-hub.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

export interface Printed {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The answer typed at the terminal; undefined: no terminal. */
  readonly answer?: string;
  readonly clock?: Clock;
  /** Standard error is a terminal, where long work shows how far it is. */
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs a command line to its end. */
export async function twinward(argv: readonly string[], given: Given = {}): Promise<Printed> {
  const { env = {}, input = '', answer, clock = createTestClock(), signal = new AbortController().signal } = given;
  const { isTerminal = false } = given;
  const printed = { out: '', err: '' };
  const output = (name: 'out' | 'err'): World['out'] => ({
    write: (text) => {
      printed[name] += text;
    },
    isTerminal: name === 'err' && isTerminal,
    columns: 100,
  });
  const world: World = {
    env,
    out: output('out'),
    err: output('err'),
    readInput: () => Promise.resolve(Buffer.from(input)),
    ask: (question) => {
      if (answer !== undefined) printed.err += question;
      return Promise.resolve(answer);
    },
    clock,
    random: createSeededRandom(1),
    interrupted: signal,
    atExit: () => () => {},
  };
  const code = await runProgram(world, argv);
  return { code, ...printed };
}

export interface ServedHub {
  readonly iot: IotHub;
  readonly clock: TestClock;
  /** For faults; no limit is set. */
  readonly front: FrontDoor;
  /** Names the hub and its credential. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
  readonly caFile: string;
  /** Of one of its shared access policies, such as `service`. */
  connectionStringOf(policy: string): string;
  /** The same for the endpoint of change events, with events since the fleet was created. */
  eventsConnectionStringOf(policy: string): string;
  close(): Promise<void>;
}

export const HOST = 'twinward-demo.azure-devices.net';

/** The hub of a fixture as a manifest, written to without asking for more. */
export const HUB = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: dev}
spec: {hostName: ${HOST}, mode: Enforce}
`;

/** For the kiosks of a served fleet, whose agent is `acme-guard`; `settings` in YAML's flow style. */
export function kioskManifests(settings = '{usbPolicy: block}'): string {
  return `apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosk-guard}
spec: {selector: {matchTags: {hw: kiosk}}, profile: acme-guard, settings: ${settings}}
`;
}

export async function serveFleet(devices: number, hostName = HOST): Promise<ServedHub> {
  const clock = createTestClock();
  const random = createSeededRandom(7);
  const { hub, policies, certificate, close } = await openHub({ hostName, clock, random });
  loadFleet(hub, buildFleet({ devices, seed: 1 }));
  const front = new FrontDoor({ hub, clock, random });
  const server = await serveHub({ hub, policies, clock, certificate, front, port: 0 });
  const log = new EventLog({ createdAtMs: clock.now() });
  hub.listen((event) => log.append(event));
  const events = await serveEvents({ log, hostName, policies, clock, port: 0 });
  const folder = mkdtempSync(join(tmpdir(), 'twinward-test-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, certificate.authority);
  return {
    iot: hub,
    clock,
    front,
    endpoint: server.endpoint,
    caFile,
    connectionStringOf: (policy) => connectionString(hostName, policies, policy) ?? '',
    eventsConnectionStringOf: (policy) => events.connectionString(policy) ?? '',
    env: {
      IOTHUB_CONNECTION_STRING: connectionString(hostName, policies, 'iothubowner') ?? '',
      TWINWARD_HUB_ENDPOINT: server.endpoint,
      TWINWARD_HUB_CA: caFile,
    },
    close: async () => {
      await Promise.all([server.close(), events.close()]);
      front.close();
      close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A folder of manifests that is removed after the test. */
export function folderOf(files: Readonly<Record<string, string>>): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'twinward-manifests-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, remove: () => rmSync(path, { recursive: true }) };
}
