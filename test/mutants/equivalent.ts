// Mutants that mean the same as the code they change: no check can tell them apart, and here is why.
import { linesOf, type Mutant } from './mutant.ts';

export interface Equivalent {
  readonly file: string;
  /** The changed lines, with single spaces. */
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

/** Lines that put a place into a map of places. */
const PLACES: readonly (readonly [file: string, line: string])[] = [
  ['exception-end', 'for (const absence of absences) if (!isAbsent(absence, desired)) taken.set(absence.path, true);'],
  ['exception-end', 'else taken.set(atom.path, true);'],
  ['exception-end', 'taken.set(path, true);'],
  ['frozen-rules', 'for (const { atom } of atoms) ours.set(atom.path, true);'],
  ['layering', "if (state !== 'Enforced' || policy === 'Ignore') places.set(path, true);"],
  ['exception-end', 'if (before === undefined) unknown.set(path, true);'],
  ['ownership', 'if (!unknown.overlaps(path)) claims.set(path, true);'],
  [
    'ownership',
    'for (const { fate, paths } of entries) if (isKeeping(fate)) for (const path of paths) kept.set(path, true);',
  ],
  ['ownership', 'for (const { path } of restores.changes) taken.set(path, true);'],
  ['ownership', 'for (const { path } of [...atoms.map(({ atom }) => atom), ...absences]) taken.set(path, true);'],
  ['ownership', 'taken.set(path, true);'],
  ['ownership', "for (const { atom } of atoms) if (atom.policy === 'Override') taken.set(atom.path, true);"],
  ['ownership', 'for (const { path } of absences) taken.set(path, true);'],
  ['surroundings', 'if (write.moduleId === undefined || write.moduleId === moduleId) places.set(write.path, true);'],
];

export const EQUIVALENTS: readonly Equivalent[] = [
  ...PLACES.map(([file, before]) => ({
    file: `src/plan/${file}.ts`,
    before,
    after: before.replace(', true)', ', false)'),
    why: 'Of such a map only the places are asked for, never the values.',
  })),
  {
    file: 'src/plan/adoption.ts',
    before: 'if (linesWith < values.length && !overlapsAny(name, common.keys())) common.set(name, most[0] as Json);',
    after: 'if (linesWith < values.length && !overlapsAny(name, common.keys())) common.set(name, most[1] as Json);',
    why: 'They are at least two by then, and all the same.',
  },
  {
    file: 'src/plan/adoption.ts',
    before: '.toSorted((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));',
    after: '.toSorted((a, b) => b.count - a.count || (a.key <= b.key ? -1 : 1));',
    why: 'No two have the same key.',
  },
  {
    file: 'src/plan/exception-end.ts',
    before: 'if (!written.some((one) => one.owner === owner)) continue;',
    after: 'if (false) continue;',
    why: 'What undoes nothing is written as nothing.',
  },
  {
    file: 'src/plan/guards.ts',
    before:
      'return `ListShort: the hub counts ${devicesCounted ?? 0} devices and lists ${count} fewer; nothing is taken away until it lists them.`;',
    after:
      'return `ListShort: the hub counts ${devicesCounted ?? 1} devices and lists ${count} fewer; nothing is taken away until it lists them.`;',
    why: 'What nobody counted is not refused for being short.',
  },
  {
    file: 'src/plan/ownership.ts',
    before: 'absences === target.absences',
    after: 'false',
    why: 'Where all are written none is left over; it only spares the look.',
  },
  {
    file: 'src/plan/selection.ts',
    before: 'count += 1;',
    after: 'count -= 1;',
    why: 'Numbers that only have to differ do so downwards too.',
  },
  {
    file: 'src/plan/shapes.ts',
    before: 'groups.reduce((sum, group) => sum + Math.max(0, countByTag(group, name).length - 1), 0);',
    after: 'groups.reduce((sum, group) => sum + Math.max(0, countByTag(group, name).length - 1), 1);',
    why: 'Sums that are only compared with each other may all be one more.',
  },
];

export function equivalentOf(source: string, mutant: Mutant): Equivalent | undefined {
  const { before, after } = linesOf(source, mutant);
  return EQUIVALENTS.find((one) => one.file === mutant.file && one.before === before && one.after === after);
}
