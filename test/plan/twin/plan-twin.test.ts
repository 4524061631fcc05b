// Planning one module twin, row by row: earlier writes, changes by others since, and the declared state.
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { DeviceFacts, Twin } from '../../../src/model/twin.ts';
import { changesOf, writes, type TwinAction } from '../../../src/model/action.ts';
import { needsOf, patchOf } from '../actions.ts';
import {
  applied,
  causesOf,
  declare,
  desiredOf,
  deviceOf,
  envIs,
  MODULE,
  ownOf,
  plan,
  PNP,
  profileOf,
  ROOT,
  selectorOf,
  settled,
  tampered,
  targetOf,
  twinOf,
  WRAPPED,
  written,
  type Configurations,
  type DeclaredFields,
} from '../fixture.ts';

interface Given {
  /** Declared and written before; nothing where left out. */
  readonly was?: Configurations;
  /** Changes of others below desired, as a merge patch. */
  readonly tamper?: JsonObject;
  /** Any other change of the twin. */
  readonly meanwhile?: (twin: Twin) => Twin;
  readonly is: Configurations;
  readonly source?: DeclaredFields;
  readonly device?: DeviceFacts;
}

/** Omitted fields are not checked. */
interface Want {
  readonly action: string;
  readonly causes?: readonly string[];
  /** The patch on desired; null if there is none. */
  readonly patch?: Json;
  /** Desired after the write. */
  readonly desired?: Json;
  /** Owner to keys in the record after the write. */
  readonly own?: Json;
}

type Row = [sentence: string, given: Given, want: Want];

function run({ was, tamper, meanwhile = (twin) => twin, is, source, device }: Given): {
  action: TwinAction;
  after: Twin;
  again: TwinAction;
} {
  let twin = twinOf();
  if (was !== undefined) twin = settled(declare(was), twin);
  if (tamper !== undefined) twin = tampered(twin, tamper);
  twin = meanwhile(twin);
  const declared = declare(is, source);
  const options = device === undefined ? {} : { device };
  const action = plan(declared, twin, options);
  const after = applied(twin, action);
  return { action, after, again: plan(declared, after, options) };
}

function outcomeOf({ action, after }: ReturnType<typeof run>): Required<Want> {
  return {
    action: `${action.type}/${action.reason}`,
    causes: causesOf(action),
    patch: patchOf(action)?.properties?.desired ?? null,
    desired: desiredOf(after),
    own: ownOf(after),
  };
}

function table(name: string, rows: readonly Row[]): void {
  describe(`one twin: ${name}`, () => {
    test.each<Row>(rows)('%s', (_sentence, given, want) => {
      const result = run(given);
      const { action, again } = result;
      expect({ ...outcomeOf(result), ...want }).toEqual(outcomeOf(result));
      expect(writes(again), 'a second pass writes nothing').toBe(false);
      expect(patchOf(action) !== undefined, 'a patch where something is written').toBe(writes(action));
      const isTold = action.type === 'Hold' || action.type === 'Keep';
      expect(isTold ? action.message : 'Told.', 'a message where it is held or kept').toMatch(/^.+\.$/);
    });
  });
}

const AB = { base: { set: { a: 1, b: 2 } } };

