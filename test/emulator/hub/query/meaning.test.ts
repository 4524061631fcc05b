// The meaning of conditions, from their text to the rows, checked by a second evaluator that shares no code with the
// hub: each generated text comes with its own meaning.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../../src/model/json.ts';
import { newHub } from '../new-hub.ts';

interface Row {
  readonly deviceId: string;
  readonly tags: JsonObject;
}

/** Undefined is the third truth value, and what is not there. */
type Value = Json | undefined;

interface Phrase {
  readonly text: string;
  readonly of: (row: Row) => Value;
}

const TEXTS = ['', 'a', 'b', 'ab', "it's", '\\', '\u00e9'];
const NUMBERS = [0, 1, -1, 2, 2.5, 1e9];
const IDS = ['d0', 'd1', 'd2', 'd3', 'd4', 'D0', 'a'];

const scalar: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom(...TEXTS), fc.constantFrom(...NUMBERS), fc.boolean());
const tags: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('a', 'b', 'group'),
  fc.oneof(scalar, fc.array(scalar, { maxLength: 2 }), fc.dictionary(fc.constantFrom('a', 'b'), scalar)),
  { noNullPrototype: true },
);

function quoted(text: string, quote: "'" | '"'): string {
  return `${quote}${text.replaceAll(/['"\\]/g, String.raw`\$&`)}${quote}`;
}

function written(value: Value): string {
  return typeof value === 'string' ? quoted(value, "'") : String(value);
}

const constant: fc.Arbitrary<Phrase> = fc.oneof(
  fc.constantFrom(...NUMBERS).map((value) => ({ text: `(${value})`, of: () => value })),
  fc
    .tuple(fc.constantFrom(...TEXTS), fc.constantFrom("'" as const, '"' as const))
    .map(([value, quote]) => ({ text: quoted(value, quote), of: () => value })),
  fc.constantFrom<Phrase>(
    { text: 'true', of: () => true },
    { text: 'FALSE', of: () => false },
    { text: 'null', of: () => null },
    { text: 'undefined', of: () => undefined },
  ),
);

/** Few, so that one is often a part of another. */
const word = fc.constantFrom('a', 'b', 'ab').map((value): Phrase => ({ text: quoted(value, '"'), of: () => value }));

function child(value: Value, key: string): Value {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value)).get(key);
}

const path: fc.Arbitrary<Phrase> = fc.constantFrom<Phrase>(
  { text: 'tags.a', of: ({ tags: own }) => child(own, 'a') },
  { text: 'Tags.b', of: ({ tags: own }) => child(own, 'b') },
  { text: 'devices.tags.[[group]]', of: ({ tags: own }) => child(own, 'group') },
  { text: 'tags.a.b', of: ({ tags: own }) => child(child(own, 'a'), 'b') },
  { text: 'deviceId', of: ({ deviceId }) => deviceId },
  { text: 'devices.DEVICEID', of: ({ deviceId }) => deviceId },
  { text: 'statusReason', of: () => undefined },
  { text: 'capabilities.iotEdge', of: () => false },
  { text: 'properties.desired.$version', of: () => 1 },
);

function isSimple(value: Value): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function kindOf(value: Value): string {
  return value === null ? 'null' : typeof value;
}

/** -1, 0 or 1; null equals itself and has no order. */
function order(a: string | number | boolean | null, b: string | number | boolean | null): number {
  if (a === b || a === null || b === null) return 0;
  return a > b ? 1 : -1;
}

const HOLDS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (sign) => sign === 0,
  '!=': (sign) => sign !== 0,
  '<>': (sign) => sign !== 0,
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
};

const SUMS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

/** Kleene logic: a decisive value decides; otherwise a value that is not a boolean makes it undefined. */
function joined(values: readonly Value[], decisive: boolean): Value {
  if (values.includes(decisive)) return decisive;
  return values.every((value) => value === !decisive) ? !decisive : undefined;
}

function texts(a: Value, b: Value, test: (a: string, b: string) => boolean): Value {
  return typeof a === 'string' && typeof b === 'string' ? test(a, b) : undefined;
}

