// Twins as only a hostile writer leaves them: keys that JavaScript knows, sections of another type, depth, odd numbers.
import * as fc from 'fast-check';
import { setKey, type Json, type JsonObject } from '../../src/model/json.ts';

/** Of these some are declared; a twin may hold any of them. */
export const NAMES = [
  'a',
  'b',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'x/y',
  '~0',
  '\u00fc:\u{1F512}',
];
/** Never declared: a hub would refuse some of them, but the code must handle them. */
export const FOREIGN_NAMES = [
  'foreign',
  'valueOf',
  '__defineGetter__',
  'a.b',
  '$value',
  'a b',
  '\u0001',
  '\u009f',
  '',
  '/',
  '\ud800',
  'n'.repeat(1_024),
];
/** The sections of the tests' profiles. */
const SECTIONS = ['g', 'w', 's', 't', 'C', 'value', '__t'];

const name = fc.constantFrom(...NAMES, ...FOREIGN_NAMES, ...SECTIONS);
const leaf = fc.constantFrom<Json>(
  0,
  -0,
  1,
  1.5,
  -1e-300,
  1e308,
  2 ** 53 + 2,
  '',
  'text',
  'null',
  '{"a":1}',
  '\ud800',
  'x'.repeat(4_096),
  true,
  false,
  null,
);

export function objectOf(
  key: fc.Arbitrary<string>,
  value: fc.Arbitrary<Json>,
  maxLength = 4,
): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(key, value), { maxLength }).map((members) => {
    const object: JsonObject = {};
    for (const [one, member] of members) setKey(object, one, member);
    return object;
  });
}

/** Values up to a few levels, and now and then one far deeper than a hub allows. */
export const anyValue: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    leaf,
    fc.constantFrom<Json>([], {}, [{}], [[]], [{ a: [{ __proto__: 1 }] }, null, 'x']),
    fc.array(tie('value'), { maxLength: 3 }),
    objectOf(name, tie('value'), 3),
    fc.tuple(fc.constantFrom(...NAMES), fc.integer({ min: 8, max: 40 }), leaf).map(([one, depth, end]) => {
      let value: Json = end;
      for (let level = 0; level < depth; level += 1) {
        const object: JsonObject = {};
        setKey(object, one, value);
        value = object;
      }
      return value;
    }),
  ),
})).value;

/** Members of one section, or a value in its place. */
const section: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: objectOf(name, anyValue, 6) },
  { weight: 1, arbitrary: anyValue },
);

export const anyDesired: fc.Arbitrary<JsonObject> = fc
  .record(
    { g: section, w: section, s: fc.oneof(section, fc.record({ t: section })), C: section, D: section },
    { requiredKeys: [] },
  )
  .chain((sections) => objectOf(name, anyValue).map((root) => ({ ...root, ...(sections as JsonObject) })));
