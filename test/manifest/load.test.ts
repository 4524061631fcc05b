import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadManifests, type Loaded } from '../../src/manifest/load.ts';
import type { Declared } from '../../src/model/declared.ts';
import type { Selector } from '../../src/model/selector.ts';
import { document, exception, file, legacy, load, stream } from './fixture.ts';

const HUBS = [
  document('Hub', 'prod', '{hostName: prod.example.net, mode: Enforce, budget: {throttle: 40%}}'),
  document('Hub', 'dev', '{hostName: dev.example.net, auth: {type: ConnectionString, secretRef: {env: DEV}}}'),
];
const PROFILES = [
  document('AgentProfile', 'acme-guard', '{extends: acme-base, sensitive: [token]}'),
  document(
    'AgentProfile',
    'acme-base',
    '{extends: generic, moduleId: guard, section: /guard, acknowledgement: {type: Mirror}}',
  ),
];
const GROUPS = [
  document('DeviceGroup', 'lyon', '{selector: {matchTags: {site: lyon}}, hubs: [prod]}'),
  document('DeviceGroup', 'atm', '{selector: {matchTags: {hw: atm}}, hubs: [dev, prod], mode: Observe}').replace(
    'name: atm',
    'name: atm, labels: {env: prod}',
  ),
  document('DeviceGroup', 'kiosk', '{selector: {deviceIds: [k1, k2]}, hubs: [prod]}').replace(
    'name: kiosk',
    'name: kiosk, labels: {env: prod}',
  ),
];
const CONFIGURATIONS = [
  legacy('base', '{eventPriorityLogin: High, snapshotFrequency: PT1H}', 'hubs: [prod, dev]'),
  document(
    'SecurityConfiguration',
    'quiet',
    '{groups: [lyon, kiosk], profile: defender-legacy, priority: 5, unset: [eventPriorityLogin]}',
  ),
  document(
    'SecurityConfiguration',
    'guard',
    '{groupSelector: {matchLabels: {env: prod}}, profile: acme-guard, settings: {usb: {policy: audit}, token: x}}',
  ),
  document(
    'SecurityConfiguration',
    'guard-lyon',
    '{groups: [lyon], profile: acme-guard, priority: 9, settings: {usb: {policy: block}}, settingPolicies: {usb: IfNotPresent}}',
  ),
];
const ALL = [...HUBS, ...PROFILES, ...GROUPS, ...CONFIGURATIONS];

function places({ diagnostics }: Loaded): string[] {
  return diagnostics.map(({ file: name, line, column, code }) => `${name}:${line}:${column} ${code}`);
}

describe('where a problem is said to be', () => {
  const BROKEN = legacy('base', '{eventPriorityLogn: High}');

  test('kustomize: the file it came from, then the stream whose lines are counted', () => {
    const origin = '{config.kubernetes.io/origin: "path: ../base/my gate.yaml\\nref: main\\n"}';
    const rendered = stream(
      GROUPS[0] as string,
      BROKEN.replace('{name: base}', `{name: base, annotations: ${origin}}`),
    );
    expect(places(load(file('<stdin>', rendered)))).toContain('../base/my gate.yaml via <stdin>:9:73 TW1301');
  });

  test('kpt and others: the same with their annotation', () => {
    const rendered = BROKEN.replace(
      '{name: base}',
      '{name: base, annotations: {config.kubernetes.io/path: base/gate.yaml}}',
    );
    expect(places(load(file('out.yaml', rendered)))).toContain('base/gate.yaml via out.yaml:4:73 TW1301');
  });

  test.each([
    ['a number', '1'],
    ['a list', '[a]'],
    ['an origin without a path', '"configuredIn: kustomization.yaml"'],
  ])('annotations that say nothing are left aside: %s', (_sentence, origin) => {
    const rendered = BROKEN.replace(
      '{name: base}',
      `{name: base, annotations: {config.kubernetes.io/origin: ${origin}}}`,
    );
    expect(places(load(file('a.yaml', rendered)))).toContainEqual(expect.stringMatching(/^a\.yaml:/));
  });

  test('JSON, with tabs', () => {
    const json = {
      apiVersion: 'twinward.dev/v1alpha1',
      kind: 'SecurityConfiguration',
      metadata: { name: 'base' },
      spec: { selector: { matchAll: true }, profile: 'defender-legacy', settings: { eventPriorityLogn: 'High' } },
    };
    const loaded = load(file('a.json', JSON.stringify(json, undefined, '\t')));
    expect(places(loaded)).toEqual(['a.json:13:4 TW1301']);
    expect(load(file('a.json', JSON.stringify(json).replace('Logn', 'Login'))).declared?.configurations).toHaveLength(
      1,
    );
  });

  test('Windows line ends and a byte order mark', () => {
    const bytes = new TextEncoder().encode(`\uFEFF${BROKEN.replaceAll('\n', '\r\n')}`);
    expect(places(load(file('a.yaml', bytes)))).toContain('a.yaml:4:73 TW1301');
  });

  test('a v1 List: the line of the item', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [1, { apiVersion: 'twinward.dev/v1alpha1', kind: 'Hub', metadata: { name: 'a' } }],
    };
    expect(places(load(file('a.json', JSON.stringify(list, undefined, 1))))).toEqual([
      'a.json:5:3 TW1009',
      'a.json:6:3 TW1103',
    ]);
  });

  test('a kustomization among the manifests is not ours', () => {
    const loaded = load(
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
      legacy('base', '{eventPriorityLogin: High}'),
    );
    expect(loaded.declared).toBeDefined();
  });
});

