import { describe, expect, test } from 'vitest';
import { parsePointer } from '../../src/model/json.ts';
import { checkSettings } from '../../src/profile/settings.ts';
import type { AgentProfileSpec } from '../../src/profile/spec.ts';
import { builtin, problemsOf, profileOf } from './fixture.ts';

describe('what a profile inherits', () => {
  test('fields replace, lists of keys and rules add up, comparators of its own come first', () => {
    const base = builtin('defender-micro-agent');
    const profile = profileOf({
      extends: 'defender-micro-agent',
      moduleId: 'edgeAgent',
      sensitive: ['SystemInformation_*'],
      deny: ['SBoM_*'],
      comparators: [{ keys: ['FileSystem_Paths'], comparator: 'csvOrdered' }],
      defaults: { Process_CacheSize: 512 },
      endOfSupport: '2028-06-01',
    });
    expect(profile).toMatchObject({ moduleId: 'edgeAgent', endOfSupport: '2028-06-01', schema: base.schema });
    expect(profile.deny).toEqual([...base.deny, 'SBoM_*']);
    expect(profile.rules).toEqual(base.rules);
    expect(profile.comparators[0]).toEqual({ keys: ['FileSystem_Paths'], comparator: 'csvOrdered' });
    expect(profile.defaults).toEqual({ ...base.defaults, Process_CacheSize: 512 });
  });

  test('a schema of its own leaves behind what the base says of settings that are gone', () => {
    const schema = {
      type: 'object',
      additionalProperties: false,
      properties: { maxMessageSizeInBytes: { type: 'integer' }, eventPriorityLogin: { enum: ['High'] } },
    };
    const profile = profileOf({ extends: 'defender-legacy', schema });
    expect(profile.rules.map(({ type }) => type)).toEqual(['MultipleOf']);
    expect(profile.defaults).toEqual({ maxMessageSizeInBytes: 204_800, eventPriorityLogin: 'High' });
  });
});

describe('definitions that make no sense', () => {
  const CLOSED = { type: 'object', additionalProperties: false, properties: { token: {}, scan: {} } };

  test.each<[sentence: string, spec: AgentProfileSpec, want: string]>([
    ['no module', { moduleId: '' }, ''],
    ['a module id with a space', { moduleId: 'a b' }, 'moduleId'],
    ["a module of IoT Edge's own", { moduleId: '$edgeAgent' }, 'moduleId'],
    ['a section that is no pointer', { section: 'guard' }, 'section'],
    ['an empty key in the section', { section: '/guard/' }, 'section'],
    ['a schema with an unknown type', { schema: { type: 'text' } }, 'schema'],
    [
      'a schema with a broken pattern',
      { schema: { patternProperties: { '(': {} }, additionalProperties: false } },
      'schema',
    ],
    ['a schema that answers with promises', { schema: { $async: true } }, 'schema'],
    ['a schema of another draft', { schema: { $schema: 'http://json-schema.org/draft-07/schema#' } }, 'schema'],
    ['a schema that refers to another', { schema: { $ref: 'https://example.com/schema.json' } }, 'schema'],
    [
      'a schema in the name of JSON Schema',
      { schema: { $id: 'https://json-schema.org/draft/2020-12/schema' } },
      'schema',
    ],
    [
      'a default that does not fit',
      { schema: { properties: { a: { type: 'string' } } }, defaults: { a: 1 } },
      'defaults.a',
    ],
    [
      'a rule on a setting that is not there',
      { schema: CLOSED, rules: [{ type: 'MultipleOf', key: 'scna', divisor: 2, severity: 'error', message: 'x' }] },
      'rules.0',
    ],
    ['a nudge for an agent that reports no settings', { nudge: true, acknowledgement: { type: 'Pnp' } }, 'nudge'],
    ['a misspelt sensitive setting', { schema: CLOSED, sensitive: ['tokn'] }, 'sensitive.0'],
    ['a misspelt preserved setting', { schema: CLOSED, preserve: ['scan', 'tokn'] }, 'preserve.1'],
    [
      'a comparator for no setting',
      { schema: CLOSED, comparators: [{ keys: ['scna'], comparator: 'duration' }] },
      'comparators.0.keys.0',
    ],
  ])('%s', (_sentence, spec, want) => {
    expect(problemsOf(spec).map(({ path }) => path.join('.'))).toEqual([want]);
  });

  test('what is denied may be sensitive without a place in the schema', () => {
    expect(problemsOf({ schema: CLOSED, deny: ['uploadKey'], sensitive: ['uploadKey', 'token', 'x*'] })).toEqual([]);
  });

  test('a bad schema does no harm to those that come after', () => {
    problemsOf({ schema: { $id: 'https://json-schema.org/draft/2020-12/schema' } });
    problemsOf({ schema: { $id: 'same', type: 'object' } });
    const second = profileOf({ schema: { $id: 'same', type: 'object', properties: { a: { type: 'string' } } } });
    expect(checkSettings(second, { a: 1 }).map(({ code }) => code)).toEqual(['TW1302']);
  });
});

test('section pointers escape as in RFC 6901', () => {
  expect(parsePointer('/a~1b/c~0d')).toEqual(['a/b', 'c~d']);
  expect(profileOf({ section: '/a~1b' }).section).toEqual(['a/b']);
  expect(profileOf({ section: '' }).section).toEqual([]);
});
