// Rows of a pass that are not what the service documents: counted, told, and never a reason to do anything.
import type { UnreadableRow } from '../../ports/hub.ts';

type ListName = 'devices' | 'module twins';

interface Seen {
  rows: number;
  /** Without the ids that would say what to read directly instead. */
  nameless: number;
  /** The first that has a name. */
  example: string | undefined;
}

export class UnreadableRows {
  #seen = new Map<ListName, Seen>();
  #notes: readonly string[] = [];

  /** Of the last whole pass, one sentence for each list. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Begins a pass. */
  begin(): void {
    this.#seen = new Map();
  }

  add(list: ListName, { deviceId, moduleId }: UnreadableRow): void {
    const seen = this.#seen.get(list) ?? { rows: 0, nameless: 0, example: undefined };
    this.#seen.set(list, seen);
    const name = list === 'devices' ? deviceId : nameOf(deviceId, moduleId);
    seen.rows += 1;
    if (name === undefined) seen.nameless += 1;
    else seen.example ??= name;
  }

  /** True where rows of this list could be about anything. */
  hasNameless(list: ListName): boolean {
    return (this.#seen.get(list)?.nameless ?? 0) > 0;
  }

  /** Ends a whole pass; returns the notes that the one before did not have. */
  conclude(): readonly string[] {
    const before = new Set(this.#notes);
    this.#notes = [...this.#seen].map(([list, seen]) => noteOf(list, seen));
    return this.#notes.filter((note) => !before.has(note));
  }
}

function nameOf(deviceId: string | undefined, moduleId: string | undefined): string | undefined {
  return deviceId === undefined || moduleId === undefined ? undefined : `${deviceId}/${moduleId}`;
}

function noteOf(list: ListName, { rows, example }: Seen): string {
  const count = rows === 1 ? '1 row' : `${rows} rows`;
  const as = example === undefined ? '' : `, as that of ${example}`;
  return (
    `${count} in the hub's list of ${list} can not be read${as}. What is missing there is read directly, and nothing is ` +
    'removed for it. Look whether something between here and the hub changes its answers.'
  );
}