describe('one mistake is reported once', () => {
  const codes = (...documents: string[]): string[] => load(stream(...documents)).diagnostics.map(({ code }) => code);

  test.each<[sentence: string, documents: string[]]>([
    [
      'a group of the wrong shape',
      [
        document('DeviceGroup', 'g', '{selectr: {}, selector: {matchAll: true}}'),
        document('SecurityConfiguration', 'c', '{groups: [g], profile: acme-base, settings: {a: 1}}'),
        PROFILES[1] as string,
      ],
    ],
    [
      'a profile of the wrong shape',
      [
        document('AgentProfile', 'p', '{extend: generic}'),
        document('SecurityConfiguration', 'c', '{selector: {matchAll: true}, profile: p, settings: {a: 1}}'),
      ],
    ],
    [
      'a base of the wrong shape',
      [document('AgentProfile', 'p', '{extend: generic}'), document('AgentProfile', 'q', '{extends: p}')],
    ],
    [
      'a hub of the wrong shape',
      [
        document('Hub', 'h', '{hostName: a.b, moed: Observe}'),
        document('DeviceGroup', 'g', '{selector: {matchAll: true}, hubs: [h], mode: Observe}'),
      ],
    ],
  ])('%s', (_sentence, documents) => expect(codes(...documents)).toEqual(['TW1102']));

  const SOUND: Readonly<Record<string, string>> = {
    Hub: document('Hub', 'h', '{hostName: a.b}'),
    DeviceGroup: document('DeviceGroup', 'g', '{hubs: [h], selector: {matchAll: true}}'),
    AgentProfile: document('AgentProfile', 'p', '{extends: generic, moduleId: m}'),
    SecurityConfiguration: document('SecurityConfiguration', 'c', '{groups: [g], profile: p, settings: {a: 1}}'),
    SecurityException: exception('e', 'suspend: true'),
  };
  const API = 'twinward.dev/v1alpha1';

  test.each<[sentence: string, kind: string, from: string, to: string]>([
    ['a hub', 'Hub', 'kind: Hub', 'kind: HUB'],
    ['a group', 'DeviceGroup', 'kind: DeviceGroup', 'kind: DeviceGrp'],
    ['a profile', 'AgentProfile', 'kind: AgentProfile', 'kind: Agent'],
    ['a configuration', 'SecurityConfiguration', 'kind: SecurityConfiguration', 'kind: SecurityConfig'],
    ['an exception', 'SecurityException', 'kind: SecurityException', 'kind: securityexception'],
    ['another version', 'DeviceGroup', API, 'twinward.dev/v1'],
    ['a version in another case', 'Hub', API, 'Twinward.dev/v1alpha1'],
    ['a version without its group', 'AgentProfile', API, 'v1alpha1'],
    ['no version', 'AgentProfile', `apiVersion: ${API}\n`, ''],
  ])('%s whose kind or apiVersion is wrong is taken for what it means', (_sentence, kind, from, to) => {
    const documents = Object.values({ ...SOUND, [kind]: SOUND[kind]?.replace(from, to) ?? '' });
    expect(codes(...documents).filter((code) => code !== 'TW2104')).toEqual(['TW1101']);
  });

  test('its further problems are reported with it', () => {
    const wrong = document('securityconfig', 'c', '{groups: [gg], profile: p, settings: {a: null}, prority: 1}');
    const { SecurityConfiguration: _sound, ...others } = SOUND;
    const { diagnostics } = load(stream(...Object.values(others), wrong.replace('/v1alpha1', '/v1')));
    const told = diagnostics.map(({ code, path, resource }) => [code, path, resource]);
    expect(told.filter(([code]) => !code?.startsWith('TW21'))).toEqual([
      ['TW1101', 'apiVersion', undefined],
      ['TW1101', 'kind', undefined],
      ['TW1202', 'spec.groups.0', 'SecurityConfiguration/c'],
      ['TW1308', 'spec.settings.a', 'SecurityConfiguration/c'],
      ['TW1102', 'spec.prority', 'SecurityConfiguration/c'],
    ]);
  });

  test.each([
    ['the beginning of two kinds', document('Security', 'c', '{prority: 1}')],
    ['no kind at all', document('""', 'c', '{prority: 1}')],
    ['a kind of another tool that begins like ours', 'apiVersion: iot.example.com/v1\nkind: Device\nspec: {x: 1}\n'],
  ])('%s may mean anything, and no more is said', (_sentence, text) => {
    expect(codes(text)).toEqual(['TW1101']);
  });

  test('a broken document is reported by its first problems, without those that follow from them', () => {
    expect(load(`a: 1\n${'b: *\n'.repeat(500)}`).diagnostics.length).toBeLessThanOrEqual(5);
  });
});

