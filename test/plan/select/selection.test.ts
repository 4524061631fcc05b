// Which configurations select a device.
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { DeclaredGroup } from '../../../src/model/declared.ts';
import type { Requirement, Selector } from '../../../src/model/selector.ts';
import { createSelection, failingRequirement, matches } from '../../../src/plan/select/selection.ts';
import { declare, deviceOf, envIs, ORIGIN, selectorOf, targetOf } from '../fixture.ts';

const SITE = { kind: 'tag', path: ['site', 'name'] } as const;

describe('a requirement on a tag', () => {
  const is = (...values: (string | number | boolean)[]): Requirement => ({ key: SITE, operator: 'In', values });
  const isNot = (...values: (string | number | boolean)[]): Requirement => ({ key: SITE, operator: 'NotIn', values });
  const there: Requirement = { key: SITE, operator: 'Exists' };
  const gone: Requirement = { key: SITE, operator: 'DoesNotExist' };
  const at = (name: Json): JsonObject => ({ site: { name } });
  test.each<[sentence: string, requirement: Requirement, tags: JsonObject, want: boolean]>([
    ['one of the values', is('lyon', 'lab'), at('lab'), true],
    ['none of the values', is('lyon'), at('lab'), false],
    ['another JSON type', is('0'), at(0), false],
    ['the same JSON type', is(0), at(0), true],
    ['true is not "true"', is(true), at('true'), false],
    ['an object is no value', is('lyon'), at({ lyon: true }), false],
    ['a list is no value', is('lyon'), at(['lyon']), false],
    ['an absent tag is not in', is('lyon'), {}, false],
    ['an absent tag is not one of them', isNot('lyon'), {}, true],
    ['an object is not one of them', isNot('lyon'), at({}), true],
    ['one of the excluded', isNot('lyon'), at('lyon'), false],
    ['a tag that is there', there, at(''), true],
    ['a tag that is false is there', there, at(false), true],
    ['a tag that is an object is there', there, at({}), true],
    ['a tag under a text is not', there, { site: 'name' }, false],
    ['an inherited name is no tag', { key: { kind: 'tag', path: ['constructor'] }, operator: 'Exists' }, {}, false],
    ['an absent tag', gone, at('x'), false],
    ['a tag that does not exist', gone, { site: {} }, true],
  ])('%s', (_sentence, requirement, tags, want) => {
    expect(matches(selectorOf(requirement), deviceOf(tags))).toBe(want);
  });
});

describe('a selector', () => {
  test.each<[sentence: string, selector: Selector, want: boolean]>([
    ['without requirements takes every device', selectorOf(), true],
    ['wants all of its requirements', selectorOf(envIs('prod'), { key: SITE, operator: 'Exists' }), false],
    ['wants the listed devices', { requirements: [], deviceIds: new Set(['d1']) }, true],
    ['wants the listed devices only', { requirements: [], deviceIds: new Set(['D1']) }, false],
    ['wants both', { requirements: [envIs('lab')], deviceIds: new Set(['d1']) }, false],
    ['looks at the device id', selectorOf({ key: { kind: 'deviceId' }, operator: 'In', values: ['d1'] }), true],
    ['looks at the status', selectorOf({ key: { kind: 'status' }, operator: 'NotIn', values: ['enabled'] }), false],
    ['looks at the edge capability', selectorOf({ key: { kind: 'iotEdge' }, operator: 'In', values: [true] }), false],
  ])('%s', (_sentence, selector, want) => {
    expect(matches(selector, deviceOf())).toBe(want);
    expect(failingRequirement(selector, deviceOf()) === undefined).toBe(want);
  });
});

describe('the selection', () => {
  const group = (name: string, env: string, mode: DeclaredGroup['mode'] = 'Enforce'): DeclaredGroup => ({
    name,
    origin: ORIGIN,
    labels: {},
    hubs: ['dev'],
    selector: selectorOf(envIs(env)),
    mode,
  });
  const declared = declare(
    {
      a: { set: { a: 1 }, targets: [targetOf(selectorOf(envIs('lab'))), targetOf(selectorOf(), { group: 'all' })] },
      b: { set: { b: 1 }, targets: [targetOf(selectorOf(), { hubs: ['other'] })] },
      c: { set: { c: 1 }, targets: [] },
      d: { set: { d: 1 }, env: 'prod' },
    },
    { groups: [group('bench', 'lab', 'Observe'), group('prod', 'prod')] },
  );
  const { select } = createSelection(declared, 'dev');
  const shown = (tags: JsonObject) => {
    const { selected, tagless, cappedBy } = select(deviceOf(tags));
    return {
      selected: selected.map((one) => `${one.configuration.name} ${one.group ?? '-'}`),
      tagless,
      cappedBy,
    };
  };

  test.each([
    ['by name, through the first way in', { env: 'prod' }, ['a all', 'd -'], false, undefined],
    ['an observed group caps all', { env: 'lab' }, ['a -'], false, 'bench'],
    ['without any tag', {}, ['a all'], true, undefined],
  ])('%s', (_sentence, tags, selected, tagless, cappedBy) => {
    expect(shown(tags)).toEqual({ selected, tagless, cappedBy });
  });

  test('is one object for devices that no selector names, where another does', () => {
    const named = selectorOf({ key: { kind: 'deviceId' }, operator: 'In', values: ['d1'] });
    const index = createSelection(declare({ a: { set: { a: 1 }, targets: [targetOf(named)] } }), 'dev');
    const selectionOf = (deviceId: string) => index.select({ ...deviceOf(), deviceId });
    expect(selectionOf('d7')).toBe(selectionOf('d8'));
    expect(selectionOf('d1')).not.toBe(selectionOf('d7'));
  });

  test('is one object for devices that no selector tells apart', () => {
    expect(select({ ...deviceOf(), deviceId: 'd7' })).toBe(select({ ...deviceOf(), deviceId: 'd8' }));
    expect(select(deviceOf({ env: 'lab' }))).not.toBe(select(deviceOf()));
  });
});
