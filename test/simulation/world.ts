// The world of a scenario: the embedded hub, agents, other writers, a folder of manifests, and real controllers over a
// simulated clock. Nothing here sleeps, and nothing leaves the process.
import type { ControllerStatus } from '../../src/controller/status/status.ts';
import { ReservedStore } from '../../src/controller/lease/reserved-store.ts';
import { changeSuspensions, withSuspension } from '../../src/controller/lease/suspensions.ts';
import type { AgentKind } from '../../src/emulator/agents/kinds.ts';
import { runAgents, type RunningAgents } from '../../src/emulator/agents/run-agents.ts';
import { FrontDoor } from '../../src/emulator/front-door.ts';
import type { ChangeEvent } from '../../src/emulator/hub/change-events.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { ServiceError } from '../../src/emulator/hub/service-error.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { digestBytes } from '../../src/model/digest.ts';
import { SourceError } from '../../src/model/errors.ts';
import { getPath, isObject, setPath, type Json, type JsonObject } from '../../src/model/json.ts';
import { reservedDeviceId, RESERVED_TAG } from '../../src/model/reserved-device.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { ModuleRef, Twin, TwinPatch } from '../../src/model/twin.ts';
import { isWriteEvent, type ControllerEvent } from '../../src/model/event.ts';
import type { Source } from '../../src/ports/source.ts';
import { CallRates, type CallKind } from './call-rates.ts';
import { Evidence } from './evidence.ts';
import { encoded, judge, NEWER_VERSION, ownersIn, pathOf, SECTIONS } from './oracle.ts';
import { MODULES, toFiles, type Policy, type ProfileName } from './policy.ts';
import { SimProcess } from './process.ts';
import type { Event, Happening, Scenario, SimDevice, Stopped } from './scenario.ts';
import { SimFeed } from './sim-feed.ts';
import { createSimClock, type SimClock } from './sim-clock.ts';

export const START_MS = Date.UTC(2026, 10, 24);
export const RESYNC_MS = 5 * 60_000;
const HISTORY_MS = 15 * 60_000;
/** Simulated agents rarely check their connection, because months may pass. */
const AGENT_CHECK_MS = 10 * 60_000;
/** From a change of a folder to the word of it. */
const WATCH_MS = 250;
/** Two that never give in meet five or six times and then twice an hour, for each setting that they fight over. */
const FIGHT_MS = 60 * 60_000;
const CORRECTIONS_MAX = 20;
/** Within which what a guard has let through is counted: less than between two passes. */
const GUARD_MS = 4 * 60_000;
/** Writes that guards count. */
const GUARDED: ReadonlySet<string> = new Set([
  'ConfigurationChanged',
  'FirstConfiguration',
  'SettingRemoved',
  'LeftGroup',
  'OwnerRemoved',
]);
/** A hub that fell back may have forgotten who holds the lease: the next renewal finds out. */
const LEASE_DOUBT_MS = 2 * 60_000;

export interface Counts {
  calls: number;
  writes: number;
  faults: number;
  /** How often each reason was reported for a twin: by events, and by status after each event of the scenario. */
  readonly reasons: Map<string, number>;
}

type Files = readonly { readonly path: string; readonly text: string }[];

