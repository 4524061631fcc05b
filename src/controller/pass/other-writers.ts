// Who else writes to the module twins of one hub, as far as we have seen: asked once a pass, remembered, told.
import type { Declared } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import { deepEqual, formatPointer, type Json } from '../../model/json.ts';
import { isManagedByEdge, type AutomaticConfiguration, type ModuleIdentity } from '../../model/neighbour.ts';
import type { DeviceFacts, ModuleRef, Twin } from '../../model/twin.ts';
import { NOTHING_AROUND, overlapping, type Setting, type Surroundings } from '../../plan/twin/other-writers.ts';
import { DEAD_SECTIONS } from '../../profile/dead-section.ts';
import type { Hub } from '../../ports/hub.ts';
import { keyOf } from '../../model/twin-key.ts';
import { unlessRefused } from '../queue/optional-read.ts';

/** A module may be created anew for somebody else: what was read once is not believed for ever. */
const IDENTITY_MS = 3_600_000;
const NAMES_SHOWN_MAX = 5;
/** A hub has a hundred automatic configurations at most. */
const CONFIGURATIONS_MAX = 100;

interface DeadSection {
  twins: number;
  /** The first that was seen. */
  readonly example: string;
}

export class Neighbours {
  #common: Surroundings = NOTHING_AROUND;
  /** Modules that IoT Edge manages. */
  readonly #managed = new Map<string, { readonly identity: ModuleIdentity; readonly untilMs: number }>();
  #dead = new Map<string, DeadSection>();
  #unlisted: string | undefined;
  #overlaps: { readonly declared: Declared; readonly of: Surroundings; readonly notes: readonly string[] } | undefined;
  #notes: readonly string[] = [];

  /** What the last complete pass found, one sentence each. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Begins a pass. What can't be listed stays as it was known: the pass goes on. */
  async list(hub: Hub, nowMs: number, signal: AbortSignal): Promise<void> {
    this.#dead = new Map();
    for (const [key, { untilMs }] of this.#managed) if (untilMs <= nowMs) this.#managed.delete(key);
    try {
      const listed = (await hub.listConfigurations(signal)).slice(0, CONFIGURATIONS_MAX);
      this.#unlisted = undefined;
      const automatic = listed.filter(({ writes }) => writes.length > 0);
      if (!isSame(automatic, this.#common.automatic)) this.#common = { ...NOTHING_AROUND, automatic };
    } catch (error) {
      if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
      this.#unlisted = error.message;
    }
  }

  /** Takes a row of the pass. */
  see({ deviceId, moduleId, properties }: Twin): void {
    for (const section of DEAD_SECTIONS.keys()) {
      if (!Object.hasOwn(properties.desired, section)) continue;
      const known = this.#dead.get(section);
      if (known === undefined) this.#dead.set(section, { twins: 1, example: `${deviceId}/${moduleId}` });
      else known.twins += 1;
    }
  }

  /** Ends a pass that was complete. Resolves the sentences that are new. */
  conclude(declared: Declared): readonly string[] {
    const before = new Set(this.#notes);
    this.#notes = [...this.#unlistedNotes(), ...this.#overlapNotes(declared), ...this.#deadNotes()];
    return this.#notes.filter((note) => !before.has(note));
  }

  around(key: string): Surroundings {
    const identity = this.#managed.get(key)?.identity;
    return identity === undefined ? this.#common : { ...this.#common, identity };
  }

  noteIdentity(key: string, identity: ModuleIdentity, nowMs: number): void {
    if (isManagedByEdge(identity)) this.#managed.set(key, { identity, untilMs: nowMs + IDENTITY_MS });
    else this.#managed.delete(key);
  }

  #unlistedNotes(): string[] {
    if (this.#unlisted === undefined) return [];
    return [`Automatic configurations that write the same settings would go unnoticed. ${this.#unlisted}`];
  }

  /** The same as long as neither side changed. */
  #overlapNotes(declared: Declared): readonly string[] {
    const of = this.#common;
    if (this.#overlaps?.declared !== declared || this.#overlaps.of !== of) {
      const settings = of.automatic.length === 0 ? new Map() : declaredSettings(declared);
      const notes = of.automatic.flatMap((automatic) => overlapNote(automatic, settings));
      this.#overlaps = { declared, of, notes };
    }
    return this.#overlaps.notes;
  }

  #deadNotes(): string[] {
    return [...this.#dead].map(([section, { twins, example }]) => {
      const holds = twins === 1 ? '1 twin holds' : `${twins} twins hold`;
      return `${holds} a section that no agent reads any more, as ${example} does: "${section}", ${DEAD_SECTIONS.get(section)}.`;
    });
  }
}

function isSame(a: readonly AutomaticConfiguration[], b: readonly AutomaticConfiguration[]): boolean {
  return deepEqual(a as unknown as Json, b as unknown as Json);
}

/** Names and places that are declared for each module, once each. */
function declaredSettings({ configurations }: Declared): ReadonlyMap<string, readonly Setting[]> {
  const modules = new Map<string, Map<string, Setting>>();
  for (const { atoms, profile } of configurations) {
    let settings = modules.get(profile.moduleId);
    if (settings === undefined) modules.set(profile.moduleId, (settings = new Map()));
    for (const { name, path } of atoms) settings.set(formatPointer(path), { name, path });
  }
  return new Map([...modules].map(([moduleId, settings]) => [moduleId, [...settings.values()]]));
}

function overlapNote(automatic: AutomaticConfiguration, declared: ReadonlyMap<string, readonly Setting[]>): string[] {
  const names = new Set([...declared].flatMap(([moduleId, settings]) => overlapping(automatic, moduleId, settings)));
  if (names.size === 0) return [];
  const shown = [...names].toSorted().slice(0, NAMES_SHOWN_MAX).join(', ');
  const more = names.size > NAMES_SHOWN_MAX ? ` and ${names.size - NAMES_SHOWN_MAX} more` : '';
  return [
    `The automatic configuration "${automatic.id}" writes settings that are declared here too: ${shown}${more}. ` +
      'Twins it applies to are held where the two differ.',
  ];
}

type LookAround = (ref: ModuleRef, device: Pick<DeviceFacts, 'iotEdge'>, nowMs: number) => Promise<Surroundings>;

/**
 * Who else writes one module, by reads for it alone; what the hub does not tell is left out. What is the same for every
 * module is asked once, with the first of them.
 */
export function createLookAround(hub: Hub, signal: AbortSignal): LookAround {
  const neighbours = new Neighbours();
  let listed: Promise<void> | undefined;
  return async (ref, { iotEdge }, nowMs) => {
    listed ??= neighbours.list(hub, nowMs, signal);
    await listed;
    const key = keyOf(ref.deviceId, ref.moduleId);
    const identity = iotEdge ? await unlessRefused(hub.getModule(ref, signal)) : undefined;
    if (identity !== undefined) neighbours.noteIdentity(key, identity, nowMs);
    return neighbours.around(key);
  };
}
