// Every code: its cause, its place, and whether a user can act on its message.
import { describe, expect, test } from 'vitest';
import { loadedAt } from '../../src/manifest/expiry.ts';
import { CODES, type Code } from '../../src/model/codes.ts';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import type { SourceFile } from '../../src/model/snapshot.ts';
import { document, exception, file, legacy, load, NOW_MS, stream } from './fixture.ts';

interface Row {
  readonly code: Code;
  readonly sentence: string;
  readonly given: string | Uint8Array | readonly SourceFile[];
  /** `line:column path`, in manifests/a.yaml unless a file is named before. */
  readonly at: string;
  readonly message: RegExp;
  readonly hint?: RegExp;
}

/** How deep is too deep for the parser depends on the stack. */
const ANYWHERE = 'anywhere';
const ANYTHING = /^/;

const GROUP = document('DeviceGroup', 'atm', '{selector: {matchTags: {hw: atm}}}');
const HUBS = stream(
  document('Hub', 'prod', '{hostName: prod.example.net}'),
  document('Hub', 'dev', '{hostName: dev.example.net}'),
);
const CHECKS = '{baselineCustomChecksEnabled: true}';

function configuration(spec: string): string {
  return document('SecurityConfiguration', 'base', spec);
}

function profile(spec: string): string {
  return document('AgentProfile', 'own', spec);
}

