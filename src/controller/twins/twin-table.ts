// Everything the process remembers of the module twins of one hub: one entry a twin, and counts kept as states change.
import type { ModuleIdentity } from '../../model/other-writer.ts';
import type { RecordMemory } from '../../plan/record/record.ts';
import type { Owner } from '../../model/owner.ts';
import type { WorkItem, WorkItems } from '../queue/work-queue.ts';
import type { WarningReason } from '../../model/event.ts';
import {
  IDENTITY_TRUSTED_MS,
  SharedState,
  sharedOf,
  TwinEntry,
  WRITE_REMEMBERED_MS,
  type Activity,
  type CountedTwin,
} from './twin-entry.ts';
import { Offenders, type Offender } from './offenders.ts';
import { StateCounts, type TwinCounts } from './state-counts.ts';
import type { TwinState } from './twin-state.ts';

export class TwinTable {
  readonly #entries = new Map<string, SharedState | TwinEntry>();
  readonly #shared = new Map<string, SharedState>();
  readonly #counts = new StateCounts();
  readonly #byOwner = new Map<Owner, StateCounts>();
  readonly #offenders = new Offenders();
  #pass = 0;
  #working = 0;
  #hinted = 0;
  #uncounted = 0;
  readonly #onState: (key: string, state: TwinState | undefined) => void;

  /** `onState` is called after each change of a state. */
  constructor(onState: (key: string, state: TwinState | undefined) => void = () => {}) {
    this.#onState = onState;
  }

  get counts(): TwinCounts {
    return this.#counts;
  }

  /** Undefined where the owner never had a twin here. */
  countsOf(owner: Owner): TwinCounts | undefined {
    return this.#byOwner.get(owner);
  }

  /** Worst first, ten at most. */
  offenders(): readonly Offender[] {
    return this.#offenders.worst((key) => this.state(key));
  }

  get offenderCount(): number {
    return this.#offenders.size;
  }

