import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/model/json.ts';
import { checkRules } from '../../src/profile/rules.ts';
import { builtin, profileOf } from './fixture.ts';

const FILE = '/etc/checks.xml';
const HASH = 'a'.repeat(64);

describe('built-in rules', () => {
  test.each<[sentence: string, profile: string, settings: JsonObject, want: string]>([
    ['a message of whole billing units', 'defender-legacy', { maxMessageSizeInBytes: 8_192 }, ''],
    ['a message of half a unit more', 'defender-legacy', { maxMessageSizeInBytes: 10_240 }, 'warning'],
    [
      'a cache that holds one message',
      'defender-legacy',
      { maxLocalCacheSizeInBytes: 8_192, maxMessageSizeInBytes: 8_192 },
      '',
    ],
    ['a cache smaller than the default message', 'defender-legacy', { maxLocalCacheSizeInBytes: 8_192 }, 'warning'],
    [
      'high as often as low',
      'defender-legacy',
      { highPriorityMessageFrequency: 'PT60M', lowPriorityMessageFrequency: 'PT1H' },
      '',
    ],
    ['high less often than the default low', 'defender-legacy', { highPriorityMessageFrequency: 'PT6H' }, 'warning'],
    ['low more often than the default high', 'defender-legacy', { lowPriorityMessageFrequency: 'PT1M' }, 'warning'],
    [
      'custom checks with file and hash',
      'defender-legacy',
      { baselineCustomChecksEnabled: true, baselineCustomChecksFilePath: FILE, baselineCustomChecksFileHash: HASH },
      '',
    ],
    [
      'custom checks without a hash',
      'defender-legacy',
      { baselineCustomChecksEnabled: true, baselineCustomChecksFilePath: FILE },
      'error',
    ],
    [
      'custom checks without a file',
      'defender-legacy',
      { baselineCustomChecksEnabled: true, baselineCustomChecksFileHash: HASH },
      'error',
    ],
    ['no custom checks', 'defender-legacy', { baselineCustomChecksEnabled: false }, ''],
    ['a file alone, while checks are off by default', 'defender-legacy', { baselineCustomChecksFilePath: FILE }, ''],
    ['intervals that multiply', 'defender-micro-agent', { CollectorsCore_PriorityIntervals: '30,120,1440' }, ''],
    ['intervals that do not', 'defender-micro-agent', { CollectorsCore_PriorityIntervals: '30,100,1440' }, 'warning'],
    [
      'intervals from Low to High',
      'defender-micro-agent',
      { CollectorsCore_PriorityIntervals: '1440,120,30' },
      'warning',
    ],
    ['an interval of nothing', 'defender-micro-agent', { CollectorsCore_PriorityIntervals: '0,120,1440' }, 'warning'],
    ['settings no rule looks at', 'defender-micro-agent', { Login_UsePAM: true }, ''],
  ])('%s', (_sentence, profile, settings, want) => {
    const findings = checkRules(builtin(profile), settings).map(({ severity }) => severity);
    expect(findings).toEqual(want === '' ? [] : [want]);
  });
});

test('a finding names the values that break the rule, defaults included', () => {
  const [finding] = checkRules(builtin('defender-legacy'), { highPriorityMessageFrequency: 'PT6H' });
  expect(finding?.message).toContain(
    '(highPriorityMessageFrequency is "PT6H", lowPriorityMessageFrequency is "PT5H").',
  );
});

test('a finding never names a sensitive value', () => {
  const rule = {
    type: 'NotGreater',
    lesser: 'pin',
    greater: 'max',
    as: 'number',
    severity: 'error',
    message: 'Too big',
  } as const;
  const [finding] = checkRules(profileOf({ rules: [rule], sensitive: ['pin'] }), { pin: 5_512_399, max: 1 });
  expect(finding?.message).toBe('Too big (max is 1).');
});

test.each([
  ['its own full stop is not repeated', [], 'pin must not be above max (pin is 5, max is 1).'],
  ['without printable values it has no list of values', ['pin', 'max'], 'pin must not be above max.'],
])('the message of a rule: %s', (_sentence, sensitive, want) => {
  const message = 'pin must not be above max.';
  const rule = { type: 'NotGreater', lesser: 'pin', greater: 'max', as: 'number', severity: 'error', message } as const;
  const [finding] = checkRules(profileOf({ rules: [rule], sensitive }), { pin: 5, max: 1 });
  expect(finding?.message).toBe(want);
});
