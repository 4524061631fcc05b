// Automatic configurations and dead sections: who else writes to the module twins of one hub, listed once a pass.
import type { Declared } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import { deepEqual, formatPointer, type Json } from '../../model/json.ts';
import { isManagedByEdge, type AutomaticConfiguration } from '../../model/other-writer.ts';
import type { DeviceFacts, ModuleRef, Twin } from '../../model/twin.ts';
import { NO_OTHER_WRITERS, overlapping, type OtherWriters } from '../../plan/twin/other-writers.ts';
import type { Place } from '../../plan/target/layering.ts';
import { DEAD_SECTIONS } from '../../profile/dead-section.ts';
import type { Registry } from '../../ports/hub.ts';
import { unlessRefused } from '../queue/optional-read.ts';

const NAMES_SHOWN_MAX = 5;
/** A hub has a hundred automatic configurations at most. */
const CONFIGURATIONS_MAX = 100;

interface DeadSection {
  twins: number;
  /** The first that was seen. */
  readonly example: string;
}

export class AutomaticWriters {
  #common: OtherWriters = NO_OTHER_WRITERS;
  #dead = new Map<string, DeadSection>();
  #unlisted: string | undefined;
  #overlaps: { readonly declared: Declared; readonly of: OtherWriters; readonly notes: readonly string[] } | undefined;
  #notes: readonly string[] = [];

  /** Of the last whole pass, one sentence each. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** The same for every module of the hub. */
  get common(): OtherWriters {
    return this.#common;
  }

  /** Begins a pass. Where the hub does not list them, those listed before stay: the pass goes on. */
  async list(hub: Registry, signal: AbortSignal): Promise<void> {
    this.#dead = new Map();
    try {
      const listed = (await hub.listConfigurations(signal)).slice(0, CONFIGURATIONS_MAX);
      this.#unlisted = undefined;
      const automatic = listed.filter(({ writes }) => writes.length > 0);
      if (!isSame(automatic, this.#common.automatic)) this.#common = { ...NO_OTHER_WRITERS, automatic };
    } catch (error) {
      if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
      this.#unlisted = error.message;
    }
  }

  /** Counts dead sections on a row of the pass. */
  observe({ deviceId, moduleId, properties }: Twin): void {
    for (const section of DEAD_SECTIONS.keys()) {
      if (!Object.hasOwn(properties.desired, section)) continue;
      const known = this.#dead.get(section);
      if (known === undefined) this.#dead.set(section, { twins: 1, example: `${deviceId}/${moduleId}` });
      else known.twins += 1;
    }
  }

  /** Ends a whole pass; returns the notes that the one before did not have. */
  conclude(declared: Declared): readonly string[] {
    const before = new Set(this.#notes);
    this.#notes = [...this.#unlistedNotes(), ...this.#overlapNotes(declared), ...this.#deadNotes()];
    return this.#notes.filter((note) => !before.has(note));
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
function declaredSettings({ configurations }: Declared): ReadonlyMap<string, readonly Place[]> {
  const modules = new Map<string, Map<string, Place>>();
  for (const { atoms, profile } of configurations) {
    let settings = modules.get(profile.moduleId);
    if (settings === undefined) modules.set(profile.moduleId, (settings = new Map()));
    for (const { name, path } of atoms) settings.set(formatPointer(path), { name, path });
  }
  return new Map([...modules].map(([moduleId, settings]) => [moduleId, [...settings.values()]]));
}

function overlapNote(automatic: AutomaticConfiguration, declared: ReadonlyMap<string, readonly Place[]>): string[] {
  const names = new Set([...declared].flatMap(([moduleId, settings]) => overlapping(automatic, moduleId, settings)));
  if (names.size === 0) return [];
  const shown = [...names].toSorted().slice(0, NAMES_SHOWN_MAX).join(', ');
  const more = names.size > NAMES_SHOWN_MAX ? ` and ${names.size - NAMES_SHOWN_MAX} more` : '';
  return [
    `The automatic configuration "${automatic.id}" writes settings that are declared here too: ${shown}${more}. ` +
      'Twins it applies to are held where the two differ.',
  ];
}

type ReadOthers = (ref: ModuleRef, device: Pick<DeviceFacts, 'iotEdge'>) => Promise<OtherWriters>;

/**
 * Who else writes one module, by reads for it alone; what the hub refuses to list is left out. The list that all modules
 * share is read once.
 */
export function createReadOthers(hub: Registry, signal: AbortSignal): ReadOthers {
  const automatic = new AutomaticWriters();
  let listed: Promise<void> | undefined;
  return async (ref, { iotEdge }) => {
    listed ??= automatic.list(hub, signal);
    await listed;
    const identity = iotEdge ? await unlessRefused(hub.getModule(ref, signal)) : undefined;
    const isManaged = identity !== undefined && isManagedByEdge(identity);
    return isManaged ? { ...automatic.common, identity } : automatic.common;
  };
}
