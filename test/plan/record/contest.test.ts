import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Declared } from '../../../src/model/declared.ts';
import { getPath, type Json, type JsonObject } from '../../../src/model/json.ts';
import type { Twin } from '../../../src/model/twin.ts';
import type { TwinAction } from '../../../src/model/action.ts';
import {
  afterCorrections,
  composeContests,
  contestsText,
  isContested,
  NO_CONTESTS,
  readContests,
} from '../../../src/plan/record/contest.ts';
import { createPlanner } from '../../../src/plan/planner.ts';
import { invariant } from '../../../src/model/errors.ts';
import { patchOf } from '../actions.ts';
import {
  applied,
  causesOf,
  declare,
  desiredOf,
  deviceOf,
  MODULE,
  NOW_MS,
  tampered,
  twinOf,
  WRAPPED,
} from '../fixture.ts';

const CONTESTS_MAX = 16;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A twin, its planner and a clock: writers take turns. */
function arena(declared: Declared, desired: JsonObject = {}) {
  const hub = declared.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  const state = { twin: twinOf({ desired }), nowMs: NOW_MS, writes: 0 };
  const planNow = (now: Declared = declared): TwinAction => {
    const planner = createPlanner(now, { hub, hubMode: 'Enforce', instance: 'default' });
    const device = deviceOf();
    return planner.plan(planner.targetFor(device, MODULE), device, state.twin, state.nowMs);
  };
  return {
    state,
    planNow,
    pass(now: Declared = declared): TwinAction {
      const action = planNow(now);
      if (action.type === 'Patch') state.writes += 1;
      state.twin = applied(state.twin, action);
      return action;
    },
    tamper(change: JsonObject): void {
      state.twin = tampered(state.twin, change);
    },
  };
}

const USB = declare({ base: { set: { usb: 'block', scan: 'PT1H' } } });

/** Another writer that changes `usb` before each of this many passes. */
function fight(ring: ReturnType<typeof arena>, rounds: number, everyMs: number): TwinAction[] {
  return Array.from({ length: rounds }, () => {
    ring.tamper({ g: { usb: 'allow' } });
    ring.state.nowMs += everyMs;
    return ring.pass();
  });
}

function contestOf({ tags }: Twin): Json | undefined {
  return getPath(tags, ['twinward', 'default', 'contest']);
}

