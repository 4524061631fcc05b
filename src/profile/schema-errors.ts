// What every schema error is told with: the value it means, what the schema says of it, how types and values are spelled.
import type { ErrorObject } from 'ajv';
import { getKey, getPath, isObject, type Json } from '../model/json.ts';

/** The value at a path of keys and, in lists, of indices. */
export function valueAt(root: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isObject(value) ? getKey(value, key) : undefined;
  }
  return value;
}

/** What the schema says of a value, or of one of its members. */
export function descriptionOf(schema: ErrorObject['parentSchema'], member?: string): string | undefined {
  const described: unknown = member === undefined ? schema : getPath(schema, ['properties', member]);
  const description = isObject(described) ? described['description'] : undefined;
  return typeof description === 'string' ? description : undefined;
}

/** A type of JSON Schema with its article. */
export function article(type: string): string {
  if (type === 'array') return 'a list';
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

const SHOWN_CHARACTERS_MAX = 80;

export function shorten(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text;
}

const YAML_1_1_BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['on', true],
  ['no', false],
  ['off', false],
]);

/** What a text meant as a boolean in YAML 1.1; undefined where it did not. */
export function yaml11Boolean(text: string): boolean | undefined {
  return YAML_1_1_BOOLEANS.get(text.toLowerCase());
}
