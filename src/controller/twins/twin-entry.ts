// The entry of one module twin: its state, and whatever else is remembered of it, each with its life.
import type { ModuleIdentity } from '../../model/other-writer.ts';
import type { RecordMemory } from '../../plan/record/record.ts';
import type { WorkItem } from '../queue/work-queue.ts';
import type { WarningReason } from '../../model/event.ts';
import type { TwinState } from './twin-state.ts';

/** A state with the number of twins that are in it: equal states are one object, whatever the size of the fleet. */
export class SharedState {
  twins = 0;
  readonly text: string;
  readonly state: TwinState;

  constructor(text: string, state: TwinState) {
    this.text = text;
    this.state = state;
  }
}

/** What is remembered beside the state. An entry without any of it is its `SharedState` alone. */
export interface Activity {
  /** From `add` until the queue settles the key. */
  work: WorkItem | undefined;
  /** True while `work` comes from a change event alone, and no pass asks for it. */
  isHintOnly: boolean;
  /** The warning that was recorded last; until it is over. */
  warning: WarningReason | undefined;
  /** Our own last write; for `WRITE_REMEMBERED_MS`. */
  write: OwnWrite | undefined;
  /** The pass that had begun when a change event named the twin; until a later pass ends. */
  hintedIn: number | undefined;
  /** What the last whole pass counted of the twin; until the next one ends. */
  counted: CountedTwin | undefined;
  /** The pass that had begun when a write turned out to be counted by none; until a later pass ends. */
  uncountedIn: number | undefined;
  /** Of a module that IoT Edge manages; for `IDENTITY_TRUSTED_MS`. */
  identity: TrustedIdentity | undefined;
}

interface OwnWrite {
  /** As the record in the write names it; no other write of ours to the twin has the same. */
  readonly etag: string | undefined;
  /** What the write left in the record, in case somebody takes the record away; undefined until the hub answered. */
  readonly memory: RecordMemory | undefined;
  readonly atMs: number;
}

interface TrustedIdentity {
  readonly identity: ModuleIdentity;
  readonly untilMs: number;
}

/** What a pass found on a twin that gates could hold. */
export interface CountedTwin {
  /** Bits of RISK. */
  readonly risks: number;
  /** Digest of the target that was planned. */
  readonly target: string;
}

/** Longer than a setting stays contested. */
export const WRITE_REMEMBERED_MS = 3 * 3_600_000;
/** A module may be re-created for another manager: an identity is read again after an hour. */
export const IDENTITY_TRUSTED_MS = 3_600_000;

export class TwinEntry implements Activity {
  shared: SharedState | undefined;
  work: WorkItem | undefined = undefined;
  isHintOnly = false;
  warning: WarningReason | undefined = undefined;
  write: OwnWrite | undefined = undefined;
  hintedIn: number | undefined = undefined;
  counted: CountedTwin | undefined = undefined;
  uncountedIn: number | undefined = undefined;
  identity: TrustedIdentity | undefined = undefined;

  constructor(shared: SharedState | undefined) {
    this.shared = shared;
  }

  get isQuiet(): boolean {
    return (
      this.work === undefined &&
      !this.isHintOnly &&
      this.warning === undefined &&
      this.write === undefined &&
      this.hintedIn === undefined &&
      this.counted === undefined &&
      this.uncountedIn === undefined &&
      this.identity === undefined
    );
  }
}

export function sharedOf(entry: SharedState | TwinEntry | undefined): SharedState | undefined {
  return entry instanceof TwinEntry ? entry.shared : entry;
}
