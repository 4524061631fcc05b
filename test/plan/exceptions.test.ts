// Exceptions on one twin: they win, they are counted, they end and leave the twin as it was.
import { describe, expect, test } from 'vitest';
import { getPath, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Twin } from '../../src/model/twin.ts';
import { changesOf } from '../../src/model/action.ts';
import { needsOf, patchOf } from './actions.ts';
import {
  applied,
  causesOf,
  declare,
  desiredOf,
  deviceOf,
  LEAF,
  NOW_MS,
  ownOf,
  plan,
  PNP,
  profileOf,
  settled,
  tampered,
  targetOf,
  twinOf,
  WRAPPED,
  type Configurations,
  type ExceptionFields,
  type PlanOptions,
} from './fixture.ts';

type Exceptions = Readonly<Record<string, ExceptionFields>>;

const ENDED = NOW_MS;

function source(configurations: Configurations, exceptions: Exceptions, partial = false) {
  return declare(configurations, { exceptions, partial });
}

/** The same with every exception at its end. */
function ended(configurations: Configurations, exceptions: Exceptions) {
  const over = Object.entries(exceptions).map(([name, fields]) => [name, { ...fields, expiresAtMs: ENDED }]);
  return source(configurations, Object.fromEntries(over) as Exceptions);
}

function entryOf(twin: Twin, name: string): JsonObject {
  return (getPath(twin.tags, ['twinward', 'default', 'own', `SecurityException/${name}`]) ?? {}) as JsonObject;
}

describe('an exception', () => {
  const BASE = { base: { priority: 1_000_000, set: { a: 1, b: 1 } } };

  test('wins over the highest priority, and owns what it wins', () => {
    const declared = source(BASE, { inc: { set: { a: 9 } } });
    const twin = settled(declared, settled(source(BASE, {}), twinOf()));
    expect(desiredOf(twin)).toEqual({ g: { a: 9, b: 1 } });
    expect(ownOf(twin)).toEqual({ base: ['b'], inc: ['a'] });
    expect(plan(declared, twin).type).toBe('Equal');
  });

  test('leaves its value where a frozen configuration may have had another', () => {
    const during = settled(source(BASE, { inc: { set: { a: 9 } } }), settled(source(BASE, {}), twinOf()));
    const action = plan(ended({ base: { ...BASE.base, suspend: true } }, { inc: { set: { a: 9 } } }), during);
    expect(changesOf(action)).toEqual([]);
    expect(desiredOf(applied(during, action))).toEqual({ g: { a: 9, b: 1 } });
  });

  test('wins over a configuration that is suspended, and over one that only looks', () => {
    const before = settled(source(BASE, {}), twinOf());
    for (const frozen of [{ suspend: true }, { mode: 'Observe' }] as const) {
      const declared = source({ base: { ...BASE.base, ...frozen } }, { inc: { set: { a: 9 } } });
      const during = settled(declared, before);
      expect(desiredOf(during)).toEqual({ g: { a: 9, b: 1 } });
      const after = settled(ended({ base: { ...BASE.base, ...frozen } }, { inc: { set: { a: 9 } } }), during);
      expect(desiredOf(after)).toEqual({ g: { a: 1, b: 1 } });
    }
  });

  test('wins also over owners that are not in this part of the source', () => {
    const before = settled(source(BASE, {}), twinOf());
    const during = settled(source({}, { inc: { set: { a: 9 } } }, true), before);
    expect(desiredOf(during)).toEqual({ g: { a: 9, b: 1 } });
    expect(ownOf(during)).toEqual({ base: ['b'], inc: ['a'] });
  });

  test('writes nothing where the hub is only observed', () => {
    const action = plan(source(BASE, { inc: { set: { a: 9 } } }), twinOf(), { hubMode: 'Observe' });
    expect([action.type, patchOf(action), action.observed.length]).toEqual(['Observe', undefined, 2]);
  });

  test('that meets another with the same value lets the first name own it; the second goes on alone', () => {
    const both = { inc1: { set: { a: 9 } }, inc2: { set: { a: 9 } } };
    const during = settled(source({}, both), twinOf({ desired: { g: { a: 0 } } }));
    expect(ownOf(during)).toEqual({ inc1: ['a'] });
    const half = source({}, { inc1: { set: { a: 9 }, expiresAtMs: ENDED }, inc2: { set: { a: 9 } } });
    const action = plan(half, during);
    expect([action.type, action.reason]).toEqual(['Record', 'OwnerChanged']);
    const later = applied(during, action);
    expect(desiredOf(settled(ended({}, both), later))).toEqual({ g: { a: 0 } });
  });

  test('that contradicts another on a device holds it', () => {
    const action = plan(source({}, { inc1: { set: { a: 1 } }, inc2: { set: { a: 2 } } }), twinOf());
    expect([action.type, action.reason]).toEqual(['Hold', 'Conflicted']);
    expect(action.message).toBe(
      'SecurityException/inc1 and SecurityException/inc2 want different values of "a". Change one, or let one end first.',
    );
  });

  test('is no heir of a configuration that the device leaves: what that one wrote stays', () => {
    const lab = { lab: { env: 'lab', set: { b: 1 } } };
    const before = settled(source(lab, {}), twinOf(), { device: deviceOf({ env: 'lab' }) });
    const action = plan(source(lab, { inc: { set: { a: 9 } } }), before);
    expect(causesOf(action)).toEqual(['a:FirstConfiguration']);
    expect(ownOf(applied(before, action))).toEqual({ inc: ['a'], lab: ['b'] });
  });

  test('asks for no module: it waits only where a configuration does', () => {
    expect(plan(source({}, { inc: { set: { a: 9 } } }), undefined).type).toBe('Skip');
    expect(plan(source(BASE, { inc: { set: { a: 9 } } }), undefined).type).toBe('Wait');
  });
});

