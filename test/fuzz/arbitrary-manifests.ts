// Malformed manifests: any bytes, valid texts with damage, valid documents with strange values.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { setKey, type Json, type JsonObject } from '../../src/model/json.ts';
import { mutate, mutationOf } from './mutation.ts';

const ROOT = join(import.meta.dirname, '..', '..');

function readFolder(folder: string): string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

/** Good texts: the manifests of the demo, and one document of each kind. */
export const TEXTS: readonly string[] = [
  ...readFolder(join(ROOT, 'manifests')),
  ...readFolder(join(import.meta.dirname, 'corpus')),
];
const DOCUMENTS: readonly Json[] = TEXTS.flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as Json));

/** Text that means something to YAML, to JavaScript, to JSON Schema or to us. */
const TOKENS = [
  '&a ',
  '*a',
  '<<: *a\n',
  '<<: [{a: 1}]\n',
  '!!binary aGk=',
  '!!set {a, b}',
  '!!timestamp 2026-01-01',
  '!<tag:x> y',
  '%YAML 1.1\n---\n',
  '%TAG ! tag:x,2000:\n---\n',
  '---\n',
  '...\n',
  '\r\n',
  '\r',
  '\t',
  '\uFEFF',
  '\u2028',
  '\u0000',
  '\u0085',
  '\u{1F512}',
  'e\u0301',
  '__proto__: {a: 1}\n',
  'constructor: {prototype: {a: 1}}\n',
  '? {a: 1}\n: b\n',
  '? [a]\n',
  ': ',
  '- ',
  '|\n',
  '>-\n  ',
  '"\\x"',
  '"\\u',
  "'",
  '{',
  '}',
  '[',
  '[[[[[[[[[[[[[[[[',
  '# ',
  '0x1F',
  '0o17',
  '1e999',
  '-.inf',
  '.nan',
  '123456789012345678901234567890',
  '-0',
  '1_000',
  'null',
  '~',
  'yes',
  '"on"',
  'SharedAccessKey=',
  'tags.__proto__.a',
  'tags.',
  'P1Y2M3DT4H5M6S',
  '${env}',
  '../../x',
];

/** Values for a place where another was. */
const strange: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    '',
    ' ',
    true,
    0,
    -1,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER + 1,
    'tags.a',
    'tags',
    '/',
    '/~2',
    '/a/b',
    '__proto__',
    'constructor',
    'toString',
    'generic',
    '101%',
    '1e3%',
    'PT0S',
    'P',
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '\u0000',
    '\ud800',
    'a'.repeat(5_000),
    [],
    {},
    [[]],
    [null],
    { '': 1 },
    { $ref: '#' },
    { $ref: 'https://127.0.0.1/x.json' },
    { type: 'object', properties: { a: { $ref: '#/properties/a' } } },
    { pattern: '^(a+)+$' },
    { pattern: '(' },
    { type: 'nothing' },
  ),
  fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json),
  fc.integer({ min: 1, max: 200 }).map(nested),
);

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? { a: value } : [value];
  return value;
}

const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', '', 'spec', 'a.b', 'a/b', '~1', '$a', 'a b', '0', '<<'),
  fc.string({ maxLength: 4 }),
);

/** Documents that are still well-formed YAML. */
const strangeDocuments: fc.Arbitrary<string> = fc
  .record({
    chosen: fc.subarray([...DOCUMENTS.keys()], { minLength: 1 }),
    mutations: fc.array(mutationOf(key, strange), { minLength: 1, maxLength: 4 }),
    isFlow: fc.boolean(),
  })
  .map(({ chosen, mutations, isFlow }) => {
    const documents = chosen.map((index) => structuredClone(DOCUMENTS[index] as Json));
    for (const one of mutations) mutate(documents, one);
    const write = (one: Json): string => (isFlow ? `${JSON.stringify(one)}\n` : stringify(one));
    return documents.map(write).join('---\n');
  });

interface Damage {
  readonly at: number;
  readonly cut: number;
  readonly text: string;
}

const share = fc.double({ min: 0, max: 0.999, noNaN: true });

const damage: fc.Arbitrary<Damage> = fc.record({
  at: share,
  cut: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(400)),
  text: fc.oneof(fc.constantFrom(...TOKENS), fc.constantFrom(...TOKENS), fc.string({ unit: 'binary', maxLength: 6 })),
});

const damagedText: fc.Arbitrary<string> = fc
  .record({
    text: fc.oneof(fc.constantFrom(...TEXTS), strangeDocuments),
    damages: fc.array(damage, { minLength: 1, maxLength: 4 }),
    lineEnd: fc.constantFrom('\n', '\n', '\r\n', '\r'),
    start: fc.constantFrom('', '', '\uFEFF', '%YAML 1.1\n---\n', '\n\n'),
  })
  .map(({ text, damages, lineEnd, start }) => {
    let whole = text;
    for (const { at, cut, text: piece } of damages) {
      const place = Math.floor(at * whole.length);
      whole = whole.slice(0, place) + piece + whole.slice(place + cut);
    }
    return start + whole.replaceAll('\n', lineEnd);
  });

/** Only tokens, to test the grammar. */
const soup: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...TOKENS), fc.constantFrom('a: ', 'b', '\n', '  ', ', ')), { maxLength: 60 })
  .map((tokens) => tokens.join(''));

const settingKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'a',
    'b',
    'a/b',
    'x~1y',
    '\u00fc',
    '\u{1F512}',
  ),
  fc.string({ minLength: 1, maxLength: 3 }),
);
/** As deep as a twin allows below a section, and a little deeper. */
const settingValue: fc.Arbitrary<Json> = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Json>('High', '', 0, -1.5, 1e21, 4_503_599_627_370_495, true, [], [1, 'x', { a: [1] }]),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
  ),
  object: settingsOf(tie('value')),
})).value;

function settingsOf(value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(settingKey, value), { maxLength: 4 }).map((members) => {
    const object: JsonObject = {};
    for (const [name, member] of members) setKey(object, name, member);
    return object;
  });
}

const configuration = fc.record(
  {
    profile: fc.constant('own'),
    priority: fc.nat(3),
    selector: fc.constantFrom<Json>(
      { matchAll: true },
      { matchTags: { env: 'prod' } },
      { matchExpressions: [{ key: 'tags.__proto__.a', operator: 'DoesNotExist' }] },
      { deviceIds: ['d1', '__proto__'] },
    ),
    settings: settingsOf(settingValue),
    unset: fc.uniqueArray(fc.constantFrom('z', 'z/__proto__', 'y~1', 'isPrototypeOf'), { minLength: 1, maxLength: 2 }),
    settingPolicies: fc.constantFrom('Override', 'IfNotPresent', 'Ignore'),
    deletionPolicy: fc.constantFrom('Retain', 'Remove'),
    mode: fc.constantFrom('Enforce', 'Observe'),
    module: fc.constantFrom<Json>({ whenMissing: 'Create' }, { whenMissing: 'Skip' }),
  },
  { requiredKeys: ['profile', 'selector', 'settings'] },
);
const profile = fc.record(
  {
    section: fc.constantFrom('', '/guard', '/a~1b/~0c', '/__proto__', '/constructor/toString'),
    encoding: fc.constantFrom('Plain', 'ValueWrapper', 'PnpComponent'),
    patchGranularity: fc.constantFrom('leaf', 'section'),
    ownershipAtom: fc.constantFrom('Setting', 'Leaf'),
    envelope: fc.constantFrom<Json>({ __t: 'c' }, { __proto__: 1 }, {}),
    onRemove: fc.constantFrom('Null', 'Keep'),
    comparators: fc.constantFrom<Json>(
      [{ keys: ['*'], comparator: 'duration' }],
      [{ keys: ['a'], comparator: 'csvSet' }],
    ),
    rules: fc.constantFrom<Json>(
      [{ type: 'NotGreater', lesser: '__proto__', greater: 'a', as: 'number', severity: 'error', message: 'm' }],
      [{ type: 'AscendingCsv', key: 'toString', multiples: true, severity: 'warning', message: 'm' }],
      [{ type: 'RequiredWhen', key: 'a', equals: 'High', required: ['constructor'], severity: 'error', message: 'm' }],
    ),
    defaults: settingsOf(settingValue),
    sensitive: fc.constantFrom<Json>(['*'], ['a/b'], ['__proto__']),
    deny: fc.constantFrom<Json>(['denied'], ['x*z']),
    preserve: fc.constantFrom<Json>(['a*'], ['toString']),
    acknowledgement: fc.constantFrom<Json>(
      { type: 'Mirror' },
      { type: 'LatestState' },
      { type: 'Pnp' },
      { type: 'None' },
    ),
  },
  { requiredKeys: [] },
);

/** Small documents with strange settings, many of which are good. */
export const strangeSettings: fc.Arbitrary<Uint8Array> = fc
  .record({ own: profile, configurations: fc.array(configuration, { minLength: 1, maxLength: 3 }) })
  .map(({ own, configurations }) => {
    const documents = [
      documentOf('AgentProfile', 'own', { extends: 'generic', moduleId: 'guard', schema: { type: 'object' }, ...own }),
      ...configurations.map(({ settingPolicies, ...spec }, index) => {
        const [first] = Object.keys(spec.settings);
        const policies = first === undefined || settingPolicies === undefined ? {} : { [first]: settingPolicies };
        return documentOf('SecurityConfiguration', `c${index}`, { ...spec, settingPolicies: policies });
      }),
    ];
    return encode(documents.map((one) => `${JSON.stringify(one)}\n`).join('---\n'));
  });

function documentOf(kind: string, name: string, spec: unknown): unknown {
  return { apiVersion: 'twinward.dev/v1alpha1', kind, metadata: { name }, spec };
}

/** The same over and over: where a parser that is not linear would stay for hours. */
const repeated: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...TOKENS, 'a: ', '- ', '? ', 'a: 1\n---\n', '{a: 1},', '"'), fc.nat(20_000))
  .map(([token, count]) => token.repeat(count));

/** The bytes of one file. */
export const manifestBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
  { weight: 1, arbitrary: fc.oneof({ weight: 3, arbitrary: soup }, { weight: 1, arbitrary: repeated }).map(encode) },
  { weight: 4, arbitrary: damagedText.map(encode) },
  { weight: 4, arbitrary: strangeDocuments.map(encode) },
);

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
