// Warnings about selectors on a fleet.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { tagText } from '../../../src/plan/report/change-text.ts';
import { lintSelectors } from '../../../src/plan/select/fleet-lint.ts';
import { document, load, stream } from '../../manifest/fixture.ts';

const PROFILE = 'profile: defender-micro-agent, settings: {Process_MessageFrequency: High}';

function lint(spec: string, ...fleet: readonly JsonObject[]): string[] {
  const manifest = document('SecurityConfiguration', 'base', `{${spec}, ${PROFILE}}`);
  const { declared } = load(manifest);
  const devices = fleet.map((tags, index) => ({ deviceId: `d${index}`, status: 'enabled', iotEdge: false, tags }));
  const hub = declared?.hubs[0]?.name ?? '';
  return lintSelectors(declared as NonNullable<typeof declared>, hub, devices).map(
    ({ code, line, column, message, hint = '' }) => `${code} ${textAt(manifest, line, column)} ${message} ${hint}`,
  );
}

/** The text at a place, up to its delimiter. */
function textAt(text: string, line: number, column: number): string {
  const rest = text.split('\n')[line - 1]?.slice(column - 1) ?? '';
  return /^(?:"[^"]*"|[^,\]}]*)/.exec(rest)?.[0] ?? '';
}

/** The place is that of the value. */
const other = (value: string, there: string, write: string): RegExp =>
  new RegExp(
    `^TW2201 ${value.slice(value.lastIndexOf(' ') + 1)} Tag "ring" is ${value} in the selector of SecurityConfiguration/base, and ${there} on 2 devices of hub "\\S+"\\. Where you mean those, write ${write}\\.$`,
  );
const NONE =
  /^TW2202 \{(?:matchTags: \{ring: two|deviceIds: \[d9) No device of hub "\S+" matches the selector of SecurityConfiguration\/base\. Compare it with /;

describe('a selector', () => {
  test.each<[what: string, selector: string, fleet: readonly JsonObject[], told: readonly RegExp[]]>([
    [
      'of a number',
      '{matchTags: {ring: 2}}',
      [{ ring: '2' }, { ring: '2' }],
      [other('the number 2', 'the text "2"', '"2"')],
    ],
    ['of a text', '{matchTags: {ring: "2"}}', [{ ring: 2 }, { ring: 2 }], [other('the text "2"', 'the number 2', '2')]],
    [
      'of a boolean, although one device has it',
      '{matchTags: {ring: true}}',
      [{ ring: 'true' }, { ring: 'true' }, { ring: true }],
      [other('the boolean true', 'the text "true"', '"true"')],
    ],
    [
      'that leaves out',
      '{matchExpressions: [{key: tags.ring, operator: NotIn, values: ["2"]}]}',
      [{ ring: 2 }, { ring: 2 }],
      [other('the text "2"', 'the number 2', '2')],
    ],
    [
      'that names both',
      '{matchExpressions: [{key: tags.ring, operator: In, values: ["2", 2]}]}',
      [{ ring: 2 }, { ring: '2' }],
      [],
    ],
    ['of a device id', '{matchExpressions: [{key: deviceId, operator: In, values: ["2", d0]}]}', [{ ring: 2 }], []],
    ['of a tag that is to be there', '{matchExpressions: [{key: tags.ring, operator: Exists}]}', [{ ring: 2 }], []],
    ['that is right', '{matchTags: {ring: "2"}}', [{ ring: '2' }, { ring: '02' }], []],
    ['that takes none', '{matchTags: {ring: two}}', [{ ring: '2' }], [NONE]],
    ['of a device that is not there', '{deviceIds: [d9]}', [{ ring: '2' }], [NONE]],
    ['on a hub without devices', '{matchTags: {ring: two}}', [], []],
  ])('%s', (_what, selector, fleet, told) => {
    const found = lint(`selector: ${selector}`, ...fleet);
    expect(found).toHaveLength(told.length);
    for (const [index, pattern] of told.entries()) expect(found[index]).toMatch(pattern);
  });

  test('of a group is told once, with the place of its selector', () => {
    const { declared } = load(
      stream(
        ...['a', 'b'].map((name) => document('SecurityConfiguration', name, `{groups: [g], ${PROFILE}}`)),
        document('DeviceGroup', 'g', '\n  mode: Enforce\n  selector:\n    matchTags: {env: prod}'),
      ),
    );
    const devices = [{ deviceId: 'd', status: 'enabled', iotEdge: false, tags: { env: 'test' } }];
    const hub = declared?.hubs[0]?.name ?? '';
    expect(lintSelectors(declared as NonNullable<typeof declared>, hub, devices)).toMatchObject([
      { code: 'TW2202', line: 17, resource: 'DeviceGroup/g' },
    ]);
  });
});

test.each([
  ['lyon', 'lyon'],
  ['2', '"2"'],
  [2, '2'],
  ['true', '"true"'],
  [true, 'true'],
  ['', '""'],
  ['a, b', '"a, b"'],
  ['1e3', '"1e3"'],
])('the tag %j is shown as %s', (value, shown) => {
  expect(tagText(value)).toBe(shown);
});
