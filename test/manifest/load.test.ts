import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadManifests } from '../../src/manifest/load.ts';

const HEAD = 'apiVersion: twinward.dev/v1alpha1\nkind: SecurityConfiguration\nmetadata: {name: base}\n';

function load(text: string | Uint8Array) {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return loadManifests({ revision: 'sha256:0', partial: false, files: [{ path: 'a.yaml', bytes }] });
}

function configuration(spec: string): string {
  return `${HEAD}spec: ${spec}\n`;
}

describe('every problem has its code and its place', () => {
  test.each<[sentence: string, text: string, want: string]>([
    ['broken YAML', 'a: [1', 'TW1001 1:6'],
    ['a tab as indentation', 'a:\n\tb: 1', 'TW1003 2:1'],
    ['a key written twice', 'a: 1\na: 2', 'TW1004 2:1'],
    ['a text alone', 'hello', 'TW1009 1:1'],
    ['an unknown kind', 'apiVersion: twinward.dev/v1alpha1\nkind: Hubb', 'TW1101 2:7'],
    ['a kind of the future', 'apiVersion: twinward.dev/v1alpha1\nkind: SecurityException', 'TW1107 2:7'],
    [
      'an unknown field',
      configuration('{selector: {matchAll: true}, profile: defender-legacy, setings: {}}'),
      'TW1102 4:62',
    ],
    [
      'an empty selector',
      configuration('{selector: {}, profile: defender-legacy, settings: {eventPriorityLogin: High}}'),
      'TW1108 4:18',
    ],
    [
      'a group that does not exist',
      configuration('{groups: [x], profile: defender-legacy, settings: {eventPriorityLogin: High}}'),
      'TW1202 4:17',
    ],
    [
      'a profile that does not exist',
      configuration('{selector: {matchAll: true}, profile: defender-legcy}'),
      'TW1203 4:45',
    ],
    [
      'a setting the profile does not know',
      configuration('{selector: {matchAll: true}, profile: defender-legacy, settings: {eventPriorityLogn: High}}'),
      'TW1301 4:73',
    ],
    [
      'shell metacharacters in a baseline path',
      configuration(
        '{selector: {matchAll: true}, profile: defender-legacy, settings: {baselineCustomChecksFilePath: "/a;b"}}',
      ),
      'TW1304 4:103',
    ],
    [
      'custom checks without a file',
      configuration(
        '{selector: {matchAll: true}, profile: defender-legacy, settings: {baselineCustomChecksEnabled: true}}',
      ),
      'TW1311 4:102',
    ],
  ])('%s', (_sentence, text, want) => {
    const errors = load(text).diagnostics.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ code, line, column }) => `${code} ${line}:${column}`)).toContain(want);
  });

  test('equal priority and other values for the same devices name both places', () => {
    const one = configuration(
      '{selector: {matchTags: {env: prod}}, profile: defender-legacy, settings: {eventPriorityLogin: High}}',
    );
    const two = one
      .replace('base', 'other')
      .replace('env: prod', 'env: prod, site: lyon')
      .replace('Login: High', 'Login: Low');
    const conflict = load(`${one}---\n${two}`).diagnostics.find(({ code }) => code === 'TW1401');
    expect(conflict).toMatchObject({ line: 9, resource: 'SecurityConfiguration/other' });
    expect(conflict?.message).toContain('a.yaml:4');
  });
});

describe('properties', () => {
  test('parsing never throws, on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void load(bytes)));
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => void load(HEAD + text)));
  });

  test('a bomb of aliases is refused, not expanded', () => {
    const levels = Array.from(
      { length: 12 },
      (_, index) => `l${index + 1}: &l${index + 1} [${Array(10).fill(`*l${index}`).join(', ')}]`,
    );
    const { diagnostics } = load(`l0: &l0 [x]\n${levels.join('\n')}`);
    expect(diagnostics.map(({ code }) => code)).toEqual(['TW1005']);
  });
});
