// Targets of each module of a device, computed once for all equal devices.
import { describe, expect, test } from 'vitest';
import { invariant } from '../../src/model/errors.ts';
import { heldInstead } from '../../src/model/action.ts';
import { createPlanner, wrapPlanner, type Planner } from '../../src/plan/planner.ts';
import {
  LEAF,
  MODULE,
  NOW_MS,
  ORIGIN,
  WRAPPED,
  declare,
  deviceOf,
  envIs,
  profileOf,
  selectorOf,
  targetFor,
  targetOf,
  twinOf,
  type Configurations,
} from './fixture.ts';

function plannerFor(is: Configurations, hubMode: 'Enforce' | 'Observe' = 'Enforce') {
  const declared = declare(is);
  const hub = declared.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  return createPlanner(declared, { hub, hubMode, instance: 'default' });
}

const OTHER = profileOf('other', { moduleId: 'another' });

describe('targets', () => {
  const planner = plannerFor({
    a: { set: { a: 1 } },
    b: { profile: OTHER, set: { b: 1 } },
    c: {
      profile: profileOf('far', { moduleId: 'far' }),
      set: { c: 1 },
      targets: [targetOf(selectorOf(), { hubs: ['elsewhere'] })],
    },
    d: { profile: WRAPPED, set: { d: 1 } },
  });

  test('one for each module that some configuration on this hub manages', () => {
    expect(planner.moduleIds).toEqual(['another', 'guard']);
    const targets = planner.targetsFor(deviceOf());
    expect(targets.map(({ moduleId, layerOwners }) => [moduleId, layerOwners])).toEqual([
      ['another', ['SecurityConfiguration/b']],
      ['guard', ['SecurityConfiguration/a', 'SecurityConfiguration/d']],
    ]);
  });

  test('profiles of one module share its target', () => {
    const target = planner.targetFor(deviceOf(), 'guard');
    expect(target.profiles).toEqual([LEAF, WRAPPED]);
    expect(target.atoms.map(({ atom }) => atom.path)).toEqual([
      ['g', 'a'],
      ['w', 'd'],
    ]);
  });

  test('the same object for devices alike, an empty one for modules that nobody declares', () => {
    const one = planner.targetFor(deviceOf(), 'guard');
    expect(planner.targetFor({ ...deviceOf(), deviceId: 'd2' }, 'guard')).toBe(one);
    const none = planner.targetFor(deviceOf(), 'nobody');
    expect(none).toMatchObject({ layers: [], atoms: [], owners: new Map(), hold: undefined, tagless: false });
    expect(planner.targetFor(deviceOf(), 'nobody')).toBe(none);
    expect(planner.targetFor(deviceOf({}), 'nobody').tagless).toBe(true);
  });
});

test('layers go by priority, then by name', () => {
  const set = { a: 1 };
  const { layers } = targetFor(
    declare({ x: { set }, b: { priority: 5, set }, a: { priority: 5, set }, z: { priority: -1, set } }),
  );
  expect(layers.map(({ configuration }) => configuration.name)).toEqual(['a', 'b', 'x', 'z']);
});

describe('the state of a layer', () => {
  const bench = {
    name: 'bench',
    origin: ORIGIN,
    labels: {},
    hubs: ['dev'],
    selector: selectorOf(envIs('prod')),
    mode: 'Observe',
  } as const;
  test.each([
    ['enforced', {}, {}, 'Enforce', 'Enforced'],
    ['its own mode', { mode: 'Observe' }, {}, 'Enforce', 'Observed'],
    ['the mode of the hub', {}, {}, 'Observe', 'Observed'],
    ['the mode of a group that holds the device', {}, { groups: [bench] }, 'Enforce', 'Observed'],
    ['suspended', { suspend: true }, {}, 'Enforce', 'Suspended'],
    ['suspended and observed', { suspend: true, mode: 'Observe' }, {}, 'Observe', 'Suspended'],
  ] as const)('%s', (_sentence, fields, source, hubMode, want) => {
    const target = targetFor(declare({ a: { set: { a: 1 }, ...fields } }, source), { hubMode });
    expect(target.layers.map(({ state }) => state)).toEqual([want]);
    expect(target.hasFrozen).toBe(want !== 'Enforced');
    expect(target.observeOnly).toBe(hubMode === 'Observe' || 'groups' in source);
  });
});

