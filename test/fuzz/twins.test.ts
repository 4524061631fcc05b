// Twins and records as hostile writers leave them: the planner never throws, and touches nothing but what is declared.
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cloneJson,
  deepEqual,
  formatPointer,
  getPath,
  isObject,
  type Json,
  type JsonObject,
} from '../../src/model/json.ts';
import type { Declared } from '../../src/model/declared.ts';
import { etagOfCounter, type Twin } from '../../src/model/twin.ts';
import { REASONS, writes } from '../../src/model/action.ts';
import { actionDocument } from '../../src/plan/report/document.ts';
import { explainTwin } from '../../src/plan/explain/explain.ts';
import { configurations, families, FOREIGN, PROFILES, type Shape } from '../plan/arbitrary-declared.ts';
import { applied, decide, declare, desiredOf, plan, settled, targetFor, twinOf } from '../plan/fixture.ts';
import { anyDesired, anyValue, NAMES, objectOf } from './arbitrary-twins.ts';
import { mutate, mutationOf } from './mutation.ts';
import { fuzz } from './runs.ts';

const ALL: Shape = { frozen: true, policies: true, groups: true, remove: true };
const ENFORCED: Shape = { policies: true, remove: true };

/** Two declared states, one after the other; the first declares something. */
function states(shape: Shape): fc.Arbitrary<readonly [Declared, Declared]> {
  return families().chain((family) => {
    const any = configurations(family, shape);
    const some = any.filter((one) => Object.keys(one).length > 0);
    return fc
      .tuple(some, fc.oneof(some, some, any))
      .map(
        ([first, second]) => [declare(first, { profiles: PROFILES }), declare(second, { profiles: PROFILES })] as const,
      );
  });
}

/** Calls everything that reads a twin. */
function lookAt(declared: Declared, live: Twin): ReturnType<typeof plan> {
  const decision = decide(declared, live);
  const { action } = decision;
  expect(REASONS[action.type]).toContain(action.reason);
  JSON.stringify(actionDocument({ hub: 'dev', profiles: declared.profiles }, action, live));
  explainTwin({ hubName: 'dev', decision, key: 'a' });
  return action;
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: Json;
}

/** Lists are leaves, and an object without members is nothing. */
function leavesOf(value: Json, path: readonly string[] = []): Leaf[] {
  if (!isObject(value)) return [{ path, value }];
  return Object.keys(value).flatMap((key) => leavesOf(value[key] as Json, [...path, key]));
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  return shorter.every((key, index) => longer[index] === key);
}

/** Members that a component profile adds itself. */
function isMark(path: readonly string[]): boolean {
  return path[1] === '__t';
}

function declaredPaths(declared: Declared): (readonly string[])[] {
  const { atoms, absences, frozenAtoms, frozenAbsences } = targetFor(declared);
  return [...atoms, ...frozenAtoms]
    .map(({ atom }) => atom.path)
    .concat([...absences, ...frozenAbsences].map(({ path }) => path));
}

/** The leaves that no manifest declares and no profile adds. */
function foreignLeaves(twin: Twin, all: readonly Declared[]): Leaf[] {
  const declared = all.flatMap(declaredPaths);
  return leavesOf(desiredOf(twin)).filter(({ path }) => !isMark(path) && !declared.some((one) => overlaps(one, path)));
}

/** A hub holds no nulls but in lists. */
function withoutNulls(value: JsonObject): JsonObject {
  const next = cloneJson(value);
  for (const key of Object.keys(next)) {
    const member = next[key] as Json;
    if (member === null) delete next[key];
    else if (isObject(member)) Object.defineProperty(next, key, { value: withoutNulls(member) });
  }
  return next;
}

describe('a hostile twin', () => {
  test('never makes the planner throw, whatever its tags, etag, desired and reported properties are', () => {
    fc.assert(
      fc.property(
        states(ALL),
        anyDesired,
        fc.oneof(anyDesired, objectOf(fc.constantFrom('twinward', 'env', ...NAMES), anyValue)),
        anyDesired,
        fc.oneof(fc.string(), fc.constant(etagOfCounter(2n ** 64n - 1n))),
        ([first, second], desired, tags, reported, etag) => {
          let twin = twinOf({ desired, tags, reported, etag });
          for (const declared of [first, second]) twin = applied(twin, lookAt(declared, twin));
        },
      ),
      fuzz(300),
    );
  });

  test('keeps undeclared keys, means what is declared after one patch, and needs no second', () => {
    let patches = 0;
    fc.assert(
      fc.property(states(ENFORCED), anyDesired.map(withoutNulls), (both, desired) => {
        let twin = twinOf({ desired });
        for (const declared of both) {
          const foreign = foreignLeaves(twin, both);
          const action = plan(declared, twin);
          twin = applied(twin, action);
          for (const { path, value } of foreign) {
            expect(getPath(desiredOf(twin), path), formatPointer(path)).toEqual(value);
          }
          if (action.type === 'Hold') continue;
          for (const { atom } of targetFor(declared).atoms) {
            if (atom.policy !== 'Override') continue;
            const live = getPath(desiredOf(twin), atom.path);
            const plain = atom.wrapped ? getPath(live, ['value']) : live;
            expect(deepEqual(plain, atom.plain), formatPointer(atom.path)).toBe(true);
          }
          if (action.type === 'Patch') patches += 1;
          expect(plan(declared, twin).type).toMatch(/^(Equal|Keep)$/);
        }
      }),
      fuzz(300),
    );
    expect(patches).toBeGreaterThan(10);
  });
});