const ROWS: readonly Row[] = [
  {
    code: 'TW1001',
    sentence: 'a list without its end',
    given: 'a: [1',
    at: '1:6 ',
    message: /A list that begins with "\[" has no "\]"/,
  },
  {
    code: 'TW1001',
    sentence: 'a value in the wrong column',
    given: 'a:\n  b: 1\n c: 2\n',
    at: '3:1 ',
    message: /not indented like its sibling keys/,
  },
  {
    code: 'TW1001',
    sentence: 'an alias without its anchor',
    given: 'a: *x',
    at: '1:4 ',
    message: /alias names no anchor/,
  },
  {
    code: 'TW1002',
    sentence: 'Latin-1',
    given: new Uint8Array([...Buffer.from('a: 1\nb: caf'), 0xe9]),
    at: '2:7 ',
    message: /not UTF-8/,
    hint: /Save it as UTF-8/,
  },
  { code: 'TW1003', sentence: 'a tab', given: 'a:\n\tb: 1', at: '2:1 ', message: /^A tab indents/, hint: /spaces/ },
  {
    code: 'TW1004',
    sentence: 'a key twice',
    given: 'a: 1\nb: 2\na: 3',
    at: '3:1 ',
    message: /"a" is already/,
    hint: /Remove or rename/,
  },
  {
    code: 'TW1004',
    sentence: 'a key twice, deep inside, in JSON',
    given: '{"a": {"b": 1,\n "b": 2}}',
    at: '2:2 ',
    message: /"b" is already/,
  },
  {
    code: 'TW1005',
    sentence: 'aliases of aliases',
    given: bomb(),
    at: '6:15 ',
    message: /stand for more than 100000 values/,
  },
  {
    code: 'TW1006',
    sentence: 'lists in lists',
    given: `a: ${'['.repeat(70)}${']'.repeat(70)}`,
    at: '1:68 ',
    message: /deeper than 64 levels/,
  },
  {
    code: 'TW1006',
    sentence: 'lists without end',
    given: '['.repeat(20_000),
    at: ANYWHERE,
    message: /nested too deeply/,
    hint: /Flatten/,
  },
  {
    code: 'TW1006',
    sentence: 'a file of 9 MiB',
    given: new Uint8Array(9 * 1024 * 1024),
    at: '1:1 ',
    message: /at most 8388608 are read/,
    hint: /Split/,
  },
  {
    code: 'TW1007',
    sentence: 'a list as a key',
    given: '? [a]\n: b',
    at: '1:3 ',
    message: /plain text/,
    hint: /quotes/,
  },
  {
    code: 'TW1008',
    sentence: 'a tag',
    given: 'a: !secret x',
    at: '1:4 ',
    message: /tag is not known/,
    hint: /Remove the tag/,
  },
  {
    code: 'TW1008',
    sentence: 'infinity',
    given: 'a: .inf',
    at: '1:4 ',
    message: /hold a value Infinity/,
    hint: /quotes/,
  },
  {
    code: 'TW1008',
    sentence: 'a merge key',
    given: 'a: &a {b: 1}\nc: {<<: *a}',
    at: '2:5 ',
    message: /Merge keys \(<<\)/,
    hint: /Write the fields out/,
  },
  {
    code: 'TW1009',
    sentence: 'a text',
    given: 'hello',
    at: '1:1 ',
    message: /must be a resource with apiVersion, kind/,
  },
  {
    code: 'TW1010',
    sentence: 'a comment in JSON',
    given: [file('manifests/a.json', '{\n  // ours\n  "apiVersion": "v1"}')],
    at: 'manifests/a.json 2:3 ',
    message: /JSON has no comments/,
    hint: /name of the file end with \.yaml/,
  },
  {
    code: 'TW1010',
    sentence: 'a secret in single quotes in JSON',
    given: [file('manifests/a.json', `{"key": 'c2VjcmV0'}`)],
    at: 'manifests/a.json 1:9 ',
    message: /double quotes/,
  },

  {
    code: 'TW1101',
    sentence: 'no kind',
    given: 'a: 1',
    at: '1:1 kind',
    message: /has no kind/,
    hint: /Hub, DeviceGroup/,
  },
  {
    code: 'TW1101',
    sentence: 'a misspelt kind',
    given: document('DeviceGrop', 'a', '{}'),
    at: '2:7 kind',
    message: /"DeviceGrop"/,
    hint: /Did you mean "DeviceGroup"/,
  },
  {
    code: 'TW1101',
    sentence: 'a kind in another case',
    given: document('hub', 'a', '{}'),
    at: '2:7 kind',
    message: /"hub"/,
    hint: /Did you mean "Hub"/,
  },
  {
    code: 'TW1101',
    sentence: 'another version',
    given: 'apiVersion: twinward.dev/v2\nkind: Hub',
    at: '1:13 apiVersion',
    message: /v2/,
    hint: /twinward.dev\/v1alpha1/,
  },
  {
    code: 'TW1101',
    sentence: "another tool's",
    given: 'apiVersion: v1\nkind: ConfigMap',
    at: '1:13 apiVersion',
    message: /ConfigMap/,
    hint: /other tools/,
  },
  {
    code: 'TW1102',
    sentence: 'a misspelt field',
    given: configuration('{selectr: {}, profile: defender-legacy}'),
    at: '4:8 spec.selectr',
    message: /Unknown field "spec.selectr"/,
    hint: /Did you mean "selector"/,
  },
  {
    code: 'TW1102',
    sentence: 'a field of something else',
    given: document('Hub', 'a', '{hostName: a.b, replicas: 3}'),
    at: '4:23 spec.replicas',
    message: /replicas/,
    hint: /Known here: hostName,/,
  },
  {
    code: 'TW1102',
    sentence: 'a misspelt field of a rule',
    given: profile(
      '{extends: generic, moduleId: m, rules: [{type: MultipleOf, kye: a, divisor: 2, severity: error, message: m}]}',
    ),
    at: '4:66 spec.rules.0.kye',
    message: /kye/,
    hint: /Did you mean "key"/,
  },
  {
    code: 'TW1102',
    sentence: 'a secret for Entra',
    given: document('Hub', 'a', '{hostName: a.b, auth: {type: Entra, secretRef: {env: X}}}'),
    at: '4:43 spec.auth.secretRef',
    message: /Entra takes no/,
    hint: /ambient identity/,
  },
  {
    code: 'TW1102',
    sentence: 'an unknown field of change events',
    given: document('Hub', 'a', '{hostName: a.b, events: {secretRef: {env: A}, group: g}}'),
    at: '4:53 spec.events.group',
    message: /Unknown field "spec.events.group"/,
    hint: /secretRef/,
  },
  {
    code: 'TW1103',
    sentence: 'no profile',
    given: configuration('{selector: {matchAll: true}}'),
    at: '4:7 spec',
    message: /"spec" lacks "profile"/,
    hint: /AgentProfile/,
  },
  {
    code: 'TW1103',
    sentence: 'an exception without an owner',
    given: document(
      'SecurityException',
      'a',
      '{selector: {matchAll: true}, profile: defender-legacy, suspend: true, reason: INC-1, expiresAt: "2026-11-24T06:00:00Z"}',
    ),
    at: '4:7 spec',
    message: /"spec" lacks "owner"/,
    hint: /The people responsible/,
  },
  {
    code: 'TW1103',
    sentence: 'no specification',
    given: 'apiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: a}',
    at: '1:1 ',
    message: /The document lacks "spec"/,
    hint: /Add `spec:`/,
  },
  {
    code: 'TW1103',
    sentence: 'In without values',
    given: configuration('{selector: {matchExpressions: [{key: deviceId, operator: In}]}, profile: defender-legacy}'),
    at: '4:38 spec.selector.matchExpressions.0',
    message: /In needs "values"/,
    hint: /values/,
  },
  {
    code: 'TW1103',
    sentence: 'change events without their secret',
    given: document('Hub', 'a', '{hostName: a.b, events: {}}'),
    at: '4:31 spec.events',
    message: /"spec.events" lacks "secretRef"/,
  },
  {
    code: 'TW1104',
    sentence: 'a boolean of YAML 1.1',
    given: configuration('{selector: {matchAll: true}, profile: defender-legacy, suspend: yes}'),
    at: '4:71 spec.suspend',
    message: /must be a boolean, not "yes"/,
    hint: /Write true/,
  },
  {
    code: 'TW1104',
    sentence: 'a text that every object inherits instead of a boolean',
    given: configuration('{selector: {matchAll: true}, profile: defender-legacy, suspend: constructor}'),
    at: '4:71 spec.suspend',
    message: /must be a boolean, not "constructor"/,
    hint: /^Leaves everything this configuration owns/,
  },
  {
    code: 'TW1105',
    sentence: 'an exception that does not suspend',
    given: exception('inc-1', 'suspend: false'),
    at: '4:71 spec.suspend',
    message: /can't be false/,
    hint: /true/,
  },
  {
    code: 'TW1104',
    sentence: 'a text instead of a list',
    given: configuration('{groups: atm, profile: defender-legacy}'),
    at: '4:16 spec.groups',
    message: /must be a list, not "atm"/,
    hint: /brackets/,
  },
  {
    code: 'TW1104',
    sentence: 'nothing after a colon',
    given: configuration('{selector: {matchAll: true}, profile: defender-legacy, settings: }'),
    at: '4:62 spec.settings',
    message: /is empty, and must be an object/,
    hint: /settings/,
  },
  {
    code: 'TW1104',
    sentence: 'a number instead of a share',
    given: document('Hub', 'a', '{hostName: a.b, budget: {throttle: 40}}'),
    at: '4:42 spec.budget.throttle',
    message: /must be a string, not 40/,
    hint: /40%|quotes/,
  },
  {
    code: 'TW1104',
    sentence: 'a tag without a value',
    given: configuration('{selector: {matchTags: {env: }}, profile: defender-legacy}'),
    at: '4:31 spec.selector.matchTags.env',
    message: /must be a string or a number or a boolean, not empty/,
  },
  {
    code: 'TW1105',
    sentence: 'a mode in lower case',
    given: configuration('{selector: {matchAll: true}, profile: defender-legacy, mode: observe}'),
    at: '4:68 spec.mode',
    message: /can't be "observe"/,
    hint: /Did you mean "Observe"\? Allowed: Enforce, Observe/,
  },
  {
    code: 'TW1105',
    sentence: 'a rule of no known type',
    given: profile('{extends: generic, moduleId: m, rules: [{type: MultipleOff}]}'),
    at: '4:54 spec.rules.0.type',
    message: /"spec.rules.0.type" can't be "MultipleOff"/,
    hint: /Did you mean "MultipleOf"/,
  },
  {
    code: 'TW1106',
    sentence: 'a name in upper case',
    given: document('Hub', 'Prod', '{hostName: a.b}'),
    at: '3:18 metadata.name',
    message: /"Prod"/,
    hint: /Lower-case letters/,
  },
  {
    code: 'TW1106',
    sentence: 'a share of nothing',
    given: document('Hub', 'a', '{hostName: a.b, budget: {throttle: 0%}}'),
    at: '4:42 spec.budget.throttle',
    message: /"0%"/,
    hint: /1% to 100%/,
  },
  {
    code: 'TW1106',
    sentence: 'a share of 140%',
    given: document('Hub', 'a', '{hostName: a.b, budget: {throttle: 140%}}'),
    at: '4:42 spec.budget.throttle',
    message: /"140%"/,
    hint: /such as 40%/,
  },
  {
    code: 'TW1106',
    sentence: 'an endpoint without https',
    given: document('Hub', 'a', '{hostName: a.b, endpoint: "http://127.0.0.1"}'),
    at: '4:33 spec.endpoint',
    message: /https address/,
    hint: /https:\/\/127\.0\.0\.1:8443/,
  },
  {
    code: 'TW1106',
    sentence: '"tags." before a tag',
    given: configuration('{selector: {matchTags: {tags.env: prod}}, profile: defender-legacy}'),
    at: '4:31 spec.selector.matchTags.tags.env',
    message: /"tags.env"/,
    hint: /Write "env"/,
  },
  {
    code: 'TW1106',
    sentence: 'an end without its offset',
    given: exception('inc-1', 'suspend: true', { until: '2026-11-24T06:00:00' }),
    at: '4:117 spec.expiresAt',
    message: /"2026-11-24T06:00:00"/,
    hint: /with an offset/,
  },
  {
    code: 'TW1106',
    sentence: 'an end in the 61st second',
    given: exception('inc-1', 'suspend: true', { until: '2026-12-31T23:59:60Z' }),
    at: '4:117 spec.expiresAt',
    message: /not a valid time/,
    hint: /2026-11-24T06:00:00Z/,
  },
  {
    code: 'TW1107',
    sentence: 'a field to come',
    given: configuration('{selector: {matchAll: true}, profile: defender-legacy, rollout: {}}'),
    at: '4:62 spec.rollout',
    message: /does not support "rollout" yet/,
    hint: /Remove the field/,
  },
  {
    code: 'TW1107',
    sentence: 'a field to come, of a hub',
    given: document('Hub', 'a', '{hostName: a.b, rollout: {}}'),
    at: '4:23 spec.rollout',
    message: /does not support "rollout" yet/,
    hint: /Remove the field/,
  },
  {
    code: 'TW1108',
    sentence: 'an empty selector',
    given: configuration('{selector: {}, profile: defender-legacy}'),
    at: '4:18 spec.selector',
    message: /selector is empty/,
    hint: /matchAll: true/,
  },
  {
    code: 'TW1108',
    sentence: 'an empty list of tags',
    given: configuration('{selector: {matchTags: {}}, profile: defender-legacy}'),
    at: '4:18 spec.selector',
    message: /selector is empty/,
  },
  {
    code: 'TW1109',
    sentence: 'two values of one tag',
    given: configuration(
      '{selector: {matchTags: {env: prod}, matchExpressions: [{key: tags.env, operator: In, values: [dev]}]}, profile: defender-legacy}',
    ),
    at: '4:18 spec.selector',
    message: /conditions on tags.env leave no value/,
    hint: /Change one/,
  },
  {
    code: 'TW1109',
    sentence: 'matchAll beside a tag',
    given: configuration('{selector: {matchAll: true, matchTags: {env: prod}}, profile: defender-legacy}'),
    at: '4:19 spec.selector.matchAll',
    message: /excludes other conditions/,
    hint: /Remove one/,
  },
  {
    code: 'TW1110',
    sentence: 'a connection string',
    given: document('Hub', 'a', '{hostName: "HostName=a.b;SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0"}'),
    at: '4:18 spec.hostName',
    message: /connection string or key/,
    hint: /secretRef.*replace the secret/,
  },
  {
    code: 'TW1110',
    sentence: 'a token in an annotation',
    given:
      'apiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: a, annotations: {n: "SharedAccessSignature sr=a&sig=c2VjcmV0"}}\nspec: {hostName: a.b}',
    at: '3:38 metadata.annotations.n',
    message: /connection string or key/,
  },
  {
    code: 'TW1110',
    sentence: 'the connection string of change events itself',
    given: document('Hub', 'a', '{hostName: a.b, events: {secretRef: {env: "Endpoint=sb://a;SharedAccessKey=x"}}}'),
    at: '4:49 spec.events.secretRef.env',
    message: /written into the manifest/,
    hint: /secretRef/,
  },
  {
    code: 'TW1111',
    sentence: 'two ways to select',
    given: stream(configuration('{groups: [atm], selector: {matchAll: true}, profile: defender-legacy}'), GROUP),
    at: '4:7 spec',
    message: /has groups and selector/,
    hint: /Give one of/,
  },
  {
    code: 'TW1111',
    sentence: 'an exception that sets and suspends',
    given: exception('inc-1', 'settings: {eventPriorityLogin: Low}, suspend: true'),
    at: '4:7 spec',
    message: /has settings and suspends/,
    hint: /either "settings" or `suspend: true`/,
  },
  {
    code: 'TW1111',
    sentence: 'an exception without settings',
    given: exception('inc-1', 'settings: {}'),
    at: '4:72 spec.settings',
    message: /changes nothing/,
    hint: /Name a setting/,
  },
  {
    code: 'TW1111',
    sentence: 'a secret of change events that is in two places',
    given: document('Hub', 'a', '{hostName: a.b, events: {secretRef: {env: A, file: b}}}'),
    at: '4:43 spec.events.secretRef',
    message: /either "env" or "file"/,
  },
  {
    code: 'TW1111',
    sentence: 'a secret in two places',
    given: document('Hub', 'a', '{hostName: a.b, auth: {type: ConnectionString, secretRef: {env: A, file: b}}}'),
    at: '4:65 spec.auth.secretRef',
    message: /either "env" or "file"/,
  },

  {
    code: 'TW1201',
    sentence: 'the same name twice',
    given: [file('a.yaml', GROUP), file('b.yaml', GROUP)],
    at: 'b.yaml 3:18 metadata.name',
    message: /DeviceGroup\/atm is already declared at a.yaml:1/,
    hint: /Rename or remove/,
  },
  {
    code: 'TW1202',
    sentence: 'a misspelt group',
    given: stream(configuration('{groups: [amt], profile: defender-legacy}'), GROUP),
    at: '4:17 spec.groups.0',
    message: /Group "amt" does not exist/,
    hint: /Did you mean "atm"/,
  },
  {
    code: 'TW1202',
    sentence: 'a group where there is none',
    given: configuration('{groups: [atm], profile: defender-legacy}'),
    at: '4:17 spec.groups.0',
    message: /Group "atm"/,
    hint: /None is declared/,
  },
  {
    code: 'TW1203',
    sentence: 'a misspelt profile',
    given: configuration('{selector: {matchAll: true}, profile: defender-legcy}'),
    at: '4:45 spec.profile',
    message: /"defender-legcy"/,
    hint: /Did you mean "defender-legacy"/,
  },
  {
    code: 'TW1203',
    sentence: 'a base that does not exist',
    given: profile('{extends: windows, moduleId: m}'),
    at: '4:17 spec.extends',
    message: /"windows"/,
    hint: /Known: defender-legacy/,
  },
  {
    code: 'TW1204',
    sentence: 'a misspelt hub',
    given: stream(document('DeviceGroup', 'g', '{selector: {matchAll: true}, hubs: [prd]}'), HUBS),
    at: '4:43 spec.hubs.0',
    message: /Hub "prd"/,
    hint: /Did you mean "prod"/,
  },
  {
    code: 'TW1205',
    sentence: 'a redeclared built-in profile',
    given: document('AgentProfile', 'generic', '{moduleId: m}'),
    at: '3:18 metadata.name',
    message: /can't be replaced/,
    hint: /extends: generic/,
  },
  {
    code: 'TW1206',
    sentence: 'profiles in a circle',
    given: stream(profile('{extends: other}'), document('AgentProfile', 'other', '{extends: own}')),
    at: '4:17 spec.extends',
    message: /extends itself/,
    hint: /built-in/,
  },
  {
    code: 'TW1207',
    sentence: 'two hubs and none named',
    given: stream(document('DeviceGroup', 'g', '{selector: {matchAll: true}}'), HUBS),
    at: '4:7 spec',
    message: /DeviceGroup\/g names none of the 2 hubs/,
    hint: /Add "hubs" with some of: dev, prod/,
  },

  {
    code: 'TW1301',
    sentence: 'a misspelt setting',
    given: legacy('base', '{eventPriorityLogn: High}'),
    at: '4:73 spec.settings.eventPriorityLogn',
    message: /no setting "eventPriorityLogn"/,
    hint: /Did you mean "eventPriorityLogin"/,
  },
  {
    code: 'TW1301',
    sentence: 'a misspelt setting to unset',
    given: legacy('base', '{}', 'unset: [eventPriorityLogn]'),
    at: '4:84 spec.unset.0',
    message: /no setting "eventPriorityLogn"/,
    hint: /Did you mean/,
  },
  {
    code: 'TW1302',
    sentence: 'a number in quotes',
    given: legacy('base', '{maxMessageSizeInBytes: "8192"}'),
    at: '4:96 spec.settings.maxMessageSizeInBytes',
    message: /must be an integer, not "8192"/,
    hint: /without quotes/,
  },
  {
    code: 'TW1303',
    sentence: 'a value in lower case',
    given: legacy('base', '{eventPriorityLogin: high}'),
    at: '4:93 spec.settings.eventPriorityLogin',
    message: /can't be "high"/,
    hint: /Did you mean "High"/,
  },
  {
    code: 'TW1304',
    sentence: 'a command in a path',
    given: legacy('base', '{baselineCustomChecksFilePath: "/a;reboot"}'),
    at: '4:103 spec.settings.baselineCustomChecksFilePath',
    message: /shell command run as root/,
  },
  {
    code: 'TW1304',
    sentence: 'weeks',
    given: legacy('base', '{snapshotFrequency: P1W}'),
    at: '4:92 spec.settings.snapshotFrequency',
    message: /such as PT15M/,
  },
  {
    code: 'TW1305',
    sentence: 'a message too small',
    given: legacy('base', '{maxMessageSizeInBytes: 1024}'),
    at: '4:96 spec.settings.maxMessageSizeInBytes',
    message: /can't be 1024: it must be 8192 or more/,
    hint: /bytes/,
  },
  {
    code: 'TW1306',
    sentence: 'what is always preserved',
    given: legacy('base', '{hubResourceId: x}'),
    at: '4:73 spec.settings.hubResourceId',
    message: /always preserves/,
    hint: /Remove it/,
  },
  {
    code: 'TW1306',
    sentence: 'what is always preserved, unset',
    given: legacy('base', '{}', 'unset: [hubResourceId]'),
    at: '4:84 spec.unset.0',
    message: /always preserved/,
  },
  {
    code: 'TW1307',
    sentence: 'too few settings for the schema',
    given: stream(
      configuration('{selector: {matchAll: true}, profile: own, settings: {a: 1}}'),
      profile('{extends: generic, moduleId: m, schema: {type: object, minProperties: 2}}'),
    ),
    at: '4:60 spec.settings',
    message: /do not fit profile "own": must have 2 or more members/,
  },
  {
    code: 'TW1308',
    sentence: 'null',
    given: legacy('base', '{eventPriorityLogin: null}'),
    at: '4:93 spec.settings.eventPriorityLogin',
    message: /can't be null/,
    hint: /`unset`/,
  },
  {
    code: 'TW1309',
    sentence: 'a key with a dot',
    given: stream(
      configuration('{selector: {matchAll: true}, profile: own, settings: {a.b: 1}}'),
      profile('{extends: generic, moduleId: m}'),
    ),
    at: '4:66 spec.settings.a.b',
    message: /"a.b" can't be a key in a twin/,
  },
  {
    code: 'TW1310',
    sentence: 'a wrong schema',
    given: profile('{extends: generic, moduleId: m, schema: {type: text}}'),
    at: '4:47 spec.schema',
    message: /schema of profile "own" is wrong/,
    hint: /JSON Schema 2020-12/,
  },
  {
    code: 'TW1310',
    sentence: 'a base used as it is',
    given: configuration('{selector: {matchAll: true}, profile: generic}'),
    at: '4:45 spec.profile',
    message: /names no module/,
    hint: /extends: generic/,
  },
  {
    code: 'TW1311',
    sentence: 'custom checks without a file',
    given: legacy('base', CHECKS),
    at: '4:102 spec.settings.baselineCustomChecksEnabled',
    message: /need both baselineCustomChecksFilePath and/,
  },

  {
    code: 'TW1401',
    sentence: 'two values at equal priority',
    given: stream(legacy('a', '{eventPriorityLogin: High}'), legacy('b', '{eventPriorityLogin: Low}')),
    at: '9:93 spec.settings.eventPriorityLogin',
    message: /conflicts at equal priority 0: SecurityConfiguration\/a says "High" at manifests\/a.yaml:4/,
    hint: /higher priority/,
  },
  {
    code: 'TW1401',
    sentence: 'set and unset at equal priority',
    given: stream(legacy('a', '{eventPriorityLogin: High}'), legacy('b', '{}', 'unset: [eventPriorityLogin]')),
    at: '9:84 spec.unset.0',
    message: /SecurityConfiguration\/a sets it/,
  },
  {
    code: 'TW1402',
    sentence: 'two profiles for one module',
    given: stream(
      legacy('a', '{eventPriorityLogin: High}'),
      document(
        'SecurityConfiguration',
        'b',
        '{selector: {matchAll: true}, profile: own, settings: {eventPriorityLogin: High}}',
      ),
      profile('{extends: defender-legacy}'),
    ),
    at: '9:45 spec.profile',
    message: /\(profile "defender-legacy"\) and .* \(profile "own"\) write the same part/,
    hint: /one profile for both/,
  },
  {
    code: 'TW1403',
    sentence: 'set and unset at once',
    given: legacy('base', '{eventPriorityLogin: High}', 'unset: [eventPriorityLogin]'),
    at: '4:108 spec.unset.0',
    message: /both set and unset/,
    hint: /Remove one/,
  },
  {
    code: 'TW1301',
    sentence: 'a place inside a setting to be absent',
    given: legacy('base', '{eventPriorityLogin: High}', 'unset: [snapshotFrequency/value]'),
    at: '4:108 spec.unset.0',
    message: /is inside the setting "snapshotFrequency"/,
    hint: /Name "snapshotFrequency"/,
  },
  {
    code: 'TW1404',
    sentence: 'a policy for nothing',
    given: legacy('base', '{eventPriorityLogin: High}', 'settingPolicies: {eventPriorityLogn: Ignore}'),
    at: '4:118 spec.settingPolicies.eventPriorityLogn',
    message: /no setting "eventPriorityLogn"/,
    hint: /Did you mean "eventPriorityLogin"/,
  },
  {
    code: 'TW1405',
    sentence: 'two exceptions that disagree',
    given: stream(
      exception('inc-1', 'settings: {eventPriorityLogin: Low}'),
      exception('inc-2', 'settings: {eventPriorityLogin: High}', { selector: 'matchTags: {site: lyon}' }),
    ),
    at: '9:102 spec.settings.eventPriorityLogin',
    message: /another exception: SecurityException\/inc-1 says "Low" at manifests\/a.yaml:4/,
    hint: /let one end first/,
  },

  {
    code: 'TW2101',
    sentence: 'an unused group',
    given: GROUP,
    at: '3:18 metadata.name',
    message: /No configuration is for group "atm"/,
    hint: /groups/,
  },
  {
    code: 'TW2102',
    sentence: 'a configuration of nothing',
    given: legacy('base', '{}'),
    at: '4:7 spec',
    message: /declares no setting/,
    hint: /settings/,
  },
  {
    code: 'TW2103',
    sentence: 'a message of odd size',
    given: legacy('base', '{maxMessageSizeInBytes: 10000}'),
    at: '4:96 spec.settings.maxMessageSizeInBytes',
    message: /multiple of 4096.*is 10000/,
  },
  {
    code: 'TW2104',
    sentence: 'an agent out of support',
    given: stream(legacy('b', '{eventPriorityLogin: High}'), legacy('a', '{eventPriorityLogin: High}')),
    at: '4:45 spec.profile',
    message: /^Vendor support for .* ended on 2022-03-01\. 2 configurations use it/,
    hint: /another agent/,
  },
  {
    code: 'TW2105',
    sentence: 'an empty folder',
    given: [],
    at: '(no file) 1:1 ',
    message: /No manifest/,
    hint: /\.yaml, \.yml and \.json files are read\. .* removes nothing/,
  },
  { code: 'TW2105', sentence: 'an empty file', given: '# nothing here\n---\n', at: '1:1 ', message: /No manifest/ },
  {
    code: 'TW2106',
    sentence: 'a pause that this version does not know',
    given:
      'apiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: a, annotations: {twinward.dev/pause: x}}\nspec: {hostName: a.b}',
    at: '3:35 metadata.annotations.twinward.dev/pause',
    message: /does not know the annotation "twinward.dev\/pause"/,
    hint: /Remove/,
  },
  {
    code: 'TW2107',
    sentence: 'labels of no group',
    given: stream(configuration('{groupSelector: {matchLabels: {env: prod}}, profile: defender-legacy}'), GROUP),
    at: '4:23 spec.groupSelector',
    message: /for no device/,
    hint: /metadata\.labels/,
  },
  {
    code: 'TW2108',
    sentence: 'a group on another hub',
    given: stream(
      configuration('{groups: [g], hubs: [dev], profile: defender-legacy, settings: {eventPriorityLogin: High}}'),
      document('DeviceGroup', 'g', '{selector: {matchAll: true}, hubs: [prod]}'),
      HUBS,
    ),
    at: '4:27 spec.hubs',
    message: /for no device/,
    hint: /Name a hub/,
  },
  {
    code: 'TW2109',
    sentence: 'custom checks whose file another configuration may give',
    given: stream(
      legacy('base', CHECKS),
      document(
        'SecurityConfiguration',
        'site',
        `{selector: {matchTags: {site: lyon}}, profile: defender-legacy, settings: {baselineCustomChecksFilePath: /a, baselineCustomChecksFileHash: ${'a'.repeat(64)}}}`,
      ),
    ),
    at: '4:102 spec.settings.baselineCustomChecksEnabled',
    message: /need both/,
    hint: /SecurityConfiguration\/site may set what is missing.*held/,
  },
  {
    code: 'TW2110',
    sentence: 'an exception of yesterday',
    given: exception('inc-1', 'suspend: true', { until: '2026-11-23T17:40:00Z' }),
    at: '4:117 spec.expiresAt',
    message: /ended at 2026-11-23T17:40:00.000Z/,
    hint: /Remove the manifest, or ask its owner \(soc\)/,
  },
];