export class World {
  readonly clock: SimClock;
  readonly iot: IotHub;
  readonly front: FrontDoor;
  readonly agents: RunningAgents;
  readonly #feed: SimFeed;
  readonly scenario: Scenario;
  readonly evidence: Evidence;
  readonly counts: Counts = { calls: 0, writes: 0, faults: 0, reasons: new Map() };
  readonly #history: (readonly [atMs: number, text: () => string])[] = [];
  readonly violations: string[] = [];
  /** Writes that removed a record without owners, long after the contests in it were over. */
  forgotten = 0;
  /** Every write that was sent, whatever its result. */
  readonly patches: { readonly deviceId: string; readonly patch: TwinPatch }[] = [];
  readonly devices: ReadonlyMap<string, SimDevice>;
  #policy: Policy;
  #previous: Policy;
  #source: Snapshot | SourceError;
  readonly #guarded = new Map<string, { readonly deviceId: string; readonly atMs: number }[]>();
  #failedOverAtMs = Number.NEGATIVE_INFINITY;
  readonly #triggers = new Set<() => void>();
  /** Once all is calm a person reads what is held, and lets it pass. */
  #isPersonThere = false;
  #asked: string | undefined;
  readonly #processes: SimProcess[] = [];
  #process: SimProcess | undefined;
  #rival: SimProcess | undefined;
  #starts = 0;
  #cancelStart = (): void => {};
  #hostileUntilMs = 0;
  /** By device: when drift was corrected, of late. */
  readonly #corrections = new Map<string, readonly number[]>();
  readonly #random: SeededRandom;
  /** Undefined where the manifests declare no capacity, in all of the scenario. */
  readonly #rates: CallRates | undefined;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#random = createSeededRandom(scenario.seed ^ 0x5eed);
    this.clock = createSimClock(START_MS);
    const { clock } = this;
    const limits = { pageSizeMax: scenario.pageSize };
    this.iot = new IotHub({ hostName: 'sim.azure-devices.net', clock, random: this.#random, limits });
    this.iot.setHistory(HISTORY_MS);
    this.front = new FrontDoor({ hub: this.iot, clock, random: this.#random, isMetered: false });
    this.devices = new Map(scenario.devices.map((device) => [device.deviceId, device]));
    this.evidence = new Evidence(this.devices);
    this.#feed = new SimFeed(clock, createSeededRandom(scenario.seed ^ 0xfeed));
    this.iot.listen((event) => {
      this.#notice(event);
      this.#feed.take(event);
    });
    for (const device of scenario.devices) if (device.isThere) this.#createDevice(device, device.hasModule);
    const placements = scenario.devices.map(({ deviceId, profile, firmware, isOnline, slowMs }) => ({
      deviceId,
      agent: { kind: agentOf(deviceId, profile), firmware },
      isOnline,
      slowMs,
    }));
    this.agents = runAgents(this.iot, placements, clock, createSeededRandom(scenario.seed ^ 0xa6e), AGENT_CHECK_MS);
    const { throttle } = scenario.first;
    this.#rates = throttle === undefined ? undefined : new CallRates(throttle / 100);
    this.#policy = scenario.first;
    this.#previous = scenario.first;
    this.#source = snapshotOf(toFiles(scenario.first, START_MS));
    this.start();
  }

  get policy(): Policy {
    return this.#policy;
  }

  /** Counts from the start. */
  get nowMs(): number {
    return this.clock.now() - START_MS;
  }

  /** Of the process that runs. */
  get process(): SimProcess | undefined {
    return this.#process;
  }

  get status(): ControllerStatus | undefined {
    return this.#process?.controller.status();
  }

  /** What each part read and did, as text. */
  get history(): string[] {
    return this.#history.map(([atMs, text]) => `${(atMs / 1_000).toFixed(3).padStart(10)}  ${text()}`);
  }

  /** Most histories are never read: entries are immutable, and become text on demand. */
  tell(text: () => string): void {
    this.#history.push([this.nowMs, text]);
  }

  blame(text: string): void {
    this.tell(() => `VIOLATION ${text}`);
    this.violations.push(text);
  }

  noteReason(reason: string): void {
    this.counts.reasons.set(reason, (this.counts.reasons.get(reason) ?? 0) + 1);
  }

  start(): void {
    this.#cancelStart();
    this.#process ??= this.#startProcess('controller', this.#folder(), () => this.#policy);
  }

  /** Runs until then, and stops at the first violation. */
  async runUntil(ms: number): Promise<void> {
    await this.clock.runUntil(START_MS + ms, () => this.violations.length > 0);
  }

  async happen({ happening }: Event): Promise<void> {
    this.tell(() =>
      happening.kind === 'commit' ? `commit ${JSON.stringify(happening.policy)}` : JSON.stringify(happening),
    );
    await this.#do(happening);
  }

  /** Ends all faults, reconnects all devices, and sets this policy. */
  async calmDown(policy: Policy): Promise<void> {
    this.tell(() => 'everything calms down');
    this.front.faults.clear();
    this.front.clockSkewMs = 0;
    this.iot.setLag(undefined);
    this.#feed.mend();
    this.#hostileUntilMs = 0;
    this.#rival?.kill();
    this.#endAutomatics(Object.keys(MODULES) as ProfileName[]);
    await this.#resume();
    this.#commit(policy);
    this.#isPersonThere = true;
    this.#setSource(toFiles(policy, START_MS, this.#asked));
    for (const device of this.scenario.devices) {
      const { deviceId, tags } = device;
      this.agents.setOnline(deviceId, true);
      // After a failover the hub may trust an outdated report: a restart of the agent fixes that.
      this.agents.restart(deviceId);
      // A device without tags keeps its values, by design: restore the tags.
      const isTagless = Object.keys(this.tagsOf(deviceId) ?? { none: '' }).length === 0;
      if (isTagless) attempt(() => this.iot.patchTwin({ deviceId }, { tags }));
    }
    if (this.#process !== undefined) this.#process.callsLeft = Number.POSITIVE_INFINITY;
    this.start();
  }

  end(): void {
    for (const process of this.#processes) process.bury();
    this.agents.stop();
    this.front.close();
    this.iot.close();
  }

  twin(deviceId: string): Twin | undefined {
    const profile = this.devices.get(deviceId)?.profile;
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
        return this.#setSource(spoiled(happening.how, toFiles(this.#policy, START_MS)));
      case 'mendSource':
        return this.#setSource(toFiles(this.#policy, START_MS));
      case 'drift':
        return this.#drift(happening);
      case 'hostile':
        this.#hostileUntilMs = Math.max(this.#hostileUntilMs, this.nowMs + happening.forMs);
        return this.#driftAgain(happening, this.nowMs + happening.forMs);
      case 'foreign': {
        const path = (profile: ProfileName): readonly string[] =>
          happening.isInside ? [...SECTIONS[profile], 'theirs'] : ['appTeam', 'channel'];
        return this.#writeDesired(happening.deviceId, path, () => happening.value);
      }
      case 'wipeRecord':
        return void attempt(() => this.iot.patchTwin(this.#ref(happening.deviceId), { tags: { twinward: null } }));
      case 'newerRecord':
        return this.#writeRecord(happening.deviceId, { default: { v: NEWER_VERSION } });
      case 'otherInstance':
        return this.#writeRecord(happening.deviceId, { other: { v: 1, own: {} } });
      case 'retag':
        return void attempt(() => this.iot.patchTwin({ deviceId: happening.deviceId }, { tags: happening.tags }));
      case 'wipeTags':
        return void this.front.perform({ kind: 'wipeTags', deviceId: happening.deviceId });
      case 'setOnline':
        return this.agents.setOnline(happening.deviceId, happening.isOnline);
      case 'restartAgent':
        return this.agents.restart(happening.deviceId);
      case 'recreateModule':
      case 'deleteModule':
      case 'createModule':
      case 'recreateDevice':
      case 'deleteDevice':
      case 'createDevice':
        return this.#changeIdentity(happening.kind, happening.deviceId);
      case 'automatic':
        return this.#startAutomatic(happening);
      case 'endAutomatic':
        return this.#endAutomatics([happening.profile]);
      case 'suspend':
        return this.#suspend(happening.what, happening.forMs);
      case 'resume':
        return this.#resume();
      case 'fault':
        this.counts.faults += 1;
        return this.front.faults.add(happening.rule);
      case 'calm':
        this.front.clockSkewMs = 0;
        return this.front.faults.clear();
      case 'lag':
        this.counts.faults += 1;
        return this.iot.setLag(happening.lag);
      case 'failOver':
        this.counts.faults += 1;
        this.front.perform({ kind: 'failOver', lossMs: happening.lossMs });
        this.evidence.doubtSuspensions(this.nowMs - happening.lossMs);
        this.#failedOverAtMs = this.nowMs;
        return this.#noteAllTags();
      case 'breakFeed':
        this.counts.faults += 1;
        return this.#feed.breakFor(happening.forMs);
      case 'hubClock':
        this.counts.faults += 1;
        this.front.clockSkewMs = happening.aheadMs;
        return;
      case 'crash':
        this.counts.faults += 1;
        this.#process?.kill();
        return this.#startLater(happening.downMs);
      case 'crashAtCall':
        this.counts.faults += 1;
        if (this.#process !== undefined) this.#process.callsLeft = happening.calls;
        return this.#startLater(happening.downMs + RESYNC_MS);
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
    this.#setSource(toFiles(policy, START_MS));
  }

  #setSource(files: Files | SourceError): void {
    this.#source = files instanceof SourceError ? files : snapshotOf(files);
    for (const trigger of this.#triggers) trigger();
  }

  #stop(downMs: number): void {
    const process = this.#process;
    this.#process = undefined;
    process?.stop();
    this.#startLater(downMs);
  }

  #startLater(delayMs: number): void {
    this.#cancelStart();
    this.#cancelStart = this.clock.schedule(delayMs, () => this.start());
  }

  #startRival(forMs: number): void {
    if (this.#rival !== undefined) return;
    const policy = this.#previous;
    const snapshot = snapshotOf(toFiles(policy, START_MS));
    const source: Source = { read: async () => snapshot, watch: async () => async () => {} };
    const rival = this.#startProcess('rival', source, () => policy);
    this.#rival = rival;
    this.clock.schedule(forMs, () => rival.kill());
  }

  #folder(): Source {
    return {
      read: async () => {
        if (this.#source instanceof SourceError) throw this.#source;
        return this.#source;
      },
      watch: async (onTrigger) => {
        const trigger = (): void => void this.clock.schedule(WATCH_MS, onTrigger);
        this.#triggers.add(trigger);
        return async () => void this.#triggers.delete(trigger);
      },
    };
  }

  #startProcess(kind: 'controller' | 'rival', source: Source, policyOf: () => Policy): SimProcess {
    this.#starts += 1;
    const name = `${kind}-${this.#starts}`;
    this.tell(() => `${name} starts`);
    const process = new SimProcess(name, {
      source,
      hub: inProcessHub(this.iot, { front: this.front, clock: this.clock }),
      feed: this.#feed,
      clock: this.clock,
      clockOffsetMs: this.scenario.clockOffsetMs,
      seed: this.scenario.seed + this.#starts,
      resyncPeriodMs: RESYNC_MS,
      log: ({ name: who }, level, message, fields) => this.#hear(who, level, message, fields),
      onCall: (caller, kind) => this.#noteCall(caller, kind),
      onEvent: (reader, event) => this.#hearEvent(reader, event),
      onWrite: (writer, ref, patch, etag) => this.#judge(writer, ref, patch, etag),
      onWritten: (twin) => this.#checkEtag(twin),
      onDeclared: (reader) => this.evidence.notePolicy(reader.name, policyOf(), this.nowMs),
      onEnd: (dead) => this.#noteEnd(dead),
    });
    this.#processes.push(process);
    return process;
  }

  #noteCall({ name }: SimProcess, kind: CallKind): void {
    this.counts.calls += 1;
    const problem = this.#rates?.note(name, kind, this.nowMs);
    if (problem !== undefined) this.blame(problem);
  }

  #noteEnd(process: SimProcess): void {
    this.tell(() => `${process.name} is dead`);
    if (this.#process === process) this.#process = undefined;
    if (this.#rival === process) this.#rival = undefined;
  }

  #hear(who: string, level: string, message: string, fields: object): void {
    this.tell(() => `${who} ${level} ${message} ${JSON.stringify(fields)}`);
    if (level === 'info') return;
    const text = JSON.stringify(fields);
    const asked = /twinward\.dev\/approve: (\w+@\d+)/.exec(text)?.[1];
    if (asked !== undefined) this.#asked = asked;
    if (asked !== undefined && this.#isPersonThere) this.#setSource(toFiles(this.#policy, START_MS, asked));
    if (message.startsWith('Unexpected failure')) this.blame(`${message} ${text}`);
  }

  #hearEvent({ name }: SimProcess, event: ControllerEvent): void {
    if (!isWriteEvent(event)) return;
    const { reason, deviceId } = event;
    this.noteReason(reason);
    if (GUARDED.has(reason)) this.#checkGuard(name, deviceId);
    if (reason !== 'Drift') return;
    const since = this.nowMs - FIGHT_MS;
    const times = [...(this.#corrections.get(deviceId) ?? []).filter((atMs) => atMs > since), this.nowMs];
    this.#corrections.set(deviceId, times);
    if (times.length > CORRECTIONS_MAX) this.blame(`${deviceId}: ${times.length} corrections within an hour`);
  }

  /** No pass changes more twins than the guard lets through; commits and two passes may fall into the same minutes. */
  #checkGuard(name: string, deviceId: string): void {
    const since = this.nowMs - GUARD_MS;
    const writes = [
      ...(this.#guarded.get(name) ?? []).filter(({ atMs }) => atMs > since),
      { deviceId, atMs: this.nowMs },
    ];
    this.#guarded.set(name, writes);
    const limits = this.evidence
      .policiesOf(name, since)
      .map(({ maxChanged }) => maxChanged ?? Number.POSITIVE_INFINITY);
    const changed = new Set(writes.map((write) => write.deviceId)).size;
    const limit = Math.max(...limits) * (limits.length + 1);
    if (changed > limit) this.blame(`${changed} twins changed in minutes, and the guard lets ${limit} through`);
  }

  /** Later lists are judged by the etag in the record, so it must be right. */
  #checkEtag({ deviceId, moduleId, etag, tags }: Twin): void {
    const record = getPath(tags, ['twinward', 'default']);
    if (isObject(record) && record['etag'] !== etag) {
      this.blame(`${deviceId}/${moduleId}: the record says ${JSON.stringify(record['etag'])}, the twin has ${etag}`);
    }
  }

  /** One writer at a time: the writer must hold the lease, unless the hub has lost it. */
  #checkLease({ name }: SimProcess): void {
    const { tags } = (attempt(() => this.iot.getTwin({ deviceId: reservedDeviceId('default') })) ??
      {}) as Partial<Twin>;
    const holder = getPath(tags, [RESERVED_TAG, 'lease', 'holder']);
    const isDoubtful = this.nowMs < this.#failedOverAtMs + LEASE_DOUBT_MS;
    if (holder !== name && !isDoubtful) this.blame(`${name} writes, and ${JSON.stringify(holder)} has the lease`);
  }

  #judge(process: SimProcess, ref: ModuleRef, patch: TwinPatch, etag: string): void {
    this.counts.writes += 1;
    this.patches.push({ deviceId: ref.deviceId, patch });
    this.tell(() => `${process.name} writes ${ref.deviceId}/${ref.moduleId} on ${etag}: ${JSON.stringify(patch)}`);
    this.#checkLease(process);
    const before = attempt(() => this.iot.getTwin(ref)) as Twin | undefined;
    const device = this.devices.get(ref.deviceId);
    if (device === undefined || MODULES[device.profile] !== ref.moduleId) {
      return this.blame(`${ref.deviceId}/${ref.moduleId}: not ours`);
    }
    // Another etag: the hub will refuse it.
    if (before === undefined || before.etag !== etag) return;
    const isRecordTaken = [['twinward'], ['twinward', 'default']].some((path) => getPath(patch.tags, path) === null);
    if (patch.properties === undefined && isRecordTaken && ownersIn(before).size === 0) this.forgotten += 1;
    const sight = this.evidence.sightOf(process.name, ref.deviceId, this.nowMs);
    const isRead = process.hasLookedAt(ref.deviceId, etag);
    for (const problem of judge({ device, before, patch, isRead, ...sight })) this.blame(problem);
  }

  #notice({ deviceId, moduleId, body, source }: ChangeEvent): void {
    if (moduleId === undefined) {
      if (source !== 'deviceConnectionStateEvents' && this.devices.has(deviceId)) this.#noteTags(deviceId);
      return;
    }
    const { desired } = isObject(body['properties']) ? body['properties'] : {};
    if (isObject(desired)) this.evidence.noteDesired(deviceId, desired);
  }

  #noteTags(deviceId: string): void {
    this.evidence.noteTags(deviceId, this.tagsOf(deviceId) ?? {}, this.nowMs);
  }

  #noteAllTags(): void {
    for (const deviceId of this.devices.keys()) this.#noteTags(deviceId);
  }

