// Messages for malformed files and resources: one sentence for each mistake, at its place.
import { describe, expect, test } from 'vitest';
import { document, legacy, load, stream } from './fixture.ts';

/** `LINE:COLUMN CODE message`. */
function told(...documents: readonly string[]): string[] {
  return load(stream(...documents)).diagnostics.map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  );
}

const HEAD = 'apiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: a}\nspec:\n';

describe('YAML', () => {
  test.each<[sentence: string, rest: string, want: string]>([
    [
      'a text in double quotes without its end',
      '  hostName: "a.b\n  mode: Observe\n',
      '5:13 TW1001 A text that begins with " has no end.',
    ],
    [
      'a text in single quotes without its end',
      "  hostName: 'a.b\n",
      "5:13 TW1001 A text that begins with ' has no end.",
    ],
    [
      'a list without its end',
      '  tags: [a\n  mode: Observe\n',
      '6:3 TW1001 A list that begins with "[" has no "]", or continues in a line with too little indentation.',
    ],
    [
      'an object without its end',
      '  budget: {throttle: 4%\n  mode: Observe\n',
      '6:3 TW1001 An object that begins with "{" has no "}", or continues in a line with too little indentation.',
    ],
    ['a tab alone', '\t\thostName: a.b\n  mode: Observe\n', '5:1 TW1003 A tab indents the line.'],
    ['no colon', '  hostName a.b\n  mode: Observe\n', '5:3 TW1001 No ": " follows this key.'],
    ['no space after the colon', '  hostName:a.b\n  mode: Observe\n', '5:3 TW1001 No ": " follows this key.'],
    ['two keys in one line', '  hostName: a: b: c\n', '5:13 TW1001 Another key begins inside this value.'],
    [
      'too little indented',
      '  hostName: a.b\n mode: Observe\n',
      '6:1 TW1001 This key is not indented like its sibling keys.',
    ],
    ['too much indented', '  hostName: a.b\n   mode: Observe\n', '5:13 TW1001 Another key begins inside this value.'],
  ])('%s is reported once', (_sentence, rest, want) => {
    expect(told(`${HEAD}${rest}`)).toEqual([want]);
  });
});

describe('the shape of a resource', () => {
  const hub = (spec: string): string => document('Hub', 'a', spec);

  test.each<[sentence: string, document: string, message: string, hint: string]>([
    [
      'a pattern is described by its meaning',
      document('Hub', 'A_1', '{hostName: a.b}'),
      '"metadata.name" can\'t be "A_1".',
      'Lower-case letters',
    ],
    [
      'too small',
      hub('{hostName: a.b, capacity: {tier: S1, units: 0}}'),
      '"spec.capacity.units" can\'t be 0: it must be 1 or more.',
      '',
    ],
    [
      'quotes alone do not help',
      hub('{hostName: a.b, budget: {throttle: 40}}'),
      '"spec.budget.throttle" must be a string, not 40.',
      'A share such as 40%',
    ],
    [
      'one of two types, and wrong',
      hub('{hostName: a.b, guards: {maxChanged: lots}}'),
      '"spec.guards.maxChanged" can\'t be "lots".',
      'a count, or a share',
    ],
    [
      'a space too few',
      document('Hub', 'a', 'hostName:a.b'),
      '"spec" must be an object, not "hostName:a.b".',
      'A space must follow the colon',
    ],
    ['nothing', document('Hub', 'a', ''), '"spec" is empty, and must be an object.', ''],
  ])('%s', (_sentence, text, message, hint) => {
    const { diagnostics } = load(text);
    expect(diagnostics.map((one) => one.message)).toEqual([message]);
    expect(diagnostics[0]?.hint ?? '').toContain(hint);
  });
});

describe('all at once', () => {
  const group = document('DeviceGroup', 'g', '{selector: {matchAll: true}}');

  test('what is right in a resource of the wrong shape is looked at too', () => {
    const text = document(
      'SecurityConfiguration',
      'c',
      '{groups: [g, h], profile: defender-legacy, mode: enforced, settings: {eventPriorityLogin: Hi, nonsense: 1}}',
    );
    const exception = document(
      'SecurityException',
      'e',
      '{selector: {matchAll: true}, profile: defender-legcy, settings: {a: 1}, owner: o, reason: r, expiresAt: soon}',
    );
    expect(told(group, text, exception).map((line) => line.split(' ')[1])).toEqual([
      'TW1202',
      'TW1105',
      'TW1303',
      'TW1301',
      'TW1203',
      'TW1106',
    ]);
  });

  test('a place with a known problem is reported once', () => {
    const key = 'SharedAccessKey=abcdefgh';
    expect(told(legacy('c', `{eventPriorityLogin: ${key}}`))).toEqual([
      '4:93 TW1110 A connection string or key is written into the manifest.',
    ]);
  });

  test('no group is reported as unused while an unreadable document may use it', () => {
    expect(told(group)).toEqual([expect.stringContaining('TW2101')]);
    const broken = [
      document('SecurityConfiguration', 'c', '{groups: [g], profile: defender-legacy, moed: Observe, settings: {}}'),
      'a: "\n',
      document('SecurityConfigration', 'c', '{groups: [g]}'),
    ];
    for (const one of broken) expect(told(group, one).join()).not.toContain('TW2101');
  });

  test('hubs are counted and named once, however many files say them', () => {
    const hubs = [
      document('Hub', 'a', '{hostName: a.b}'),
      document('Hub', 'a', '{moed: Observe}'),
      document('Hub', 'b', '{hostName: b.b}'),
    ];
    const { diagnostics } = load(stream(...hubs, group));
    const found = diagnostics.find(({ code }) => code === 'TW1207');
    expect(found?.message).toBe('DeviceGroup/g names none of the 2 hubs.');
    expect(found?.hint).toBe('Add "hubs" with some of: a, b.');
  });
});