test('what observed layers would win is apart from what is enforced', () => {
  const target = targetFor(
    declare({
      low: { set: { a: 1, b: 1 } },
      high: { priority: 5, mode: 'Observe', set: { a: 2 }, unset: ['c'] },
      top: { priority: 9, set: { d: 4 } },
      asleep: { priority: 7, suspend: true, set: { d: 1, e: 1 }, unset: ['f'] },
      lower: { priority: -1, mode: 'Observe', set: { b: 9 } },
    }),
  );
  const shown = (atoms: typeof target.atoms) => atoms.map(({ atom }) => `${atom.name}=${JSON.stringify(atom.plain)}`);
  expect(shown(target.atoms)).toEqual(['d=4', 'a=1', 'b=1']);
  expect(shown(target.observedAtoms)).toEqual(['a=2']);
  expect(target.observedAbsences.map(({ name }) => name)).toEqual(['c']);
  expect(shown(target.frozenAtoms)).toEqual(['e=1', 'a=2']);
  expect(target.frozenAbsences.map(({ name }) => name)).toEqual(['f', 'c']);
});

describe('the digest of a target', () => {
  const A: Configurations = { a: { set: { a: 1 }, env: 'prod' } };
  const digest = (is: Configurations, options: Parameters<typeof targetFor>[1] = {}) =>
    targetFor(declare(is), options).digest;

  test('is the same for what declares the same, whoever made it and however the device is selected', () => {
    expect(digest(A)).toBe(digest(A));
    expect(digest({ a: { set: { a: 1 } } })).toBe(digest(A));
    expect(digest({ ...A, lab: { set: { b: 1 }, env: 'lab' } })).toBe(digest(A));
  });

  const suspended = { scope: 'All', who: 'me', reason: 'r', untilMs: undefined } as const;
  test.each<[sentence: string, other: string]>([
    ['another value', digest({ a: { set: { a: 2 }, env: 'prod' } })],
    ['another name', digest({ b: { set: { a: 1 }, env: 'prod' } })],
    ['another priority', digest({ a: { set: { a: 1 }, priority: 1 } })],
    ['another deletion policy', digest({ a: { set: { a: 1 }, remove: true } })],
    ['another wish where the module is missing', digest({ a: { set: { a: 1 }, whenMissing: 'Create' } })],
    ['a layer more', digest({ ...A, b: { set: { b: 1 } } })],
    ['a layer that only observes', digest({ a: { set: { a: 1 }, mode: 'Observe' } })],
    ['a layer that is suspended', digest({ a: { set: { a: 1 }, suspend: true } })],
    ['a hub that is only observed', digest(A, { hubMode: 'Observe' })],
    ['a contradiction', digest({ ...A, b: { set: { a: 2 } } })],
    ['a freeze', digest(A, { suspensions: [suspended] })],
    ['no tag at all', digest({ a: { set: { a: 1 } } }, { device: deviceOf({}) })],
    ['nothing declared', digest({})],
  ])('is another with %s', (_sentence, other) => {
    expect(other).not.toBe(digest(A));
  });
});

describe('what is planned does not depend on earlier calls', () => {
  const declared = declare({ base: { set: { a: 1 } } }, { exceptions: { inc: { set: { a: 9 }, maxDevices: 1 } } });
  const fleetOf = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ ...deviceOf(), deviceId: `d${at + 1}` }));
  const hub = declared.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  const uncounted = createPlanner(declared, { hub, hubMode: 'Enforce', instance: 'default' });
  const outcome = (planner: Planner): string => {
    const { type, reason } = planner.plan(planner.targetFor(deviceOf(), MODULE), deviceOf(), twinOf(), NOW_MS);
    return `${type}/${reason}`;
  };

  test('a planner that was given a fleet leaves the one it came from as it was', () => {
    const narrow = uncounted.forFleet(fleetOf(1));
    const wide = narrow.forFleet(fleetOf(2));
    for (const _round of [1, 2]) {
      expect([uncounted, narrow, wide].map(outcome)).toEqual([
        'Hold/ExceptionTooWide',
        'Patch/FirstConfiguration',
        'Hold/ExceptionTooWide',
      ]);
    }
  });

  test('without a limit of devices the planner is the same for every fleet', () => {
    const plain = plannerFor({ base: { set: { a: 1 } } });
    expect(plain.forFleet(fleetOf(2))).toBe(plain);
  });

  test('a wrapped planner stays wrapped for every fleet', () => {
    const held = (planner: Planner) =>
      wrapPlanner(
        planner,
        (plan) =>
          (...twin) =>
            heldInstead(plan(...twin), { reason: 'PlanStale' }, undefined),
      );
    const plain = held(plannerFor({ base: { set: { a: 1 } } }));
    expect(plain.forFleet(fleetOf(2))).toBe(plain);
    expect(outcome(held(uncounted).forFleet(fleetOf(1)))).toBe('Hold/PlanStale');
  });
});