describe('a setting that another writer keeps changing', () => {
  test('is corrected a few times, and then left alone, named with rate and time', () => {
    const ring = arena(USB);
    ring.pass();
    const actions = fight(ring, 8, MINUTE_MS);
    expect(actions.map(({ type, reason }) => `${type}/${reason}`)).toEqual([
      ...Array.from({ length: 6 }, () => 'Patch/Drift'),
      'Observe/Contested',
      'Observe/Contested',
    ]);
    const last = actions.at(-1);
    expect(last?.observed.map(({ name, before, after, cause }) => ({ name, before, after, cause }))).toEqual([
      { name: 'usb', before: 'allow', after: 'block', cause: 'Contested' },
    ]);
    expect(last?.message).toBe(
      'Another writer keeps changing "usb" (corrected about 4 times an hour, left alone since 2026-11-23T17:46:00Z). ' +
        'Find it, or let the setting go.',
    );
    expect(desiredOf(ring.state.twin)).toEqual({ g: { usb: 'allow', scan: 'PT1H' } });
  });

  test('is told together with those alike, and of many the first', () => {
    const at = (minute: number): number => Date.UTC(2026, 10, 23, 17, minute) / 1_000;
    const contests = new Map(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, { count: 5, atSeconds: at(name < 'c' ? 1 : 2) }]),
    );
    expect(contestsText(contests, [...contests.keys()])).toBe(
      'Another writer keeps changing "a", "b" (corrected about 3 times an hour, left alone since 2026-11-23T17:01:00Z); ' +
        '"c", "d" (corrected about 3 times an hour, left alone since 2026-11-23T17:02:00Z); and 2 more. ' +
        'Find it, or let the setting go.',
    );
  });

  test('does not keep other settings from being written', () => {
    const ring = arena(USB);
    ring.pass();
    fight(ring, 7, MINUTE_MS);
    ring.tamper({ g: { scan: 'never' } });
    const action = ring.pass();
    expect(causesOf(action)).toEqual(['scan:Drift']);
    expect(action.observed.map(({ name, cause }) => `${name}:${cause}`)).toEqual(['usb:Contested']);
    expect(action.message).toBe(
      'Left alone, as another writer keeps changing it: "usb". Find it, or let the setting go.',
    );
    expect(desiredOf(ring.state.twin)).toEqual({ g: { usb: 'allow', scan: 'PT1H' } });
    expect(ring.planNow()).toMatchObject({ type: 'Observe', reason: 'Contested' });
  });

  test('recovers once the other writer has stopped for a while, with one correction', () => {
    const ring = arena(USB);
    ring.pass();
    fight(ring, 7, MINUTE_MS);
    ring.state.nowMs += 2 * HOUR_MS;
    expect(ring.planNow()).toMatchObject({ type: 'Observe', reason: 'Contested' });
    ring.state.nowMs += 45 * MINUTE_MS;
    expect(ring.pass()).toMatchObject({ type: 'Patch', reason: 'Drift' });
    expect(ring.planNow()).toMatchObject({ type: 'Equal' });
    ring.state.nowMs += 24 * HOUR_MS;
    expect(ring.pass()).toMatchObject({ type: 'Equal' });
    expect(desiredOf(ring.state.twin)).toEqual({ g: { usb: 'block', scan: 'PT1H' } });
  });

  test('is in sync, and no more than that, where the other writer gives in', () => {
    const ring = arena(USB);
    ring.pass();
    fight(ring, 7, MINUTE_MS);
    ring.tamper({ g: { usb: 'block' } });
    expect(ring.planNow()).toMatchObject({ type: 'Equal', reason: 'InSync' });
  });

  test('is written once more where a person changes what is declared', () => {
    const ring = arena(USB);
    ring.pass();
    fight(ring, 7, MINUTE_MS);
    const edited = declare({ base: { set: { usb: 'audit', scan: 'PT1H' } } });
    expect(ring.pass(edited)).toMatchObject({ type: 'Patch', reason: 'ConfigurationChanged' });
    ring.tamper({ g: { usb: 'allow' } });
    expect(ring.planNow(edited)).toMatchObject({ type: 'Observe', reason: 'Contested' });
  });

  test('is never contested by a writer that is slow enough', () => {
    const ring = arena(USB);
    ring.pass();
    const actions = fight(ring, 60, 20 * MINUTE_MS);
    expect(actions.every(({ type }) => type === 'Patch')).toBe(true);
  });

  test('is left to the other writer in the whole section that is sent for something else', () => {
    const declared = declare({ base: { profile: WRAPPED, set: { usb: 'block', scan: 'PT1H' } } });
    const ring = arena(declared);
    ring.pass();
    for (let round = 0; round < 7; round += 1) {
      ring.tamper({ w: { usb: { value: 'allow' } } });
      ring.state.nowMs += MINUTE_MS;
      ring.pass();
    }
    ring.tamper({ w: { scan: null } });
    expect(patchOf(ring.pass())?.properties).toEqual({
      desired: { w: { usb: { value: 'allow' }, scan: { value: 'PT1H' } } },
    });
  });

  const traceless: [sentence: string, declared: Declared, change: JsonObject][] = [
    ['a setting that is kept absent', declare({ base: { unset: ['usb'] } }), { g: { usb: 'allow' } }],
    [
      'one that is written only where it is absent',
      declare({ base: { set: { usb: 'block' }, policies: { usb: 'IfNotPresent' } } }),
      { g: { usb: null } },
    ],
  ];
  test.each(traceless)('also %s, of an owner that is in no record', (_sentence, declared, change) => {
    const ring = arena(declared, { g: { usb: 'allow' } });
    for (let round = 0; round < 20; round += 1) {
      ring.pass();
      ring.tamper(change);
      ring.state.nowMs += MINUTE_MS;
    }
    expect(ring.state.writes).toBeLessThanOrEqual(7);
    expect(ring.planNow()).toMatchObject({ type: 'Observe', reason: 'Contested' });
  });

  test('leaves no record behind of an owner that is in none, once all is forgotten', () => {
    const declared = declare({ base: { unset: ['usb'] } });
    const ring = arena(declared, { g: { usb: 'allow' } });
    ring.pass();
    expect(contestOf(ring.state.twin)).toEqual({ usb: [1, NOW_MS / 1_000] });
    expect(ring.pass()).toMatchObject({ type: 'Equal' });
    ring.state.nowMs += 6 * HOUR_MS;
    expect(ring.pass()).toMatchObject({ type: 'Record', reason: 'Released' });
    expect(ring.state.twin.tags).toBeUndefined();
  });
});

