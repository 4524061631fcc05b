// Properties of every exception over every declared state and every twin.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Declared } from '../../src/model/declared.ts';
import { isObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Twin } from '../../src/model/twin.ts';
import { differencesOf, writes } from '../../src/model/action.ts';
import { configurations, desired, families, FOREIGN, PROFILES, tampering, type Shape } from './arbitrary-declared.ts';
import {
  applied,
  declare,
  desiredOf,
  NOW_MS,
  ownOf,
  plan,
  settled,
  tampered,
  targetFor,
  twinOf,
  type Configurations,
  type ExceptionFields,
  type PlanOptions,
} from './fixture.ts';

type Exceptions = Readonly<Record<string, ExceptionFields>>;

const ALL: Shape = { frozen: true, policies: true, groups: true, remove: true };

interface Story {
  readonly base: Configurations;
  readonly next: Configurations;
  readonly exceptions: Exceptions;
  readonly later: Exceptions;
}

/** Configurations of one family before and after, and exceptions of the same. */
function stories(shape: Shape): fc.Arbitrary<Story> {
  return families().chain((family) => {
    const exceptions = configurations(family, { groups: true }).map(toExceptions);
    const base = configurations(family, shape);
    return fc.record({ base, next: base, exceptions, later: exceptions });
  });
}

function toExceptions(from: Configurations): Exceptions {
  return Object.fromEntries(
    Object.entries(from).map(([name, { profile, set, env }]): [string, ExceptionFields] => [
      name,
      {
        ...(profile === undefined ? {} : { profile }),
        ...(set === undefined ? {} : { set }),
        ...(env === undefined ? {} : { env }),
      },
    ]),
  );
}

function source(base: Configurations, exceptions: Exceptions): Declared {
  return declare(base, { profiles: PROFILES, exceptions });
}

function over(exceptions: Exceptions): Exceptions {
  return Object.fromEntries(
    Object.entries(exceptions).map(([name, fields]) => [name, { ...fields, expiresAtMs: NOW_MS }]),
  );
}

/**
 * Empty objects mean nothing to an agent, and appear and disappear with their content. The marker of a component has no
 * owner and stays.
 */
function withoutEmpty(value: Json): Json {
  if (!isObject(value)) return value;
  const members = Object.keys(value)
    .filter((key) => key !== '__t')
    .map((key) => [key, withoutEmpty(value[key] as Json)] as const)
    .filter(([, member]) => !isObject(member) || Object.keys(member).length > 0);
  return Object.fromEntries(members);
}

/** Every path, with its value unless that is an object. */
function shapeOf(twin: Twin): Json {
  return withoutEmpty(desiredOf(twin));
}

/**
 * False if an exception replaces a text by an object or the other way round: then the previous values can't be compared
 * by name.
 */
function isSameShape(before: JsonObject, during: JsonObject): boolean {
  return Object.keys(before).every((key) => {
    const [a, b] = [before[key], during[key]];
    if (a === undefined || b === undefined) return true;
    return isObject(a) && isObject(b) ? isSameShape(a, b) : isObject(a) === isObject(b);
  });
}

describe('an exception', () => {
  test('leaves the twin as it found it', () => {
    fc.assert(
      fc.property(stories(ALL), desired, ({ base, exceptions }, properties) => {
        const during = source(base, exceptions);
        fc.pre(targetFor(during).hold === undefined && targetFor(source(base, {})).hold === undefined);
        const before = settled(source(base, {}), twinOf({ desired: properties }));
        const raised = settled(during, before);
        fc.pre(isSameShape(desiredOf(before), desiredOf(raised)));
        const after = settled(source(base, over(exceptions)), raised);
        expect(shapeOf(after)).toEqual(shapeOf(before));
      }),
      { numRuns: 300 },
    );
  });

  test('is what live means while it counts, whatever is suspended or observed below', () => {
    fc.assert(
      fc.property(stories(ALL), desired, tampering, ({ base, exceptions }, properties, tamper) => {
        const during = source(base, exceptions);
        const target = targetFor(during);
        fc.pre(target.hold === undefined);
        const twin = settled(during, tampered(settled(source(base, {}), twinOf({ desired: properties })), tamper));
        const action = plan(during, twin);
        fc.pre(action.type !== 'Hold');
        expect(writes(action)).toBe(false);
        const differing = differencesOf(action).map(({ owner }) => owner);
        expect(differing.filter((owner) => owner.startsWith('SecurityException/'))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('that comes, changes and goes with all else leaves foreign values alone and nothing of its own in the record', () => {
    fc.assert(
      fc.property(stories(ALL), desired, tampering, ({ base, next, exceptions, later }, properties, tamper) => {
        let twin = twinOf({ desired: properties });
        for (const declared of [
          source(base, exceptions),
          source(next, later),
          source(next, over(later)),
          source(base, {}),
        ]) {
          const before = tampered(twin, tamper);
          twin = settled(declared, before);
          expect(desiredOf(twin)[FOREIGN]).toEqual(desiredOf(before)[FOREIGN]);
          const again = plan(declared, twin);
          expect(writes(again)).toBe(false);
        }
        const left = Object.keys(twin.tags === undefined ? {} : ownersIn(twin)).filter((owner) =>
          owner.startsWith('SecurityException/'),
        );
        expect(plan(source(base, {}), twin).type === 'Hold' || Object.keys(base).length === 0 ? [] : left).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

function ownersIn(twin: Twin): JsonObject {
  const records = twin.tags?.['twinward'] as JsonObject | undefined;
  const record = records?.['default'] as JsonObject | undefined;
  return (record?.['own'] ?? {}) as JsonObject;
}

test('what a person suspends is not written, whatever the record, the manifests and the exceptions say', () => {
  const by = { who: 'ana@desk', reason: 'INC-9', untilMs: undefined };
  const suspension = fc.constantFrom<NonNullable<PlanOptions['suspensions']>[number]>(
    { scope: 'All', ...by },
    { scope: 'Device', name: 'd1', ...by },
  );
  fc.assert(
    fc.property(
      stories(ALL),
      desired,
      tampering,
      suspension,
      ({ base, next, exceptions, later }, properties, tamper, one) => {
        const twin = tampered(settled(source(base, exceptions), twinOf({ desired: properties })), tamper);
        for (const declared of [source(next, later), source(next, over(exceptions)), source({}, {})]) {
          expect(writes(plan(declared, twin, { suspensions: [one] }))).toBe(false);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a suspended configuration loses nothing and lets nobody below take its place', () => {
  const by = { who: 'ana@desk', reason: 'INC-9', untilMs: undefined };
  fc.assert(
    fc.property(stories({ groups: true }), desired, ({ base }, properties) => {
      const declared = source(base, {});
      const twin = settled(declared, twinOf({ desired: properties }));
      fc.pre(targetFor(declared).hold === undefined);
      for (const name of Object.keys(base)) {
        const suspensions = [{ scope: 'Configuration', name, ...by } as const];
        const { [name]: _gone, ...others } = base;
        for (const state of [declared, source(others, {})]) {
          const after = applied(twin, plan(state, twin, { suspensions }));
          expect(ownOf(after)[name]).toEqual(ownOf(twin)[name]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the order of exceptions does not matter', () => {
  fc.assert(
    fc.property(stories(ALL), desired, ({ base, next, exceptions, later }, properties) => {
      const twin = settled(source(base, exceptions), twinOf({ desired: properties }));
      const declared = source(next, later);
      const reversed = { ...declared, exceptions: declared.exceptions.toReversed() };
      expect(plan(reversed, twin)).toEqual(plan(declared, twin));
    }),
    { numRuns: 200 },
  );
});
