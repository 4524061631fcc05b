// The limits of facts 2.6, with the texts of the refusals.
import { describe, expect, test } from 'vitest';
import { sectionBytes } from '../../../../src/emulator/hub/twins/twin-limits.ts';
import type { Json, JsonObject } from '../../../../src/model/json.ts';
import { hubWithModule, MODULE, refusal } from '../new-hub.ts';

const INVALID = { status: 400, code: 'ArgumentInvalid', number: 400004 };
const NAME_RULE = "Must not contain Control Characters, '.', '$', '#', or ' '.";

function nested(levels: number, leaf: Json): JsonObject {
  let value = leaf;
  for (let level = 0; level < levels; level += 1) value = { k: value };
  return value as JsonObject;
}

function filled(bytes: number): JsonObject {
  const chunk = 4096;
  const section: JsonObject = {};
  for (let left = bytes, index = 0; left > 0; index += 1) {
    const size = Math.min(chunk, left - 1);
    section[String.fromCharCode(97 + index)] = 'x'.repeat(size);
    left -= size + 1;
  }
  return section;
}

describe('what a desired section may hold', () => {
  const rows: [sentence: string, desired: JsonObject][] = [
    ['an empty key', { '': 1 }],
    ['a Unicode key', { 'clé:été': 1 }],
    ['a key of 1024 bytes', { ['k'.repeat(1024)]: 1 }],
    ['a text of 4096 bytes', { a: 'x'.repeat(4096) }],
    ['the greatest integer', { a: 4_503_599_627_370_495 }],
    ['the least integer', { a: -4_503_599_627_370_496 }],
    ['a fraction', { a: 0.1 }],
    ['a scalar in the tenth object', nested(11, 1)],
    ['arrays', { a: [1, 'x', { b: [true] }] }],
    ['one byte below 32 KB', filled(32_767)],
  ];
  test.each(rows)('%s', (_sentence, desired) => {
    const { hub } = hubWithModule();
    expect(() => hub.patchTwin(MODULE, { properties: { desired } })).not.toThrow();
    expect(() => hub.replaceTwin(MODULE, { properties: { desired } })).not.toThrow();
    expect(() => hub.connect(MODULE, () => {}).report(desired)).not.toThrow();
  });
});

