// The message of a write of only the record.
import { parseOwner } from '../../../src/model/owner.ts';
import type { OwnedEntry, OwnedKeys, Owners } from '../../../src/plan/record/owned-entry.ts';
import { describe, expect, test } from 'vitest';
import { recordMessage, releaseMessage } from '../../../src/plan/record/record-message.ts';

const named = (...names: string[]): OwnedKeys => ({ names });
const HASHED: OwnedKeys = { hashes: new Set(['AAAAAAAA']) };

function owners(entries: Readonly<Record<string, OwnedKeys>>, more: Partial<OwnedEntry> = {}): Owners {
  const entry = { digest: 'd', deletionPolicy: 'Retain', profile: 'p', section: [] } as const;
  return new Map(Object.entries(entries).map(([owner, keys]) => [parseOwner(owner), { ...entry, ...more, keys }]));
}

interface Row {
  readonly what: string;
  readonly before: Owners;
  readonly after: Owners;
  readonly says: string;
}

describe('the message', () => {
  test.each<Row>([
    {
      what: 'a first owner',
      before: owners({}),
      after: owners({ base: named('a', 'b') }),
      says: 'base owns "a", "b" from now on.',
    },
    {
      what: 'an owner that is gone',
      before: owners({ base: named('a'), old: named('x', 'y') }),
      after: owners({ base: named('a') }),
      says: 'old lets go of "x", "y"; what is there stays.',
    },
    {
      what: 'a setting that goes from one to another',
      before: owners({ base: named('a', 'b') }),
      after: owners({ base: named('a'), site: named('b') }),
      says: 'site owns "b" from now on.',
    },
    {
      what: 'many settings',
      before: owners({}),
      after: owners({ base: named('a', 'b', 'c', 'd', 'e', 'f', 'g') }),
      says: 'base owns "a", "b", "c", "d", "e", and 2 more from now on.',
    },
    {
      what: 'settings of which only hashes are recorded',
      before: owners({ old: HASHED }),
      after: owners({}),
      says: 'old lets go of its settings; what is there stays.',
    },
    {
      what: 'a first owner of which only hashes are recorded',
      before: owners({}),
      after: owners({ base: HASHED }),
      says: 'base owns its settings from now on.',
    },
    {
      what: 'another deletion policy and profile',
      before: owners({ base: named('a') }),
      after: owners({ base: named('a') }, { deletionPolicy: 'Remove', profile: 'q' }),
      says: 'The deletion policy of base is Remove now. The profile of base is q now.',
    },
    {
      what: 'nothing but a contest that is over',
      before: owners({}),
      after: owners({}),
      says: 'The record has nothing left to remember.',
    },
  ])('of $what', ({ before, after, says }) => {
    expect(recordMessage(before, after)).toBe(says);
  });
});

describe('what a write of settings lets go of beside them', () => {
  const before = owners({ base: named('a', 'b'), old: named('x', 'y') });
  test.each<[what: string, after: Owners, changed: readonly string[], says: string | undefined]>([
    ['nothing', before, ['a'], undefined],
    [
      'what an owner had that is gone',
      owners({ base: named('a', 'b') }),
      ['a'],
      'old lets go of "x", "y"; what is there stays.',
    ],
    ['not what is removed', owners({ base: named('a', 'b') }), ['x', 'y'], undefined],
    ['not what another has from now on', owners({ base: named('a', 'b', 'x', 'y') }), ['a'], undefined],
    ['not what only hashes tell', owners({ base: HASHED }), ['a'], undefined],
  ])('%s', (_what, after, changed, says) => {
    expect(
      releaseMessage(
        before,
        after,
        changed.map((name) => ({ name })),
      ),
    ).toBe(says);
  });
});
