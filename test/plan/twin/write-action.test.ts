// The reason of a write of only the record.
import { expect, test } from 'vitest';
import type { Atom } from '../../../src/model/profile.ts';
import type { Ownership } from '../../../src/plan/twin/ownership.ts';
import { PathMap } from '../../../src/model/path-map.ts';
import { parseOwner, type Owner } from '../../../src/model/owner.ts';
import { recordReason } from '../../../src/plan/twin/write-action.ts';

const OURS = 'SecurityConfiguration/ours';
const THEIRS = 'SecurityConfiguration/theirs';

/** One owned setting `up`, and its owners in the record. */
function ownershipOf(recorded: Readonly<Record<string, string>>): Ownership {
  const recordedPaths = new PathMap<{ readonly owner: Owner }>();
  for (const [key, owner] of Object.entries(recorded)) recordedPaths.set(['up', key], { owner: parseOwner(owner) });
  const atom = { name: 'up', path: ['up'], policy: 'Override' } as unknown as Atom;
  return { atoms: [{ atom, owner: OURS }], owners: new Map(), recordedPaths } as unknown as Ownership;
}

test.each([
  ['nobody was named there', {}, 'Adopted'],
  ['we were', { url: OURS }, 'Released'],
  ['somebody else was', { url: THEIRS }, 'OwnerChanged'],
  ['somebody else was, beside us', { url: OURS, key: THEIRS }, 'OwnerChanged'],
])('where %s', (_sentence, recorded, want) => {
  expect(recordReason(new Map(), ownershipOf(recorded))).toBe(want);
});

test('without a record it is adopted', () => {
  expect(recordReason(undefined, ownershipOf({ url: THEIRS }))).toBe('Adopted');
});
