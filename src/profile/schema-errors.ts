// Texts of schema errors: the offending value, the schema's demand, the spelling of types and values.
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

/** The schema's description of a value, or of one of its members. */
export function descriptionOf(schema: ErrorObject['parentSchema'], member?: string): string | undefined {
  const described: unknown = member === undefined ? schema : getPath(schema, ['properties', member]);
  const description = isObject(described) ? described['description'] : undefined;
  return typeof description === 'string' ? description : undefined;
}

/** The schema's demand, as the end of a sentence: `must be 1 or more`. For other keywords, the validator's words. */
export function demandOf({ keyword, params, message = 'has the wrong form' }: ErrorObject): string {
  const { limit } = params as { readonly limit?: number };
  switch (keyword) {
    case 'minimum':
      return `must be ${limit} or more`;
    case 'maximum':
      return `must be ${limit} or less`;
    case 'exclusiveMinimum':
      return `must be more than ${limit}`;
    case 'exclusiveMaximum':
      return `must be less than ${limit}`;
    case 'minLength':
    case 'minItems':
      return `must have ${limit} or more ${thingsOf(keyword, limit)}`;
    case 'maxLength':
    case 'maxItems':
      return `must have ${limit} or fewer ${thingsOf(keyword, limit)}`;
    case 'minProperties':
      return limit === 1 ? 'must not be empty' : `must have ${limit} or more members`;
    case 'multipleOf':
      return `must be a multiple of ${String((params as { readonly multipleOf?: number }).multipleOf)}`;
    case 'uniqueItems':
      return 'must not have the same item twice';
    default:
      return message;
  }
}

function thingsOf(keyword: string, limit: number | undefined): string {
  const thing = keyword.endsWith('Items') ? 'item' : 'character';
  return limit === 1 ? thing : `${thing}s`;
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

/** The boolean that YAML 1.1 reads from a text; undefined for other texts. */
export function yaml11Boolean(text: string): boolean | undefined {
  return YAML_1_1_BOOLEANS.get(text.toLowerCase());
}