/** Replacements for each field: other types, hostile texts, other versions, and large values. */
const damagedValue: fc.Arbitrary<Json> = fc.oneof(
  anyValue,
  fc.constantFrom<Json>(
    2,
    0,
    '1',
    'Remove',
    'Retain',
    'leaf',
    'gone',
    '/g',
    '/',
    '',
    'x',
    'a',
    'a/b',
    '$metadata',
    '$version',
    { h: '' },
    { h: 'AAAAAAAA' },
    { h: 'AAAA' },
    { h: 7 },
    ['a', 'b', '__proto__'],
    [''],
    Array.from({ length: 2_000 }, (_, index) => `n${index}`),
    'x'.repeat(9_000),
    { 'SecurityException/e': { digest: 'd', deletionPolicy: 'Remove', profile: 'leaf', section: '/g', keys: ['a'] } },
  ),
);
const RECORD_KEYS =
  'v own at rev etag desired contest nudge digest deletionPolicy profile section keys before wrote h ' +
  'SecurityConfiguration/p SecurityException/e __proto__';
const recordKey = fc.constantFrom(...RECORD_KEYS.split(' '), '', FOREIGN);
/** Of an exception that ended, as far as the twin says; `before` and `wrote` may be about anything. */
const exceptionEntry = fc.record({
  digest: fc.constant('d'),
  deletionPolicy: fc.constantFrom('Retain', 'Remove'),
  profile: fc.constantFrom('leaf', 'wrapped', 'root', 'gone'),
  section: fc.constantFrom('/g', '/w', '', '/s/t'),
  keys: fc.subarray(['a', 'b', '__proto__', 'x~1y']),
  before: fc.dictionary(
    fc.constantFrom('a', 'b', '__proto__', FOREIGN),
    fc.constantFrom('', '1', '{"b":1}', '{', 'null'),
  ),
  wrote: fc.oneof(fc.constant(''), fc.base64String()),
});

function seldom<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
}

/** The names in the record, read as loosely as possible; none if it is not a record of this version. */
function recordedNames(twin: Twin): { readonly has: (section: string, name: string) => boolean } {
  const raw = getPath(twin.tags, ['twinward', 'default']);
  const own = isObject(raw) && raw['v'] === 1 ? raw['own'] : undefined;
  const entries = isObject(own) ? Object.values(own).filter((entry) => isObject(entry)) : [];
  return {
    has: (section, name) =>
      entries.some(({ section: there = '', keys }) => {
        if (there !== section) return false;
        if (Array.isArray(keys)) return keys.includes(name);
        const hashes = Buffer.from(String(isObject(keys) ? keys['h'] : ''), 'base64').toString('hex');
        return hashes.includes(createHash('sha256').update(name).digest('hex').slice(0, 12));
      }),
  };
}

/** True where the record names the place, or one above it, under any section. */
function isRecorded(path: readonly string[], names: ReturnType<typeof recordedNames>): boolean {
  return path.some((_, from) =>
    path.slice(from).some((_key, index) => {
      const name = formatPointer(path.slice(from, from + index + 1)).slice(1);
      return names.has(formatPointer(path.slice(0, from)), name);
    }),
  );
}

describe('a record that was edited by hand', () => {
  const record = fc.record({
    wholeTag: seldom(anyValue),
    whole: seldom(anyValue),
    exception: seldom(exceptionEntry),
    mutations: fc.array(mutationOf(recordKey, damagedValue), { maxLength: 3 }),
  });

  test('removes nothing that is neither recorded nor declared, and is put right at once', () => {
    let removals = 0;

    fc.assert(
      fc.property(states(ALL), anyDesired.map(withoutNulls), record, ([first, second], desired, edits) => {
        const before = twinOf({ desired: { ...desired, [FOREIGN]: 'theirs' } });
        const { tags = {}, ...rest } = settled(first, before);
        const edited = cloneJson(tags);
        const own = getPath(edited, ['twinward', 'default', 'own']);
        if (edits.exception !== undefined && isObject(own))
          own['SecurityException/e'] = cloneJson(edits.exception as JsonObject);
        const inside = getPath(edited, ['twinward']);
        for (const mutation of edits.mutations) if (inside !== undefined) mutate(inside, mutation);
        if (edits.whole !== undefined && isObject(inside)) inside['default'] = cloneJson(edits.whole);
        if (edits.wholeTag !== undefined) edited['twinward'] = edits.wholeTag;
        const live: Twin = { ...rest, tags: edited };

        const action = lookAt(second, live);
        const after = applied(live, action);
        const names = recordedNames(live);
        const declared = declaredPaths(second);
        const left = desiredOf(after);
        for (const { path } of leavesOf(desiredOf(live))) {
          if (getPath(left, path) !== undefined || isMark(path)) continue;
          if (declared.some((one) => overlaps(one, path))) continue;
          removals += 1;
          expect(isRecorded(path, names), `${formatPointer(path)} was removed`).toBe(true);
        }
        expect(left[FOREIGN]).toBe('theirs');
        const again = lookAt(second, after);
        expect(writes(again), `${action.type}/${action.reason}, then ${again.type}/${again.reason}`).toBe(false);
      }),
      fuzz(500),
    );

    expect(removals).toBeGreaterThan(0);
  });
});
