// Mutants of how settings and tags are compared, and of what a patch sends.
import type { HandMade } from '../mutant.ts';

export const MEANING: readonly HandMade[] = [
  {
    name: 'settings are compared by text',
    in: 'isMet',
    code: 'sameMeaning(atom, live)',
    replacement: 'JSON.stringify(atom.value) === JSON.stringify(live)',
  },
  {
    name: 'durations are compared by text',
    in: 'sameDuration',
    code: 'seconds !== undefined && seconds === parseDuration(b)',
    replacement: 'a === b',
  },
  {
    name: 'lists that are sets are compared in order',
    in: 'sameValue',
    code: '[...new Set(listItems(text))].toSorted()',
    replacement: '[...new Set(listItems(text))]',
  },
  {
    name: 'tags are compared by text',
    in: 'holds',
    code: 'return isScalar(fact) && requirement.values.includes(fact);',
    replacement: 'return requirement.values.some((value) => String(value) === String(fact));',
  },
  {
    name: 'a device without the tag is not taken by NotIn',
    in: 'holds',
    code: '!(isScalar(fact) && requirement.values.includes(fact))',
    replacement: 'isScalar(fact) && !requirement.values.includes(fact)',
  },
  {
    name: 'an agent that needs the whole section gets single settings',
    in: 'desiredPatch',
    code: "patchGranularity === 'section'",
    replacement: "patchGranularity === 'section' && changes.length > 1",
  },
  {
    name: 'a whole section leaves out what is to be removed',
    in: 'withRemovals',
    code: 'for (const key of Object.keys(patch)) if (patch[key] === null) setKey(merged, key, null);',
    replacement: '',
  },
  {
    name: 'what others put into a value wrapper is overwritten',
    in: 'afterOf',
    code: '{ ...before, ...atom.value }',
    replacement: 'atom.value',
  },
];
