// How an exception leaves a twin as it found it: what is remembered while it counts, and what is put back afterwards.
import type { Declared } from '../../model/declared.ts';
import { isExceptionOwner, type Owner } from '../../model/owner.ts';
import {
  cloneJson,
  deepEqual,
  formatPointer,
  getPath,
  removePath,
  setPath,
  type Json,
  type JsonObject,
} from '../../model/json.ts';
import type { Atom } from '../../model/profile.ts';
import { atomName } from '../../profile/encode.ts';
import { holdsMatch } from '../../profile/patterns.ts';
import type { SettingChange } from '../../model/action.ts';
import { afterOf, isAbsent, isMet } from './changes.ts';
import { isRemovable, type Claims, type DeclaredAtom } from '../target/layering.ts';
import { PathMap } from '../../model/path-map.ts';
import type { RecordedEntry } from './fate.ts';
import type { OwnedEntry, Owners } from '../record/owned-entry.ts';
import type { Target } from '../target/target.ts';
import { markOf, recallValue, rememberValue } from '../record/undo.ts';

interface Ending {
  readonly ended: readonly RecordedEntry[];
  readonly declared: Declared;
  readonly desired: JsonObject;
}

/** `properties.desired` as if ended exceptions had never been. */
export interface Rewound {
  readonly desired: JsonObject;
  /** Where nothing is remembered from before, because one of our own owners decided it: what was there is not known. */
  readonly unknown: PathMap<true>;
}

/** What others claimed before, they claim again. */
export function rewind(ending: Ending): Rewound {
  const { ended, desired } = ending;
  const unknown = new PathMap<true>();
  if (ended.length === 0) return { desired, unknown };
  const rewound = cloneJson(desired);
  for (const { owner, entry, paths } of ended) {
    for (const path of paths) {
      const live = getPath(desired, path);
      if (live === undefined || !isStillTheirs(owner, entry, path, live, ending)) continue;
      const before = rememberedAt(entry, path);
      if (before === undefined) unknown.set(path, true);
      else if (before.value === undefined) removePath(rewound, path);
      else setPath(rewound, path, before.value);
    }
  }
  return { desired: rewound, unknown };
}

/** With the claims that layers make now. */
interface Restoring extends Ending, Claims {
  /** Places of owners that are kept as they are. */
  readonly kept: PathMap<unknown>;
  readonly target: Target;
}

/**
 * Of what ended exceptions changed, what no layer takes over returns to its value from before; where there was none, or
 * none is remembered, it is removed. What is not theirs any more stays: another writer changed it meanwhile.
 */
export function findRestores(restoring: Restoring): { changes: SettingChange[]; unknownProfile: string | undefined } {
  const { ended, atoms, absences, kept, target, declared, desired } = restoring;
  const changes: SettingChange[] = [];
  let unknownProfile: string | undefined;
  if (ended.length === 0) return { changes, unknownProfile };
  const taken = new PathMap<true>();
  const heirs = new Map<string, Atom>();
  for (const absence of absences) if (!isAbsent(absence, desired)) taken.set(absence.path, true);
  for (const { atom } of atoms) {
    if (atom.policy === 'IfNotPresent') heirs.set(formatPointer(atom.path), atom);
    else taken.set(atom.path, true);
  }
  for (const { owner, entry, paths } of ended) {
    const profile = declared.profiles.get(entry.profile);
    for (const path of paths) {
      const before = getPath(desired, path);
      const name = atomName(path.slice(entry.section.length));
      if (before === undefined || taken.overlaps(path) || kept.overlaps(path)) continue;
      if (!isStillTheirs(owner, entry, path, before, restoring)) continue;
      if (profile === undefined) {
        unknownProfile = entry.profile;
        continue;
      }
      const remembered = rememberedAt(entry, path);
      const after = remembered?.value ?? heirs.get(formatPointer(path))?.value;
      if (after === undefined) {
        // A frozen layer may have had it there: only where nothing was, nothing is right.
        if (remembered === undefined && target.named.overlaps(path)) continue;
        if (!isRemovable(profile, name)) continue;
      }
      if (deepEqual(before, after)) continue;
      taken.set(path, true);
      const sensitive = [before, after].some((value) => holdsMatch(name, value, profile.sensitive));
      changes.push({ name, path, before, after, owner, cause: 'ExceptionEnded', sensitive });
    }
  }
  return { changes, unknownProfile };
}

