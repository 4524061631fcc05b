// Properties of every declared state and every twin.
import jsonPatch, { type Operation } from 'fast-json-patch';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { cloneJson, getPath, isObject, mergePatch, setPath, type Json, type JsonObject } from '../../src/model/json.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { asTwin, type Twin } from '../../src/model/twin.ts';
import { REASONS, changesDevice, changesOf, writes } from '../../src/model/action.ts';
import { patchOf } from './actions.ts';
import { isAbsent, isMet } from '../../src/plan/twin/changes.ts';
import { actionDocument } from '../../src/plan/report/document.ts';
import { explainTwin } from '../../src/plan/explain/explain.ts';
import { createTestClock } from '../support/test-clock.ts';
import {
  configurations,
  desired,
  families,
  FOREIGN,
  LEAF_FAMILIES,
  PROFILES,
  tampering,
  type Family,
  type Shape,
} from './arbitrary-declared.ts';
import {
  MODULE,
  applied,
  decide,
  declare,
  desiredOf,
  ownOf,
  plan,
  settled,
  tampered,
  targetFor,
  twinOf,
} from './fixture.ts';

const ALL: Shape = { frozen: true, policies: true, groups: true, remove: true };
const SOURCE = { profiles: PROFILES };

/** Declared states of one family, one after the other. */
function history(shape: Shape, count: number, of?: readonly Family[]) {
  return families(of).chain((family) =>
    fc
      .tuple(...Array.from({ length: count }, () => configurations(family, shape)))
      .map((all) => all.map((one) => declare(one, SOURCE))),
  );
}

/** Every value at a key that no manifest names, by its path; settings are removed and replaced around them. */
function foreignValues(twin: Twin): Record<string, Json | undefined> {
  const places = [[], ['g'], ['w'], ['s'], ['s', 't'], ['C']].map((path) => [...path, FOREIGN]);
  return Object.fromEntries(places.map((path) => [path.join('.'), getPath(desiredOf(twin), path)]));
}

