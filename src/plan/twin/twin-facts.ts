// What one twin is decided on: its target and what is live, and lazily all that follows from them.
import type { SettingChange } from '../../model/action.ts';
import type { Declared, Mode } from '../../model/declared.ts';
import { invariant } from '../../model/errors.ts';
import type { JsonObject } from '../../model/json.ts';
import type { DeviceFacts, Twin } from '../../model/twin.ts';
import type { Claims } from '../target/layering.ts';
import { holdsMatch } from '../../profile/patterns.ts';
import { NO_OWNERS, type Owners } from '../record/owned-entry.ts';
import { NO_MEMORY, readRecord, type RecordMemory, type RecordReading } from '../record/record.ts';
import type { Target } from '../target/target.ts';
import { causeFrom, diffClaims, type ChangeContext } from './changes.ts';
import { isLeftAlone, memoryOfTaken, type CorrectionFacts } from './corrections.ts';
import type { OtherWriters } from './other-writers.ts';
import { settleOwners, type Ownership } from './ownership.ts';

export interface TwinInput {
  readonly declared: Declared;
  readonly instance: string;
  readonly hubMode: Mode;
  readonly target: Target;
  readonly device: DeviceFacts;
  readonly live: Twin | undefined;
  readonly nowMs: number;
  readonly others: OtherWriters;
}

/** Live against declared, each difference once. */
interface Differences {
  /** What would be written, removals first. */
  readonly changes: readonly SettingChange[];
  /** What is left to another writer for now. */
  readonly contested: readonly SettingChange[];
  /** What owners have that are not in the input. */
  readonly refused: readonly SettingChange[];
  /** What is not written: what an observed layer would change, and the two above. */
  readonly observed: readonly SettingChange[];
}

const NONE: readonly SettingChange[] = [];

/** Planned once for each twin of a fleet, most of them in sync: nothing is computed before a decision asks for it. */
export class TwinFacts {
  readonly input: TwinInput;
  #record: RecordReading | undefined = undefined;
  #ownership: Ownership | undefined = undefined;
  #differences: Differences | undefined = undefined;

  constructor(input: TwinInput) {
    this.input = input;
  }

  /** For decisions that come after the one about missing modules. */
  get live(): Twin {
    const { live } = this.input;
    invariant(live !== undefined, 'what is decided about a twin is decided where there is one');
    return live;
  }

  /** What every action says of its twin. */
  get about() {
    const { device, target } = this.input;
    const { deviceId } = device;
    return { deviceId, moduleId: target.moduleId, owners: target.layerOwners, observed: NONE, message: undefined };
  }

  get desired(): JsonObject {
    return this.input.live?.properties.desired ?? {};
  }

  get record(): RecordReading {
    const { live, instance } = this.input;
    return (this.#record ??= live === undefined ? { kind: 'absent' } : readRecord(live, instance));
  }

  /** Undefined where there is no record that can be read. */
  get recorded(): Owners | undefined {
    return this.record.kind === 'valid' ? this.record.owners : undefined;
  }

  /** True where another writer removed our record since we wrote: what looks like a first write is none. */
  get isRecordTaken(): boolean {
    return this.#memoryOfTaken !== undefined;
  }

  /** Of our earlier writes: by the record, or by this process where the record was removed. */
  get memory(): RecordMemory {
    return this.record.kind === 'valid' ? this.record.memory : (this.#memoryOfTaken ?? NO_MEMORY);
  }

  get #memoryOfTaken(): RecordMemory | undefined {
    const { live, others } = this.input;
    return live === undefined || this.recorded !== undefined ? undefined : memoryOfTaken(live, others.memory);
  }

  get ownership(): Ownership {
    const { target, declared } = this.input;
    return (this.#ownership ??= settleOwners(this.recorded ?? NO_OWNERS, target, declared, this.desired));
  }

  get corrections(): CorrectionFacts {
    const { memory, ownership, isRecordTaken } = this;
    return { contests: memory.contests, owners: ownership.owners, isRecordTaken };
  }

  get differences(): Differences {
    return (this.#differences ??= this.#differ());
  }

  #differ(): Differences {
    const { target, nowMs } = this.input;
    const { ownership, corrections } = this;
    const context = this.#changeContext();
    const diff = (claims: Claims): SettingChange[] => diffClaims(claims, this.desired, context);
    const wanted = [...ownership.removals, ...diff(ownership)];
    const contested = target.observeOnly ? [] : wanted.filter((change) => isLeftAlone(change, corrections, nowMs));
    const changes = contested.length === 0 ? wanted : wanted.filter((change) => !contested.includes(change));
    const refused = diff(ownership.refused);
    const observed = [
      ...diff({ atoms: target.observedAtoms, absences: target.observedAbsences }),
      ...refused,
      ...contested.map((change): SettingChange => ({ ...change, cause: 'Contested' })),
    ];
    return { changes, contested, refused, observed };
  }

  #changeContext(): ChangeContext {
    const { target } = this.input;
    const { recorded, ownership } = this;
    return {
      causeOf(owner, path, isRecorded) {
        const recordedThere = ownership.recordedPaths.overlapping(path);
        const history = {
          digest: recorded?.get(owner)?.digest,
          owns: recordedThere.some((there) => there.owner === owner),
          followsDeparted: recordedThere.some(({ fate }) => fate === 'LeftGroup'),
          followsException: recordedThere.some(({ fate }) => fate === 'ExceptionEnded'),
        };
        const layer = target.layers.find(({ configuration }) => configuration.owner === owner);
        return causeFrom(history, layer?.configuration.digest, isRecorded);
      },
      isSensitive: (name, value) => target.profiles.some(({ sensitive }) => holdsMatch(name, value, sensitive)),
    };
  }
}