test('two writers that never give in meet a bounded number of times, however they go about it', () => {
  const step = fc.record({
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    change: fc.constantFrom<JsonObject>({ usb: 'allow' }, { usb: null }, { usb: 'audit' }),
  });
  const pace = fc.constantFrom(1_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS);
  fc.assert(
    fc.property(pace, fc.array(step, { minLength: 20, maxLength: 200 }), (paceMs, steps) => {
      const ring = arena(USB);
      ring.pass();
      const startedAtMs = ring.state.nowMs;
      ring.state.writes = 0;
      for (const { share, change } of steps) {
        ring.state.nowMs += share * paceMs;
        ring.tamper({ g: change });
        ring.pass();
        ring.pass();
      }
      const hours = (ring.state.nowMs - startedAtMs) / HOUR_MS;
      expect(ring.state.writes).toBeLessThanOrEqual(6 + 4.2 * hours);
    }),
    { numRuns: 60 },
  );
});

test('two installations that want different things of one setting end up leaving it alone, both of them', () => {
  const [ours, theirs] = ['block', 'allow'].map((usb) => declare({ base: { set: { usb } } }));
  invariant(ours !== undefined && theirs !== undefined, 'there are two');
  const hub = ours.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  const sides = [
    createPlanner(ours, { hub, hubMode: 'Enforce', instance: 'a' }),
    createPlanner(theirs, { hub, hubMode: 'Enforce', instance: 'b' }),
  ];
  let twin = twinOf();
  let writes = 0;
  for (let minute = 0; minute < 120; minute += 1) {
    for (const planner of sides) {
      const device = deviceOf();
      const nowMs = NOW_MS + minute * MINUTE_MS;
      const action = planner.plan(planner.targetFor(device, MODULE), device, twin, nowMs);
      if ('patch' in action) writes += 1;
      twin = applied(twin, action);
    }
  }
  expect(writes).toBeLessThan(16);
});

describe('the memory of corrections', () => {
  const seconds = NOW_MS / 1_000;

  const readings: [sentence: string, raw: Json | undefined, want: JsonObject | undefined][] = [
    ['nothing', undefined, undefined],
    ['something else', 'usb', undefined],
    ['what it wrote', { usb: [4.5, seconds] }, { usb: [4.5, seconds] }],
    ['entries that are none beside one that is', { a: 1, b: ['x', 2], c: [-1, 2], d: [2, 3] }, { d: [2, 3] }],
    ['a count that we never write', { usb: [1e9, seconds] }, { usb: [6, seconds] }],
  ];
  test.each(readings)('reads %s', (_sentence, raw, want) => {
    expect(composeContests(readContests(raw))).toEqual(want);
  });

  test('halves each hour, and forgets', () => {
    const first = afterCorrections(NO_CONTESTS, ['usb'], NOW_MS);
    const second = afterCorrections(first, ['usb'], NOW_MS + HOUR_MS);
    expect(composeContests(second)).toEqual({ usb: [1.5, seconds + 3_600] });
    expect(afterCorrections(second, [], NOW_MS + 2 * HOUR_MS)).toEqual(second);
    expect(afterCorrections(second, [], NOW_MS + 6 * HOUR_MS)).toEqual(NO_CONTESTS);
  });

  test('keeps what is newest', () => {
    const names = Array.from({ length: CONTESTS_MAX }, (_, index) => `s${index}`);
    const full = afterCorrections(NO_CONTESTS, names, NOW_MS);
    const next = afterCorrections(full, ['new'], NOW_MS + 1_000);
    expect(next.size).toBe(CONTESTS_MAX);
    expect(next.has('new')).toBe(true);
  });

  test('ends when what is left of the corrections comes to one', () => {
    const contest = { count: 8, atSeconds: seconds };
    expect(isContested(contest, NOW_MS + 3 * HOUR_MS - 1_000)).toBe(true);
    expect(isContested(contest, NOW_MS + 3 * HOUR_MS)).toBe(false);
  });

  test('is not kept for ever by a clock that was wrong', () => {
    expect(isContested({ count: 6, atSeconds: seconds + 365 * 24 * 3_600 }, NOW_MS)).toBe(false);
  });

  test('keeps its time where the record is written for another reason', () => {
    const ring = arena(USB);
    ring.pass();
    fight(ring, 7, MINUTE_MS);
    const before = contestOf(ring.state.twin);
    ring.state.nowMs += HOUR_MS;
    const more = declare({ base: { set: { usb: 'block', scan: 'PT1H' } }, more: { set: { log: 'all' } } });
    expect(causesOf(ring.pass(more))).toEqual(['log:FirstConfiguration']);
    expect(contestOf(ring.state.twin)).toEqual(before);
  });

  test('is nothing to write a record for', () => {
    const ring = arena(USB);
    ring.pass();
    fight(ring, 1, MINUTE_MS);
    ring.state.nowMs += 100 * HOUR_MS;
    expect(ring.planNow()).toMatchObject({ type: 'Equal' });
  });
});