describe('the end of an exception', () => {
  test.each<
    [sentence: string, live: JsonObject, base: Configurations, set: JsonObject, during: JsonObject, want: Json]
  >([
    ['gives back what a configuration declares', {}, { base: { set: { a: 1 } } }, { a: 9 }, {}, { a: 1 }],
    ['gives back what somebody else had written', { a: 5, x: 1 }, {}, { a: 9 }, {}, { a: 5, x: 1 }],
    ['removes what was not there', { x: 1 }, {}, { a: 9 }, {}, { x: 1 }],
    ['gives back an object as it was', { a: { c: [1], d: {} } }, {}, { a: 9 }, {}, { a: { c: [1], d: {} } }],
    ['leaves what was the same before', { a: 9 }, {}, { a: 9 }, {}, { a: 9 }],
    ['leaves what somebody changed meanwhile', { a: 5 }, {}, { a: 9 }, { a: 7 }, { a: 7 }],
    ['leaves what somebody removed meanwhile', { a: 5, b: 1 }, {}, { a: 9 }, { a: null }, { b: 1 }],
    [
      'corrects what somebody changed meanwhile and a configuration declares',
      {},
      { base: { set: { a: 1 } } },
      { a: 9 },
      { a: 7 },
      { a: 1 },
    ],
    ['removes what a configuration unset', {}, { base: { unset: ['a'], set: { b: 1 } } }, { a: 9 }, {}, { b: 1 }],
    [
      'gives a configuration that writes only where nothing is its turn',
      {},
      { base: { set: { a: 3 }, policies: { a: 'IfNotPresent' } } },
      { a: 9 },
      {},
      { a: 3 },
    ],
    [
      'gives back a value that such a configuration had left alone',
      { a: 5 },
      { base: { set: { a: 3 }, policies: { a: 'IfNotPresent' } } },
      { a: 9 },
      {},
      { a: 5 },
    ],
    [
      'gives back what a configuration ignores',
      { a: 5 },
      { base: { set: { a: 3 }, policies: { a: 'Ignore' } } },
      { a: 9 },
      {},
      { a: 5 },
    ],
    [
      'removes what was not there, although a configuration names and ignores it',
      { b: 1 },
      { base: { set: { a: 3 }, policies: { a: 'Ignore' } } },
      { a: 9 },
      {},
      { b: 1 },
    ],
  ])('%s', (_sentence, live, base, set, tamper, want) => {
    const before = settled(source(base, {}), twinOf({ desired: { g: live } }));
    const during = settled(source(base, { inc: { set } }), before);
    expect(desiredOf(during)).toMatchObject({ g: set });
    const over = ended(base, { inc: { set } });
    const after = settled(over, tampered(during, { g: tamper }));
    expect(desiredOf(after)).toEqual({ g: want });
    expect(Object.keys(ownOf(after))).not.toContain('inc');
    expect(plan(over, after).type).toBe('Equal');
  });

  test.each([
    ['that would have it absent', { unset: ['a'] }],
    ['that would have the same as the exception', { set: { a: 9 } }],
  ])('lets nobody %s and only looks take a setting from the one who had it', (_sentence, fields) => {
    const base = { base: { set: { a: 1 } } };
    const onlooker = { above: { priority: 9, mode: 'Observe', ...fields } } as const;
    const before = settled(source(base, {}), twinOf());
    const during = settled(source({ ...base, ...onlooker }, { inc: { set: { a: 9 } } }), before);
    const after = settled(ended({ ...base, ...onlooker }, { inc: { set: { a: 9 } } }), during);
    expect(desiredOf(after)).toEqual({ g: { a: 1 } });
    expect(ownOf(after)).toEqual({ base: ['a'] });
  });

  test('has a reason and a cause of its own, and is decided on direct reads', () => {
    const base = { base: { set: { a: 1 } } };
    const during = settled(source(base, { inc: { set: { a: 9, b: 9 } } }), settled(source(base, {}), twinOf()));
    const action = plan(ended(base, { inc: { set: { a: 9, b: 9 } } }), during);
    expect([action.type, action.reason]).toEqual(['Patch', 'ExceptionEnded']);
    expect(causesOf(action)).toEqual(['-b:ExceptionEnded', 'a:ExceptionEnded']);
    expect(changesOf(action).map(({ owner }) => owner)).toEqual([
      'SecurityException/inc',
      'SecurityConfiguration/base',
    ]);
    expect(needsOf(action)).toEqual({ moduleTwin: true, deviceTwin: true });
  });

  test('comes with the removal of its manifest too, by the marks it left', () => {
    const during = settled(source({}, { inc: { set: { a: 9, b: 9 } } }), twinOf({ desired: { g: { a: 5 } } }));
    const after = settled(source({}, {}), tampered(during, { g: { b: 8 } }));
    expect(desiredOf(after)).toEqual({ g: { a: 5, b: 8 } });
    expect(after.tags).toBeUndefined();
  });

  test('does not come where the source is only a part, or holds nothing', () => {
    const during = settled(source({}, { inc: { set: { a: 9 } } }), twinOf());
    expect(plan(source({}, {}, true), during)).toMatchObject({ type: 'Keep', reason: 'OutOfInput' });
    expect(plan(declare({}, { hasHub: false }), during)).toMatchObject({ type: 'Keep', reason: 'SourceEmpty' });
  });

  test('rests on a direct read where the device left it', () => {
    const declared = source({ base: { set: { b: 1 } } }, { inc: { env: 'prod', set: { a: 9 } } });
    const action = plan(declared, settled(declared, twinOf()), { device: deviceOf({ env: 'lab' }) });
    expect(action.reason).toBe('ExceptionEnded');
    expect(needsOf(action)).toEqual({ moduleTwin: true, deviceTwin: true });
  });

  test.each<[sentence: string, tags: JsonObject, base: Configurations, want: string]>([
    ['comes where others manage the module', { env: 'lab' }, { base: { set: { b: 1 } } }, 'Patch ExceptionEnded'],
    ['waits for its time where nobody does', { env: 'lab' }, {}, 'Keep Unassigned'],
    ['waits for its time where all tags are gone', {}, { base: { set: { b: 1 } } }, 'Equal InSync'],
  ])('on a device that it no longer selects %s', (_sentence, tags, base, want) => {
    const declared = source(base, { inc: { env: 'prod', set: { a: 9 } } });
    const during = settled(declared, twinOf());
    const action = plan(declared, during, { device: deviceOf(tags) });
    expect(`${action.type} ${action.reason}`).toBe(want);
  });

  test('waits while everything is suspended', () => {
    const exceptions = { inc: { set: { a: 9 } } };
    const during = settled(source({}, exceptions), twinOf());
    const suspensions = [{ scope: 'All', who: 'ana@desk', reason: 'INC-9', untilMs: undefined } as const];
    const action = plan(ended({}, exceptions), during, { suspensions });
    expect(action).toMatchObject({
      type: 'Keep',
      reason: 'Suspended',
      message: 'Everything is suspended by ana@desk: INC-9 (twinward resume --all ends it)',
    });
  });

  test('passes what it found on to the exception that follows', () => {
    const during = settled(source({}, { inc1: { set: { a: 9 } } }), twinOf({ desired: { g: { a: 5 } } }));
    const next = settled(source({}, { inc1: { set: { a: 9 }, expiresAtMs: ENDED }, inc2: { set: { a: 8 } } }), during);
    expect([desiredOf(next), ownOf(next)]).toEqual([{ g: { a: 8 } }, { inc2: ['a'] }]);
    expect(desiredOf(settled(ended({}, { inc2: { set: { a: 8 } } }), next))).toEqual({ g: { a: 5 } });
  });

  test('knows what was before also when the exception itself changed', () => {
    const during = settled(source({}, { inc: { set: { a: 9 } } }), twinOf({ desired: { g: { a: 5 } } }));
    const changed = settled(source({}, { inc: { set: { a: 8, b: 8 } } }), during);
    expect(desiredOf(settled(source({}, {}), changed))).toEqual({ g: { a: 5 } });
  });

  test('puts back what it no longer sets while it goes on', () => {
    const base = { base: { set: { c: 1 } } };
    const during = settled(source(base, { inc: { set: { a: 9, b: 9 } } }), twinOf({ desired: { g: { a: 5, b: 5 } } }));
    const changed = settled(source(base, { inc: { set: { a: 9 } } }), during);
    expect(desiredOf(changed)).toEqual({ g: { a: 9, b: 5, c: 1 } });
  });

  test('keeps the mark and other members of wrapped values and components', () => {
    for (const [profile, live, set] of [
      [WRAPPED, { w: { a: { value: 1, note: 'x' } } }, { a: 2 }],
      [PNP, { C: { __t: 'c', p: 1 } }, { C: { p: 2 } }],
    ] as const) {
      const exceptions = { inc: { profile, set } };
      const during = settled(source({}, exceptions), twinOf({ desired: live }));
      expect(desiredOf(settled(source({}, {}), during))).toEqual(live);
      expect(desiredOf(settled(ended({}, exceptions), during))).toEqual(live);
    }
  });

  test('puts back what was there before it changed its own mind', () => {
    const before = twinOf({ desired: { g: { a: 5, b: 6 } } });
    const first = settled(source({}, { inc: { set: { a: 8, b: 8 } } }), before);
    const second = settled(source({}, { inc: { set: { a: 9, b: 8 } } }), first);
    expect(desiredOf(second)).toEqual({ g: { a: 9, b: 8 } });
    expect(desiredOf(settled(source({}, {}), second))).toEqual({ g: { a: 5, b: 6 } });
  });

  test('knows its value by the spelling that was there already', () => {
    const profile = profileOf('spelt', { section: ['g'], comparators: [{ keys: ['a'], comparator: 'duration' }] });
    const base = { base: { profile, set: { a: 'PT60M' } } };
    const during = settled(source(base, { inc: { profile, set: { a: 'PT1H' } } }), settled(source(base, {}), twinOf()));
    expect(desiredOf(during)).toEqual({ g: { a: 'PT60M' } });
    const after = settled(source({ other: { profile, set: { c: 1 } } }, {}), during);
    expect(desiredOf(after)).toEqual({ g: { c: 1 } });
  });

  test('by meaning: another spelling is still its value', () => {
    const profile = profileOf('spelt', { section: ['g'], comparators: [{ keys: ['a'], comparator: 'duration' }] });
    const exceptions = { inc: { profile, set: { a: 'PT1H' } } };
    const during = settled(source({}, exceptions), twinOf({ desired: { g: { a: 'PT2H' } } }));
    const respelt = tampered(during, { g: { a: 'PT60M' } });
    expect(desiredOf(settled(ended({}, exceptions), respelt))).toEqual({ g: { a: 'PT2H' } });
  });

  test('leaves on the twin what its profile never removes', () => {
    const profile = profileOf('keeping', { section: ['g'], onRemove: 'Keep' });
    const exceptions = { inc: { profile, set: { a: 9, b: 9 } } };
    const during = settled(source({}, exceptions), twinOf({ desired: { g: { a: 5 } } }));
    expect(desiredOf(settled(ended({}, exceptions), during))).toEqual({ g: { a: 5, b: 9 } });
  });

  test('needs the profile, as every removal', () => {
    const profile = profileOf('gone', { section: ['g'] });
    const during = settled(source({}, { inc: { profile, set: { a: 9 } } }), twinOf());
    expect(plan(source({}, {}), during)).toMatchObject({ type: 'Hold', reason: 'ProfileUnknown' });
  });
});