  #createDevice({ deviceId, tags, isManagedByEdge, profile }: SimDevice, hasModule: boolean): void {
    this.iot.createDevice(deviceId, { deviceId, ...(isManagedByEdge ? { capabilities: { iotEdge: true } } : {}) });
    this.iot.patchTwin({ deviceId }, { tags });
    if (hasModule || isManagedByEdge) this.#createModule(deviceId, profile, isManagedByEdge);
  }

  #createModule(deviceId: string, profile: ProfileName, isManagedByEdge: boolean): void {
    const body = isManagedByEdge ? { managedBy: 'IotEdge' } : {};
    attempt(() => this.iot.putModule(deviceId, MODULES[profile], body, undefined));
  }

  #changeIdentity(kind: Extract<Happening, { deviceId: string }>['kind'], deviceId: string): void {
    const device = this.devices.get(deviceId);
    // IoT Edge recreates its own modules as they were.
    if (device === undefined || device.isManagedByEdge) return;
    const ref = this.#ref(deviceId);
    if (kind === 'recreateModule') this.front.perform({ kind: 'recreate', ...ref });
    if (kind === 'deleteModule') this.front.perform({ kind: 'delete', ...ref });
    if (kind === 'createModule') this.#createModule(deviceId, device.profile, false);
    if (kind === 'recreateDevice') this.front.perform({ kind: 'recreate', deviceId, withModules: true });
    if (kind === 'deleteDevice') this.front.perform({ kind: 'delete', deviceId });
    if (kind === 'createDevice' && this.tagsOf(deviceId) === undefined) this.#createDevice(device, true);
  }

  #ref(deviceId: string): ModuleRef {
    return { deviceId, moduleId: MODULES[this.devices.get(deviceId)?.profile ?? 'acme-guard'] };
  }

  #drift({ deviceId, key, value }: { readonly deviceId: string; readonly key: string; readonly value: Json }): void {
    this.#writeDesired(
      deviceId,
      (profile) => pathOf(profile, key),
      (profile) => encoded(profile, value),
    );
  }

  #driftAgain(happening: Extract<Happening, { kind: 'hostile' }>, untilMs: number): void {
    if (this.nowMs > untilMs || this.#hostileUntilMs === 0) return;
    this.#drift(happening);
    this.clock.schedule(happening.everyMs, () => this.#driftAgain(happening, untilMs));
  }

  #writeDesired(
    deviceId: string,
    path: (profile: ProfileName) => readonly string[],
    value: (profile: ProfileName) => Json,
  ): void {
    const profile = this.devices.get(deviceId)?.profile;
    if (profile === undefined) return;
    const desired: JsonObject = {};
    setPath(desired, path(profile), value(profile));
    attempt(() => this.iot.patchTwin(this.#ref(deviceId), { properties: { desired } }));
  }

  #writeRecord(deviceId: string, records: JsonObject): void {
    attempt(() => this.iot.patchTwin(this.#ref(deviceId), { tags: { twinward: records } }));
  }

  #startAutomatic({ profile, key, value }: Extract<Happening, { kind: 'automatic' }>): void {
    const id = `automatic-${profile}`;
    const body = {
      id,
      priority: 10,
      targetCondition: `from devices.modules where moduleId = '${MODULES[profile]}'`,
      content: { moduleContent: { [`properties.desired.${pathOf(profile, key).join('.')}`]: encoded(profile, value) } },
    };
    attempt(() => this.iot.putConfiguration(id, body, undefined));
  }

  #endAutomatics(profiles: readonly ProfileName[]): void {
    for (const profile of profiles) attempt(() => this.iot.deleteConfiguration(`automatic-${profile}`, undefined));
  }

  /** By a person, whose calls nothing disturbs. */
  async #suspend(what: Stopped, forMs: number): Promise<void> {
    const untilMs = this.clock.now() + forMs;
    const one = { ...what, who: 'ops@console', reason: 'an incident', untilMs };
    await this.#changeSuspensions((all) => withSuspension(all, one));
    this.evidence.noteSuspension(what, this.nowMs, untilMs - START_MS);
  }

  async #resume(): Promise<void> {
    await this.#changeSuspensions(() => []);
    this.evidence.endSuspensions(this.nowMs);
  }

  async #changeSuspensions(change: Parameters<typeof changeSuspensions>[1]): Promise<void> {
    const state = new ReservedStore(inProcessHub(this.iot), 'default');
    await changeSuspensions({ state, nowMs: this.clock.now() }, change, new AbortController().signal);
  }
}