table('writing', [
  [
    'the first write of a configuration',
    { is: AB },
    {
      action: 'Patch/FirstConfiguration',
      causes: ['a:FirstConfiguration', 'b:FirstConfiguration'],
      patch: { g: { a: 1, b: 2 } },
      own: { base: ['a', 'b'] },
    },
  ],
  [
    'a twin that already means it is adopted, not changed',
    { tamper: { g: { a: 1, b: 2, x: 9 } }, is: AB },
    {
      action: 'Record/Adopted',
      desired: { g: { a: 1, b: 2, x: 9 } },
      own: { base: ['a', 'b'] },
    },
  ],
  ['nothing is written where nothing differs', { was: AB, is: AB }, { action: 'Equal/InSync', patch: null }],
  [
    'drift is corrected, alone',
    { was: AB, tamper: { g: { a: 7, x: 1 } }, is: AB },
    { action: 'Patch/Drift', causes: ['a:Drift'], patch: { g: { a: 1 } }, desired: { g: { a: 1, b: 2, x: 1 } } },
  ],
  [
    'a key that somebody removed comes back',
    { was: AB, tamper: { g: { b: null } }, is: AB },
    { action: 'Patch/Drift', causes: ['b:Drift'], patch: { g: { b: 2 } } },
  ],
  [
    'a section that somebody made a text becomes a section again',
    { was: AB, tamper: { g: 'gone' }, is: AB },
    { action: 'Patch/Drift', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a change in the manifest',
    { was: AB, is: { base: { set: { a: 1, b: 3 } } } },
    { action: 'Patch/ConfigurationChanged', causes: ['b:ConfigurationChanged'], patch: { g: { b: 3 } } },
  ],
  [
    'a change in the manifest that changes nothing here does not touch the twin',
    {
      was: { ...AB, over: { priority: 5, set: { b: 3 } } },
      is: { base: { set: { a: 1, b: 9 } }, over: { priority: 5, set: { b: 3 } } },
    },
    { action: 'Equal/InSync' },
  ],
  [
    'arrays go whole',
    { was: { base: { set: { a: [1, 2, 3] } } }, is: { base: { set: { a: [1, 2, 4] } } } },
    { action: 'Patch/ConfigurationChanged', patch: { g: { a: [1, 2, 4] } } },
  ],
  [
    'keys that JavaScript inherits are keys like any other',
    {
      is: {
        base: { set: JSON.parse('{"__proto__": 1, "constructor": {"prototype": 2}, "toString": 3}') as JsonObject },
      },
    },
    {
      action: 'Patch/FirstConfiguration',
      desired: JSON.parse('{"g": {"__proto__": 1, "constructor": {"prototype": 2}, "toString": 3}}') as Json,
      own: { base: ['__proto__', 'constructor/prototype', 'toString'] },
    },
  ],
  [
    'and are removed like any other',
    {
      was: { base: { set: JSON.parse('{"__proto__": 1, "constructor": 2, "a": 3}') as JsonObject } },
      is: { base: { set: { a: 3 } } },
    },
    { action: 'Patch/SettingRemoved', desired: { g: { a: 3 } }, own: { base: ['a'] } },
  ],
  [
    'names with "/" and "~" are one key each',
    { was: { base: { set: { 'a/b': 1, 'c~d': { e: 2 }, f: 3 } } }, is: { base: { set: { 'c~d': { e: 2 } } } } },
    { action: 'Patch/SettingRemoved', patch: { g: { 'a/b': null, f: null } }, own: { base: ['c~0d/e'] } },
  ],
  [
    'a leaf that becomes an object, and its sibling stays',
    { was: { base: { set: { a: 1, b: 1 } } }, is: { base: { set: { a: { x: 1 }, b: 1 } } } },
    { action: 'Patch/ConfigurationChanged', patch: { g: { a: { x: 1 } } }, desired: { g: { a: { x: 1 }, b: 1 } } },
  ],
  [
    'an empty object owns nothing of what others put into it',
    { tamper: { g: { o: { x: 1 } } }, is: { base: { set: { o: {}, a: 1 } } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { o: { x: 1 }, a: 1 } }, own: { base: ['a'] } },
  ],
]);

table('removing', [
  [
    'a key leaves a configuration',
    { was: AB, tamper: { g: { x: 1 } }, is: { base: { set: { a: 1 } } } },
    {
      action: 'Patch/SettingRemoved',
      causes: ['-b:SettingRemoved'],
      patch: { g: { b: null } },
      desired: { g: { a: 1, x: 1 } },
      own: { base: ['a'] },
    },
  ],
  [
    'a key that is gone already is not removed again',
    { was: AB, tamper: { g: { b: null } }, is: { base: { set: { a: 1 } } } },
    { action: 'Record/Released', own: { base: ['a'] } },
  ],
  [
    'a configuration leaves the source and its settings stay',
    { was: AB, is: {} },
    { action: 'Record/Released', desired: { g: { a: 1, b: 2 } }, own: {} },
  ],
  [
    'or go, where it had asked for that',
    { was: { base: { ...AB.base, remove: true } }, tamper: { g: { x: 1 } }, is: {} },
    { action: 'Patch/OwnerRemoved', patch: { g: { a: null, b: null } }, desired: { g: { x: 1 } }, own: {} },
  ],
  [
    'what it had asked for is what its record says, not what it says now',
    { was: { base: { ...AB.base, remove: true } }, is: { other: { env: 'lab', set: { a: 1 } } } },
    { action: 'Patch/OwnerRemoved', desired: { g: {} } },
  ],
  [
    'another deletion policy is written down',
    { was: AB, is: { base: { ...AB.base, remove: true } } },
    { action: 'Record/OwnerChanged', own: { base: ['a', 'b'] } },
  ],
  [
    'a part of the source judges only its own',
    {
      was: { ...AB, gone: { remove: true, set: { c: 3 } } },
      is: { base: { set: { a: 1 } } },
      source: { partial: true },
    },
    { action: 'Patch/SettingRemoved', desired: { g: { a: 1, c: 3 } }, own: { base: ['a'], gone: ['c'] } },
  ],
  [
    'a part of the source that has none of the owners leaves everything',
    { was: { base: { ...AB.base, remove: true } }, is: {}, source: { partial: true } },
    { action: 'Keep/OutOfInput', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'an owner that is not in the input keeps its key from one that is',
    { was: AB, is: { other: { priority: 50, set: { a: 5, c: 3 } } }, source: { partial: true } },
    {
      action: 'Patch/FirstConfiguration',
      desired: { g: { a: 1, b: 2, c: 3 } },
      own: { base: ['a', 'b'], other: ['c'] },
    },
  ],
  [
    'and that is said where it is all there is',
    { was: AB, is: { other: { priority: 50, set: { a: 5 } } }, source: { partial: true } },
    { action: 'Keep/OutOfInput', desired: { g: { a: 1, b: 2 } }, own: { base: ['a', 'b'] } },
  ],
  [
    'also where it is to be absent',
    { was: AB, is: { other: { priority: 50, unset: ['a'] } }, source: { partial: true } },
    { action: 'Keep/OutOfInput', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'what both want is in sync',
    { was: AB, is: { other: { priority: 50, set: { a: 1 } } }, source: { partial: true } },
    { action: 'Equal/InSync', own: { base: ['a', 'b'] } },
  ],
  [
    'an empty source removes nothing',
    { was: { base: { ...AB.base, remove: true } }, is: {}, source: { hasHub: false } },
    { action: 'Keep/SourceEmpty', desired: { g: { a: 1, b: 2 } }, own: { base: ['a', 'b'] } },
  ],
  [
    'a profile that is gone holds the removal through it',
    {
      was: { base: { remove: true, profile: profileOf('old', { section: ['g'] }), set: { a: 1 } } },
      is: {},
    },
    { action: 'Hold/ProfileUnknown', desired: { g: { a: 1 } } },
  ],
  [
    'also where the record holds hashes',
    {
      was: { base: { remove: true, profile: profileOf('old', { section: ['g'] }), set: manyKeys(200) } },
      is: {},
    },
    { action: 'Hold/ProfileUnknown' },
  ],
  [
    'onRemove Keep lets a setting go without removing it',
    { was: keeping({ onRemove: 'Keep' }, { a: 1, b: 2 }), is: keeping({ onRemove: 'Keep' }, { a: 1 }) },
    { action: 'Record/Released', desired: { g: { a: 1, b: 2 } }, own: { base: ['a'] } },
  ],
  [
    'so do preserve and deny',
    {
      was: keeping({ preserve: ['b'], deny: ['c*'] }, { a: 1, b: 2, c1: 3, d: 4 }),
      is: keeping({ preserve: ['b'], deny: ['c*'] }, { a: 1 }),
    },
    { action: 'Patch/SettingRemoved', patch: { g: { d: null } }, desired: { g: { a: 1, b: 2, c1: 3 } } },
  ],
  [
    'even what is to be absent is kept where the profile keeps it',
    {
      tamper: { g: { b: 2 } },
      is: { base: { profile: profileOf('keep', { section: ['g'], preserve: ['b'] }), set: { a: 1 }, unset: ['b'] } },
    },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a section that moves within its profile takes its settings along',
    {
      was: { base: { profile: profileOf('mine', { section: ['old'] }), set: { a: 1, b: 2 } } },
      tamper: { old: { x: 1 } },
      is: { base: { profile: profileOf('mine', { section: ['new'] }), set: { a: 1, b: 2 } } },
    },
    {
      action: 'Patch/SettingRemoved',
      patch: { old: { a: null, b: null }, new: { a: 1, b: 2 } },
      desired: { old: { x: 1 }, new: { a: 1, b: 2 } },
    },
  ],
  [
    'hashed keys are found whatever the profile now thinks is one setting',
    {
      was: {
        base: {
          profile: profileOf('mine', { section: ['g'], ownershipAtom: 'Setting' }),
          set: { ...manyKeys(200), o: { x: 1 } },
        },
      },
      is: { base: { profile: profileOf('mine', { section: ['g'] }), set: { a: 1 } } },
    },
    { action: 'Patch/SettingRemoved', desired: { g: { a: 1 } }, own: { base: ['a'] } },
  ],
  [
    'of hashed keys only the one that left is removed',
    {
      was: { base: { set: { ...manyKeys(200), gone: 1 } } },
      tamper: { g: { x: 1 } },
      is: { base: { set: manyKeys(200) } },
    },
    { action: 'Patch/SettingRemoved', causes: ['-gone:SettingRemoved'], desired: { g: { ...manyKeys(200), x: 1 } } },
  ],
]);

const LYON = { lyon: { priority: 5, env: 'lyon', set: { a: 5, c: 5 } }, base: { set: { a: 1, b: 1 } } };
const atLyon = (twin: Twin): Twin => settled(declare(LYON), twin, { device: deviceOf({ env: 'lyon' }) });

table('leaving a group', [
  [
    'others manage the module: what nobody declares goes, what others declare takes its place',
    { meanwhile: atLyon, is: LYON, device: deviceOf({ env: 'lab' }) },
    {
      action: 'Patch/LeftGroup',
      causes: ['-c:LeftGroup', 'a:LeftGroup'],
      patch: { g: { a: 1, c: null } },
      own: { base: ['a', 'b'] },
    },
  ],
  [
    'nobody else manages it: everything stays',
    {
      meanwhile: (twin) => settled(declare({ lyon: LYON.lyon }), twin, { device: deviceOf({ env: 'lyon' }) }),
      is: { lyon: LYON.lyon },
      device: deviceOf({ env: 'lab' }),
    },
    { action: 'Keep/Unassigned', desired: { g: { a: 5, c: 5 } }, own: { lyon: ['a', 'c'] } },
  ],
  [
    'only observed configurations are left: everything stays',
    {
      meanwhile: atLyon,
      is: { ...LYON, base: { ...LYON.base, mode: 'Observe' } },
      device: deviceOf({ env: 'lab' }),
    },
    { action: 'Observe/ModeObserve', desired: { g: { a: 5, b: 1, c: 5 } }, own: { base: ['b'], lyon: ['a', 'c'] } },
  ],
  [
    'all tags are gone: somebody wiped them, and everything stays',
    { meanwhile: atLyon, is: LYON, device: deviceOf({}) },
    { action: 'Equal/InSync', desired: { g: { a: 5, b: 1, c: 5 } }, own: { base: ['b'], lyon: ['a', 'c'] } },
  ],
  [
    'a device that never had tags leaves a list of devices like any other',
    {
      meanwhile: (twin) =>
        settled(
          declare({
            ...AB,
            listed: { targets: [targetOf({ requirements: [], deviceIds: new Set(['d1']) })], set: { c: 3 } },
          }),
          twin,
          {
            device: deviceOf({}),
          },
        ),
      is: { ...AB, listed: { targets: [targetOf({ requirements: [], deviceIds: new Set(['d2']) })], set: { c: 3 } } },
      device: deviceOf({}),
    },
    { action: 'Patch/LeftGroup', patch: { g: { c: null } } },
  ],
  [
    'a suspended configuration freezes its settings even where it no longer selects the device',
    { meanwhile: atLyon, is: { ...LYON, lyon: { ...LYON.lyon, suspend: true } }, device: deviceOf({ env: 'lab' }) },
    { action: 'Equal/InSync', desired: { g: { a: 5, b: 1, c: 5 } } },
  ],
  [
    'the module moves with its profile: what is on the old one stays',
    {
      was: { base: { profile: profileOf('mine'), set: { a: 1 } } },
      is: { base: { profile: profileOf('mine', { moduleId: 'other' }), set: { a: 1 } } },
    },
    { action: 'Keep/Unassigned', desired: { a: 1 } },
  ],
]);

table('moving', [
  [
    'a configuration is renamed: no value changes',
    { was: AB, is: { renamed: AB.base } },
    { action: 'Record/OwnerChanged', desired: { g: { a: 1, b: 2 } }, own: { renamed: ['a', 'b'] } },
  ],
  [
    'also where it had asked for removal',
    { was: { base: { ...AB.base, remove: true } }, is: { renamed: AB.base } },
    { action: 'Record/OwnerChanged', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a key moves to another configuration',
    { was: { ...AB, other: { set: { c: 3 } } }, is: { base: { set: { a: 1 } }, other: { set: { b: 2, c: 3 } } } },
    { action: 'Record/OwnerChanged', desired: { g: { a: 1, b: 2, c: 3 } }, own: { base: ['a'], other: ['b', 'c'] } },
  ],
  [
    'a key moves to one that is only observed: it stays, owned by nobody',
    {
      was: { ...AB, other: { set: { c: 3 } } },
      is: { base: { set: { a: 1 } }, other: { mode: 'Observe', set: { b: 2, c: 3 } } },
    },
    { action: 'Record/Released', desired: { g: { a: 1, b: 2, c: 3 } }, own: { base: ['a'], other: ['c'] } },
  ],
  [
    'a configuration joins: the new owner is adopted',
    { was: AB, tamper: { g: { c: 3 } }, is: { ...AB, other: { set: { c: 3 } } } },
    { action: 'Record/Adopted', own: { base: ['a', 'b'], other: ['c'] } },
  ],
  [
    'a higher layer goes: the lower one takes over, and that is no drift',
    { was: { ...AB, over: { priority: 5, set: { a: 9 } } }, is: AB },
    { action: 'Patch/ConfigurationChanged', causes: ['a:ConfigurationChanged'], patch: { g: { a: 1 } } },
  ],
  [
    'a higher layer lets go of what it kept absent: that is no drift either',
    {
      was: { ...AB, over: { priority: 5, set: { c: 1 }, unset: ['a'] } },
      is: { ...AB, over: { priority: 5, set: { c: 1 } } },
    },
    { action: 'Patch/ConfigurationChanged', causes: ['a:ConfigurationChanged'], patch: { g: { a: 1 } } },
  ],
]);

const OVER = { priority: 5, set: { a: 9 } };

table('frozen layers', [
  [
    'a suspended one leaves its keys as they are, and a lower one does not win',
    { was: { ...AB, over: OVER }, is: { ...AB, over: { ...OVER, suspend: true } } },
    { action: 'Equal/InSync', desired: { g: { a: 9, b: 2 } }, own: { base: ['b'], over: ['a'] } },
  ],
  [
    'an observed one too, and says what differs',
    { was: { ...AB, over: OVER }, tamper: { g: { a: 7 } }, is: { ...AB, over: { ...OVER, mode: 'Observe' } } },
    { action: 'Observe/ModeObserve', desired: { g: { a: 7, b: 2 } } },
  ],
  [
    'the others go on',
    { was: { ...AB, over: OVER }, tamper: { g: { a: 7, b: 7 } }, is: { ...AB, over: { ...OVER, suspend: true } } },
    { action: 'Patch/Drift', causes: ['b:Drift'], patch: { g: { b: 2 } }, own: { base: ['b'], over: ['a'] } },
  ],
  [
    'a key that it drops while it is suspended stays',
    { was: { over: OVER }, is: { over: { priority: 5, suspend: true, set: { z: 1 } } } },
    { action: 'Keep/Suspended', desired: { g: { a: 9 } }, own: { over: ['a'] } },
  ],
  [
    'a lower one that keeps the key absent does not win either',
    {
      was: { over: OVER, base: { set: { b: 2 } } },
      is: { over: { ...OVER, suspend: true }, base: { set: { b: 2 }, unset: ['a'] } },
    },
    { action: 'Equal/InSync', desired: { g: { a: 9, b: 2 } } },
  ],
  [
    'a higher one does win',
    { was: { over: OVER }, is: { over: { ...OVER, suspend: true }, top: { priority: 9, set: { a: 3 } } } },
    { action: 'Patch/FirstConfiguration', patch: { g: { a: 3 } }, own: { top: ['a'] } },
  ],
  [
    'and takes only what it wants',
    {
      was: { over: { priority: 5, set: { a: 9, c: 9 } } },
      is: { over: { priority: 5, suspend: true, set: { a: 9, c: 9 } }, top: { priority: 9, set: { a: 3 } } },
    },
    { action: 'Patch/FirstConfiguration', patch: { g: { a: 3 } }, own: { over: ['c'], top: ['a'] } },
  ],
  [
    'of hashed keys too',
    {
      was: { over: { priority: 5, set: manyKeys(200) } },
      is: {
        over: { priority: 5, suspend: true, set: manyKeys(200) },
        top: { priority: 9, set: { 'key-number-0000': 3 } },
      },
    },
    { action: 'Patch/FirstConfiguration', patch: { g: { 'key-number-0000': 3 } } },
  ],
  [
    'a key of a hashed record that somebody removed is frozen too: it stays away',
    {
      was: { over: { priority: 5, set: manyKeys(200) }, base: { set: { b: 2 } } },
      tamper: { g: { 'key-number-0000': null } },
      is: { over: { priority: 5, suspend: true, set: manyKeys(200) }, base: { set: { b: 2, 'key-number-0000': 5 } } },
    },
    { action: 'Equal/InSync' },
  ],
  [
    'what it kept absent stays absent',
    {
      was: { ...AB, over: { priority: 5, set: { c: 1 }, unset: ['a'] } },
      is: { ...AB, over: { priority: 5, set: { c: 1 }, unset: ['a'], suspend: true } },
    },
    { action: 'Equal/InSync', desired: { g: { b: 2, c: 1 } } },
  ],
  [
    'what it wrote only where nothing was stays',
    {
      was: { base: { set: { b: 2 } }, over: { priority: 5, set: { a: 9, c: 1 }, policies: { a: 'IfNotPresent' } } },
      is: { ...AB, over: { priority: 5, suspend: true, set: { a: 9, c: 1 }, policies: { a: 'IfNotPresent' } } },
    },
    { action: 'Equal/InSync', desired: { g: { a: 9, b: 2, c: 1 } }, own: { base: ['b'], over: ['c'] } },
  ],
  [
    'its values stay even where the record was lost',
    {
      was: { ...AB, over: OVER },
      meanwhile: (twin) => written(twin, { tags: { twinward: null } }),
      is: { ...AB, over: { ...OVER, suspend: true } },
    },
    { action: 'Record/Adopted', desired: { g: { a: 9, b: 2 } }, own: { base: ['b'] } },
  ],
  [
    'one that joins observed takes nothing from those that go on',
    { was: AB, tamper: { g: { a: 7 } }, is: { ...AB, over: { ...OVER, mode: 'Observe' } } },
    { action: 'Patch/Drift', causes: ['a:Drift'], patch: { g: { a: 1 } }, own: { base: ['a', 'b'] } },
  ],
  [
    'one that never wrote here does not keep others from a fresh twin',
    { is: { ...AB, over: { ...OVER, suspend: true } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a suspended one alone, on a twin it never wrote',
    { is: { over: { ...OVER, suspend: true } } },
    { action: 'Keep/Suspended' },
  ],
  [
    'an observed one that has what it wants',
    { was: { over: OVER }, is: { over: { ...OVER, mode: 'Observe' } } },
    { action: 'Equal/InSync', own: { over: ['a'] } },
  ],
  [
    'a device in an observed group is not written, not even for a configuration that left the source',
    {
      was: { base: { ...AB.base, remove: true } },
      is: {},
      source: {
        groups: [
          {
            name: 'bench',
            origin: { file: 'a', line: 1, column: 1 },
            labels: {},
            hubs: ['dev'],
            selector: selectorOf(envIs('prod')),
            mode: 'Observe',
          },
        ],
      },
    },
    { action: 'Observe/ModeObserve', desired: { g: { a: 1, b: 2 } }, own: { base: ['a', 'b'] } },
  ],
]);

table('frozen layers beside others', [
  [
    'an observed one that differs is told although the others are in sync',
    { was: AB, is: { ...AB, over: { ...OVER, mode: 'Observe' } } },
    { action: 'Observe/ModeObserve', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a higher one that keeps its key absent takes it away',
    { was: { over: OVER }, is: { over: { ...OVER, suspend: true }, top: { priority: 9, unset: ['a'] } } },
    { action: 'Patch/FirstConfiguration', patch: { g: { a: null } }, own: {} },
  ],
]);

const HIGH = { priority: 5, profile: ruled(), set: { high: 9 } };
const LOW = { profile: ruled(), set: { low: 5 } };

table('rules beside frozen layers', [
  [
    'what a frozen layer keeps counts',
    { was: { LOW, HIGH }, is: { LOW: { ...LOW, set: { low: 6 } }, HIGH: { ...HIGH, suspend: true } } },
    { action: 'Patch/ConfigurationChanged', desired: { g: { low: 6, high: 9 } } },
  ],
  [
    'and may be what breaks a rule',
    { was: { LOW, HIGH }, is: { LOW: { ...LOW, set: { low: 10 } }, HIGH: { ...HIGH, suspend: true } } },
    { action: 'Hold/RulesViolated', desired: { g: { low: 5, high: 9 } } },
  ],
  [
    'what it never wrote does not count',
    { is: { LOW, HIGH: { ...HIGH, suspend: true } } },
    { action: 'Hold/RulesViolated' },
  ],
  [
    'what is foreign does not count',
    { tamper: { g: { high: 9 } }, is: { LOW, HIGH: { ...HIGH, set: { x: 1 }, suspend: true } } },
    { action: 'Hold/RulesViolated' },
  ],
  [
    'wrapped settings count by their value',
    {
      was: { LOW: { profile: ruledWrapped(), set: { low: 5 } }, HIGH: { ...HIGH, profile: ruledWrapped() } },
      is: {
        LOW: { profile: ruledWrapped(), set: { low: 6 } },
        HIGH: { ...HIGH, profile: ruledWrapped(), suspend: true },
      },
    },
    { action: 'Patch/ConfigurationChanged' },
  ],
]);

table('policies and absence', [
  [
    'unset beats a lower layer',
    { was: AB, is: { ...AB, over: { priority: 5, set: { c: 3 }, unset: ['b'] } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1, c: 3 } }, own: { base: ['a'], over: ['c'] } },
  ],
  [
    'and removes what others wrote',
    { tamper: { g: { b: 7, x: 1 } }, is: { over: { unset: ['b'] } } },
    { action: 'Patch/FirstConfiguration', causes: ['-b:FirstConfiguration'], desired: { g: { x: 1 } } },
  ],
  [
    'and what others write once all was in sync',
    {
      was: { base: { set: { a: 1 }, unset: ['b'] } },
      tamper: { g: { b: 7 } },
      is: { base: { set: { a: 1 }, unset: ['b'] } },
    },
    { action: 'Patch/Drift', causes: ['-b:Drift'], desired: { g: { a: 1 } } },
  ],
  ['and is silent where there is nothing', { is: { over: { unset: ['b'] } } }, { action: 'Equal/InSync' }],
  [
    'unset of a place inside a setting keeps the lower layer out of all of it',
    { was: { base: { set: { a: 1 } } }, is: { base: { set: { a: 1 } }, over: { priority: 5, unset: ['a/b'] } } },
    { action: 'Record/Released', desired: { g: { a: 1 } }, own: {} },
  ],
  [
    'a higher layer beats unset',
    { is: { base: { unset: ['a'] }, over: OVER } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 9 } } },
  ],
  [
    'IfNotPresent writes where nothing is, and does not own it',
    { is: { base: { set: { a: 1 }, policies: { a: 'IfNotPresent' } } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1 } }, own: {} },
  ],
  [
    'IfNotPresent leaves what is there',
    { tamper: { g: { a: 7 } }, is: { base: { set: { a: 1 }, policies: { a: 'IfNotPresent' } } } },
    { action: 'Equal/InSync' },
  ],
  [
    'a key that becomes IfNotPresent is let go',
    { was: AB, is: { base: { ...AB.base, policies: { b: 'IfNotPresent' } } } },
    { action: 'Record/Released', desired: { g: { a: 1, b: 2 } }, own: { base: ['a'] } },
  ],
  [
    'a key that becomes Ignore is let go too: it has not left the configuration',
    { was: AB, is: { base: { ...AB.base, policies: { b: 'Ignore' } } } },
    { action: 'Record/Released', desired: { g: { a: 1, b: 2 } }, own: { base: ['a'] } },
  ],
  [
    'Ignore does not keep a lower layer out',
    { is: { ...AB, over: { ...OVER, policies: { a: 'Ignore' } } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1, b: 2 } } },
  ],
]);

table('what holds', [
  [
    'equal priority and other values',
    { was: { base: { set: { a: 1 } } }, is: { base: { set: { a: 1 } }, other: { set: { a: 2 } } } },
    { action: 'Hold/Conflicted', desired: { g: { a: 1 } } },
  ],
  [
    'equal priority and equal values do not',
    { is: { base: { set: { a: 1 } }, other: { set: { a: 1 } } } },
    { action: 'Patch/FirstConfiguration', own: { base: ['a'] } },
  ],
  [
    'equal priority, one sets what the other unsets',
    { is: { base: { set: { a: 1 } }, other: { unset: ['a'] } } },
    { action: 'Hold/Conflicted' },
  ],
  [
    'a conflict below a higher layer does not matter',
    { is: { base: { set: { a: 1 } }, other: { set: { a: 2 } }, over: OVER } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 9 } } },
  ],
  [
    'a suspended rival is none',
    { is: { base: { set: { a: 1 } }, other: { suspend: true, set: { a: 2 } } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1 } } },
  ],
  [
    'two profiles that write the same place',
    { is: { base: { set: { a: 1 } }, other: { profile: ROOT, set: { z: 1 } } } },
    { action: 'Hold/ProfilesOverlap' },
  ],
  [
    'two profiles side by side do not',
    { is: { base: { set: { a: 1 } }, other: { profile: profileOf('beside', { section: ['h'] }), set: { a: 1 } } } },
    { action: 'Patch/FirstConfiguration', desired: { g: { a: 1 }, h: { a: 1 } } },
  ],
  [
    'a rule that only the merged settings break',
    {
      is: {
        base: { profile: ruled(), set: { low: 5 } },
        over: { priority: 5, profile: ruled(), set: { high: 3 } },
      },
    },
    { action: 'Hold/RulesViolated' },
  ],
  [
    'a rule of warning severity does not',
    { is: { base: { profile: ruled('warning'), set: { low: 5, high: 3 } } } },
    { action: 'Patch/FirstConfiguration' },
  ],
  [
    'where everything is only observed, what would hold is told',
    { is: { base: { mode: 'Observe', set: { a: 1 } }, other: { mode: 'Observe', set: { a: 2 } } } },
    { action: 'Hold/Conflicted' },
  ],
  [
    'a twin that would be too large',
    { is: { base: { set: { a: 'x'.repeat(32 * 1024 - 2) } } } },
    { action: 'Hold/TwinTooLarge' },
  ],
  [
    'one byte less is not',
    { is: { base: { set: { a: 'x'.repeat(32 * 1024 - 3) } } } },
    { action: 'Patch/FirstConfiguration' },
  ],
  [
    'a record for which others left no room',
    {
      tamper: { g: { a: 1 } },
      meanwhile: (twin) => written(twin, { tags: { note: ['x'.repeat(8_100)] } }),
      is: { base: { set: { a: 1 } } },
    },
    { action: 'Hold/TwinTooLarge' },
  ],
  [
    'more settings of one configuration than a tag has room for',
    { is: { base: { set: manyKeys(600) } } },
    { action: 'Hold/TwinTooLarge' },
  ],
]);

