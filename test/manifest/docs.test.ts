// The reference pages say what the code says: every code, every field, every setting; and every example loads.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SCHEMAS, type Kind } from '../../src/manifest/schema.ts';
import { CODES } from '../../src/model/codes.ts';
import { isObject, type Json, type JsonObject } from '../../src/model/json.ts';
import { builtinProfiles } from '../../src/profile/builtin.ts';
import { file, load } from './fixture.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const CODES_PAGE = page('codes.md');
const MANIFESTS_PAGE = page('manifests.md');
const PROFILES_PAGE = page('profiles.md');

/** Cells of the table rows whose first cell is a code span. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => /^\| \**`/.test(line))
    .map((line) => line.slice(2, -2).split(' | '));
}

/** The text below a heading, up to the next one of its level. */
function chapter(text: string, heading: string): string {
  const from = text.indexOf(`\n## ${heading}\n`);
  const to = text.indexOf('\n## ', from + 1);
  return text.slice(from, to === -1 ? undefined : to);
}

test('codes.md has every code, with severity, title, cause and what to do', () => {
  const told = rows(CODES_PAGE).map(([code, severity, title]) => [code, severity, title]);
  expect(told).toEqual(Object.entries(CODES).map(([code, { severity, title }]) => [`\`${code}\``, severity, title]));
  for (const [, , , cause = '', mend = ''] of rows(CODES_PAGE)) expect(`${cause}\n${mend}`).toMatch(/^.+\.\n.+\.$/);
});

describe('manifests.md', () => {
  test.each(Object.keys(SCHEMAS) as Kind[])('has every field of %s, and no others', (kind) => {
    const fields = fieldsOf(SCHEMAS[kind] as unknown as JsonObject).filter((field) => !field.includes('selector.'));
    const common = chapter(MANIFESTS_PAGE, 'Every kind');
    const told = [...rows(common), ...rows(chapter(MANIFESTS_PAGE, kind))].map(([field = '']) => field);
    expect(told.map((field) => field.replaceAll(/[*`]/g, '')).toSorted()).toEqual(fields.toSorted());
  });

  test('has every field of selectors', () => {
    const fields = fieldsOf(SCHEMAS.DeviceGroup as unknown as JsonObject).filter((field) =>
      field.includes('selector.'),
    );
    const told = rows(chapter(MANIFESTS_PAGE, 'Selectors')).map(
      ([field = '']) => `spec.${field.replaceAll(/[*`]/g, '')}`,
    );
    expect(told.toSorted()).toEqual(fields.toSorted());
  });

  test('has the defaults of the schemas', () => {
    for (const [field, value] of defaultsOf(SCHEMAS.SecurityConfiguration as unknown as JsonObject)) {
      expect(rows(MANIFESTS_PAGE)).toContainEqual([
        `\`${field}\``,
        expect.any(String),
        `\`${value}\``,
        expect.any(String),
      ]);
    }
  });
});

describe('profiles.md', () => {
  test.each([...builtinProfiles()])('says what %s is', (name, profile) => {
    const row = rows(PROFILES_PAGE).find(([first]) => first === `\`${name}\``) ?? [];
    expect(row.map((cell) => cell.replaceAll('`', ''))).toEqual([
      name,
      profile.moduleId === '' ? 'yours' : profile.moduleId,
      profile.section.length === 0 ? 'the root' : `/${profile.section.join('/')}`,
      profile.encoding,
      profile.patchGranularity,
      profile.acknowledgement.type,
      profile.endOfSupport ?? 'none',
    ]);
  });

  test.each(['defender-legacy', 'defender-micro-agent'])('has every setting of %s with its default', (name) => {
    const profile = builtinProfiles().get(name);
    const properties = profile?.schema['properties'] as JsonObject;
    const want = Object.keys(properties).map((key) => [
      key,
      profile?.defaults[key] ?? 'none',
      descriptionOf(properties[key]),
    ]);
    const told = rows(chapter(PROFILES_PAGE, name)).map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
    expect(told.map(([key, , byDefault, meaning]) => [key, byDefault, meaning])).toEqual(
      want.map((cells) => cells.map(String)),
    );
  });
});

const EXAMPLES = ['manifests.md', 'profiles.md'].flatMap((name) =>
  [...page(name).matchAll(/```(?:yaml|json)\n([\s\S]*?)```/g)].map(([, text = ''], index) => ({ name, index, text })),
);

describe('examples', () => {
  test('there are some on every page', () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(6);
  });

  test.each(EXAMPLES)('$name, number $index loads', ({ name, text }) => {
    const problems = load(file(name, withHubs(text))).diagnostics.filter(({ severity }) => severity === 'error');
    expect(problems).toEqual([]);
  });
});

/** Examples that name hubs without declaring them. */
function withHubs(text: string): string {
  if (!text.includes('hubs: [') || text.includes('kind: Hub')) return text;
  const hub = (name: string): string =>
    `---\napiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: ${name}}\nspec: {hostName: ${name}.example.net}\n`;
  return `${text}${hub('prod')}${hub('dev')}`;
}

function fieldsOf(schema: JsonObject, path = ''): string[] {
  const found = new Set<string>();
  visit(schema, path, (field) => found.add(field));
  return [...found];
}

function defaultsOf(schema: JsonObject): [string, string][] {
  const found: [string, string][] = [];
  visit(schema, '', (field, { default: value }) => {
    if (value !== undefined) found.push([field, String(value)]);
  });
  return found;
}

function visit(schema: Json | undefined, path: string, see: (field: string, schema: JsonObject) => void): void {
  if (!isObject(schema)) return;
  const { anyOf, items, properties } = schema;
  if (Array.isArray(anyOf)) for (const branch of anyOf) visit(branch, path, see);
  visit(items, `${path}[]`, see);
  for (const [key, value] of Object.entries(isObject(properties) ? properties : {})) {
    const field = path === '' ? key : `${path}.${key}`;
    if (isObject(value)) see(field, value);
    visit(value, field, see);
  }
}

function descriptionOf(schema: Json | undefined): string {
  return isObject(schema) ? String(schema['description']) : '';
}
