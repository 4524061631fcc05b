// Sizes as IoT Hub counts them.
import { describe, expect, test } from 'vitest';
import { sectionBytes } from '../../src/emulator/hub/twins/twin-limits.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { tooLarge, twinBytes } from '../../src/model/twin-size.ts';

const TAGS_BYTES_MAX = 8 * 1024;
const DESIRED_BYTES_MAX = 32 * 1024;

describe('the size', () => {
  test.each<[value: Json, want: number]>([
    [{}, 0],
    [{ a: 'xyz' }, 4],
    [{ ä: '€' }, 5],
    [{ a: 12_345 }, 9],
    [{ a: true, b: false }, 10],
    [{ a: { b: { c: 1 } } }, 11],
    [{ a: ['xy', 1] }, 11],
    [{ a: 'x\u0000\n\u007F\u0085y' }, 3],
  ])('of %j', (value, want) => {
    expect(twinBytes(value)).toBe(want);
    expect(sectionBytes(value)).toBe(want);
  });
});

describe('too large', () => {
  const ofBytes = (bytes: number): JsonObject =>
    Object.fromEntries(
      Array.from({ length: bytes / 1_024 }, (_, index) => [String.fromCharCode(65 + index), 'x'.repeat(1_023)]),
    );
  test.each<[sentence: string, tags: JsonObject, desired: JsonObject, want: RegExp | undefined]>([
    ['nothing', {}, {}, undefined],
    ['tags at their limit', ofBytes(TAGS_BYTES_MAX), {}, /^tags would take 8192 of 8192 bytes$/],
    ['tags below it', ofBytes(TAGS_BYTES_MAX - 1_024), {}, undefined],
    [
      'desired properties at their limit',
      {},
      ofBytes(DESIRED_BYTES_MAX),
      /^properties\.desired would take 32768 of 32768 bytes$/,
    ],
    ['desired properties below it', {}, ofBytes(DESIRED_BYTES_MAX - 1_024), undefined],
    ['one text of a tag', { twinward: { d: { h: 'x'.repeat(4_097) } } }, {}, /4096 bytes of one tag/],
    ['a text that just fits', { twinward: { d: { h: 'x'.repeat(4_096) } } }, {}, undefined],
  ])('%s', (_sentence, tags, desired, want) => {
    const found = tooLarge(tags, desired);
    expect(found === undefined ? undefined : want?.test(found)).toBe(want === undefined ? undefined : true);
  });
});
