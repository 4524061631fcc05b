import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAgentDuration, isReadAlike, parseDuration } from '../../src/profile/duration.ts';

describe('durations that every legacy agent reads in the same way', () => {
  test.each<[sentence: string, text: string, want: boolean]>([
    ['minutes', 'PT7M', true],
    ['hours', 'PT5H', true],
    ['days with hours', 'P1DT12H', true],
    ['seconds', 'PT1S', true],
    ['more minutes than an hour has', 'PT90M', true],
    ['the longest: 32 bits of milliseconds', 'P49DT17H2M47S', true],
    ['a second more overflows the C agent', 'P49DT17H2M48S', false],
    ['the longest in seconds', 'PT4294967S', true],
    ['a second more, in seconds', 'PT4294968S', false],
    ['weeks are refused by the C# agent', 'P1W', false],
    ['months, though both agents take them', 'P1M', false],
    ['years add nothing in the C agent', 'P1Y', false],
    ['fractions are refused by the C agent', 'PT0.5S', false],
    ['negative ones are refused by the C agent', '-PT5M', false],
    ['zero is refused by the C agent', 'PT0S', false],
    ['nothing after P', 'P', false],
    ['nothing after T', 'P1DT', false],
    ['lower case', 'pt5m', false],
    ['a space', 'PT5M ', false],
    ['a line break at the end', 'PT5M\n', false],
    ['a plain number', '300', false],
    ['units in the wrong order', 'PT5M1H', false],
    ['digits without end', `PT${'9'.repeat(400)}S`, false],
  ])('%s: %s', (_sentence, text, want) => expect(isAgentDuration(text)).toBe(want));
});

describe('durations as agents write them', () => {
  test.each<[text: string, seconds: number | undefined]>([
    ['P7D', 604_800],
    ['P1W', 604_800],
    ['P1M', 2_592_000],
    ['P30D', 2_592_000],
    ['P1Y', 31_536_000],
    ['PT60M', 3_600],
    ['PT1H', 3_600],
    ['PT0.5S', 0.5],
    ['-PT5M', -300],
    ['P1M2W3DT4H5M6S', 2_592_000 + 2 * 604_800 + 3 * 86_400 + 4 * 3_600 + 5 * 60 + 6],
    ['', undefined],
    ['PT', undefined],
    ['1h', undefined],
  ])('%s is %s seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  test('what all agents read alike, they read as the same length', () => {
    const counts = fc.tuple(fc.nat(40), fc.nat(100), fc.nat(100), fc.integer({ min: 1, max: 100 }));
    fc.assert(
      fc.property(counts, ([days, hours, minutes, seconds]) => {
        const text = `P${days}DT${hours}H${minutes}M${seconds}S`;
        expect(isAgentDuration(text) && isReadAlike(text)).toBe(true);
        expect(parseDuration(text)).toBe(days * 86_400 + hours * 3_600 + minutes * 60 + seconds);
      }),
    );
  });
});