function agentOf(deviceId: string, profile: ProfileName): AgentKind {
  if (profile === 'defender-micro-agent') return 'micro';
  if (profile === 'acme-guard') return 'acme-guard';
  return deviceId.length % 2 === 0 ? 'legacy-cs' : 'legacy-c';
}

function spoiled(how: Extract<Happening, { kind: 'spoilSource' }>['how'], files: Files): Files | SourceError {
  const [first, ...others] = files;
  if (first === undefined) return files;
  const withFirst = (text: string): Files => [{ path: first.path, text }, ...others];
  switch (how) {
    case 'syntax':
      return withFirst(`${first.text}\n---\nkind: [`);
    case 'half':
      // In the middle of a document: a cut between two is a commit like any other.
      return withFirst(first.text.slice(0, -10));
    case 'empty':
      return [];
    case 'unknownField':
      return withFirst(first.text.replace('metadata:', 'metdata:'));
    case 'unreadable':
      return new SourceError('Unreadable', 'The folder can not be read.');
  }
}

export function snapshotOf(files: Files): Snapshot {
  const revision = `sha256:${digestBytes(files.map(({ path, text }) => `${path}\0${text}`).join('\0'))}`;
  return { revision, files: files.map(({ path, text }) => ({ path, bytes: Buffer.from(text) })), partial: false };
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
