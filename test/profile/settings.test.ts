import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { checkSettings } from '../../src/profile/settings.ts';
import { builtin, profileOf } from './fixture.ts';

describe('built-in schemas', () => {
  test.each<[sentence: string, profile: string, name: string, value: Json, want: string]>([
    ['an integer below the smallest', 'defender-legacy', 'maxMessageSizeInBytes', 8_191, 'TW1305'],
    ['the smallest integer', 'defender-legacy', 'maxMessageSizeInBytes', 8_192, ''],
    ['a negative integer', 'defender-legacy', 'maxLocalCacheSizeInBytes', -1, 'TW1305'],
    ['a fraction', 'defender-legacy', 'maxMessageSizeInBytes', 8_192.5, 'TW1302'],
    ['a number as text', 'defender-legacy', 'maxMessageSizeInBytes', '8192', 'TW1302'],
    ['a priority in lower case', 'defender-legacy', 'eventPriorityLogin', 'high', 'TW1303'],
    ['the internal priority of the C# agent', 'defender-legacy', 'eventPriorityLogin', 'Operational', 'TW1303'],
    ['a priority as a number', 'defender-legacy', 'eventPriorityLogin', 2, 'TW1303'],
    ['a wrapped value', 'defender-legacy', 'eventPriorityLogin', { value: 'High' }, 'TW1303'],
    ['a path', 'defender-legacy', 'baselineCustomChecksFilePath', '/opt/acme-1/checks_v2.xml', ''],
    ['a path that is not absolute', 'defender-legacy', 'baselineCustomChecksFilePath', 'a.xml', 'TW1304'],
    ['a path of 256 characters', 'defender-legacy', 'baselineCustomChecksFilePath', `/${'a'.repeat(255)}`, ''],
    ['a path of 257', 'defender-legacy', 'baselineCustomChecksFilePath', `/${'a'.repeat(256)}`, 'TW1304'],
    ['a hash', 'defender-legacy', 'baselineCustomChecksFileHash', '0123456789abcdef'.repeat(4), ''],
    ['a hash in upper case', 'defender-legacy', 'baselineCustomChecksFileHash', '0123456789ABCDEF'.repeat(4), 'TW1304'],
    ['a short hash', 'defender-legacy', 'baselineCustomChecksFileHash', 'abc', 'TW1304'],
    ['a hash with a command', 'defender-legacy', 'baselineCustomChecksFileHash', `${'a'.repeat(62)};b`, 'TW1304'],
    ['what only the hub may set', 'defender-legacy', 'hubResourceId', '/subscriptions/x', 'TW1306'],
    [
      'a proxy that could cut the agent off',
      'defender-micro-agent',
      'IothubModule_ProxyConfig',
      '1.2.3.4,80',
      'TW1306',
    ],
    ['another transport', 'defender-micro-agent', 'IothubModule_TransportProtocol', 'AMQP_Protocol', 'TW1306'],
    ['no checks', 'defender-micro-agent', 'Baseline_ChecksDisabled', '', ''],
    ['checks with spaces', 'defender-micro-agent', 'Baseline_ChecksDisabled', ' 3.3.5 , 2.2.1.1 ', ''],
    ['checks with a gap', 'defender-micro-agent', 'Baseline_ChecksDisabled', '3.3.5,,2.2', 'TW1304'],
    ['a mode as text', 'defender-micro-agent', 'Process_Mode', '1', 'TW1303'],
    ['intervals with spaces', 'defender-micro-agent', 'CollectorsCore_PriorityIntervals', '30, 120, 1440', 'TW1304'],
    ['a fix', 'osconfig-security-baseline', 'remediateEnsureSshPermitRootLoginIsDisabled', 'no', ''],
    ['a fix with its default', 'osconfig-security-baseline', 'remediateEnsurePermissionsOnEtcShadow', '', ''],
    ['the parameter of an audit', 'osconfig-security-baseline', 'initEnsurePermissionsOnEtcShadow', '00400', ''],
    ['a fix with a number', 'osconfig-security-baseline', 'remediateEnsurePermissionsOnEtcShadow', 400, 'TW1302'],
    ['an audit, which only reports', 'osconfig-security-baseline', 'auditEnsureAuditdInstalled', 'x', 'TW1306'],
    ['a command', 'osconfig-security-baseline', 'CommandRunner', 'reboot', 'TW1306'],
    ['a name in the old case', 'osconfig-security-baseline', 'RemediateSomething', 'x', 'TW1301'],
    ['the mark of a component', 'osconfig-security-baseline', '__t', 'c', 'TW1306'],
    ['a text beyond what one payload holds', 'osconfig-security-baseline', 'initX', 'x'.repeat(4_097), 'TW1309'],
  ])('%s', (_sentence, profile, name, value, want) => {
    const codes = checkSettings(builtin(profile), { [name]: value }).map(({ code }) => code);
    expect(codes).toEqual(want === '' ? [] : [want]);
  });

  test.each(' ;&|`$()<>\'"\\\n\t*?[]{}!#~=%,:@^+é'.split('').map((character) => [character]))(
    'the agents would give %j to a shell run as root',
    (character) => {
      const settings = { baselineCustomChecksFilePath: `/opt/${character}x.xml` };
      expect(checkSettings(builtin('defender-legacy'), settings).map(({ code }) => code)).toEqual(['TW1304']);
    },
  );
});

