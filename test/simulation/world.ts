// The world of a scenario: the embedded hub, agents, other writers, a folder of manifests, and real controllers over a
// simulated clock. Nothing here sleeps, and nothing leaves the process.
import { startController, type Controller } from '../../src/controller/controller.ts';
import type { ControllerStatus } from '../../src/controller/status.ts';
import { runAgents, type RunningAgents } from '../../src/emulator/agents/run-agents.ts';
import type { AgentKind } from '../../src/emulator/agents/kinds.ts';
import { FrontDoor } from '../../src/emulator/front-door.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { ServiceError } from '../../src/emulator/hub/service-error.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { digestBytes } from '../../src/model/digest.ts';
import { SourceError } from '../../src/model/errors.ts';
import { setPath, type Json, type JsonObject } from '../../src/model/json.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { ModuleRef, Twin } from '../../src/model/twin.ts';
import type { Hub } from '../../src/ports/hub.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { Source } from '../../src/ports/source.ts';
import { encoded, judge, pathOf, SECTIONS } from './oracle.ts';
import { MODULES, toYaml, type Policy, type ProfileName } from './policy.ts';
import type { Event, Happening, Scenario, SimDevice } from './scenario.ts';
import { createSimClock, type SimClock } from './sim-clock.ts';

export const START_MS = Date.UTC(2026, 10, 24);
export const RESYNC_MS = 5 * 60_000;
/** How long a controller may still go by what it was given before. */
const POLICY_MEMORY_MS = 3 * 60_000;
/** Who is in a group is read from an index that lags, but for first writes and removals. */
const TAGS_MEMORY_MS = 45 * 60_000;
const HISTORY_MS = 15 * 60_000;

export interface Counts {
  calls: number;
  writes: number;
  faults: number;
}

/** A controller as the world sees it: killed, it does and hears nothing more. */
interface Process {
  readonly name: string;
  readonly controller: Controller;
  isDead: boolean;
  /** What it was given to go by, and when. */
  readonly policies: { policy: Policy; atMs: number }[];
  callsLeft: number;
}

