// Plain settings against their profile: the schema, what may not be declared, and what no twin can hold.
import type { ErrorObject, ValidateFunction } from 'ajv';
import { getKey, isObject, type Json, type JsonObject } from '../model/json.ts';
import type { Profile } from '../model/profile.ts';
import { closest } from '../model/similarity.ts';
import { matchesPattern } from './patterns.ts';
import { compileSchema } from './schema-compiler.ts';
import { findTwinProblems, type SettingProblem } from './twin-rules.ts';

const validators = new WeakMap<Profile, ValidateFunction>();

export function checkSettings(profile: Profile, settings: JsonObject): SettingProblem[] {
  const problems: SettingProblem[] = findTwinProblems(settings, profile.section.length);
  for (const key of Object.keys(settings)) {
    if (!matchesPattern(key, profile.deny)) continue;
    const message = `"${key}" can't be declared: profile "${profile.name}" always preserves what the device has.`;
    problems.push({ code: 'TW1306', path: [key], message, hint: 'Remove it from the settings.' });
  }
  const validate = validatorOf(profile);
  if (validate(settings)) return problems;
  const known = new Set(problems.map(({ path }) => JSON.stringify(path)));
  for (const problem of explainErrors(profile, settings, validate.errors ?? [])) {
    if (!known.has(JSON.stringify(problem.path))) problems.push(problem);
  }
  return problems;
}

/** Names the schema knows at the top level; undefined where it allows any name. */
export function knownSettings(profile: Profile): readonly string[] | undefined {
  const { additionalProperties, properties, patternProperties } = profile.schema;
  if (additionalProperties !== false || patternProperties !== undefined) return undefined;
  return isObject(properties) ? Object.keys(properties) : [];
}

/** Why the profile takes no setting of this name, in words, or undefined where it does. */
export function unknownSetting(
  profile: Profile,
  name: string,
): { message: string; hint: string | undefined } | undefined {
  const { properties, patternProperties, additionalProperties } = profile.schema;
  const names = isObject(properties) ? Object.keys(properties) : [];
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  if (additionalProperties !== false || names.includes(name)) return undefined;
  if (patterns.some((pattern) => new RegExp(pattern, 'u').test(name))) return undefined;
  return { message: `Profile "${profile.name}" has no setting "${name}".`, hint: didYouMean(name, names) };
}

function validatorOf(profile: Profile): ValidateFunction {
  let validate = validators.get(profile);
  if (validate === undefined) {
    validate = compileSchema(profile.schema);
    validators.set(profile, validate);
  }
  return validate;
}

function explainErrors(profile: Profile, settings: JsonObject, errors: readonly ErrorObject[]): SettingProblem[] {
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  const shown = errors.filter(
    (error) =>
      alternatives.includes(error) ||
      !alternatives.some(({ schemaPath }) => error.schemaPath.startsWith(`${schemaPath}/`)),
  );
  return shown.map((error) => explain(profile, settings, error));
}

function explain(profile: Profile, settings: JsonObject, error: ErrorObject): SettingProblem {
  const path = error.instancePath === '' ? [] : error.instancePath.slice(1).split('/').map(unescapeText);
  const params: JsonObject = isObject(error.params) ? error.params : {};
  const name = path.join('.');
  const isSensitive = path.length > 0 && matchesPattern(path[0] as string, profile.sensitive);
  const value = isSensitive ? 'the value' : JSON.stringify(valueAt(settings, path));
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = textOf(params['additionalProperty'] ?? params['unevaluatedProperty']);
      const siblings =
        isObject(error.parentSchema) && isObject(error.parentSchema['properties'])
          ? error.parentSchema['properties']
          : {};
      const message = `Profile "${profile.name}" has no setting "${[...path, key].join('.')}".`;
      return { code: 'TW1301', path: [...path, key], message, hint: didYouMean(key, Object.keys(siblings)) };
    }
    case 'type':
      return {
        code: 'TW1302',
        path,
        message: `"${name}" must be ${article(textOf(params['type']))}, not ${value}.`,
        hint: quoteHint(valueAt(settings, path), textOf(params['type'])),
      };
    case 'enum':
    case 'const': {
      const allowed =
        (error.keyword === 'enum' ? (params['allowedValues'] as Json[]) : [params['allowedValue'] as Json]) ?? [];
      const texts = allowed.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
      const current = valueAt(settings, path);
      const near = typeof current === 'string' && !isSensitive ? nearest(current, texts) : undefined;
      return {
        code: 'TW1303',
        path,
        message: `"${name}" can't be ${value}.`,
        hint:
          near === undefined
            ? `Use one of: ${texts.join(', ')}.`
            : `Did you mean "${near}"? Allowed: ${texts.join(', ')}.`,
      };
    }
    case 'pattern':
    case 'format':
      return { code: 'TW1304', path, message: `"${name}" can't be ${value}: ${formOf(error)}.`, hint: undefined };
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'multipleOf':
      return {
        code: 'TW1305',
        path,
        message: `"${name}" is out of range: ${value} ${error.message ?? ''}.`,
        hint: undefined,
      };
    default:
      return {
        code: 'TW1307',
        path,
        message: `"${name}" does not fit profile "${profile.name}": ${error.message ?? error.keyword}.`,
        hint: undefined,
      };
  }
}

/** What the value should look like: the schema's own words where it has them. */
function formOf(error: ErrorObject): string {
  const description = isObject(error.parentSchema) ? error.parentSchema['$comment'] : undefined;
  if (typeof description === 'string') return description;
  return error.keyword === 'format'
    ? `it must be a ${String(error.params['format'])}`
    : (error.message ?? 'wrong form');
}

function quoteHint(value: Json | undefined, type: string): string | undefined {
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `Put it in quotes: "${value}".`;
  if (type !== 'string' && typeof value === 'string') return 'Write it without quotes.';
  return undefined;
}

function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const near = nearest(name, candidates);
  return near === undefined ? undefined : `Did you mean "${near}"?`;
}

function nearest(word: string, candidates: readonly string[]): string | undefined {
  return candidates.find((candidate) => candidate.toLowerCase() === word.toLowerCase()) ?? closest(word, candidates);
}

function valueAt(root: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isObject(value) ? getKey(value, key) : undefined;
  }
  return value;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unescapeText(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
