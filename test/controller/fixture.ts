// What the tests of the loop share: a small fleet on the embedded hub, manifests for it, a log and numbers to look at.
import { startController, type Controller } from '../../src/controller/controller.ts';
import { createHubMemory, rulesOf, type HubContext } from '../../src/controller/context/hub-context.ts';
import type { Condition, HubStatus } from '../../src/controller/status/status.ts';
import { HeldLease } from '../../src/controller/lease/held-lease.ts';
import { ReservedStore } from '../../src/controller/lease/reserved-store.ts';
import { changeSuspensions } from '../../src/controller/lease/suspensions.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { loadManifests } from '../../src/manifest/load.ts';
import type { Declared, Mode } from '../../src/model/declared.ts';
import { digestBytes } from '../../src/model/digest.ts';
import { invariant } from '../../src/model/errors.ts';
import { getPath, type Json, type JsonObject } from '../../src/model/json.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { Suspension } from '../../src/model/suspension.ts';
import type { ModuleRef, TwinPatch } from '../../src/model/twin.ts';
import { createPlanner, type Planner } from '../../src/plan/planner.ts';
import type { Hub } from '../../src/ports/hub.ts';
import type { Log, LogFields } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { Source } from '../../src/ports/source.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

type LeaseOptions = ConstructorParameters<typeof HeldLease>[0];

type ControllerOptions = Parameters<typeof startController>[0];

export const MODULE = 'acmeGuard';

const HEAD = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: dev}
spec: {hostName: dev.azure-devices.net, mode: Enforce}
---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: ${MODULE}, section: /guard}
`;

/** A source with one hub, one profile and these configurations: a name to its spec, in YAML's flow style. */
export function manifests(configurations: Readonly<Record<string, string>>): string {
  const documents = Object.entries(configurations).map(
    ([name, spec]) => `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: ${name}}