describe('what is remembered', () => {
  test('is what was there and what was written, and no more than that', () => {
    const base = { base: { set: { c: 1 } } };
    const live = settled(source(base, {}), twinOf({ desired: { g: { a: { x: [1, 'y'] }, d: 4 } } }));
    const during = settled(source(base, { inc: { set: { a: 9, b: 9, c: 9 } } }), live);
    expect(entryOf(during, 'inc')).toMatchObject({
      keys: ['a', 'b', 'c'],
      before: { a: '{"x":[1,"y"]}', b: '' },
      wrote: expect.stringMatching(/^[A-Za-z0-9+/]{24}$/),
    });
  });

  test('is never sensitive; a sensitive setting goes at the end, as far as the manifest can tell it', () => {
    const profile = profileOf('secret', { section: ['g'], sensitive: ['a'] });
    const exceptions = { inc: { profile, set: { a: 'new' } } };
    const live = twinOf({ desired: { g: { a: 'old', b: 1 } } });
    const during = settled(source({}, exceptions), live);
    expect(entryOf(during, 'inc')).not.toHaveProperty('before');
    expect(entryOf(during, 'inc')).not.toHaveProperty('wrote');
    expect(desiredOf(settled(ended({}, exceptions), during))).toEqual({ g: { b: 1 } });
    expect(desiredOf(settled(source({}, {}, false), during))).toEqual({ g: { a: 'new', b: 1 } });
  });

  test('is 1 KB at most: what does not fit is removed at the end', () => {
    const names = Array.from({ length: 200 }, (_, at) => `k${String(at).padStart(3, '0')}`);
    const set = Object.fromEntries(names.map((name) => [name, 9]));
    const live = { ...Object.fromEntries(names.map((name) => [name, 5])), big: 'x'.repeat(2_000) };
    const exceptions = { inc: { set: { ...set, big: '' } } };
    const during = settled(source({}, exceptions), twinOf({ desired: { g: live } }));
    const { before, wrote } = entryOf(during, 'inc');
    expect(JSON.stringify(before).length).toBeLessThanOrEqual(1_026);
    expect(Buffer.from(String(wrote), 'base64').length).toBe(6 * 128);
    const after = desiredOf(settled(ended({}, exceptions), during))['g'] as JsonObject;
    expect([after['k000'], after['k199'], after['big']]).toEqual([5, undefined, undefined]);
  });

  test('keeps its place when another exception comes that would push it out', () => {
    const first = { set: { z: 9 } };
    const during = settled(source({}, { z: first }), twinOf({ desired: { g: { a: 'x'.repeat(1_005), z: 5 } } }));
    const both = settled(source({}, { a: { set: { a: 9 } }, z: first }), during);
    expect(entryOf(both, 'z')).toMatchObject({ before: { z: '5' } });
    expect(entryOf(both, 'a')).not.toHaveProperty('before');
  });

  test('makes no record differ: a second pass writes nothing, whatever became of it', () => {
    const declared = source({}, { inc: { set: { a: 9 } } });
    const during = settled(declared, twinOf({ desired: { g: { a: 5 } } }));
    for (const damage of [null, 7, { a: 7 }, 'text']) {
      const damaged = { ...during, tags: structuredClone(during.tags) as JsonObject };
      Object.assign(entryOf(damaged, 'inc'), { before: damage, wrote: damage });
      expect(plan(declared, damaged).type).toBe('Equal');
      expect(() => plan(ended({}, { inc: { set: { a: 9 } } }), damaged)).not.toThrow();
    }
  });
});

