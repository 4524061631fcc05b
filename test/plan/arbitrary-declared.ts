// Declared states and twins over so few keys that layers, owners and other writers meet each other all the time.
import fc from 'fast-check';
import { setKey, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Profile, SettingPolicy } from '../../src/model/profile.ts';
import { LEAF, PNP, profileOf, ROOT, WRAPPED, type ConfigurationFields, type Configurations } from './fixture.ts';

/** Settings as they are, each sent alone. */
export const PLAIN = profileOf('plain', { section: ['s', 't'], ownershipAtom: 'Setting' });
export const PROFILES: readonly Profile[] = [LEAF, WRAPPED, PLAIN, ROOT, PNP];

/** Profiles that can be used side by side. */
export type Family = readonly Profile[];
export const FAMILIES: readonly Family[] = [[LEAF, WRAPPED, PLAIN], [LEAF], [WRAPPED], [PLAIN], [ROOT], [PNP]];
/** Those whose agents take each setting alone, without marks. */
export const LEAF_FAMILIES: readonly Family[] = [[LEAF, PLAIN], [LEAF], [PLAIN]];

const NAMES = ['a', 'b', 'x/y', '__proto__', 'constructor'];
/** Never named by a configuration. */
export const FOREIGN = 'foreign';

const scalar: fc.Arbitrary<Json> = fc.constantFrom<Json>(0, 1, '', 'text', true, false);
const list: fc.Arbitrary<Json> = fc.array(scalar, { maxLength: 2 });

function objectOf(value: fc.Arbitrary<Json>, names: readonly string[] = NAMES): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 3 }).map((members) => {
    const object: JsonObject = {};
    for (const [name, member] of members) setKey(object, name, member);
    return object;
  });
}

const value: fc.Arbitrary<Json> = fc.oneof({ weight: 3, arbitrary: scalar }, list, objectOf(fc.oneof(scalar, list)));

function settingsOf(profile: Profile): fc.Arbitrary<JsonObject> {
  return profile === PNP ? objectOf(objectOf(value), ['C', 'D']) : objectOf(value);
}

function unsetOf(profile: Profile): fc.Arbitrary<string> {
  if (profile === PNP) return fc.constantFrom('C/a', 'D/b');
  return profile === LEAF ? fc.constantFrom('a', 'b', 'a/b', 'x~1y') : fc.constantFrom('a', 'b', 'x~1y');
}

export interface Shape {
  /** Whether layers may be suspended or observed. */
  readonly frozen?: boolean;
  /** Whether settings may have policies other than Override. */
  readonly policies?: boolean;
  /** Whether configurations may leave devices of other environments out. */
  readonly groups?: boolean;
  readonly remove?: boolean;
}

function configuration(family: Family, shape: Shape): fc.Arbitrary<ConfigurationFields> {
  const some = <T>(wanted: boolean | undefined, values: fc.Arbitrary<T>, none: T): fc.Arbitrary<T> =>
    wanted === true ? values : fc.constant(none);
  return fc.constantFrom(...family).chain((profile) =>
    fc
      .record({
        priority: fc.integer({ min: 0, max: 3 }),
        set: settingsOf(profile),
        unset: fc.uniqueArray(unsetOf(profile), { maxLength: 1 }),
        policy: some<SettingPolicy>(shape.policies, fc.constantFrom('Override', 'IfNotPresent', 'Ignore'), 'Override'),
        state: some(shape.frozen, fc.constantFrom('Enforce', 'Enforce', 'Observe', 'Suspend'), 'Enforce'),
        env: some<string | undefined>(shape.groups, fc.constantFrom(undefined, 'prod', 'lab'), undefined),
        remove: some(shape.remove, fc.boolean(), false),
      })
      .map(({ priority, set, unset, policy, state, env, remove }) => {
        const first = Object.keys(set)[0];
        return {
          profile,
          priority,
          set,
          unset: unset.filter((name) => !Object.hasOwn(set, name.replace('~1', '/').split('/')[0] as string)),
          policies: first === undefined || first === '__proto__' ? {} : { [first]: policy },
          suspend: state === 'Suspend',
          mode: state === 'Observe' ? ('Observe' as const) : ('Enforce' as const),
          remove,
          ...(env === undefined ? {} : { env }),
        };
      }),
  );
}

/** Up to three configurations of one family. */
export function configurations(family: Family, shape: Shape = {}): fc.Arbitrary<Configurations> {
  return fc.dictionary(fc.constantFrom('p', 'q.r', 's'), configuration(family, shape), { maxKeys: 3 });
}

export function families(of: readonly Family[] = FAMILIES): fc.Arbitrary<Family> {
  return fc.constantFrom(...of);
}

/** Properties that may be on a twin before us, foreign ones included. */
export const desired: fc.Arbitrary<JsonObject> = fc
  .record({
    root: objectOf(value),
    g: objectOf(value),
    w: objectOf(fc.oneof(value, objectOf(value, ['value', FOREIGN]))),
    t: objectOf(value),
    C: objectOf(value),
    foreign: value,
    has: fc.record({ root: fc.boolean(), sections: fc.boolean(), text: fc.boolean() }),
  })
  .map(({ root, g, w, t, C, foreign, has }) => {
    const section = (members: JsonObject): JsonObject => ({ ...members, [FOREIGN]: foreign });
    const sections: JsonObject = {
      g: section(g),
      w: section(w),
      s: { t: section(t), [FOREIGN]: foreign },
      C: section(C),
    };
    return {
      ...(has.root ? root : {}),
      ...(has.sections ? sections : {}),
      ...(has.text && !has.sections ? { g: 'text', w: ['text'] } : {}),
      [FOREIGN]: foreign,
    };
  });

/** A patch of another writer: a merge patch without foreign keys. */
export const tampering: fc.Arbitrary<JsonObject> = fc
  .record({ g: objectOf(fc.oneof(value, fc.constant(null))), w: objectOf(fc.oneof(value, fc.constant(null))) })
  .chain((sections) => fc.constantFrom<JsonObject>({}, sections, { g: sections.g }, { w: sections.w }));