describe('what configurations say together', () => {
  const only = (selector: string, name: string, settings: string, more = ''): string =>
    legacy(name, settings, more).replace('matchAll: true', selector);
  const A_FILE = `baselineCustomChecksFilePath: /a, baselineCustomChecksFileHash: ${'a'.repeat(64)}`;
  const CHECKS = 'baselineCustomChecksEnabled: true';

  test.each<[sentence: string, documents: string[], want: string]>([
    [
      'another priority settles it',
      [legacy('a', '{eventPriorityLogin: High}'), legacy('b', '{eventPriorityLogin: Low}', 'priority: 1')],
      '',
    ],
    [
      'the same value is no conflict',
      [legacy('a', '{eventPriorityLogin: High}'), legacy('b', '{eventPriorityLogin: High}')],
      '',
    ],
    [
      'another policy for the same value is',
      [
        legacy('a', '{eventPriorityLogin: High}'),
        legacy('b', '{eventPriorityLogin: High}', 'settingPolicies: {eventPriorityLogin: IfNotPresent}'),
      ],
      'TW1401',
    ],
    [
      'an ignored setting says nothing',
      [
        legacy('a', '{eventPriorityLogin: High}'),
        legacy('b', '{eventPriorityLogin: Low}', 'settingPolicies: {eventPriorityLogin: Ignore}'),
      ],
      '',
    ],
    [
      'an overlap that is only possible is for the planner to find',
      [
        only('matchTags: {site: lyon}', 'a', '{eventPriorityLogin: High}'),
        only('matchTags: {hw: atm}', 'b', '{eventPriorityLogin: Low}'),
      ],
      '',
    ],
    [
      'a rule is kept by a lower layer',
      [legacy('a', `{${A_FILE}}`), only('matchTags: {site: lyon}', 'b', `{${CHECKS}}`, 'priority: 1')],
      '',
    ],
    [
      'a rule is broken where a higher layer takes away',
      [legacy('a', `{${CHECKS}, ${A_FILE}}`), legacy('b', '{}', 'priority: 1, unset: [baselineCustomChecksFilePath]')],
      'TW1311',
    ],
    [
      'no help comes from devices of another kind',
      [only('matchTags: {env: prod}', 'a', `{${CHECKS}}`), only('matchTags: {env: dev}', 'b', `{${A_FILE}}`)],
      'TW1311',
    ],
    [
      'help may come from some of the devices',
      [only('matchTags: {env: prod}', 'a', `{${CHECKS}}`), only('matchTags: {site: lyon}', 'b', `{${A_FILE}}`)],
      'TW2109',
    ],
  ])('%s', (_sentence, documents, want) => {
    const codes = load(stream(...documents)).diagnostics.map(({ code }) => code);
    expect(codes).toEqual(want === '' ? [] : [want]);
  });

  test('a rule kept on one target may be broken on another', () => {
    const groups = [
      document('DeviceGroup', 'g1', '{selector: {matchTags: {n: 1}}}'),
      document('DeviceGroup', 'g2', '{selector: {matchTags: {n: 2}}}'),
    ];
    const enabled = document(
      'SecurityConfiguration',
      'a',
      `{groups: [g1, g2], profile: defender-legacy, settings: {${CHECKS}}}`,
    );
    const given = document(
      'SecurityConfiguration',
      'b',
      `{groups: [g1], profile: defender-legacy, settings: {${A_FILE}}}`,
    );
    const found = load(stream(...groups, enabled, given)).diagnostics.map(({ code }) => code);
    expect(found).toContain('TW1311');
  });
});

