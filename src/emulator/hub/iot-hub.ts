// The embedded IoT Hub: one deterministic state machine. Requests in, answers or ServiceError out; no sockets, and no
// time but the injected clock.
import type { JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { Agenda } from './agenda.ts';
import { bulk, type BulkResult } from './identities/bulk.ts';
import { ChangeEvents, type ChangeListener } from './change-events.ts';
import { wireConfiguration } from './configurations/configuration.ts';
import { applyContent } from './configurations/edge-modules.ts';
import * as configurations from './configurations/registry.ts';
import { Connections, type DesiredListener, type DeviceConnection } from './connections.ts';
import type { HubContext } from './context.ts';
import { failOver } from './fail-over.ts';
import { RecentHistory } from './history.ts';
import * as devices from './identities/identities.ts';
import { wireJob } from './jobs/job.ts';
import * as jobs from './jobs/registry.ts';
import type { HubDump, Journal, JournalRecord } from './journal.ts';
import { HUB_LIMITS, type HubLimits } from './limits.ts';
import * as modules from './identities/module-identities.ts';
import { type IndexLag, lagMsMax } from './query/lagging-index.ts';
import { laggingQuery } from './query/lagging-query.ts';
import { type QueryOptions, type QueryPage, runQuery } from './query/query.ts';
import type { IdentityRef } from './record.ts';
import { HubState } from './state.ts';
import { wireTwin } from './twins/twin-fields.ts';
import { patchTwin, replaceTwin, requireTwin } from './twins/twins.ts';

export interface IotHubOptions {
  /** `acme-prod.azure-devices.net`. */
  readonly hostName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal?: Journal | undefined;
  readonly limits?: Partial<HubLimits> | undefined;
}

/**
 * Every method throws ServiceError for the service's refusals. Answers share their parts with the hub's memory: do not
 * change them; inputs are copied. `ifMatch` is the header as received: quoted, weak or bare.
 */
export class IotHub {
  readonly hostName: string;
  readonly #context: HubContext;
  readonly #agenda: Agenda;
  readonly #history = new RecentHistory();
  #historyMs = 0;
  #lag: IndexLag | undefined;

  constructor(options: IotHubOptions) {
    const { hostName, clock, random, journal } = options;
    const limits = { ...HUB_LIMITS, ...options.limits };
    const state = new HubState(journal);
    const events = new ChangeEvents();
    const connections = new Connections({ state, clock, limits, events });
    this.hostName = hostName;
    const switches = { nullHazard: false, keepsLeftSettings: false };
    this.#context = { hostName, clock, random, limits, state, connections, events, switches };
    this.#agenda = new Agenda(this.#context);
  }

  /** A hub restored from a dump and the journal since. It has no connections. */
  static restore(options: IotHubOptions, dump: HubDump | undefined, records: Iterable<JournalRecord> = []): IotHub {
    const hub = new IotHub(options);
    const { state } = hub.#context;
    if (dump !== undefined) state.load(dump);
    for (const record of records) state.apply(record);
    const { identities } = state.dump();
    const online = identities.filter((record) => record.connected);
    state.apply({ put: online.map((record) => ({ ...record, connected: false })), removed: [] });
    // Twins may still name a configuration that was deleted last.
    if (state.configurations.size > 0 || identities.some((record) => record.configurations !== undefined)) {
      hub.#agenda.evaluateSoon();
    }
    hub.#agenda.arm();
    return hub;
  }

  dump(): HubDump {
    return this.#context.state.dump();
  }

  createDevice(id: string, body: unknown): JsonObject {
    return devices.wireDevice(devices.createDevice(this.#context, id, body));
  }

  updateDevice(id: string, body: unknown, ifMatch: string | undefined): JsonObject {
    return devices.wireDevice(devices.updateDevice(this.#context, id, body, ifMatch));
  }

  /** Creates without If-Match, updates with it. */
  putDevice(id: string, body: unknown, ifMatch: string | undefined): JsonObject {
    return devices.wireDevice(devices.putDevice(this.#context, id, body, ifMatch));
  }

  getDevice(id: string): JsonObject {
    return devices.wireDevice(devices.requireDevice(this.#context, id));
  }

  listDevices(top?: number): JsonObject[] {
    return devices.listDevices(this.#context, top).map((device) => devices.wireDevice(device));
  }

  deleteDevice(id: string, ifMatch: string | undefined): void {
    devices.deleteDevice(this.#context, id, ifMatch);
  }

  /** Creates without If-Match, updates with it. */
  putModule(deviceId: string, moduleId: string, body: unknown, ifMatch: string | undefined): JsonObject {
    return modules.wireModule(modules.putModule(this.#context, { deviceId, moduleId }, body, ifMatch));
  }

  getModule(deviceId: string, moduleId: string): JsonObject {
    return modules.wireModule(modules.requireModule(this.#context, { deviceId, moduleId }));
  }

  listModules(deviceId: string): JsonObject[] {
    return modules.listModules(this.#context, deviceId).map((module) => modules.wireModule(module));
  }

  deleteModule(deviceId: string, moduleId: string, ifMatch: string | undefined): void {
    modules.deleteModule(this.#context, { deviceId, moduleId }, ifMatch);
  }

  bulk(entries: unknown): BulkResult {
    return bulk(this.#context, entries);
  }

  getTwin(ref: IdentityRef): JsonObject {
    return wireTwin(requireTwin(this.#context, ref));
  }

  patchTwin(ref: IdentityRef, body: unknown, ifMatch?: string): JsonObject {
    return wireTwin(patchTwin(this.#context, ref, body, ifMatch));
  }

  replaceTwin(ref: IdentityRef, body: unknown, ifMatch?: string): JsonObject {
    return wireTwin(replaceTwin(this.#context, ref, body, ifMatch));
  }

  query(text: string, options: QueryOptions = {}): QueryPage {
    const { state, limits } = this.#context;
    const all = { ...options, pageSizeMax: limits.pageSizeMax, jobRows: () => jobs.allJobRows(this.#context) };
    if (this.#lag === undefined) return runQuery(state, text, all);
    const time = { nowMs: this.#context.clock.now(), lag: this.#lag, history: this.#history };
    return laggingQuery(state, time, text, all);
  }

  get lag(): IndexLag | undefined {
    return this.#lag;
  }

  /** Makes queries lag from now on; undefined ends that. Earlier history is lost. */
  setLag(lag: IndexLag | undefined): void {
    this.#lag = lag;
    this.#keepHistory();
  }

  /** How far back failover can go; 0 by default. */
  get historyMs(): number {
    return this.#historyMs;
  }

  setHistory(historyMs: number): void {
    this.#historyMs = historyMs;
    this.#keepHistory();
  }

  /** Undoes the last milliseconds, as far as the history reaches; returns the number of changed records. */
  failOver(lossMs: number): number {
    return failOver(this.#context, this.#history, lossMs);
  }

  get nullHazard(): boolean {
    return this.#context.switches.nullHazard;
  }

  /** Reproduces azure-iot-sdk-node#683: nulls for absent keys remove their sibling keys. */
  setNullHazard(isOn: boolean): void {
    this.#context.switches.nullHazard = isOn;
  }

  statistics(): { totalDeviceCount: number; enabledDeviceCount: number; disabledDeviceCount: number } {
    const { devices: total, disabled } = this.#context.state.counts;
    return { totalDeviceCount: total, enabledDeviceCount: total - disabled, disabledDeviceCount: disabled };
  }

  serviceStatistics(): { connectedDeviceCount: number } {
    return { connectedDeviceCount: this.#context.state.counts.connectedDevices };
  }

  /** Without a quoted If-Match creates, with it updates. Twins follow soon, and then every five minutes. */
  putConfiguration(id: string, body: unknown, ifMatch: string | undefined): JsonObject {
    const record = configurations.putConfiguration(this.#context, id, body, ifMatch);
    this.#agenda.evaluateSoon();
    return wireConfiguration(record);
  }

  getConfiguration(id: string): JsonObject {
    return wireConfiguration(configurations.requireConfiguration(this.#context, id));
  }

  listConfigurations(): JsonObject[] {
    return configurations.listConfigurations(this.#context).map((record) => wireConfiguration(record));
  }

  deleteConfiguration(id: string, ifMatch: string | undefined): void {
    configurations.deleteConfiguration(this.#context, id, ifMatch);
    this.#agenda.evaluateSoon();
  }

  /** Checks a target condition and metrics; creates nothing. */
  testQueries(body: unknown): JsonObject {
    return configurations.testQueries(body);
  }

  /** Creates the modules of a manifest on one edge device, at once. */
  applyConfigurationContent(deviceId: string, content: unknown): void {
    applyContent(this.#context, deviceId, content);
  }

  get keepsLeftSettings(): boolean {
    return this.#context.switches.keepsLeftSettings;
  }

  /** Keeps a configuration's values on twins that it no longer targets, contrary to the documentation. */
  setKeepsLeftSettings(isOn: boolean): void {
    this.#context.switches.keepsLeftSettings = isOn;
  }

  createJob(jobId: string, body: unknown): JsonObject {
    const job = jobs.createJob(this.#context, jobId, body);
    this.#agenda.arm();
    return wireJob(job);
  }

  getJob(jobId: string): JsonObject {
    return jobs.readJob(this.#context, jobId);
  }

  cancelJob(jobId: string): JsonObject {
    const job = jobs.cancelJob(this.#context, jobId);
    this.#agenda.arm();
    return wireJob(job);
  }

  listJobs(filter: jobs.JobFilter = {}): { readonly items: JsonObject[]; readonly continuation?: string } {
    return jobs.listJobs(this.#context, filter);
  }

  /** Stops scheduled work: jobs and configurations wait until the hub is restored. Idempotent. */
  close(): void {
    this.#agenda.close();
  }

  /** For checking tokens. Undefined if the identity does not exist or has no keys. */
  identityKeys(ref: IdentityRef): { primary: string; secondary: string } | undefined {
    const authentication = this.#context.state.find(ref)?.authentication;
    if (authentication?.type !== 'sas') return undefined;
    return { primary: authentication.primaryKey, secondary: authentication.secondaryKey };
  }

  /** Notifies one listener of each change, synchronously after its commit; undefined removes it. */
  listen(listener: ChangeListener | undefined): void {
    this.#context.events.listen(listener);
  }

  /** The device side. `onDesired` is called synchronously after the commit of the write. */
  connect(ref: IdentityRef, onDesired: DesiredListener, onClosed?: () => void, modelId?: string): DeviceConnection {
    return this.#context.connections.connect(ref, onDesired, onClosed, modelId);
  }

  /** The history is off while nothing needs it, so writes cost nothing more. */
  #keepHistory(): void {
    const { clock, state } = this.#context;
    const keepMs = Math.max(this.#historyMs, this.#lag === undefined ? 0 : lagMsMax(this.#lag));
    this.#history.keep(keepMs, clock.now());
    state.watch(keepMs === 0 ? undefined : (before, after) => this.#history.record(before, after, clock.now()));
  }
}