function record(value: Json): (twin: Twin) => Twin {
  return (twin) => ({ ...twin, tags: { ...twin.tags, twinward: { default: value } } });
}

table('records as they are found', [
  [
    'of a newer version',
    { was: AB, meanwhile: record({ v: 2, own: {} }), is: { base: { set: { a: 5 } } } },
    { action: 'Hold/RecordNewer', desired: { g: { a: 1, b: 2 } } },
  ],
  ...(
    [
      null,
      'text',
      7,
      [1, { v: 1 }],
      {},
      { v: 1 },
      { v: 1, own: [] },
      { v: '1', own: {} },
      { v: 1, own: { x: { keys: [1] } } },
    ] as Json[]
  ).map((value): Row => [
    `damaged (${JSON.stringify(value)}): adopted again, nothing removed`,
    { was: { ...AB, gone: { remove: true, set: { c: 3 } } }, meanwhile: record(value), is: AB },
    { action: 'Record/Adopted', desired: { g: { a: 1, b: 2, c: 3 } }, own: { base: ['a', 'b'] } },
  ]),
  [
    'damaged: what differs is written as if for the first time',
    { was: AB, meanwhile: record([{ v: 1 }]), is: { base: { set: { a: 5, b: 2 } } } },
    { action: 'Patch/FirstConfiguration', patch: { g: { a: 5 } }, own: { base: ['a', 'b'] } },
  ],
  [
    'damaged and with nobody to declare anything: it stays',
    { was: AB, meanwhile: record('text'), is: {} },
    { action: 'Equal/InSync', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a record that names what the hub adds is none of ours',
    {
      was: AB,
      meanwhile: record({
        v: 1,
        own: {
          'SecurityConfiguration/x': { digest: 'd', deletionPolicy: 'Remove', profile: 'root', keys: ['$version'] },
        },
      }),
      is: AB,
    },
    { action: 'Record/Adopted', desired: { g: { a: 1, b: 2 } } },
  ],
  [
    'a record that names a place and what lies in it removes both at once',
    {
      tamper: { g: { o: { x: 1, y: 2 } } },
      meanwhile: record({
        v: 1,
        own: {
          'SecurityConfiguration/x': {
            digest: 'd',
            deletionPolicy: 'Remove',
            profile: 'leaf',
            section: '/g',
            keys: ['o/x', 'o'],
          },
        },
      }),
      is: {},
    },
    { action: 'Patch/OwnerRemoved', patch: { g: { o: null } }, desired: { g: {} } },
  ],
]);

table('section patches', [
  [
    'carry the whole section once anything differs, foreign keys and all',
    {
      was: { base: { profile: WRAPPED, set: { a: 1, b: 2 } } },
      tamper: { w: { a: { value: 7 }, hubResourceId: { value: 'r' } }, elsewhere: 1 },
      is: { base: { profile: WRAPPED, set: { a: 1, b: 2 } } },
    },
    {
      action: 'Patch/Drift',
      causes: ['a:Drift'],
      patch: { w: { a: { value: 1 }, b: { value: 2 }, hubResourceId: { value: 'r' } } },
    },
  ],
  [
    'hold nulls only for what goes, and the setting goes whole',
    {
      was: { base: { profile: WRAPPED, set: { a: 1, b: 2 } } },
      tamper: { w: { b: { note: 'x' }, x: 1 } },
      is: { base: { profile: WRAPPED, set: { a: 1 } } },
    },
    {
      action: 'Patch/SettingRemoved',
      patch: { w: { a: { value: 1 }, b: null, x: 1 } },
      desired: { w: { a: { value: 1 }, x: 1 } },
    },
  ],
  [
    'leave foreign members of a wrapper',
    {
      was: { base: { profile: WRAPPED, set: { a: 1 } } },
      tamper: { w: { a: { value: 7, note: 'x' } } },
      is: { base: { profile: WRAPPED, set: { a: 1 } } },
    },
    { action: 'Patch/Drift', patch: { w: { a: { value: 1, note: 'x' } } } },
  ],
  [
    'leave the section alone where nothing differs',
    {
      was: { base: { profile: WRAPPED, set: { a: 1 } } },
      tamper: { w: { x: 1 } },
      is: { base: { profile: WRAPPED, set: { a: 1 } } },
    },
    { action: 'Equal/InSync' },
  ],
  [
    'at the root carry everything but what the hub adds',
    {
      was: { base: { profile: ROOT, set: { a: 1 } } },
      tamper: { a: 7, foreign: { x: [1] } },
      is: { base: { profile: ROOT, set: { a: 1 } } },
    },
    { action: 'Patch/Drift', patch: { a: 1, foreign: { x: [1] } } },
  ],
  [
    'are sent too where only a neighbouring section changes: the agent takes any notification for its own',
    {
      was: { base: { profile: WRAPPED, set: { a: 1 } }, near: { set: { z: 1 } } },
      is: { base: { profile: WRAPPED, set: { a: 1 } }, near: { set: { z: 2 } } },
    },
    { action: 'Patch/ConfigurationChanged', patch: { w: { a: { value: 1 } }, g: { z: 2 } } },
  ],
  [
    'also where the owner of that section is not in the input',
    {
      was: { base: { profile: WRAPPED, set: { a: 1 } }, near: { set: { z: 1 } } },
      is: { near: { set: { z: 2 } } },
      source: { partial: true },
    },
    { action: 'Patch/ConfigurationChanged', patch: { w: { a: { value: 1 } }, g: { z: 2 } } },
  ],
  [
    'and where it is suspended',
    {
      was: { base: { profile: WRAPPED, set: { a: 1 } }, near: { set: { z: 1 } } },
      is: { base: { suspend: true, profile: WRAPPED, set: { a: 5 } }, near: { set: { z: 2 } } },
    },
    { action: 'Patch/ConfigurationChanged', patch: { w: { a: { value: 1 } }, g: { z: 2 } } },
  ],
  [
    'of two owners carry what both own',
    {
      was: { base: { profile: WRAPPED, set: { a: 1 } }, more: { priority: 1, profile: WRAPPED, set: { b: 1 } } },
      is: { base: { profile: WRAPPED, set: { a: 1 } }, more: { priority: 1, profile: WRAPPED, set: { b: 2 } } },
    },
    {
      action: 'Patch/ConfigurationChanged',
      patch: { w: { a: { value: 1 }, b: { value: 2 } } },
      own: { base: ['a'], more: ['b'] },
    },
  ],
]);

table('components', [
  [
    'carry their mark in each patch',
    {
      was: { base: { profile: PNP, set: { Comp: { a: 1, b: 1 }, plain: 1 } } },
      is: { base: { profile: PNP, set: { Comp: { a: 1, b: 2 }, plain: 2 } } },
    },
    { action: 'Patch/ConfigurationChanged', patch: { Comp: { __t: 'c', b: 2 }, plain: 2 } },
  ],
  [
    'also where a property goes',
    {
      was: { base: { profile: PNP, set: { Comp: { a: 1, b: 1 } } } },
      is: { base: { profile: PNP, set: { Comp: { a: 1 } } } },
    },
    { action: 'Patch/SettingRemoved', patch: { Comp: { __t: 'c', b: null } }, desired: { Comp: { __t: 'c', a: 1 } } },
  ],
  [
    'a mark alone is no reason to write, and is never owned',
    {
      was: { base: { profile: PNP, set: { Comp: { a: 1 } } } },
      tamper: { Comp: { __t: null } },
      is: { base: { profile: PNP, set: { Comp: { a: 1 } } } },
    },
    { action: 'Equal/InSync', own: { base: ['Comp/a'] } },
  ],
  [
    'in a section of their own',
    {
      is: {
        base: {
          profile: profileOf('one', { section: ['Comp'], encoding: 'PnpComponent', envelope: { __t: 'c' } }),
          set: { a: { x: 1 } },
        },
      },
    },
    { action: 'Patch/FirstConfiguration', patch: { Comp: { __t: 'c', a: { x: 1 } } }, own: { base: ['a'] } },
  ],
]);

describe('meaning', () => {
  const timed = profileOf('timed', {
    section: ['g'],
    comparators: [
      { keys: ['every'], comparator: 'duration' },
      { keys: ['level'], comparator: 'caseInsensitive' },
      { keys: ['list'], comparator: 'csvSet' },
    ],
  });
  const declared = declare({ base: { profile: timed, set: { every: 'PT1H', level: 'High', list: 'a,b' } } });

  test('another spelling of the same is adopted and stays', () => {
    const desired = { g: { every: 'PT60M', level: 'high', list: 'b, a' } };
    const action = plan(declared, twinOf({ desired }));
    expect(action).toMatchObject({ type: 'Record', reason: 'Adopted' });
    expect(patchOf(action)?.properties).toBeUndefined();
  });

  test('and stays in a patch for another key', () => {
    const desired = { g: { every: 'PT60M', level: 'low', list: 'b, a' } };
    expect(patchOf(plan(declared, twinOf({ desired })))?.properties).toEqual({ desired: { g: { level: 'High' } } });
  });
});

describe('modules that do not exist', () => {
  test.each<[sentence: string, is: Configurations, want: string]>([
    ['nobody wants one', {}, 'Equal/InSync'],
    ['one waits', { a: { set: { a: 1 } } }, 'Wait/ModuleMissing'],
    ['one skips', { a: { whenMissing: 'Skip', set: { a: 1 } } }, 'Skip/ModuleMissing'],
    ['one skips, one waits', { a: { whenMissing: 'Skip', set: { a: 1 } }, b: { set: { b: 1 } } }, 'Wait/ModuleMissing'],
    [
      'one skips, one creates',
      { a: { whenMissing: 'Skip', set: { a: 1 } }, b: { whenMissing: 'Create', set: { b: 1 } } },
      'Create/ModuleMissing',
    ],
    [
      'one would create, but only looks',
      { a: { whenMissing: 'Create', mode: 'Observe', set: { a: 1 } } },
      'Wait/ModuleMissing',
    ],
    [
      'they contradict each other',
      { a: { whenMissing: 'Create', set: { a: 1 } }, b: { set: { a: 2 } } },
      'Hold/Conflicted',
    ],
  ])('%s', (_sentence, is, want) => {
    const action = plan(declare(is), undefined);
    const { type, reason } = action;
    expect(`${type}/${reason}`).toBe(want);
    expect('etag' in action).toBe(false);
    expect(patchOf(action)).toBeUndefined();
    expect(needsOf(action)).toEqual(type === 'Create' ? { moduleTwin: true, deviceTwin: true } : undefined);
  });
});

test('no module is created on a disabled device', () => {
  const declared = declare({ a: { whenMissing: 'Create', set: { a: 1 } } });
  const device = { ...deviceOf(), status: 'disabled' };
  expect(plan(declared, undefined, { device })).toMatchObject({ type: 'Wait', reason: 'ModuleMissing' });
});

test('what an owner outside the input keeps is told beside what is written', () => {
  const twin = settled(declare(AB), twinOf());
  const action = plan(declare({ other: { priority: 50, set: { a: 5, c: 3 } } }, { partial: true }), twin);
  expect(action).toMatchObject({ type: 'Patch', observed: [{ name: 'a', before: 1, after: 5 }] });
  expect(action.message).toContain('"a"');
});

test('a conflict names one setting and counts the others', () => {
  const is = { x: { set: { a: 1, b: 1, c: 1 } }, y: { set: { a: 2, b: 2, c: 2 } } };
  expect(plan(declare(is), twinOf()).message).toContain('different values of "a" (and 2 more settings)');
});

describe('direct reads that an action needs', () => {
  const both = { moduleTwin: true, deviceTwin: true };
  const module = { moduleTwin: true, deviceTwin: false };
  const none = { moduleTwin: false, deviceTwin: false };
  test.each<[sentence: string, given: Given, want: ReturnType<typeof needsOf>]>([
    ['nothing to write: not even asked', { was: AB, is: AB }, undefined],
    ['drift of a leaf: none', { was: AB, tamper: { g: { a: 7 } }, is: AB }, none],
    ['a null: the module twin', { was: AB, is: { base: { set: { a: 1 } } } }, module],
    [
      'a whole section: the module twin',
      {
        was: { base: { profile: ROOT, set: { a: 1 } } },
        tamper: { a: 2 },
        is: { base: { profile: ROOT, set: { a: 1 } } },
      },
      module,
    ],
    ['the first write of an owner: both', { is: AB }, both],
    [
      'the first write of an owner that leaves no trace in the record: both',
      { was: AB, is: { ...AB, new: { set: { c: 3 }, policies: { c: 'IfNotPresent' } } } },
      both,
    ],
    [
      'an owner that joins while another writes: both',
      { was: AB, tamper: { g: { a: 7, c: 3 } }, is: { ...AB, new: { set: { c: 3 } } } },
      both,
    ],
    ['a departure: both', { meanwhile: atLyon, is: LYON, device: deviceOf({ env: 'lab' }) }, both],
    ['a record alone: both', { tamper: { g: { a: 1, b: 2 } }, is: AB }, both],
  ])('%s', (_sentence, given, want) => {
    expect(needsOf(run(given).action)).toEqual(want);
  });
});

describe('a hub that is only observed', () => {
  test.each<[sentence: string, given: Given, want: string]>([
    ['what would be written is told', { is: AB }, 'Observe/ModeObserve'],
    ['what would be removed too', { was: { base: { ...AB.base, remove: true } }, is: {} }, 'Observe/ModeObserve'],
    ['a record that would be written is none', { was: AB, is: {} }, 'Equal/InSync'],
    ['what is equal is equal', { was: AB, is: AB }, 'Equal/InSync'],
  ])('%s', (_sentence, { was = {}, is }, want) => {
    const action = plan(declare(is), settled(declare(was), twinOf()), { hubMode: 'Observe' });
    const { type, reason } = action;
    expect(`${type}/${reason}`).toBe(want);
    expect(patchOf(action)).toBeUndefined();
    expect(changesOf(action)).toEqual([]);
  });
});

describe('several installations', () => {
  test('the keys and the record of another instance are foreign', () => {
    const mine = declare({ base: { set: { a: 1 }, remove: true } });
    const theirs = declare({ base: { set: { b: 2 }, remove: true } });
    let twin = settled(mine, twinOf(), { instance: 'one' });
    twin = settled(theirs, twin, { instance: 'two' });
    expect(desiredOf(twin)).toEqual({ g: { a: 1, b: 2 } });
    expect(ownOf(twin, 'one')).toEqual({ base: ['a'] });
    twin = settled(declare({}), twin, { instance: 'one' });
    expect(desiredOf(twin)).toEqual({ g: { b: 2 } });
    expect(ownOf(twin, 'one')).toEqual({});
    expect(ownOf(twin, 'two')).toEqual({ base: ['b'] });
    twin = settled(declare({}), twin, { instance: 'two' });
    expect(twin.tags).toBeUndefined();
  });

  test('two of them share a section that goes whole', () => {
    const one = declare({ base: { profile: WRAPPED, set: { a: 1 } } });
    const two = declare({ base: { profile: WRAPPED, set: { b: 2 } } });
    const twin = settled(two, settled(one, twinOf(), { instance: 'one' }), { instance: 'two' });
    expect(desiredOf(twin)).toEqual({ w: { a: { value: 1 }, b: { value: 2 } } });
    expect(plan(one, twin, { instance: 'one' }).type).toBe('Equal');
    expect(plan(two, twin, { instance: 'two' }).type).toBe('Equal');
  });
});

test('an action names its twin, its owners and the etag it rests on', () => {
  const declared = declare({ b: { set: { a: 1 } }, a: { priority: 5, set: { b: 1 }, suspend: true } });
  const live = twinOf({ etag: 'AAAAAAAAAAM=' });
  expect(plan(declared, live)).toMatchObject({
    deviceId: 'd1',
    moduleId: MODULE,
    etag: 'AAAAAAAAAAM=',
    owners: ['SecurityConfiguration/a', 'SecurityConfiguration/b'],
    patch: {
      tags: { twinward: { default: { etag: 'AAAAAAAAAAQ=', v: 1, at: '2026-11-23T17:40:00Z', rev: '0123456789ab' } } },
    },
  });
});

function manyKeys(count: number): JsonObject {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`key-number-${String(index).padStart(4, '0')}`, 1]),
  );
}

function keeping(fields: Parameters<typeof profileOf>[1], set: JsonObject): Configurations {
  return { base: { profile: profileOf('keep', { section: ['g'], ...fields }), set } };
}

function ruledWrapped() {
  return { ...ruled(), encoding: 'ValueWrapper' as const };
}

function ruled(severity: 'error' | 'warning' = 'error') {
  return profileOf('ruled', {
    section: ['g'],
    ownershipAtom: 'Setting',
    defaults: { high: 3 },
    rules: [
      { type: 'NotGreater', lesser: 'low', greater: 'high', as: 'number', severity, message: 'low is above high' },
    ],
  });
}