spec: {profile: acme-guard, ${spec}}
`,
  );
  return HEAD + documents.join('');
}

/** For every device with env=prod, as all devices of a fleet have. */
export const PROD = 'selector: {matchTags: {env: prod}}';

export function snapshotOf(text: string | undefined): Snapshot {
  const bytes = Buffer.from(text ?? '');
  const files = text === undefined ? [] : [{ path: 'all.yaml', bytes }];
  return { revision: `sha256:${digestBytes(bytes)}`, files, partial: false };
}

export function declare(text: string): Declared {
  const { declared, diagnostics } = loadManifests(snapshotOf(text));
  invariant(declared !== undefined, `the manifests of a test are good: ${JSON.stringify(diagnostics[0])}`);
  return declared;
}

export function plannerFor(text: string, hubMode: Mode = 'Enforce'): Planner {
  const declared = declare(text);
  const hub = declared.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  return createPlanner(declared, { hub, hubMode, instance: 'default' });
}

interface NewDevice {
  readonly tags?: JsonObject;
  readonly module?: boolean;
  /** An edge device. */
  readonly edge?: boolean;
  /** Of the module. */
  readonly managedBy?: string;
}

export interface Fleet {
  readonly clock: TestClock;
  readonly iot: IotHub;
  /** The embedded hub as the loop sees it; `patches` are those that arrived. */
  readonly hub: Hub;
  readonly patches: { readonly ref: ModuleRef; readonly patch: TwinPatch }[];
  readonly reads: { device: number; module: number };
  ids(): readonly string[];
  /** A value below properties.desired of the device's module. */
  desired(deviceId: string, ...path: string[]): Json | undefined;
  /** Another writer. */
  tamper(deviceId: string, desired: JsonObject): void;
  tag(deviceId: string, tags: JsonObject): void;
  addDevice(deviceId: string, options?: NewDevice): void;
  /** The agent says this about its module. */
  report(deviceId: string, reported: JsonObject): void;
}

export function createFleet(size: number, clock: TestClock = createTestClock()): Fleet {
  const iot = new IotHub({ hostName: 'dev.azure-devices.net', clock, random: createSeededRandom(1) });
  const inProcess = inProcessHub(iot);
  const patches: Fleet['patches'] = [];
  const reads = { device: 0, module: 0 };
  const fleet: Fleet = {
    clock,
    iot,
    patches,
    reads,
    hub: {
      ...inProcess,
      getDeviceTwin(deviceId, signal) {
        reads.device += 1;
        return inProcess.getDeviceTwin(deviceId, signal);
      },
      getModuleTwin(ref, signal) {
        reads.module += 1;
        return inProcess.getModuleTwin(ref, signal);
      },
      patchModuleTwin(ref, patch, etag, signal) {
        patches.push({ ref, patch });
        return inProcess.patchModuleTwin(ref, patch, etag, signal);
      },
    },
    ids: () => iot.listDevices().map((device) => String(device['deviceId'])),
    desired: (deviceId, ...path) =>
      getPath(iot.getTwin({ deviceId, moduleId: MODULE }), ['properties', 'desired', ...path]),
    tamper: (deviceId, desired) => {
      iot.patchTwin({ deviceId, moduleId: MODULE }, { properties: { desired } });
    },
    tag: (deviceId, tags) => {
      iot.patchTwin({ deviceId }, { tags });
    },
    addDevice(deviceId, { tags = { env: 'prod' }, module = true, edge = false, managedBy } = {}) {
      iot.createDevice(deviceId, { deviceId, ...(edge ? { capabilities: { iotEdge: true } } : {}) });
      iot.patchTwin({ deviceId }, { tags });
      const owner = managedBy === undefined ? {} : { managedBy };
      if (module) iot.putModule(deviceId, MODULE, { deviceId, moduleId: MODULE, ...owner }, undefined);
    },
    report(deviceId, reported) {
      iot.connect({ deviceId, moduleId: MODULE }, () => {}).report(reported);
    },
  };
  for (let index = 1; index <= size; index += 1) fleet.addDevice(`d${index}`);
  return fleet;
}

export interface Lines extends Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[];
}

export function createLog(): Lines {
  const lines: Lines['lines'] = [];
  const withFields = (bound?: LogFields): Log => {
    const at = (level: string) => (message: string, fields?: LogFields) =>
      void lines.push({ level, message, fields: bound || fields ? { ...bound, ...fields } : undefined });
    const child = (fields: LogFields): Log => withFields({ ...bound, ...fields });
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child };
  };
  return { lines, ...withFields() };
}

export interface Numbers extends Metrics {
  /** The sum over all labels of what was counted, of the observations, or of the last values of a gauge. */
  total(name: string, labels?: Readonly<Record<string, string>>): number;
}

export function createMetrics(): Numbers {
  const series = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }[]>();
  const at = (name: string, labels: Readonly<Record<string, string>>): { value: number } => {
    const known = series.get(name) ?? [];
    series.set(name, known);
    const same = known.find((one) => has(one.labels, labels) && has(labels, one.labels));
    if (same !== undefined) return same;
    const fresh = { labels, value: 0 };
    known.push(fresh);
    return fresh;
  };
  return {
    count: (name, labels, by = 1) => void (at(name, labels).value += by),
    gauge: (name, labels, value) => void (at(name, labels).value = value),
    observe: (name, labels) => void (at(name, labels).value += 1),
    total: (name, labels = {}) =>
      (series.get(name) ?? []).filter((one) => has(one.labels, labels)).reduce((sum, { value }) => sum + value, 0),
  };
}

function has(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** Of another process, unless the options say otherwise. */
export function createLease(
  { hub, clock }: Fleet,
  holder: string,
  { hub: port = hub, instance = 'default', ...options }: Partial<LeaseOptions> & { hub?: Hub; instance?: string } = {},
): HeldLease {
  const store = new ReservedStore(port, instance);
  const given = { kind: 'run' as const, revision: () => 'sha256:1', ttlMs: 90_000, clock, log: createLog() };
  return new HeldLease({ store, holder, ...given, ...options });
}

/** Changes the suspensions of the fleet, as `twinward suspend` does. */
export function suspend(
  { hub, clock }: Fleet,
  change: Parameters<typeof changeSuspensions>[1],
): Promise<readonly Suspension[]> {
  return changeSuspensions({ state: new ReservedStore(hub, 'default'), nowMs: clock.now() }, change, NEVER);
}

/** Middle jitter: every wait is half of what it could be. */
export const HALF = { next: () => 0.5 };

export const NEVER = new AbortController().signal;

/** One hub as the steps of the loop see it, its gates open, with the fleet's own hub unless another is given. */
export function createContext(
  fleet: Fleet,
  text: string,
  options: { hub?: Hub; log?: Log; metrics?: Metrics } = {},
): HubContext {
  const { planner, gates } = rulesOf(plannerFor(text));
  return {
    ...createHubMemory(),
    name: 'dev',
    hub: options.hub ?? fleet.hub,
    rules: { planner, gates: { ...gates, allows: () => 'Allowed' } },
    clock: fleet.clock,
    log: options.log ?? createLog(),
    metrics: options.metrics ?? createMetrics(),
    writes: 0,
    reconciles: 0,
  };
}

/** Manifests that a test edits. */
export interface TestSource extends Source {
  /** What is read from now on: text, nothing at all, or a failure. Tells those who watch. */
  set(content: string | undefined | Error): void;
  readonly reads: { count: number };
  /** Watches that are open. */
  readonly watches: { count: number };
}

export function createSource(content: string | undefined | Error): TestSource {
  const triggers = new Set<() => void>();
  const reads = { count: 0 };
  const watches = { count: 0 };
  let current = content;
  return {
    reads,
    watches,
    set(next) {
      current = next;
      for (const trigger of triggers) trigger();
    },
    async read() {
      reads.count += 1;
      if (current instanceof Error) throw current;
      return snapshotOf(current);
    },
    async watch(onTrigger) {
      triggers.add(onTrigger);
      watches.count += 1;
      return async () => {
        if (triggers.delete(onTrigger)) watches.count -= 1;
      };
    },
  };
}

export const PERIOD_MS = 300_000;

/** A controller over one fleet, through its first turn. */
export async function startOn(
  fleet: Fleet,
  text: Parameters<typeof createSource>[0],
  options: Partial<ControllerOptions> & { readonly hub?: Hub; readonly mode?: Mode } = {},
): Promise<Running> {
  const { hub = fleet.hub, mode = 'Enforce', ...others } = options;
  const source = createSource(text);
  const log = createLog();
  const metrics = createMetrics();
  const controller = startController({
    source,
    connect: async () => ({ hub, mode }),
    clock: fleet.clock,
    random: HALF,
    log,
    metrics,
    resyncPeriodMs: PERIOD_MS,
    ...others,
  });
  await fleet.clock.flush();
  return { controller, source, log, metrics, status: () => hubStatus(controller, 'dev') };
}

export interface Running {
  readonly controller: Controller;
  readonly source: TestSource;
  readonly log: Lines;
  readonly metrics: Numbers;
  /** Of the hub "dev". */
  status(): HubStatus;
}

export function hubStatus(controller: Controller, name: string): HubStatus {
  const found = controller.status().hubs.find((hub) => hub.name === name);
  invariant(found !== undefined, `there is a hub ${name}`);
  return found;
}

export function readyOf({ conditions }: Pick<HubStatus, 'conditions'>): Condition | undefined {
  return conditions.find(({ type }) => type === 'Ready');
}
