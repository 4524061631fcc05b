// Values and patches that a twin may hold, over few keys so that writes meet each other.
import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/model/json.ts';

const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'ü:x');
const scalar = fc.oneof(fc.constantFrom<Json>('', 'x', 0, 1, -2.5, true, false));

function objectOf(value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  // Through text, so that "__proto__" is a key like any other.
  return fc
    .array(fc.tuple(key, value), { maxLength: 3 })
    .map((members) => JSON.parse(`{${members.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`));
}

function valueOf(leaf: fc.Arbitrary<Json>, depth: number): fc.Arbitrary<Json> {
  if (depth === 0) return leaf;
  return fc.oneof(
    leaf,
    fc.array(scalar, { maxLength: 2 }),
    fc.constant<Json>([{ a: 1 }]),
    objectOf(valueOf(leaf, depth - 1)),
  );
}

/** No nulls. */
export const section: fc.Arbitrary<JsonObject> = objectOf(valueOf(scalar, 2));

/** Nulls anywhere but in arrays. */
export const patch: fc.Arbitrary<JsonObject> = objectOf(valueOf(fc.oneof(scalar, fc.constant(null)), 2));