describe('one twin through any changes of the manifests and of other writers', () => {
  test('a second pass writes nothing', () => {
    fc.assert(
      fc.property(history(ALL, 3), desired, tampering, (states, properties, tamper) => {
        let twin = twinOf({ desired: properties });
        for (const declared of states) {
          const action = plan(declared, twin);
          twin = applied(twin, action);
          const again = plan(declared, twin);
          expect(writes(again)).toBe(false);
          const everybodyWrites = targetFor(declared).layers.every(({ state }) => state === 'Enforced');
          expect(writes(action) && everybodyWrites ? again.type : 'Equal').toMatch(/^(Equal|Keep)$/);
          twin = tampered(twin, tamper);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('what no manifest names is never changed or removed', () => {
    fc.assert(
      fc.property(history(ALL, 3), desired, tampering, (states, properties, tamper) => {
        let twin = twinOf({ desired: properties });
        for (const declared of states) {
          const before = tampered(twin, tamper);
          twin = settled(declared, before);
          expect(foreignValues(twin)).toEqual(foreignValues(before));
        }
        const without = (state: Json | undefined) =>
          isObject(state) ? Object.keys(state).includes(FOREIGN) : undefined;
        expect(without(desiredOf(twin))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test('declared is what live means in the end, whatever was there before', () => {
    fc.assert(
      fc.property(history({ remove: true }, 2), desired, tampering, ([first, second], properties, tamper) => {
        if (first === undefined || second === undefined) return;
        const live = twinOf({ desired: properties });
        const fresh = settled(second, live);
        const moved = settled(second, tampered(settled(first, live), tamper));
        const target = targetFor(second);
        fc.pre(target.hold === undefined);
        for (const twin of [fresh, moved]) {
          for (const { atom } of target.atoms) expect(isMet(atom, twin.properties.desired)).toBe(true);
          for (const absence of target.absences) expect(isAbsent(absence, twin.properties.desired)).toBe(true);
        }
        expect(ownOf(moved)).toEqual(ownOf(fresh));
      }),
      { numRuns: 400 },
    );
  });

  test('when all configurations go and ask for removal, nothing of theirs is left and all else is', () => {
    fc.assert(
      fc.property(history(ALL, 2), desired, (states, properties) => {
        let twin = twinOf({ desired: properties });
        for (const declared of states) twin = settled(asksForRemoval(declared), twin);
        const recorded = ownedPaths(twin);
        const before = foreignValues(twin);
        const after = settled(declare({}, SOURCE), twin);
        for (const path of recorded) expect(getPath(desiredOf(after), path)).toBeUndefined();
        expect(foreignValues(after)).toEqual(before);
        expect(after.tags?.['twinward']).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('layers that are frozen on a settled twin change nothing on it', () => {
    fc.assert(
      fc.property(
        history({ policies: true, groups: true }, 1),
        desired,
        fc.array(fc.constantFrom('Enforce', 'Observe', 'Suspend'), { minLength: 3, maxLength: 3 }),
        ([declared], properties, states) => {
          if (declared === undefined) return;
          const twin = settled(declared, twinOf({ desired: properties }));
          fc.pre(targetFor(declared).hold === undefined);
          const frozen = {
            ...declared,
            configurations: declared.configurations.map((configuration, index) => ({
              ...configuration,
              suspend: states[index] === 'Suspend',
              mode: states[index] === 'Observe' ? ('Observe' as const) : ('Enforce' as const),
            })),
          };
          expect(changesDevice(plan(frozen, twin))).toBe(false);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('one decision', () => {
  test('the order of configurations does not matter', () => {
    const shuffled = history(ALL, 2).chain(([first, second]) =>
      fc.record({
        first: fc.constant(first),
        second: fc.constant(second),
        order: fc.shuffledSubarray([...(second?.configurations ?? [])], {
          minLength: second?.configurations.length ?? 0,
        }),
      }),
    );
    fc.assert(
      fc.property(shuffled, desired, ({ first, second, order }, properties) => {
        if (first === undefined || second === undefined) return;
        const twin = settled(first, twinOf({ desired: properties }));
        expect(plan({ ...second, configurations: order }, twin)).toEqual(plan(second, twin));
      }),
      { numRuns: 300 },
    );
  });

  test('the operations shown and the patch sent make the same twin', () => {
    fc.assert(
      fc.property(history(ALL, 2), desired, tampering, ([first, second], properties, tamper) => {
        if (first === undefined || second === undefined) return;
        const live = tampered(settled(first, twinOf({ desired: properties })), tamper);
        const action = plan(second, live);
        const { changes } = actionDocument({ hub: 'dev', profiles: second.profiles }, action, live);
        const after = applied(live, action);
        // The library of the test can't add a key named "__proto__".
        fc.pre(!changes.some(({ op, path }) => op === 'add' && path.endsWith('/__proto__')));
        const root = { ...(live.tags === undefined ? {} : { tags: live.tags }), properties: live.properties };
        const patched = jsonPatch.applyPatch(
          cloneJson(root as unknown as Json),
          changes as Operation[],
          true,
          true,
          false,
        );
        const next = patched.newDocument as JsonObject;
        expect(next['properties']).toEqual(after.properties);
        expect(next['tags'] ?? {}).toEqual(after.tags ?? {});
      }),
      { numRuns: 300 },
    );
  });

  test('no smaller patch would do where the agent takes each setting alone', () => {
    fc.assert(
      fc.property(history({}, 2, LEAF_FAMILIES), desired, tampering, ([first, second], properties, tamper) => {
        if (first === undefined || second === undefined) return;
        const live = tampered(settled(first, twinOf({ desired: properties })), tamper);
        const patch = patchOf(plan(second, live));
        const whole = patch?.properties?.desired ?? {};
        for (const smaller of smallerPatches(whole)) {
          const left = changesOf(plan(second, tampered(live, smaller)));
          expect(left.length, JSON.stringify(smaller)).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a patch on desired properties changes something, and names every change', () => {
    fc.assert(
      fc.property(history(ALL, 2), desired, tampering, ([first, second], properties, tamper) => {
        if (first === undefined || second === undefined) return;
        const live = tampered(settled(first, twinOf({ desired: properties })), tamper);
        const action = plan(second, live);
        const { type } = action;
        const patch = patchOf(action);
        const changes = changesOf(action);
        expect(patch?.properties !== undefined).toBe(type === 'Patch');
        expect(changes.length > 0).toBe(type === 'Patch');
        const after = patch === undefined ? live : applied(live, plan(second, live));
        for (const change of changes) {
          expect(getPath(desiredOf(live), change.path)).toEqual(change.before);
          expect(getPath(desiredOf(after), change.path)).toEqual(change.after);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a patch', () => {
  test('removes only what was just read', () => {
    fc.assert(
      fc.property(history(ALL, 2), desired, tampering, ([first, second], properties, tamper) => {
        if (first === undefined || second === undefined) return;
        const live = tampered(settled(first, twinOf({ desired: properties })), tamper);
        const patch = patchOf(plan(second, live)) ?? {};
        const root = { tags: live.tags ?? {}, properties: live.properties };
        for (const { path, value } of leavesOf(patch)) {
          expect(value === null && getPath(root, path) === undefined, path.join('.')).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('holds the whole section where the agent takes it for the whole', () => {
    fc.assert(
      fc.property(history(ALL, 2), desired, tampering, ([first, second], properties, tamper) => {
        if (first === undefined || second === undefined) return;
        const live = tampered(settled(first, twinOf({ desired: properties })), tamper);
        const action = plan(second, live);
        const after = desiredOf(applied(live, action));
        const sent = mergePatch({}, patchOf(action)?.properties?.desired ?? {});
        for (const { section, patchGranularity } of targetFor(second).profiles) {
          if (patchGranularity === 'leaf' || action.type !== 'Patch') continue;
          expect(withoutEmpty(getPath(sent, section))).toEqual(withoutEmpty(getPath(after, section)));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('the hub takes every patch, makes of it what we think and answers with the etag we said', () => {
  const clock = createTestClock();
  let count = 0;
  const hub = new IotHub({ hostName: 'dev.azure-devices.net', clock, random: createSeededRandom(1) });
  fc.assert(
    fc.property(history(ALL, 2), desired, tampering, (states, properties, tamper) => {
      count += 1;
      const ref = { deviceId: `d${count}`, moduleId: MODULE };
      hub.createDevice(ref.deviceId, { deviceId: ref.deviceId });
      hub.putModule(ref.deviceId, MODULE, ref, undefined);
      hub.patchTwin(ref, { properties: { desired: properties } });
      for (const declared of states) {
        hub.patchTwin(ref, { properties: { desired: tamper } });
        const live = readTwin(hub, ref);
        const patch = patchOf(plan(declared, live));
        if (patch === undefined) continue;
        hub.patchTwin(ref, patch, `"${live.etag}"`);
        const after = readTwin(hub, ref);
        expect(desiredOf(after)).toEqual(desiredOf(applied(live, plan(declared, live))));
        const said = getPath(after.tags, ['twinward', 'default', 'etag']);
        expect(said ?? after.etag).toBe(after.etag);
      }
    }),
    { numRuns: 150 },
  );
});

describe('a hostile twin', () => {
  const json: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 4 }).map((value) => value as Json);
  const object = fc.dictionary(
    fc.oneof(fc.constantFrom('g', 'w', 's', 'a', '$version', '__proto__', ''), fc.string()),
    json,
  );
  const entry = fc.record(
    {
      digest: json,
      deletionPolicy: fc.oneof(fc.constantFrom<Json>('Retain', 'Remove'), json),
      profile: fc.oneof(fc.constantFrom<Json>('leaf', 'wrapped', 'gone', '__proto__'), json),
      section: fc.oneof(fc.constantFrom<Json>('/g', '/w', '', '/', '/g/a', 'x'), json),
      keys: fc.oneof(
        fc.array(fc.oneof(fc.constantFrom<Json>('a', 'a/b', '', '/', '$metadata', '__proto__'), json)),
        json,
        fc.record({ h: json }),
      ),
      before: fc.oneof(fc.dictionary(fc.constantFrom('a', 'a/b', '__proto__'), json), json),
      wrote: fc.oneof(fc.base64String(), json),
    },
    { requiredKeys: [] },
  );
  const tidy = fc.record({
    digest: fc.constant<Json>('d'),
    deletionPolicy: fc.constantFrom<Json>('Retain', 'Remove'),
    profile: fc.constantFrom<Json>('leaf', 'wrapped', 'root', 'gone', '__proto__'),
    section: fc.constantFrom<Json>('/g', '/w', '', '/', '/g/a', '/__proto__'),
    keys: fc.oneof(
      fc.array(fc.constantFrom<Json>('a', 'a/b', '', '/', '__proto__', 'constructor'), { maxLength: 4 }),
      fc.constantFrom<Json>({ h: '' }, { h: 'AAAAAAAA' }),
    ),
    before: fc.dictionary(
      fc.constantFrom('a', 'a/b', '__proto__'),
      fc.constantFrom<Json>('', '1', '{"b":1}', 'null', '{', '"x"'),
    ),
  });
  const owner = fc.constantFrom(
    'SecurityConfiguration/p',
    'SecurityConfiguration/q%2Er',
    'SecurityException/e',
    '__proto__',
    '',
  );
  const record = fc.oneof(
    json,
    fc.record(
      { v: fc.oneof(fc.constant<Json>(1), json), own: fc.oneof(fc.dictionary(owner, entry), json) },
      { requiredKeys: [] },
    ),
    fc.record({ v: fc.constant<Json>(1), own: fc.dictionary(owner, tidy) }),
  );
  const tags = fc.oneof(object, fc.record({ twinward: fc.oneof(json, fc.record({ default: record })) }));

  test('never makes the planner throw, and gets an action of the closed set', () => {
    fc.assert(
      fc.property(
        history(ALL, 1),
        tags,
        object,
        object,
        fc.string(),
        ([declared], tagValues, properties, reported, etag) => {
          if (declared === undefined) return;
          const live = twinOf({ desired: properties, tags: tagValues, reported, etag });
          const decision = decide(declared, live);
          const { action } = decision;
          expect(REASONS[action.type]).toContain(action.reason);
          expect(() =>
            JSON.stringify(actionDocument({ hub: 'dev', profiles: declared.profiles }, action, live)),
          ).not.toThrow();
          expect(() => explainTwin({ hubName: 'dev', decision })).not.toThrow();
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

/** All merge patches that leave at least one leaf of this one out; with many leaves only those that leave out one. */
function smallerPatches(patch: JsonObject): JsonObject[] {
  const leaves = leavesOf(patch);
  const subsets =
    leaves.length > 5
      ? leaves.map((left) => leaves.filter((leaf) => leaf !== left))
      : Array.from({ length: 2 ** leaves.length - 1 }, (_, bits) =>
          leaves.filter((_leaf, index) => ((bits >> index) & 1) === 1),
        );
  return subsets.map((subset) => {
    const smaller: JsonObject = {};
    for (const { path, value } of subset) setPath(smaller, path, value);
    return smaller;
  });
}

/** To an agent an absent section equals an empty one. */
function withoutEmpty(section: Json | undefined): Json | undefined {
  return isObject(section) && Object.keys(section).length === 0 ? undefined : section;
}

function leavesOf(value: Json, path: readonly string[] = []): { path: readonly string[]; value: Json }[] {
  if (!isObject(value) || (path.length > 0 && Object.keys(value).length === 0)) return [{ path, value }];
  return Object.keys(value).flatMap((key) => leavesOf(value[key] as Json, [...path, key]));
}

/** The same, and each configuration leaves nothing behind. */
function asksForRemoval(declared: ReturnType<typeof declare>): ReturnType<typeof declare> {
  return {
    ...declared,
    configurations: declared.configurations.map((one) => ({ ...one, deletionPolicy: 'Remove' as const })),
  };
}

function ownedPaths(twin: Twin): string[][] {
  const own = getPath(twin.tags, ['twinward', 'default', 'own']);
  return Object.values(isObject(own) ? own : {}).flatMap((entry) => {
    const { section = '', keys } = entry as { section?: string; keys: string[] };
    return keys.map((name) =>
      `${section}/${name}`
        .slice(1)
        .split('/')
        .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')),
    );
  });
}

function readTwin(hub: IotHub, ref: { deviceId: string; moduleId: string }): Twin {
  const twin = asTwin(hub.getTwin(ref));
  if (twin === undefined) throw new Error('the hub gives twins');
  return twin;
}
