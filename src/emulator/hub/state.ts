// The hub's memory: every record, by id and in order, and the only place that changes it.
import type { ConfigurationRecord } from './configurations/configuration.ts';
import type { JobRecord } from './jobs/job.ts';
import type { Changes, HubDump, Journal, JournalRecord } from './journal.ts';
import { type HubRecord, type IdentityRef, refKey } from './record.ts';
import { OrderedRows } from './rows.ts';

export type RowSource = 'devices' | 'modules';

const NO_MODULES: readonly HubRecord[] = [];

/** One record's change: `before` is undefined for a new record, `after` for a deleted one. */
export type RecordWatcher = (before: HubRecord | undefined, after: HubRecord | undefined) => void;

/** A device and its modules in the order of their creation. */
interface DeviceEntry {
  readonly device: HubRecord;
  readonly modules: readonly HubRecord[];
}

export class HubState {
  readonly #entries = new Map<string, DeviceEntry>();
  readonly #rows = { devices: new OrderedRows(), modules: new OrderedRows() };
  readonly #configurations = new Map<string, ConfigurationRecord>();
  readonly #jobs = new Map<string, JobRecord>();
  readonly #journal: Journal | undefined;
  #watcher: RecordWatcher | undefined;
  #nextSequence = 1;
  #modules = 0;
  #disabled = 0;
  #connectedDevices = 0;

  constructor(journal?: Journal) {
    this.#journal = journal;
  }

  get counts(): { devices: number; modules: number; disabled: number; connectedDevices: number } {
    return {
      devices: this.#entries.size,
      modules: this.#modules,
      disabled: this.#disabled,
      connectedDevices: this.#connectedDevices,
    };
  }

  /** Sequence of the next new record; used up once such a record is committed. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** By id. */
  get configurations(): ReadonlyMap<string, ConfigurationRecord> {
    return this.#configurations;
  }

  /** By id. */
  get jobs(): ReadonlyMap<string, JobRecord> {
    return this.#jobs;
  }

  find(ref: IdentityRef): HubRecord | undefined {
    const entry = this.#entries.get(ref.deviceId);
    if (ref.moduleId === undefined) return entry?.device;
    return entry?.modules.find((record) => record.moduleId === ref.moduleId);
  }

  modulesOf(deviceId: string): readonly HubRecord[] {
    return this.#entries.get(deviceId)?.modules ?? [];
  }

  /** From this sequence number on. Must not be resumed after a commit. */
  rows(source: RowSource, from: number): Iterable<HubRecord> {
    return this.#rows[source].from(from);
  }

  /** Empty if the device does not exist. */
  rowsOfDevice(source: RowSource, deviceId: string): readonly HubRecord[] {
    const entry = this.#entries.get(deviceId);
    if (entry === undefined) return [];
    return source === 'devices' ? [entry.device] : entry.modules;
  }

  /** Notified of each record in a commit, just before the change is visible; undefined removes the watcher. */
  watch(watcher: RecordWatcher | undefined): void {
    this.#watcher = watcher;
  }

  /** Journals the change, then makes it visible as a whole. */
  commit(change: JournalRecord): void {
    this.#journal?.append(change);
    if (this.#watcher !== undefined) this.#tell(this.#watcher, change);
    this.apply(change);
  }

  /** Like `commit`, without the journal: for replaying it. */
  apply({ put, removed, configurations, jobs }: JournalRecord): void {
    for (const ref of removed) this.#remove(ref);
    for (const record of put) this.#put(record);
    if (configurations !== undefined) this.#change(this.#configurations, configurations, (record) => record.id);
    if (jobs !== undefined) this.#change(this.#jobs, jobs, (record) => record.jobId);
  }

  dump(): HubDump {
    const identities = [...this.rows('devices', 0), ...this.rows('modules', 0)];
    return {
      nextSequence: this.#nextSequence,
      identities: identities.toSorted((a, b) => a.sequence - b.sequence),
      configurations: [...this.#configurations.values()].toSorted((a, b) => a.sequence - b.sequence),
      jobs: [...this.#jobs.values()].toSorted((a, b) => a.sequence - b.sequence),
    };
  }

  load(dump: HubDump): void {
    const { identities, configurations = [], jobs = [] } = dump;
    this.apply({
      put: identities,
      removed: [],
      configurations: { put: configurations, removed: [] },
      jobs: { put: jobs, removed: [] },
    });
    this.#nextSequence = Math.max(this.#nextSequence, dump.nextSequence);
  }

  #tell(watcher: RecordWatcher, { put, removed }: JournalRecord): void {
    const gone = new Set<string>();
    for (const ref of removed) {
      const device = ref.moduleId === undefined ? this.modulesOf(ref.deviceId) : [];
      for (const record of [this.find(ref), ...device]) {
        if (record === undefined || gone.has(refKey(record))) continue;
        gone.add(refKey(record));
        watcher(record, undefined);
      }
    }
    for (const record of put) watcher(gone.has(refKey(record)) ? undefined : this.find(record), record);
  }

  #change<T extends { readonly sequence: number }>(
    map: Map<string, T>,
    { put, removed }: Changes<T>,
    idOf: (record: T) => string,
  ): void {
    for (const id of removed) map.delete(id);
    for (const record of put) {
      map.set(idOf(record), record);
      this.#nextSequence = Math.max(this.#nextSequence, record.sequence + 1);
    }
  }

  #put(record: HubRecord): void {
    this.#nextSequence = Math.max(this.#nextSequence, record.sequence + 1);
    const entry = this.#entries.get(record.deviceId);
    // A replay from the middle may contain a module whose device was deleted.
    if (record.moduleId !== undefined && entry === undefined) return;
    const before = this.find(record);
    const source = record.moduleId === undefined ? 'devices' : 'modules';
    this.#rows[source].put(record);
    this.#count(before, -1);
    this.#count(record, 1);
    if (record.moduleId === undefined) {
      this.#entries.set(record.deviceId, { device: record, modules: entry?.modules ?? NO_MODULES });
    } else if (entry !== undefined) {
      this.#entries.set(record.deviceId, { device: entry.device, modules: withRecord(entry.modules, record) });
    }
  }

  #remove(ref: IdentityRef): void {
    const entry = this.#entries.get(ref.deviceId);
    if (entry === undefined) return;
    const gone = entry.modules.filter((record) => ref.moduleId === undefined || record.moduleId === ref.moduleId);
    for (const record of gone) {
      this.#rows.modules.remove(record.sequence);
      this.#count(record, -1);
    }
    if (ref.moduleId !== undefined) {
      const modules = entry.modules.filter((record) => record.moduleId !== ref.moduleId);
      this.#entries.set(ref.deviceId, { device: entry.device, modules });
      return;
    }
    this.#rows.devices.remove(entry.device.sequence);
    this.#count(entry.device, -1);
    this.#entries.delete(ref.deviceId);
  }

  #count(record: HubRecord | undefined, by: 1 | -1): void {
    if (record === undefined) return;
    if (record.moduleId !== undefined) {
      this.#modules += by;
      return;
    }
    if (record.status === 'disabled') this.#disabled += by;
    if (record.connected) this.#connectedDevices += by;
  }
}

function withRecord(modules: readonly HubRecord[], record: HubRecord): readonly HubRecord[] {
  const index = modules.findIndex((module) => module.moduleId === record.moduleId);
  return index === -1 ? modules.concat(record) : modules.with(index, record);
}
