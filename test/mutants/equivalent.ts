// Mutants that mean the same as the code they change: no check can tell them apart, and here is why.
import { findCode, isSameCode, type CodePlace, type Declaration, type FoundCode } from './find-code.ts';
import { mutate, type Mutant } from './mutant.ts';

interface Equivalent extends CodePlace {
  readonly replacement: string;
  readonly why: string;
}

/** Code that puts a place into a map of places, and the function it is in. */
const PLACES: readonly (readonly [name: string, code: string])[] = [
  ['findRestores', 'taken.set(absence.path, true)'],
  ['findRestores', 'taken.set(atom.path, true)'],
  ['findRestores', 'taken.set(path, true)'],
  ['findFrozenRule', 'ours.set(atom.path, true)'],
  ['placesNamedOnly', 'places.set(path, true)'],
  ['rewind', 'unknown.set(path, true)'],
  ['createFreedom', 'claims.set(path, true)'],
  ['removalsOf', 'kept.set(path, true)'],
  ['removalsOf', 'for (const { path } of restores.changes) taken.set(path, true);'],
  ['removalsOf', 'for (const { path } of [...atoms.map(({ atom }) => atom), ...absences]) taken.set(path, true);'],
  ['removalsOf', 'if (!isRemovable(profile, name)) continue; taken.set(path, true);'],
  ['nextOwners', 'taken.set(atom.path, true)'],
  ['nextOwners', 'taken.set(path, true)'],
  ['overlapping', 'places.set(write.path, true)'],
];

const EQUIVALENTS: readonly Equivalent[] = [
  ...PLACES.map(([name, code]) => ({
    in: name,
    code,
    replacement: code.replace(', true)', ', false)'),
    why: 'Of such a map only the places are asked for, never the values.',
  })),
  {
    in: 'commonOf',
    code: 'common.set(name, most[0] as Json)',
    replacement: 'common.set(name, most[1] as Json)',
    why: 'They are at least two by then, and all the same.',
  },
  {
    in: 'typicalOf',
    code: 'a.key < b.key',
    replacement: 'a.key <= b.key',
    why: 'No two have the same key.',
  },
  {
    in: 'withUndo',
    code: '!written.some((one) => one.owner === owner)',
    replacement: 'false',
    why: 'What undoes nothing is written as nothing.',
  },
  {
    in: 'sentenceOf',
    code: 'devicesCounted ?? 0',
    replacement: 'devicesCounted ?? 1',
    why: 'Only a hub whose devices are counted is refused for being short.',
  },
  {
    in: 'refusedOf',
    code: 'absences === target.absences',
    replacement: 'false',
    why: 'Where all are written none is left over; it only spares the look.',
  },
  {
    in: 'createSelection',
    code: 'count += 1',
    replacement: 'count -= 1',
    why: 'Numbers that only have to differ do so downwards too.',
  },
  {
    in: 'tellingTag',
    code: 'groups.reduce((sum, group) => sum + Math.max(0, countByTag(group, name).length - 1), 0)',
    replacement: 'groups.reduce((sum, group) => sum + Math.max(0, countByTag(group, name).length - 1), 1)',
    why: 'Sums that are only compared with each other may all be one more.',
  },
];

export interface FoundEquivalent {
  readonly found: FoundCode;
  readonly replacement: string;
  readonly why: string;
}

export function findEquivalents(declarations: readonly Declaration[]): FoundEquivalent[] {
  return EQUIVALENTS.map(({ replacement, why, ...place }) => ({
    found: findCode(declarations, place),
    replacement,
    why,
  }));
}

export function equivalentOf(equivalents: readonly FoundEquivalent[], mutant: Mutant): FoundEquivalent | undefined {
  return equivalents.find(({ found: { file, source, start, end }, replacement }) => {
    if (file !== mutant.file || mutant.start < start || mutant.end > end) return false;
    const inside = { ...mutant, start: mutant.start - start, end: mutant.end - start };
    return isSameCode(mutate(source.slice(start, end), inside), replacement);
  });
}