describe('what is refused as invalid', () => {
  const rows: [sentence: string, section: JsonObject, text: string | RegExp][] = [
    ...['a.b', 'a$', 'a#', 'a b'].map((key): [string, JsonObject, string] => [
      `the key ${key}`,
      { [key]: 1 },
      `Property or Tag name has invalid characters. Error in Property/Tag ${key}. ${NAME_RULE}`,
    ]),
    ['a C0 control character in a key', { 'a\u0001': 1 }, /name has invalid characters/],
    ['a C1 control character in a key', { 'a\u0085': 1 }, /name has invalid characters/],
    ['a key of 1025 bytes', { ['k'.repeat(1025)]: 1 }, /1024 bytes/],
    ['a key of 1026 bytes in 513 letters', { ['é'.repeat(513)]: 1 }, /1024 bytes/],
    ['a bad key that would be removed', { 'a.b': null }, /name has invalid characters/],
    [
      'a text of 4097 bytes',
      { a: 'x'.repeat(4097) },
      'Property or Tag value should be maximum 4096 bytes. Error in Property/Tag a',
    ],
    ['a text of 4098 bytes in 2049 letters', { a: 'é'.repeat(2049) }, /maximum 4096 bytes/],
    ['a long text inside an array', { a: ['x'.repeat(4097)] }, /maximum 4096 bytes/],
    ['too great an integer', { a: 4_503_599_627_370_496 }, /integer/],
    ['too small an integer', { a: -4_503_599_627_370_497 }, /integer/],
    ['an eleventh object', nested(12, 1), /nested at most 10 deep/],
    ['a null inside an array', { b: [1, null] }, /Value of Property or Tag cannot be null\. Error in ?Property\/Tag b/],
    [
      'a null in an object inside an array',
      { a: [{ b: null }] },
      /Value of Property or Tag cannot be null\. Error in ?Property\/Tag b/,
    ],
  ];
  test.each(rows)('%s', (_sentence, section, text) => {
    const { hub } = hubWithModule();
    const connection = hub.connect(MODULE, () => {});
    const before = JSON.stringify(hub.getTwin(MODULE));
    const words: unknown = expect.stringMatching(text);
    const want = { ...INVALID, text: text instanceof RegExp ? words : text };
    expect(refusal(() => hub.patchTwin(MODULE, { tags: section }))).toEqual({ ...want, envelope: 1 });
    expect(refusal(() => hub.patchTwin(MODULE, { properties: { desired: section } }))).toEqual({
      ...want,
      envelope: 1,
    });
    expect(refusal(() => connection.report(section))).toEqual({ ...want, envelope: 2 });
    expect(JSON.stringify(hub.getTwin(MODULE))).toBe(before);
  });

  test('any null in a replacement', () => {
    const { hub } = hubWithModule();
    const text = 'Value of Property or Tag cannot be null. Error in Property/Tag my-tag';
    const want = { ...INVALID, text, envelope: 1 };
    expect(refusal(() => hub.replaceTwin(MODULE, { tags: { 'my-tag': null } }))).toEqual(want);
    expect(refusal(() => hub.replaceTwin(MODULE, { properties: { desired: { a: { 'my-tag': null } } } }))).toEqual(
      want,
    );
  });

  test('a null in a device’s array, in the words of the device side', () => {
    const { hub } = hubWithModule();
    const text = 'Value of Property or Tag cannot be null. Error inProperty/Tag b';
    expect(refusal(() => hub.connect(MODULE, () => {}).report({ b: [null] }))).toEqual({
      ...INVALID,
      text,
      envelope: 2,
    });
  });

  test.each([[[]], ['x'], [1], [null], [undefined]])('the body %j', (body) => {
    const { hub } = hubWithModule();
    expect(refusal(() => hub.patchTwin(MODULE, body))).toMatchObject({ ...INVALID, text: 'BadRequest' });
    expect(refusal(() => hub.replaceTwin(MODULE, body))).toMatchObject({ ...INVALID, text: 'BadRequest' });
  });

  test.each([[{ tags: [] }], [{ tags: 'x' }], [{ properties: 1 }], [{ properties: { desired: [] } }]])(
    'the body %j',
    (body) => {
      const { hub } = hubWithModule();
      expect(refusal(() => hub.patchTwin(MODULE, body))).toMatchObject(INVALID);
    },
  );
});

describe('sizes', () => {
  const TOO_LARGE = { status: 403, code: 'DeviceModelMaxPropertiesExceeded', number: 403100 };

  test('of desired properties', () => {
    const { hub } = hubWithModule();
    const text = "'Properties.Desired' size should be less than 32768 bytes.";
    const body = { properties: { desired: filled(32_768) } };
    expect(refusal(() => hub.patchTwin(MODULE, body))).toEqual({ ...TOO_LARGE, text, envelope: 1 });
    expect(refusal(() => hub.replaceTwin(MODULE, body))).toEqual({ ...TOO_LARGE, text, envelope: 1 });
  });

  test('of reported properties', () => {
    const { hub } = hubWithModule();
    const text = "'Properties.Reported' size should be less than 32768 bytes.";
    const connection = hub.connect(MODULE, () => {});
    expect(refusal(() => connection.report(filled(32_768)))).toEqual({ ...TOO_LARGE, text, envelope: 2 });
  });

  test('of tags', () => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { tags: filled(8191) });
    expect(refusal(() => hub.patchTwin(MODULE, { tags: filled(8192) }))).toMatchObject({
      ...TOO_LARGE,
      text: "'Tags' size should be less than 8192 bytes.",
    });
  });

  test('count what is merged, not what is sent', () => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { properties: { desired: filled(32_000) } });
    const grow = () => hub.patchTwin(MODULE, { properties: { desired: { z: 'x'.repeat(1000) } } });
    expect(refusal(grow)).toMatchObject(TOO_LARGE);
    hub.patchTwin(MODULE, { properties: { desired: { a: null } } });
    expect(grow).not.toThrow();
  });

  const rows: [value: Json, bytes: number][] = [
    [{}, 0],
    [{ ab: 1 }, 10],
    [{ ab: true }, 6],
    [{ ab: 'cde' }, 5],
    [{ a: { b: 'c' } }, 3],
    [{ a: [1, false, 'x'] }, 14],
    [{ é: 'ü' }, 4],
    [{ a: 'x\u0000\u0085y' }, 3],
  ];
  test.each(rows)('%j has %i bytes', (value, bytes) => expect(sectionBytes(value)).toBe(bytes));
});