export class World {
  readonly clock: SimClock;
  readonly iot: IotHub;
  readonly front: FrontDoor;
  readonly agents: RunningAgents;
  readonly scenario: Scenario;
  readonly counts: Counts = { calls: 0, writes: 0, faults: 0 };
  /** What each part saw and did, for people. */
  readonly history: string[] = [];
  readonly violations: string[] = [];
  readonly #random: SeededRandom;
  readonly #devices: ReadonlyMap<string, SimDevice>;
  readonly #tags = new Map<string, { tags: JsonObject; atMs: number }[]>();
  #policy: Policy;
  #previous: Policy;
  #text: string | undefined | Error;
  readonly #triggers = new Set<() => void>();
  /** Once all is calm a person reads what is held, and lets it pass. */
  #isPersonThere = false;
  #asked: string | undefined;
  #process: Process | undefined;
  #rival: Process | undefined;
  #starts = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#random = createSeededRandom(scenario.seed ^ 0x5eed);
    this.clock = createSimClock(START_MS);
    this.iot = new IotHub({ hostName: 'sim.azure-devices.net', clock: this.clock, random: this.#random });
    this.iot.setHistory(HISTORY_MS);
    this.front = new FrontDoor({ hub: this.iot, clock: this.clock, random: this.#random });
    this.#devices = new Map(scenario.devices.map((device) => [device.deviceId, device]));
    for (const device of scenario.devices) this.#createDevice(device, device.hasModule);
    const placements = scenario.devices.map(({ deviceId, profile, firmware, isOnline }) => ({
      deviceId,
      agent: { kind: agentOf(deviceId, profile), firmware },
      isOnline,
    }));
    this.agents = runAgents(this.iot, placements, this.clock, createSeededRandom(scenario.seed ^ 0xa6e));
    this.#policy = scenario.first;
    this.#previous = scenario.first;
    this.#text = toYaml(scenario.first);
    this.start();
  }

  get policy(): Policy {
    return this.#policy;
  }

  get status(): ControllerStatus | undefined {
    return this.#process?.controller.status();
  }

  tell(text: string): void {
    const seconds = ((this.clock.now() - START_MS) / 1_000).toFixed(3).padStart(10);
    this.history.push(`${seconds}  ${text}`);
  }

  blame(text: string): void {
    this.tell(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  start(): void {
    this.#process ??= this.#startProcess('controller', this.#source());
  }

  /** Everything goes on until then, and stops at the first violation. */
  async runUntil(ms: number): Promise<void> {
    await this.clock.runUntil(START_MS + ms, () => this.violations.length > 0);
  }

  async happen({ happening }: Event): Promise<void> {
    this.tell(describe(happening));
    await this.#do(happening);
    this.#noteTags();
  }

  /** Faults end, everybody comes back, and the source holds this policy. */
  async calmDown(policy: Policy): Promise<void> {
    this.tell('everything calms down');
    this.front.faults.clear();
    this.iot.setLag(undefined);
    await this.#endRival();
    this.#commit(policy);
    this.#isPersonThere = true;
    this.#setSource(toYaml(policy, this.#asked));
    for (const { deviceId, tags } of this.scenario.devices) {
      this.agents.setOnline(deviceId, true);
      // A hub that fell back may believe an agent that has heard more since: a restart ends that.
      this.agents.restart(deviceId);
      // A device without tags keeps what it has, by design: somebody puts them back.
      const isTagless = Object.keys(this.tagsOf(deviceId) ?? { none: '' }).length === 0;
      if (isTagless) attempt(() => this.iot.patchTwin({ deviceId }, { tags }));
    }
    for (const process of [this.#process]) if (process !== undefined) process.callsLeft = Number.POSITIVE_INFINITY;
    this.start();
    this.#noteTags();
  }

  async end(): Promise<void> {
    await this.#endRival();
    this.#kill(this.#process);
    this.agents.stop();
    this.front.close();
    this.iot.close();
  }

  twin(deviceId: string): Twin | undefined {
    const profile = this.#devices.get(deviceId)?.profile;
    if (profile === undefined) return undefined;
    return attempt(() => this.iot.getTwin({ deviceId, moduleId: MODULES[profile] })) as Twin | undefined;
  }

  tagsOf(deviceId: string): JsonObject | undefined {
    const twin = attempt(() => this.iot.getTwin({ deviceId }));
    return twin === undefined ? undefined : ((twin['tags'] ?? {}) as JsonObject);
  }

  async #do(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case 'commit':
        return this.#commit(happening.policy);
      case 'spoilSource':
        return this.#setSource(spoiled(happening.how, toYaml(this.#policy)));
      case 'mendSource':
        return this.#setSource(toYaml(this.#policy));
      case 'drift':
        return this.#writeDesired(
          happening.deviceId,
          (profile) => pathOf(profile, happening.key),
          happening.value,
          true,
        );
      case 'foreign': {
        const path = (profile: ProfileName): readonly string[] =>
          happening.isInside ? [...SECTIONS[profile], 'theirs'] : ['appTeam', 'channel'];
        return this.#writeDesired(happening.deviceId, path, happening.value, false);
      }
      case 'wipeRecord':
        return void attempt(() => this.iot.patchTwin(this.#ref(happening.deviceId), { tags: { twinward: null } }));
      case 'retag':
        return void attempt(() => this.iot.patchTwin({ deviceId: happening.deviceId }, { tags: happening.tags }));
      case 'wipeTags':
        return void this.front.perform({ kind: 'wipeTags', deviceId: happening.deviceId });
      case 'setOnline':
        return this.agents.setOnline(happening.deviceId, happening.isOnline);
      case 'restartAgent':
        return this.agents.restart(happening.deviceId);
      case 'recreateModule':
        return void this.front.perform({ kind: 'recreate', ...this.#ref(happening.deviceId) });
      case 'deleteModule':
        return void this.front.perform({ kind: 'delete', ...this.#ref(happening.deviceId) });
      case 'createModule':
        return this.#createModule(happening.deviceId);
      case 'recreateDevice':
        return void this.front.perform({ kind: 'recreate', deviceId: happening.deviceId, withModules: true });
      case 'deleteDevice':
        return void this.front.perform({ kind: 'delete', deviceId: happening.deviceId });
      case 'createDevice': {
        const device = this.#devices.get(happening.deviceId);
        if (device !== undefined && this.tagsOf(device.deviceId) === undefined) this.#createDevice(device, true);
        return;
      }
      case 'fault':
        this.counts.faults += 1;
        return this.front.faults.add(happening.rule);
      case 'calm':
        return this.front.faults.clear();
      case 'lag':
        this.counts.faults += 1;
        return this.iot.setLag(happening.lag);
      case 'failOver':
        this.counts.faults += 1;
        return void this.iot.failOver(happening.lossMs);
      case 'crash':
        this.counts.faults += 1;
        return this.#crash(happening.downMs);
      case 'crashAtCall':
        this.counts.faults += 1;
        if (this.#process !== undefined) this.#process.callsLeft = happening.calls;
        this.clock.schedule(happening.downMs + RESYNC_MS, () => this.start());
        return;
      case 'stop':
        return this.#stop(happening.downMs);
      case 'rival':
        this.counts.faults += 1;
        return this.#startRival(happening.forMs);
    }
  }

  #commit(policy: Policy): void {
    this.#previous = this.#policy;
    this.#policy = policy;
    this.#setSource(toYaml(policy));
  }

  #setSource(text: string | undefined | Error): void {
    this.#text = text;
    for (const trigger of this.#triggers) trigger();
  }

  #crash(downMs: number): void {
    this.#kill(this.#process);
    this.#process = undefined;
    this.clock.schedule(downMs, () => this.start());
  }

  #stop(downMs: number): void {
    const process = this.#process;
    this.#process = undefined;
    void process?.controller.stop();
    this.clock.schedule(downMs, () => this.start());
  }

  #kill(process: Process | undefined): void {
    if (process === undefined || process.isDead) return;
    process.isDead = true;
    this.tell(`${process.name} is dead`);
  }

  #startRival(forMs: number): void {
    if (this.#rival !== undefined) return;
    const policy = this.#previous;
    const text = toYaml(policy);
    const source: Source = { read: async () => snapshotOf(text), watch: async () => async () => {} };
    this.#rival = this.#startProcess('rival', { source, policyOf: () => policy });
    this.clock.schedule(forMs, () => void this.#endRival());
  }

  async #endRival(): Promise<void> {
    const rival = this.#rival;
    this.#rival = undefined;
    this.#kill(rival);
  }

  #source(): { source: Source; policyOf: () => Policy } {
    const source: Source = {
      read: async () => {
        if (this.#text instanceof Error) throw this.#text;
        return snapshotOf(this.#text);
      },
      watch: async (onTrigger) => {
        const trigger = (): void => void this.clock.schedule(250, onTrigger);
        this.#triggers.add(trigger);
        return async () => void this.#triggers.delete(trigger);
      },
    };
    return { source, policyOf: () => this.#policy };
  }

  #startProcess(name: string, { source, policyOf }: { source: Source; policyOf: () => Policy }): Process {
    this.#starts += 1;
    this.tell(`${name} starts`);
    const policies: Process['policies'] = [];
    const isAlive = (): boolean => !process.isDead;
    const controller = startController({
      source,
      connect: async () => ({ hub: this.#hubFor(() => process), mode: 'Enforce' }),
      onDeclared: () => void policies.push({ policy: policyOf(), atMs: this.clock.now() }),
      clock: {
        now: () => this.clock.now(),
        schedule: (delayMs, callback) => this.clock.schedule(delayMs, () => isAlive() && callback()),
      },
      random: createSeededRandom(this.scenario.seed + this.#starts),
      log: this.#logFor(name),
      holder: `${name}@${this.#starts}`,
      metrics: NO_METRICS,
      resyncPeriodMs: RESYNC_MS,
    });
    const process: Process = { name, controller, isDead: false, policies, callsLeft: Number.POSITIVE_INFINITY };
    return process;
  }

  /** The hub as a process sees it: every call counts, a dead process hears nothing, and every write is judged. */
  #hubFor(processOf: () => Process): Hub {
    const port = inProcessHub(this.iot, { front: this.front, clock: this.clock });
    const call = async <T>(run: () => Promise<T>): Promise<T> => {
      const process = processOf();
      if (process.isDead) return new Promise<never>(() => {});
      this.counts.calls += 1;
      process.callsLeft -= 1;
      const isLast = process.callsLeft <= 0;
      const answer = run();
      if (isLast) {
        this.#kill(process);
        if (process === this.#process) this.#process = undefined;
        answer.catch(() => {});
      }
      try {
        const value = await answer;
        return process.isDead ? await new Promise<never>(() => {}) : value;
      } catch (error) {
        if (process.isDead) return new Promise<never>(() => {});
        throw error;
      }
    };
    async function* pages<T>(list: AsyncIterable<T>): AsyncGenerator<T> {
      const iterator = list[Symbol.asyncIterator]();
      for (;;) {
        const page = await call(() => iterator.next());
        if (page.done === true) return;
        yield page.value;
      }
    }
    return {
      ...port,
      listDevices: (signal) => pages(port.listDevices(signal)),
      listModuleTwins: (moduleIds, signal) => pages(port.listModuleTwins(moduleIds, signal)),
      getDeviceTwin: (deviceId, signal) => call(() => port.getDeviceTwin(deviceId, signal)),
      getModuleTwin: (ref, signal) => call(() => port.getModuleTwin(ref, signal)),
      patchModuleTwin: (ref, patch, etag, signal) =>
        call(() => {
          this.#judge(processOf(), ref, patch, etag);
          return port.patchModuleTwin(ref, patch, etag, signal);
        }),
      createModule: (ref, signal) => call(() => port.createModule(ref, signal)),
      countDevices: (signal) => call(() => port.countDevices(signal)),
    };
  }

  #judge(process: Process, ref: ModuleRef, patch: Parameters<Hub['patchModuleTwin']>[1], etag: string): void {
    this.counts.writes += 1;
    this.tell(`${process.name} writes ${ref.deviceId}/${ref.moduleId} on ${etag}: ${JSON.stringify(patch)}`);
    const before = attempt(() => this.iot.getTwin(ref)) as Twin | undefined;
    const profile = this.#devices.get(ref.deviceId)?.profile;
    if (profile === undefined || MODULES[profile] !== ref.moduleId)
      return this.blame(`${ref.deviceId}/${ref.moduleId}: not ours`);
    // Another etag: the hub will refuse it.
    if (before === undefined || before.etag !== etag) return;
    this.#noteTags();
    const nowMs = this.clock.now();
    const policies = recent(process.policies, nowMs - POLICY_MEMORY_MS).map(({ policy }) => policy);
    const tags = recent(this.#tags.get(ref.deviceId) ?? [], nowMs - TAGS_MEMORY_MS).map((one) => one.tags);
    for (const problem of judge({ deviceId: ref.deviceId, profile, before, patch, policies, tags }))
      this.blame(problem);
  }

  #noteTags(): void {
    for (const { deviceId } of this.scenario.devices) {
      const tags = this.tagsOf(deviceId) ?? {};
      const known = this.#tags.get(deviceId) ?? [];
      if (JSON.stringify(known.at(-1)?.tags) === JSON.stringify(tags)) continue;
      this.#tags.set(deviceId, [...known, { tags, atMs: this.clock.now() }]);
    }
  }

  #logFor(name: string): Log {
    const say = (level: string, message: string, fields: object = {}): void => {
      this.tell(`${name} ${level} ${message} ${JSON.stringify(fields)}`);
      const asked = /twinward\.dev\/approve: (\w+@\d+)/.exec(JSON.stringify(fields))?.[1];
      if (asked !== undefined) this.#asked = asked;
      if (asked !== undefined && this.#isPersonThere) this.#setSource(toYaml(this.#policy, asked));
      if (message.startsWith('Unexpected failure')) this.blame(`${message} ${JSON.stringify(fields)}`);
    };
    return {
      debug: () => {},
      info: (message, fields) => say('info', message, fields),
      warn: (message, fields) => say('warn', message, fields),
      error: (message, fields) => say('error', message, fields),
    };
  }

  #createDevice({ deviceId, profile, tags }: SimDevice, hasModule: boolean): void {
    this.iot.createDevice(deviceId, { deviceId });
    this.iot.patchTwin({ deviceId }, { tags });
    if (hasModule) this.iot.putModule(deviceId, MODULES[profile], {}, undefined);
    this.#noteOne(deviceId, tags);
  }

  #noteOne(deviceId: string, tags: JsonObject): void {
    this.#tags.set(deviceId, [...(this.#tags.get(deviceId) ?? []), { tags, atMs: this.clock.now() }]);
  }

  #createModule(deviceId: string): void {
    const { moduleId } = this.#ref(deviceId);
    attempt(() => this.iot.putModule(deviceId, moduleId, {}, undefined));
  }

  #ref(deviceId: string): ModuleRef {
    return { deviceId, moduleId: MODULES[this.#devices.get(deviceId)?.profile ?? 'acme-guard'] };
  }

  #writeDesired(
    deviceId: string,
    path: (profile: ProfileName) => readonly string[],
    value: Json,
    isSetting: boolean,
  ): void {
    const profile = this.#devices.get(deviceId)?.profile;
    if (profile === undefined) return;
    const desired: JsonObject = {};
    setPath(desired, path(profile), isSetting ? encoded(profile, value) : value);
    attempt(() => this.iot.patchTwin(this.#ref(deviceId), { properties: { desired } }));
  }
}

const NO_METRICS: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

/** Those since then, and the one before them. */
function recent<T extends { readonly atMs: number }>(list: readonly T[], sinceMs: number): readonly T[] {
  const first = list.findLastIndex(({ atMs }) => atMs <= sinceMs);
  return list.slice(Math.max(0, first));
}

function agentOf(deviceId: string, profile: ProfileName): AgentKind {
  if (profile === 'defender-micro-agent') return 'micro';
  if (profile === 'acme-guard') return 'acme-guard';
  return deviceId.length % 2 === 0 ? 'legacy-cs' : 'legacy-c';
}

function spoiled(how: Extract<Happening, { kind: 'spoilSource' }>['how'], text: string): string | undefined | Error {
  switch (how) {
    case 'syntax':
      return `${text}\n---\nkind: [`;
    case 'half':
      // In the middle of a document: a cut between two is a commit like any other.
      return text.slice(0, -10);
    case 'empty':
      return undefined;
    case 'unknownField':
      return text.replace('"priority":', '"priorty":');
    case 'unreadable':
      return new SourceError('Unreadable', 'The folder can not be read.');
  }
}

function snapshotOf(text: string | undefined): Snapshot {
  const bytes = Buffer.from(text ?? '');
  const files = text === undefined ? [] : [{ path: 'all.yaml', bytes }];
  return { revision: `sha256:${digestBytes(bytes)}`, files, partial: false };
}

function describe(happening: Happening): string {
  return happening.kind === 'commit' ? `commit ${JSON.stringify(happening.policy)}` : JSON.stringify(happening);
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