describe('an exception for so many devices', () => {
  const fleet = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      ...deviceOf({ env: at < 3 ? 'prod' : 'lab' }),
      deviceId: `d${at + 1}`,
    }));
  const declared = source({ base: { set: { b: 1 } } }, { inc: { env: 'prod', set: { a: 9 }, maxDevices: 2 } });

  test('holds all of them where there are more, and nothing of it is written', () => {
    const action = plan(declared, twinOf(), { fleet: fleet(10) });
    expect(action).toMatchObject({ type: 'Hold', reason: 'ExceptionTooWide' });
    expect(patchOf(action)).toBeUndefined();
    expect(action.message).toBe(
      'SecurityException/inc selects 3 devices on this hub and is for 2 at most. Narrow its selector, or raise maxDevices.',
    );
  });

  test('is held until they are counted', () => {
    const action = plan(declared, twinOf(), { fleet: 'Uncounted' });
    expect(action).toMatchObject({ type: 'Hold', reason: 'ExceptionTooWide' });
    expect(patchOf(action)).toBeUndefined();
    expect(action.message).toBe(
      'SecurityException/inc is for 2 devices at most; those it selects are not counted yet. The next pass over the whole hub counts them.',
    );
  });

  test('holds nothing while a person stops it', () => {
    const facts = { who: 'ana', reason: 'wait', untilMs: undefined };
    const suspensions = [{ scope: 'Configuration', name: 'inc', ...facts }] as const;
    expect(plan(declared, twinOf(), { fleet: fleet(10), suspensions }).type).toBe('Patch');
  });

  test('leaves all other devices alone', () => {
    const device = { ...deviceOf({ env: 'lab' }), deviceId: 'd4' };
    expect(plan(declared, twinOf(), { fleet: fleet(10), device }).type).toBe('Patch');
  });

  test('is written where there are no more', () => {
    expect(plan(declared, twinOf(), { fleet: fleet(2) }).type).toBe('Patch');
  });

  test('does not count the devices of other hubs', () => {
    const elsewhere = targetOf({ requirements: [] }, { hubs: ['other'] });
    const wide = source({}, { inc: { targets: [elsewhere], set: { a: 9 }, maxDevices: 1 } });
    expect(plan(wide, twinOf(), { fleet: fleet(10) }).type).toBe('Equal');
  });

  test('that has ended is put back, however wide it is', () => {
    const exceptions = { inc: { set: { a: 9 }, maxDevices: 1 } };
    const during = settled(source({}, exceptions), twinOf());
    expect(plan(ended({}, exceptions), during, { fleet: fleet(10) }).reason).toBe('ExceptionEnded');
  });
});