function bomb(): string {
  const levels = Array.from({ length: 8 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`);
  return `l0: &l0 [x]\n${levels.join('\n')}\n`;
}

function loadRow({ given }: Row): readonly Diagnostic[] {
  const files = typeof given === 'string' || given instanceof Uint8Array ? [given] : given;
  return loadedAt(load(...files), NOW_MS).diagnostics;
}

describe.each(ROWS)('$code', (row) => {
  test(`${row.sentence} is reported at its place, with an actionable message`, () => {
    const found = loadRow(row).filter(({ code }) => code === row.code);
    const places = found.map(
      ({ file, line, column, path }) => `${file === 'manifests/a.yaml' ? '' : `${file} `}${line}:${column} ${path}`,
    );
    expect(found).toHaveLength(1);
    expect(places).toEqual(row.at === ANYWHERE ? places : [row.at]);
    expect(found[0]?.severity).toBe(CODES[row.code].severity);
    expect(found[0]?.message).toMatch(row.message);
    expect(found[0]?.hint ?? '').toMatch(row.hint ?? ANYTHING);
  });

  test(`${row.sentence}: whatever is said are sentences without jargon`, () => {
    for (const { message, hint } of loadRow(row)) {
      expect(message).toMatch(/^["A-Za-z0-9].*[.]$/);
      expect(`${message} ${hint ?? ''}`).not.toMatch(/undefined|\[object|NaN|anyOf|oneOf|c2VjcmV0/);
    }
  });
});

test('every code has a row, but for those that only a fleet brings about', () => {
  const shown = new Set(ROWS.map(({ code }) => code));
  const left = Object.keys(CODES).filter((code) => !shown.has(code as Code));
  expect(left.filter((code) => !code.startsWith('TW22'))).toEqual([]);
});

test.each(['*', '!', '|', '>', '}', ']', '@', '`', '%', '&', '"\\', '"a" ', "'a' ", '{a: ', '[a, ', '!!'])(
  'a secret that starts with %s and is in no quotes is not repeated',
  (start) => {
    const said = load(`licenseKey: ${start}Leak9xyz\n`, `list:\n  - ${start}Leak9xyz\n  -b: 1\n`).diagnostics;
    expect(said.length).toBeGreaterThan(0);
    expect(JSON.stringify(said)).not.toContain('Leak9');
  },
);