function rememberedAt({ section, undo }: OwnedEntry, path: readonly string[]) {
  const text = undo?.before.get(atomName(path.slice(section.length)));
  return text === undefined ? undefined : recallValue(text);
}

function isStillTheirs(
  owner: Owner,
  { section, undo }: OwnedEntry,
  path: readonly string[],
  live: Json,
  { declared, desired }: Ending,
): boolean {
  if (undo?.wrote.has(markOf(atomName(path.slice(section.length)), live)) === true) return true;
  const exception = [...declared.expired, ...declared.exceptions].find((one) => one.owner === owner);
  const pointer = formatPointer(path);
  const atom = exception?.atoms.find((one) => formatPointer(one.path) === pointer);
  return atom !== undefined && isMet(atom, desired);
}

/** What the record knew before this write. */
interface Known {
  readonly recorded: readonly RecordedEntry[];
  /** True for a place where one of our own owners decided so far: what is there is no value to put back. */
  readonly wasDecided: (path: readonly string[]) => boolean;
  readonly desired: JsonObject;
}

/** In all of a record. */
const BEFORE_BYTES_MAX = 1_024;
const MARKS_MAX = 128;
/** Quotes, colon and comma around a name and its text. */
const MEMBER_BYTES = 6;

interface Remembered {
  readonly owner: Owner;
  readonly name: string;
  readonly text: string;
  readonly isCarried: boolean;
}

/** The owners, exceptions among them with what undoes them as far as it fits; the very map where there is none. */
export function withUndo(owners: Owners, atoms: readonly DeclaredAtom[], known: Known): Owners {
  const written = atoms.filter(
    ({ atom, owner }) => isExceptionOwner(owner) && atom.policy === 'Override' && !atom.sensitive,
  );
  if (written.length === 0) return owners;
  const remembered = written.flatMap(({ atom, owner }) => rememberOne(atom, owner, known));
  const kept = clip(remembered);
  const marks = written.slice(0, MARKS_MAX);
  const next = new Map(owners);
  for (const [owner, entry] of owners) {
    if (!written.some((one) => one.owner === owner)) continue;
    const before = new Map(kept.filter((one) => one.owner === owner).map(({ name, text }) => [name, text]));
    const wrote = new Set(
      marks.filter((one) => one.owner === owner).map(({ atom }) => markOf(atom.name, leftBy(atom, known.desired))),
    );
    next.set(owner, { ...entry, undo: { before, wrote } });
  }
  return next;
}

function rememberOne(atom: Atom, owner: Owner, { recorded, wasDecided, desired }: Known): Remembered[] {
  const { name, path } = atom;
  const earlier = recorded.filter(({ paths }) => paths.some((one) => formatPointer(one) === formatPointer(path)));
  const exception = earlier.find((one) => one.owner === owner) ?? earlier.find((one) => isExceptionOwner(one.owner));
  if (exception !== undefined) {
    // What another exception found there is what this one finds: between the two nothing was put back.
    const text = exception.entry.undo?.before.get(name);
    return text === undefined ? [] : [{ owner, name, text, isCarried: true }];
  }
  if (wasDecided(path)) return [];
  return [{ owner, name, text: rememberValue(getPath(desired, path)), isCarried: false }];
}

/** What was remembered already comes first. */
function clip(remembered: readonly Remembered[]): readonly Remembered[] {
  let bytes = 0;
  return remembered
    .toSorted((a, b) => Number(b.isCarried) - Number(a.isCarried))
    .filter(({ name, text }) => {
      const size = Buffer.byteLength(name) + Buffer.byteLength(JSON.stringify(text)) + MEMBER_BYTES;
      if (bytes + size > BEFORE_BYTES_MAX) return false;
      bytes += size;
      return true;
    });
}

/** What is there once this is written: where live means the same already, its spelling stays. */
function leftBy(atom: Atom, desired: JsonObject): Json {
  const live = getPath(desired, atom.path);
  return live !== undefined && isMet(atom, desired) ? live : afterOf(atom, live);
}