describe('an exception that suspends', () => {
  const base = { base: { set: { a: 1 } }, other: { profile: WRAPPED, set: { b: 1 } } };
  const suspends = { stop: { suspend: true, profile: LEAF } };

  test('leaves everything on the module as it is, whoever would write', () => {
    const live = tampered(settled(source(base, {}), twinOf()), { g: { a: 7 } });
    const declared = source(base, { ...suspends, inc: { set: { a: 9 } } });
    const action = plan(declared, live);
    expect([action.type, action.reason, patchOf(action)]).toEqual(['Keep', 'Suspended', undefined]);
    expect(action.message).toBe(
      'The module is suspended by SecurityException/stop (soc) until 2026-11-23T18:40:00Z: INC-812',
    );
  });

  test('removes nothing of owners that left either', () => {
    const live = settled(source({ base: { set: { a: 1 }, remove: true } }, {}), twinOf());
    expect(plan(source({}, suspends), live)).toMatchObject({ type: 'Keep', reason: 'Suspended' });
    expect(plan(source({}, {}), live)).toMatchObject({ type: 'Patch', reason: 'OwnerRemoved' });
  });

  test('creates no module', () => {
    const creating = { base: { set: { a: 1 }, whenMissing: 'Create' as const } };
    expect(plan(source(creating, {}), undefined).type).toBe('Create');
    expect(plan(source(creating, suspends), undefined).type).toBe('Wait');
  });

  test('ends as all others do: drift is corrected again', () => {
    const live = tampered(settled(source(base, {}), twinOf()), { g: { a: 7 } });
    expect(causesOf(plan(ended(base, suspends), live))).toEqual(['a:Drift']);
  });
});

