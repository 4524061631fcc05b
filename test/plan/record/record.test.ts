// The record on the twin: written, read back, spelt with names or hashes.
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { etagOfCounter } from '../../../src/model/twin.ts';
import { parseOwner, type Owner } from '../../../src/model/owner.ts';
import { expectedOwners } from '../../../src/plan/target/target.ts';
import {
  ownedNames,
  sameOwnership,
  withoutNames,
  type OwnedEntry,
  type Owners,
} from '../../../src/plan/record/owned-entry.ts';
import { composeRecord } from '../../../src/plan/record/record-write.ts';
import { NO_MEMORY, rawRecord, readRecord } from '../../../src/plan/record/record.ts';
import { declare, NOW_MS, targetFor, type Configurations } from '../fixture.ts';

const FACTS = { revision: 'sha1:3f9c2e1aa0b1c2d3e4', nowMs: NOW_MS, etag: etagOfCounter(2n), memory: NO_MEMORY };

function entryOf(names: readonly string[], fields: Partial<OwnedEntry> = {}): OwnedEntry {
  return { digest: '9b1c2d3e4f50', deletionPolicy: 'Retain', profile: 'p', section: [], keys: { names }, ...fields };
}

const A = parseOwner('a');
const B = parseOwner('b');

function twinWith(record: Json, instance = 'default') {
  return { tags: { twinward: { [instance]: record } } };
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `setting-number-${String(index).padStart(4, '0')}`);
}

describe('composing', () => {
  test('says version, the etag to come, when, from which revision and who owns what', () => {
    const owners: Owners = new Map<Owner, OwnedEntry>([
      ['SecurityConfiguration/b.c', entryOf(['x', 'y'], { section: ['a/b', 'c~'], deletionPolicy: 'Remove' })],
      ['SecurityConfiguration/a', entryOf(['z'])],
    ]);
    expect(composeRecord(owners, FACTS)).toEqual({
      v: 1,
      etag: 'AAAAAAAAAAM=',
      at: '2026-11-23T17:40:00Z',
      rev: '3f9c2e1aa0b1',
      own: {
        'SecurityConfiguration/a': { digest: '9b1c2d3e4f50', deletionPolicy: 'Retain', profile: 'p', keys: ['z'] },
        'SecurityConfiguration/b%2Ec': {
          digest: '9b1c2d3e4f50',
          deletionPolicy: 'Remove',
          profile: 'p',
          section: '/a~1b/c~0',
          keys: ['x', 'y'],
        },
      },
    });
  });

  test('leaves the etag out where the hub has another form of it', () => {
    expect(composeRecord(new Map(), { ...FACTS, etag: '"MQ=="' })).not.toHaveProperty('etag');
  });

  test('uses hashes once the names of all owners together pass 3 KB', () => {
    const keysOf = (count: number) =>
      Object.values(
        composeRecord(
          new Map([
            [A, entryOf(names(count))],
            [B, entryOf(['x'])],
          ]),
          FACTS,
        )['own'] as JsonObject,
      ).map((entry) => (entry as JsonObject)['keys']);
    expect(keysOf(100)).toEqual([names(100), ['x']]);
    expect(keysOf(200)).toEqual([{ h: expect.any(String) as string }, { h: expect.any(String) as string }]);
  });

  test('fits 400 settings in 4 KB', () => {
    const record = composeRecord(new Map([['SecurityConfiguration/a', entryOf(names(400))]]), FACTS);
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(4_096);
  });
});