describe('what no twin holds', () => {
  const deep = Array.from({ length: 11 }).reduce<Json>((inner) => ({ a: inner }), 1);

  test.each<[sentence: string, settings: JsonObject, want: string]>([
    ['null', { a: null }, 'TW1308 a'],
    ['null inside a list', { a: [1, null] }, 'TW1308 a.1'],
    ['a key with a dot', { 'a.b': 1 }, 'TW1309 a.b'],
    ['a key with a dollar sign', { a: { $b: 1 } }, 'TW1309 a.$b'],
    ['a key with a space', { 'a b': 1 }, 'TW1309 a b'],
    ['an empty key', { a: { '': 1 } }, 'TW1309 a.'],
    ['a key of more than 1 KB', { [`k${'é'.repeat(512)}`]: 1 }, `TW1309 k${'é'.repeat(512)}`],
    ['a text of 4 KB', { a: 'é'.repeat(2_048) }, ''],
    ['a text of more', { a: 'é'.repeat(2_049) }, 'TW1309 a'],
    ['the largest integer', { a: 4_503_599_627_370_495 }, ''],
    ['a larger one', { a: 4_503_599_627_370_496 }, 'TW1309 a'],
    ['more than 10 levels', { x: deep }, `TW1309 x${'.a'.repeat(10)}`],
    ['a key that is no property', { ['__proto__']: 1, constructor: 2 }, ''],
  ])('%s', (_sentence, settings, want) => {
    const problems = checkSettings(profileOf({}), settings).map(({ code, path }) => `${code} ${path.join('.')}`);
    expect(problems).toEqual(want === '' ? [] : [want]);
  });
});