describe('break-glass', () => {
  const base = { base: { set: { a: 1 } }, gone: { set: { c: 1 }, remove: true } };
  const live = tampered(settled(source(base, {}), twinOf()), { g: { a: 7 } });
  const by = { who: 'ana@desk', reason: 'INC-9', untilMs: NOW_MS + 60_000 };
  const without = source({ base: base.base }, {});

  test.each<[sentence: string, suspensions: PlanOptions['suspensions'], want: string]>([
    ['nothing suspended', [], 'Patch OwnerRemoved a:Drift,-c:OwnerRemoved'],
    ['everything', [{ scope: 'All', ...by }], 'Keep Suspended '],
    ['this device', [{ scope: 'Device', name: 'd1', ...by }], 'Keep Suspended '],
    ['another device', [{ scope: 'Device', name: 'd2', ...by }], 'Patch OwnerRemoved a:Drift,-c:OwnerRemoved'],
    ['one configuration', [{ scope: 'Configuration', name: 'base', ...by }], 'Patch OwnerRemoved -c:OwnerRemoved'],
    ['one that left the source', [{ scope: 'Configuration', name: 'gone', ...by }], 'Patch Drift a:Drift'],
  ])('%s', (_sentence, suspensions = [], want) => {
    const action = plan(without, live, { suspensions });
    expect(
      `${action.type} ${action.reason} ${causesOf(action)
        .toSorted((a, b) => (a > b ? -1 : 1))
        .join(',')}`,
    ).toBe(want);
  });

  test('says who, until when and why', () => {
    const of = (suspension: NonNullable<PlanOptions['suspensions']>[number]) =>
      plan(without, live, { suspensions: [suspension] }).message;
    expect(of({ scope: 'Device', name: 'd1', ...by })).toBe(
      'The device is suspended by ana@desk until 2026-11-23T17:41:00Z: INC-9 (twinward resume --device d1 ends it)',
    );
    const only = plan(source({ base: base.base }, {}), settled(source({ base: base.base }, {}), twinOf()), {
      suspensions: [{ scope: 'Configuration', name: 'base', ...by, untilMs: undefined }],
    });
    expect(only.message).toBe(
      'The configuration is suspended by ana@desk: INC-9 (twinward resume --configuration base ends it)',
    );
  });

  test('stops an exception by its name, and lets no configuration take its place', () => {
    const exceptions = { inc: { set: { a: 9 } } };
    const during = settled(source({ base: base.base }, exceptions), twinOf());
    const suspensions = [{ scope: 'Configuration', name: 'inc', ...by }] as const;
    expect(plan(source({ base: base.base }, exceptions), tampered(during, { g: { a: 3 } }), { suspensions }).type).toBe(
      'Equal',
    );
  });

  test('adopts nothing and forgets nothing meanwhile', () => {
    const suspensions = [{ scope: 'All', ...by }] as const;
    const fresh = twinOf({ desired: { g: { a: 1 } } });
    expect(plan(without, fresh, { suspensions }).type).toBe('Keep');
    const damaged = { ...live, tags: { twinward: { default: { v: 1 } } } };
    expect(plan(without, damaged, { suspensions }).type).toBe('Keep');
  });
});