describe('reading', () => {
  test('gives back what was composed', () => {
    const owners: Owners = new Map<Owner, OwnedEntry>([
      [
        'SecurityConfiguration/b.c',
        entryOf(['x/y', 'z~0'], { section: ['a/b', 'c~', '__proto__'], deletionPolicy: 'Remove' }),
      ],
      ['SecurityConfiguration/a', entryOf(['__proto__'])],
    ]);
    const reading = readRecord(twinWith(composeRecord(owners, FACTS)), 'default');
    expect(reading).toEqual({ kind: 'valid', owners: new Map([...owners].toReversed()), memory: NO_MEMORY });
  });

  test('of hashes says which of the names that exist are meant', () => {
    const reading = readRecord(twinWith(composeRecord(new Map([[A, entryOf(names(200))]]), FACTS)), 'default');
    if (reading.kind !== 'valid') throw new Error(reading.kind);
    const keys = reading.owners.get(A)?.keys ?? { names: [] };
    expect(ownedNames(keys, () => ['x', ...names(3), 'y'])).toEqual(names(3));
    expect(sameOwnership(reading.owners, new Map([[A, entryOf(names(200))]]))).toBe(true);
    expect(sameOwnership(reading.owners, new Map([[A, entryOf(names(199))]]))).toBe(false);
    const fewer = withoutNames(keys, new Set([...names(199), 'x']));
    expect(ownedNames(fewer ?? { names: [] }, () => names(200))).toEqual(names(200).slice(199));
    expect(withoutNames(keys, new Set(names(200)))).toBeUndefined();
  });

  const entry = { digest: 'd', deletionPolicy: 'Retain', profile: 'p', keys: ['a'] };
  const own = (fields: JsonObject): Json => ({ v: 1, own: { a: { ...entry, ...fields } } });
  test.each<[sentence: string, record: Json, want: string]>([
    ['a record', own({}), 'valid'],
    ['without owners', { v: 1, own: {} }, 'valid'],
    ['with members of its own', { v: 1, own: {}, more: 1 }, 'valid'],
    ['of hashes', own({ keys: { h: 'AAECAwQF' } }), 'valid'],
    ['of no hashes', own({ keys: { h: '' } }), 'valid'],
    ['of version 2', { v: 2 }, 'newer'],
    ['of version 1.5', { v: 1.5, own: {} }, 'damaged'],
    ['of version 0', { v: 0, own: {} }, 'damaged'],
    ['of version "1"', { v: '1', own: {} }, 'damaged'],
    ['a text', 'x', 'damaged'],
    ['a list', [1], 'damaged'],
    ['null', null, 'damaged'],
    ['owners in a list', { v: 1, own: [] }, 'damaged'],
    ['an owner that is a text', { v: 1, own: { a: 'x' } }, 'damaged'],
    ['no digest', own({ digest: 1 }), 'damaged'],
    ['no profile', own({ profile: null }), 'damaged'],
    ['an unknown policy', own({ deletionPolicy: 'Forget' }), 'damaged'],
    ['a section that is no pointer', own({ section: 'x' }), 'damaged'],
    ['keys that are no texts', own({ keys: ['a', 1] }), 'damaged'],
    ['keys of the hub', own({ keys: ['$metadata'] }), 'damaged'],
    ['hashes cut short', own({ keys: { h: 'AAEC' } }), 'damaged'],
    ['hashes that are a number', own({ keys: { h: 1 } }), 'damaged'],
  ])('%s', (_sentence, record, want) => {
    expect(readRecord(twinWith(record), 'default').kind).toBe(want);
  });

  test.each<[sentence: string, tags: JsonObject | undefined]>([
    ['no tags', undefined],
    ['no record', {}],
    ['a text in its place', { twinward: 'x' }],
    ['a list in its place', { twinward: [{ v: 1 }] }],
    ['only that of another instance', { twinward: { other: { v: 1, own: {} } } }],
  ])('absent: %s', (_sentence, tags) => {
    const twin = tags === undefined ? {} : { tags };
    expect(readRecord(twin, 'default')).toEqual({ kind: 'absent' });
    expect(rawRecord(twin, 'constructor')).toBeUndefined();
  });
});

describe('ownership is the same', () => {
  const base = new Map([[A, entryOf(['x', 'y'])]]);
  test.each<[sentence: string, other: Owners, want: boolean]>([
    ['with another digest', new Map([[A, entryOf(['x', 'y'], { digest: 'e' })]]), true],
    ['with another policy: no', new Map([[A, entryOf(['x', 'y'], { deletionPolicy: 'Remove' })]]), false],
    ['with another profile: no', new Map([[A, entryOf(['x', 'y'], { profile: 'q' })]]), false],
    ['with another section: no', new Map([[A, entryOf(['x', 'y'], { section: ['s'] })]]), false],
    ['with a key less: no', new Map([[A, entryOf(['x'])]]), false],
    ['with another owner: no', new Map([[B, entryOf(['x', 'y'])]]), false],
    ['with an owner more: no', new Map([...base, [B, entryOf(['z'])]]), false],
  ])('%s', (_sentence, other, want) => {
    expect(sameOwnership(base, other)).toBe(want);
    expect(sameOwnership(other, base)).toBe(want);
  });
});

describe('owners that are expected on a twin', () => {
  test.each<[sentence: string, is: Configurations, want: Json]>([
    ['those that win something', { low: { set: { a: 1 } }, high: { priority: 1, set: { a: 2 } } }, { high: ['a'] }],
    [
      'not what is only written where nothing is',
      { x: { set: { a: 1, b: 1 }, policies: { b: 'IfNotPresent' } } },
      { x: ['a'] },
    ],
    ['not those that only keep something absent', { x: { unset: ['a'] } }, {}],
    ['not those that only look', { x: { mode: 'Observe', set: { a: 1 } } }, {}],
  ])('%s', (_sentence, is, want) => {
    const { layers, atoms } = targetFor(declare(is));
    const owners = expectedOwners(
      layers.filter(({ state }) => state === 'Enforced'),
      atoms,
    );
    const shown = [...owners].map(([owner, { keys }]) => [owner.split('/')[1], ownedNames(keys, () => [])]);
    expect(Object.fromEntries(shown)).toEqual(want);
  });
});
