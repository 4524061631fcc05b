// A plan as data for machines.
import jsonPatch, { type Operation } from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import { cloneJson, type Json, type JsonObject } from '../../../src/model/json.ts';
import type { Rule } from '../../../src/model/profile.ts';
import type { Twin } from '../../../src/model/twin.ts';
import { actionDocument, type ActionDocument } from '../../../src/plan/report/document.ts';
import {
  applied,
  declare,
  plan,
  profileOf,
  ROOT,
  settled,
  tampered,
  twinOf,
  WRAPPED,
  type ConfigurationFields,
  type Configurations,
} from '../fixture.ts';

function documentOf(is: Configurations, live: Twin | undefined): ActionDocument {
  const declared = declare(is);
  return actionDocument({ hub: 'dev', profiles: declared.profiles }, plan(declared, live), live);
}

const OLD = { base: { set: { a: 1, b: 2 } } };
const NEW = { base: { set: { a: 3 } } };

test('says what is to be done, why, on what, and how in both ways', () => {
  const live = settled(declare(OLD), twinOf());
  expect(documentOf(NEW, live)).toMatchObject({
    hub: 'dev',
    deviceId: 'd1',
    moduleId: 'guard',
    action: 'Patch',
    reason: 'SettingRemoved',
    owners: ['SecurityConfiguration/base'],
    etag: 'AAAAAAAAAAI=',
    patch: { properties: { desired: { g: { a: 3, b: null } } } },
    settings: [
      { name: 'b', owner: 'SecurityConfiguration/base', cause: 'SettingRemoved', before: 2 },
      { name: 'a', owner: 'SecurityConfiguration/base', cause: 'ConfigurationChanged', before: 1, after: 3 },
    ],
    observed: [],
  });
});

describe('its operations', () => {
  const hostile = JSON.parse('{"__proto__": 1, "constructor": 2, "a/b": {"c~d": 3}}') as JsonObject;
  test.each<[sentence: string, is: Configurations, live: Twin]>([
    ['a first write', NEW, twinOf()],
    ['a change and a removal', NEW, settled(declare(OLD), twinOf())],
    ['an adoption', NEW, twinOf({ desired: { g: { a: 3, x: [1, { y: 2 }] } }, tags: { site: 'lyon' } })],
    ['a release', {}, settled(declare(OLD), twinOf({ tags: { site: 'lyon' } }))],
    [
      'a whole section',
      { base: { profile: WRAPPED, set: { a: [2] } } },
      twinOf({ desired: { w: { a: { value: [1], n: 1 } } } }),
    ],
    ['a text that becomes an object', NEW, twinOf({ desired: { g: 'x' } })],
    [
      'names that need escaping',
      { base: { set: { 'a/b': { 'c~d': 1 } } } },
      twinOf({ desired: { g: { 'a/b': { 'c~d': 3 } } } }),
    ],
    [
      'a foreign name that JavaScript inherits',
      { base: { profile: ROOT, set: { a: 1 } } },
      twinOf({ desired: hostile }),
    ],
  ])('%s: give the twin that the patch gives', (_sentence, is, live) => {
    const { changes, etag } = documentOf(is, live);
    expect(etag).toBe(live.etag);
    const before = { tags: live.tags ?? {}, properties: live.properties } as unknown as Json;
    const root = cloneJson(before);
    if (live.tags === undefined) delete (root as JsonObject)['tags'];
    const next = jsonPatch.applyPatch(root, changes as Operation[], true, true, false).newDocument as JsonObject;
    const after = applied(live, plan(declare(is), live));
    expect(next['properties']).toEqual(after.properties);
    expect(next['tags'] ?? {}).toEqual(after.tags ?? {});
  });

  test('are none where nothing is written', () => {
    const { changes, patch, settings, message } = documentOf(OLD, settled(declare(OLD), twinOf()));
    expect({ changes, patch, settings, message }).toEqual({ changes: [], patch: null, settings: [] });
  });

  test('are none where there is no twin', () => {
    const missing = documentOf({ base: { whenMissing: 'Create', set: { a: 1 } } }, undefined);
    expect(missing).toMatchObject({ action: 'Create', etag: null, changes: [], patch: null });
  });
});