describe('properties', () => {
  const wellFormed = (loaded: Loaded): void => {
    for (const { file: name, line, column, message } of loaded.diagnostics) {
      expect(name !== '' && line >= 1 && column >= 1 && message !== '').toBe(true);
    }
    const hasError = loaded.diagnostics.some(({ severity }) => severity === 'error');
    expect(loaded.declared === undefined).toBe(hasError);
  };

  test('parsing never throws, on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => wellFormed(load(bytes))));
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => wellFormed(load(text))));
  });

  test('parsing never throws, on manifests with bytes changed, left out, doubled or put in', () => {
    const text = new TextEncoder().encode(stream(...ALL));
    const pieces = fc.constantFrom(
      '\n',
      '\t',
      ' ',
      ':',
      '-',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '<<: ',
      '"',
      '---\n',
      '!x ',
      'null',
      '~',
      '$async: 1, ',
      '$ref: x, ',
      '\u0000',
      '0x1',
      '1e999',
    );
    const edit = fc.record({
      at: fc.nat(text.length),
      drop: fc.nat(6),
      insert: fc.oneof(pieces, fc.string({ maxLength: 3 })),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bytes = Buffer.from(text);
        for (const { at, drop, insert } of edits) {
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(insert), bytes.subarray(at + drop)]);
        }
        wellFormed(load(bytes));
      }),
      { numRuns: 100 },
    );
  });

  test('parsing never throws, on resources with any JSON in any field', () => {
    const field = fc.constantFrom(
      'selector',
      'groups',
      'groupSelector',
      'hubs',
      'profile',
      'priority',
      'settings',
      'unset',
      'settingPolicies',
      'module',
      'extends',
      'section',
      'schema',
      'rules',
      'comparators',
      'envelope',
      'defaults',
      'deny',
      'auth',
      'budget',
      'capacity',
      'endpoint',
    );
    fc.assert(
      fc.property(fc.constantFrom(...ALL), field, fc.jsonValue(), (text, name, value) => {
        wellFormed(load(text.replace('spec: {', `spec: {${name}: ${JSON.stringify(value)}, `)));
        wellFormed(load(text.replace(/spec: .*/, `spec: {${name}: ${JSON.stringify(value)}}`)));
      }),
      { numRuns: 100 },
    );
  });

  test('the order of files and of documents in them changes nothing', () => {
    const want = comparable(load(stream(...ALL)).declared);
    expect(want).toMatchObject({ configurations: { length: CONFIGURATIONS.length } });
    const shuffled = fc.shuffledSubarray(ALL, { minLength: ALL.length });
    fc.assert(
      fc.property(shuffled, fc.nat(ALL.length), (documents, cut) => {
        const files = [documents.slice(0, cut), documents.slice(cut)].map((some, index) =>
          file(`${index}.yaml`, stream(...some)),
        );
        expect(comparable(loadManifests({ revision: 'sha256:0', partial: false, files }).declared)).toEqual(want);
      }),
      { numRuns: 25 },
    );
  });

  test('a bomb of aliases is refused, not expanded; many plain values are not', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`,
    );
    expect(load(`l0: &l0 [x]\n${levels.join('\n')}`).diagnostics.map(({ code }) => code)).toEqual(['TW1005']);
    const ids = Array.from({ length: 120_000 }, (_, n) => `d${n}`).join(', ');
    const loaded = load(legacy('base', '{eventPriorityLogin: High}').replace('matchAll: true', `deviceIds: [${ids}]`));
    expect(loaded.declared?.configurations[0]?.targets[0]?.selector.deviceIds?.size).toBe(120_000);
  });

  test('thousands of keys in one object are read in one pass', () => {
    const keys = Array.from({ length: 50_000 }, (_, n) => `k${n}: ${n}`).join(', ');
    expect(load(`{${keys}, k7: 1}`).diagnostics.map(({ code }) => code)).toEqual(['TW1004']);
  });

  test('an anchor stands for the value before it, wherever it is used', () => {
    const loaded = load(stream(legacy('a', '{eventPriorityLogin: &p High, eventPriorityOSBaseline: *p}')));
    expect(loaded.declared?.configurations[0]?.settings).toEqual({
      eventPriorityLogin: 'High',
      eventPriorityOSBaseline: 'High',
    });
  });
});

/** The compiled state without origins. */
function comparable(declared: Declared | undefined): unknown {
  if (declared === undefined) return undefined;
  const nowhere = { origin: undefined, atomOrigins: undefined };
  const withSelector = <T extends { readonly selector: Selector }>(item: T): T => ({
    ...item,
    selector: { ...item.selector, originOf: undefined },
  });
  return structuredClone({
    hubs: declared.hubs.map((hub) => ({ ...hub, ...nowhere })),
    groups: declared.groups.map((group) => ({ ...withSelector(group), ...nowhere })),
    profiles: [...declared.profiles.values()].map((profile) => ({ ...profile, ...nowhere })),
    configurations: declared.configurations.map((configuration) => ({
      ...configuration,
      ...nowhere,
      profile: configuration.profile.name,
      targets: configuration.targets.map(withSelector),
    })),
  });
}