const { phrase } = fc.letrec<{ phrase: Phrase }>((tie) => {
  const inner = tie('phrase');
  const two = (words: readonly string[]) => fc.tuple(inner, fc.constantFrom(...words), inner);
  return {
    phrase: fc.oneof(
      { depthSize: 'small' },
      constant,
      path,
      path.map(({ text, of }): Phrase => ({ text: `is_defined(${text})`, of: (row) => of(row) !== undefined })),
      inner.map(({ text, of }): Phrase => ({
        text: `NOT (${text})`,
        of: (row) => (typeof of(row) === 'boolean' ? of(row) === false : undefined),
      })),
      inner.map(({ text, of }): Phrase => ({
        text: `-(${text})`,
        of: (row) => {
          const value = of(row);
          return typeof value === 'number' ? 0 - value : undefined;
        },
      })),
      two(['AND', 'and', 'OR', 'Or']).map(([a, word, b]): Phrase => ({
        text: `(${a.text}) ${word} (${b.text})`,
        of: (row) => joined([a.of(row), b.of(row)], word.toUpperCase() === 'OR'),
      })),
      two(Object.keys(HOLDS)).map(([a, sign, b]): Phrase => ({
        text: `(${a.text}) ${sign} (${b.text})`,
        of: (row) => {
          const [left, right] = [a.of(row), b.of(row)];
          if (!isSimple(left) || !isSimple(right) || kindOf(left) !== kindOf(right)) return undefined;
          return HOLDS[sign]?.(order(left, right));
        },
      })),
      two(Object.keys(SUMS)).map(([a, sign, b]): Phrase => ({
        text: `(${a.text})${sign}(${b.text})`,
        of: (row) => {
          const [left, right] = [a.of(row), b.of(row)];
          const sum = typeof left === 'number' && typeof right === 'number' ? SUMS[sign]?.(left, right) : undefined;
          return Number.isFinite(sum) ? sum : undefined;
        },
      })),
      fc
        .tuple(
          inner,
          fc.constantFrom('IN', 'in', 'NIN'),
          fc.array(fc.oneof(scalar, fc.constant(null)), { maxLength: 3 }),
        )
        .map(([operand, word, values]): Phrase => ({
          text: `(${operand.text}) ${word} [${values.map(written).join(', ')}]`,
          of: (row) => {
            const value = operand.of(row);
            return isSimple(value) ? values.includes(value) !== (word === 'NIN') : undefined;
          },
        })),
      fc.tuple(fc.oneof(word, path), fc.oneof(word, inner)).map(([a, b]): Phrase => ({
        text: `STARTSWITH(${a.text}, ${b.text})`,
        of: (row) => texts(a.of(row), b.of(row), (text, part) => text.slice(0, part.length) === part),
      })),
      fc.tuple(fc.oneof(word, path), fc.oneof(word, inner)).map(([a, b]): Phrase => ({
        text: `EndsWith(${a.text}, ${b.text})`,
        of: (row) =>
          texts(a.of(row), b.of(row), (text, part) => text.slice(Math.max(0, text.length - part.length)) === part),
      })),
    ),
  };
});

/** Conditions that name the devices, so that the hub need not search all of them. */
const pinned: fc.Arbitrary<Phrase> = fc
  .tuple(fc.array(fc.constantFrom(...IDS), { maxLength: 3 }), fc.constantFrom('AND', 'OR'), phrase, fc.boolean())
  .map(([ids, word, rest, isList]) => {
    const [id = 'd0'] = ids;
    const pin = isList ? `deviceId IN [${ids.map(written).join()}]` : `${written(id)} = devices.deviceId`;
    const named = isList ? ids : [id];
    return {
      text: `${pin} ${word} (${rest.text})`,
      of: (row) => joined([named.includes(row.deviceId), rest.of(row)], word === 'OR'),
    };
  });

test('a query keeps the rows for which its condition is true, and no others', () => {
  const rows = fc
    .array(tags, { minLength: 1, maxLength: 5 })
    .map((all) => all.map((own, n) => ({ deviceId: `d${n}`, tags: own })));
  fc.assert(
    fc.property(rows, fc.array(fc.oneof(phrase, pinned), { minLength: 1, maxLength: 8 }), (devices, phrases) => {
      const { hub } = newHub();
      for (const { deviceId, tags: own } of devices) {
        hub.createDevice(deviceId, {});
        hub.patchTwin({ deviceId }, { tags: own });
      }
      for (const { text, of } of phrases) {
        const found = hub.query(`SELECT deviceId FROM devices WHERE ${text}`).items.map((row) => row['deviceId']);
        const expected = devices.filter((row) => of(row) === true).map(({ deviceId }) => deviceId);
        expect(found, text).toEqual(expected);
      }
    }),
    { numRuns: 300 },
  );
});