test('a hold says what would release it, and what is observed is apart', () => {
  const conflict = documentOf({ x: { set: { a: 1 } }, y: { set: { a: 2 } } }, twinOf());
  expect(conflict).toMatchObject({ action: 'Hold', message: expect.stringContaining('priority') as string });
  const observed = documentOf({ x: { mode: 'Observe', set: { a: 1 } } }, twinOf());
  expect(observed).toMatchObject({ action: 'Observe', settings: [], observed: [{ name: 'a', after: 1 }] });
});

describe('secrets never get into it', () => {
  const SECRET = 'S3CR3T';
  const section = (fields: Parameters<typeof profileOf>[1], set: JsonObject): ConfigurationFields => ({
    profile: profileOf('secret', { section: ['s'], sensitive: ['token', 'up/key', 'list'], ...fields }),
    set,
  });
  const needsX: Rule = {
    type: 'RequiredWhen',
    key: 'token',
    equals: SECRET,
    required: ['x'],
    severity: 'error',
    message: 'a token wants an x',
  };
  const whole = { patchGranularity: 'section', ownershipAtom: 'Setting' } as const;
  test.each<[sentence: string, is: ConfigurationFields, live: JsonObject]>([
    ['declared', section({}, { token: SECRET }), {}],
    ['live, and replaced', section({}, { token: 'new', list: ['new'] }), { token: SECRET, list: ['x', SECRET] }],
    ['an item of a list', section({}, { list: ['a', SECRET] }), { list: ['a', 'b'] }],
    ['a member of a setting', section(whole, { up: { url: 'u', key: SECRET } }), {}],
    ['a live member of a setting', section(whole, { up: { url: 'u' } }), { up: { url: 'v', key: SECRET } }],
    [
      'foreign, in a section that is sent whole',
      section(whole, { a: 1 }),
      { token: SECRET, up: { key: { deep: SECRET } } },
    ],
    [
      'wrapped',
      section({ ...whole, encoding: 'ValueWrapper' }, { token: SECRET }),
      { token: { value: 'old', note: SECRET } },
    ],
    ['below a name that is hidden', section({}, { up: { key: { user: 'x', pass: SECRET } } }), {}],
    ['to be absent', { ...section({}, { a: 1 }), unset: ['token'] }, { token: SECRET }],
    ['only observed', { ...section({}, { token: SECRET }), mode: 'Observe' }, { token: `${SECRET}0` }],
    ['breaking a rule', section({ rules: [needsX] }, { token: SECRET }), {}],
  ])('%s', (_sentence, is, live) => {
    const twin = tampered(twinOf(), { s: live });
    const text = JSON.stringify(documentOf({ base: is }, twin));
    expect(text).toMatch(/"action":"(Patch|Observe|Hold)"/);
    expect(text).not.toContain(SECRET);
  });

  test('a setting that holds one is hidden whole, as in the text of a plan', () => {
    const { settings } = documentOf({ base: section(whole, { up: { url: 'u', key: SECRET } }) }, twinOf());
    expect(settings).toMatchObject([{ name: 'up', after: '(sensitive)' }]);
  });

  test('when a setting goes', () => {
    const twin = settled(declare({ base: section(whole, { token: SECRET, up: { key: SECRET }, a: 1 }) }), twinOf());
    const document = documentOf({ base: section(whole, { a: 1 }) }, twin);
    const text = JSON.stringify(document);
    expect(document.changes).toContainEqual({ op: 'remove', path: '/properties/desired/s/token' });
    expect(text).toContain('SettingRemoved');
    expect(text).not.toContain(SECRET);
  });
});