  state(key: string): TwinState | undefined {
    return sharedOf(this.#entries.get(key))?.state;
  }

  *states(): Iterable<readonly [key: string, state: TwinState]> {
    for (const [key, entry] of this.#entries) {
      const state = sharedOf(entry)?.state;
      if (state !== undefined) yield [key, state];
    }
  }

  /** Undefined: the twin is no longer ours. */
  setState(key: string, state: TwinState | undefined): void {
    const entry = this.#entries.get(key);
    const before = sharedOf(entry);
    const after = state === undefined ? undefined : this.#share(state);
    if (before === after) return;
    this.#count(before, -1);
    this.#count(after, 1);
    this.#offenders.move(key, before?.state, after?.state);
    if (entry instanceof TwinEntry) entry.shared = after;
    else if (after === undefined) this.#entries.delete(key);
    else this.#entries.set(key, after);
    this.#onState(key, state);
  }

  /** The items of the work queue. */
  get work(): WorkItems {
    const entries = this.#entries;
    const workOf = (key: string): WorkItem | undefined => this.#activity(key)?.work;
    const setWork = (key: string, work: WorkItem | undefined): void => {
      this.#working += Number(work !== undefined) - Number(workOf(key) !== undefined);
      this.#edit(key, { work });
    };
    const count = (): number => this.#working;
    return {
      get size() {
        return count();
      },
      get: workOf,
      set: setWork,
      delete: (key) => setWork(key, undefined),
      *[Symbol.iterator]() {
        for (const [key, entry] of entries) {
          if (entry instanceof TwinEntry && entry.work !== undefined) yield [key, entry.work] as const;
        }
      },
    };
  }

  isHintOnly(key: string): boolean {
    return this.#activity(key)?.isHintOnly ?? false;
  }

  setHintOnly(key: string, isHintOnly: boolean): void {
    if (this.isHintOnly(key) !== isHintOnly) this.#edit(key, { isHintOnly });
  }

  warning(key: string): WarningReason | undefined {
    return this.#activity(key)?.warning;
  }

  setWarning(key: string, warning: WarningReason | undefined): void {
    if (this.warning(key) !== warning) this.#edit(key, { warning });
  }

  /** Called before a write is sent: its change event may arrive before its answer. */
  beginWrite(key: string, etag: string | undefined, nowMs: number): void {
    this.#edit(key, { write: { etag, memory: this.writtenMemory(key), atMs: nowMs } });
  }

  endWrite(key: string, memory: RecordMemory, nowMs: number): void {
    this.#edit(key, { write: { etag: this.writtenEtag(key), memory, atMs: nowMs } });
  }

  writtenEtag(key: string): string | undefined {
    return this.#activity(key)?.write?.etag;
  }

  writtenMemory(key: string): RecordMemory | undefined {
    return this.#activity(key)?.write?.memory;
  }

  get hintedCount(): number {
    return this.#hinted;
  }

  isHinted(key: string): boolean {
    return this.#activity(key)?.hintedIn !== undefined;
  }

  setHinted(key: string): void {
    if (!this.isHinted(key)) this.#hinted += 1;
    this.#edit(key, { hintedIn: this.#pass });
  }

  hintedKeys(): string[] {
    return [...this.#entries].filter(([key]) => this.isHinted(key)).map(([key]) => key);
  }

  /** Twins that differ and that no pass has counted. */
  get uncounted(): number {
    return this.#uncounted;
  }

  setUncounted(key: string, isUncounted: boolean): void {
    const was = this.#activity(key)?.uncountedIn !== undefined;
    if (!was && !isUncounted) return;
    this.#uncounted += Number(isUncounted) - Number(was);
    this.#edit(key, { uncountedIn: isUncounted ? this.#pass : undefined });
  }

  counted(key: string): CountedTwin | undefined {
    return this.#activity(key)?.counted;
  }

  /** Undefined where the module is not known to be managed by IoT Edge. */
  identity(key: string): ModuleIdentity | undefined {
    return this.#activity(key)?.identity?.identity;
  }

  setIdentity(key: string, identity: ModuleIdentity | undefined, nowMs: number): void {
    if (identity === undefined && this.identity(key) === undefined) return;
    this.#edit(key, { identity: identity && { identity, untilMs: nowMs + IDENTITY_TRUSTED_MS } });
  }

  /** The number of the pass that runs, or of the last one. */
  get pass(): number {
    return this.#pass;
  }

  /** Forgets what is too old for this pass to rely on. */
  beginPass(nowMs: number): void {
    this.#pass += 1;
    this.#sweep(({ write, identity }) => ({
      ...(write !== undefined && nowMs - write.atMs >= WRITE_REMEMBERED_MS ? { write: undefined } : {}),
      ...(identity !== undefined && identity.untilMs <= nowMs ? { identity: undefined } : {}),
    }));
  }

  /** A whole pass has listed every twin: `counted` replaces what the last one counted, and its hints are served. */
  endPass(counted: Iterable<readonly [key: string, counted: CountedTwin]>): void {
    this.#sweep(({ hintedIn, uncountedIn }) => {
      const isServed = hintedIn !== undefined && hintedIn < this.#pass;
      const isCounted = uncountedIn !== undefined && uncountedIn < this.#pass;
      this.#hinted -= Number(isServed);
      this.#uncounted -= Number(isCounted);
      return {
        counted: undefined,
        ...(isServed ? { hintedIn: undefined } : {}),
        ...(isCounted ? { uncountedIn: undefined } : {}),
      };
    });
    for (const [key, one] of counted) this.#edit(key, { counted: one });
  }

  #activity(key: string): TwinEntry | undefined {
    const entry = this.#entries.get(key);
    return entry instanceof TwinEntry ? entry : undefined;
  }

  /** Gives the twin an entry of its own while it needs one. */
  #edit(key: string, changes: Partial<Activity>): void {
    const known = this.#entries.get(key);
    const entry = known instanceof TwinEntry ? known : new TwinEntry(known);
    if (entry !== known) this.#entries.set(key, entry);
    Object.assign(entry, changes);
    if (!entry.isQuiet) return;
    if (entry.shared === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry.shared);
  }

  #sweep(changesOf: (entry: TwinEntry) => Partial<Activity>): void {
    for (const [key, entry] of this.#entries) if (entry instanceof TwinEntry) this.#edit(key, changesOf(entry));
  }

  #share(state: TwinState): SharedState {
    const { type, reason, acknowledgement = '', failure = '', isDrifted, owners, detail = '' } = state;
    const text = `${type}/${reason}/${acknowledgement}/${failure}/${isDrifted}/${owners.join()}/${detail}`;
    let shared = this.#shared.get(text);
    if (shared === undefined) this.#shared.set(text, (shared = new SharedState(text, state)));
    return shared;
  }

  /** A state that no twin is in is forgotten. */
  #count(shared: SharedState | undefined, by: 1 | -1): void {
    if (shared === undefined) return;
    const { state, text } = shared;
    shared.twins += by;
    if (shared.twins === 0) this.#shared.delete(text);
    this.#counts.add(state, by);
    for (const owner of state.owners) {
      let counts = this.#byOwner.get(owner);
      if (counts === undefined) this.#byOwner.set(owner, (counts = new StateCounts()));
      counts.add(state, by);
    }
  }
}