describe('messages', () => {
  const SECRETS = profileOf({
    sensitive: ['pin', 'usb/token', 'mode'],
    schema: {
      type: 'object',
      properties: {
        pin: { type: 'string' },
        mode: { enum: ['quiet'] },
        usb: { type: 'object', properties: { token: { type: 'integer' } } },
        net: { type: 'string' },
      },
    },
  });

  test.each<[sentence: string, settings: JsonObject]>([
    ['a wrong type', { pin: 5_512_399 }],
    ['a value not allowed', { mode: 'quite5512399' }],
    ['a sensitive setting below another', { usb: { token: '5512399' } }],
    ['a sensitive value inside one of the wrong type', { usb: [{ token: '5512399' }] }],
    ['a text where an object with a sensitive setting belongs', { usb: '5512399' }],
    ['an object where a text belongs', { net: { token: '5512399' } }],
  ])('never hold a sensitive value: %s', (_sentence, settings) => {
    const problems = checkSettings(SECRETS, settings);
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain('5512399');
  });

  test.each<[sentence: string, name: string, value: Json, hint: RegExp]>([
    ['a near name', 'eventPriorityLogn', 'High', /^Did you mean "eventPriorityLogin"\?$/],
    ['a name in another case', 'eventprioritylogin', 'High', /^Did you mean "eventPriorityLogin"\?$/],
    ['a name far from all', 'firewall', 'High', /docs\/profiles\.md/],
    ['a near value', 'eventPriorityLogin', 'Hihg', /^Did you mean "High"\? Allowed: Off, Low, High\.$/],
    ['a value far from all', 'eventPriorityLogin', 'Verbose', /^Use one of: Off, Low, High\.$/],
    ['a number in quotes', 'maxMessageSizeInBytes', '8192', /^Write it without quotes\.$/],
    ['a boolean in quotes', 'baselineCustomChecksEnabled', 'true', /^Write it without quotes\.$/],
    ['a boolean of YAML 1.1', 'baselineCustomChecksEnabled', 'Yes', /^Write true\.$/],
    ['a text that every object inherits', 'baselineCustomChecksEnabled', 'constructor', /^Whether custom/],
    [
      'a text where a number belongs says what it is',
      'maxMessageSizeInBytes',
      'big',
      /Largest device-to-cloud message/,
    ],
    ['a text without quotes', 'snapshotFrequency', 13, /^Put it in quotes: "13"\.$/],
  ])('hint at %s', (_sentence, name, value, hint) => {
    expect(checkSettings(builtin('defender-legacy'), { [name]: value })[0]?.hint).toMatch(hint);
  });

  test('a short list of settings is printed whole', () => {
    const profile = profileOf({ schema: { additionalProperties: false, properties: { usbPolicy: {}, scan: {} } } });
    expect(checkSettings(profile, { telemetry: 1 })[0]?.hint).toBe('Known: usbPolicy, scan.');
  });

  test('a duration says its form', () => {
    const [problem] = checkSettings(builtin('defender-legacy'), { snapshotFrequency: 'P1W' });
    expect(problem?.message).toContain('"P1W": write a duration such as PT15M');
  });

  test('an "if" is reported once, by the missing part of its "else"', () => {
    const schema = { type: 'object', if: { required: ['a'] }, else: { required: ['b'] } };
    expect(checkSettings(profileOf({ schema }), { c: 1 }).map(({ message }) => message)).toEqual([
      `The settings do not fit profile "own": must have required property 'b'.`,
    ]);
  });
});

describe('settings that may not be declared', () => {
  const DEEP = profileOf({ deny: ['usb/token', '*Secret'], schema: { type: 'object' } });
  const PNP = profileOf({ extends: 'generic-pnp' });

  test.each<[sentence: string, settings: JsonObject, want: readonly string[]]>([
    ['a leaf below another setting', { usb: { token: 'x', policy: 'audit' } }, ['usb.token']],
    ['a pattern', { uploadSecret: 1, other: 2 }, ['uploadSecret']],
    ['all of what lies in a denied setting, once', { uploadSecret: { a: 1, b: 2 } }, ['uploadSecret']],
  ])('%s', (_sentence, settings, want) => {
    const problems = checkSettings(DEEP, settings);
    expect(problems.map(({ code }) => code)).toEqual(want.map(() => 'TW1306'));
    expect(problems.map(({ path }) => path.join('.'))).toEqual(want);
  });

  test('the mark of a component is added, never declared', () => {
    const problems = checkSettings(PNP, { thermostat: { __t: 'c', target: 20 } });
    expect(problems.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual(['TW1306 thermostat.__t']);
  });
});

test('a long text of spaces is refused at once', () => {
  const settings = { Baseline_ChecksDisabled: `${' '.repeat(1_000_000)}x` };
  expect(checkSettings(builtin('defender-micro-agent'), settings).map(({ code }) => code)).toEqual(['TW1309']);
});
