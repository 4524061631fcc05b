// Checks plain settings against their profile: the schema, forbidden settings, and the limits of a twin.
import type { ErrorObject } from 'ajv';
import { escapeSegment, isObject, parsePointer, type Json, type JsonObject } from '../model/json.ts';
import type { Profile } from '../model/profile.ts';
import { closest } from '../model/similarity.ts';
import { atomName, isEnvelopeKey } from './encode.ts';
import { matchesPattern } from './patterns.ts';
import { compileSchema } from './schema-compiler.ts';
import { article, demandOf, descriptionOf, shorten, valueAt, yaml11Boolean } from './schema-errors.ts';
import { findTwinProblems, type SettingProblem } from './twin-rules.ts';

export function checkSettings(profile: Profile, settings: JsonObject): SettingProblem[] {
  const problems = [...findTwinProblems(settings, profile.section.length), ...findForbidden(profile, settings)];
  const validate = compileSchema(profile.schema);
  if (validate(settings)) return problems;
  const known = new Set(problems.map(({ path }) => JSON.stringify(path)));
  for (const problem of explainErrors(profile, settings, validate.errors ?? [])) {
    if (!known.has(JSON.stringify(problem.path))) problems.push(problem);
  }
  return problems;
}

/** Settings that must not be declared: those the profile denies, and the members it adds itself. */
function findForbidden(profile: Profile, settings: JsonObject, above: readonly string[] = []): SettingProblem[] {
  if (profile.deny.length === 0 && profile.envelope === undefined) return [];
  const problems: SettingProblem[] = [];
  const prefix = above.map((segment) => `${escapeSegment(segment)}/`).join('');
  for (const key of Object.keys(settings)) {
    const value = settings[key];
    const why = matchesPattern(prefix + escapeSegment(key), profile.deny)
      ? 'always preserves the value on the twin'
      : isEnvelope(profile, key, above.length)
        ? 'adds it itself'
        : undefined;
    if (why !== undefined) {
      const path = [...above, key];
      const message = `"${path.join('.')}" can't be declared: profile "${profile.name}" ${why}.`;
      problems.push({ code: 'TW1306', path, message, hint: 'Remove it from the settings.' });
    } else if (isObject(value)) {
      problems.push(...findForbidden(profile, value, [...above, key]));
    }
  }
  return problems;
}

/** `depth`: how many objects of the settings are above the key. */
function isEnvelope(profile: Profile, key: string, depth: number): boolean {
  const isComponentAtRoot = profile.encoding === 'PnpComponent' && profile.section.length === 0;
  return isEnvelopeKey(profile, key) && depth === (isComponentAtRoot ? 1 : 0);
}

/** Explains why the profile has no setting of this name; undefined if it has. */
export function unknownSetting(
  profile: Profile,
  name: string,
): { message: string; hint: string | undefined } | undefined {
  if (profile.schema['additionalProperties'] !== false || knowsSetting(profile, name)) return undefined;
  const hint = didYouMean(name, settingNames(profile));
  return { message: `Profile "${profile.name}" has no setting "${name}".`, hint };
}

/** True if the schema names this setting, and does not just accept any name. */
export function knowsSetting(profile: Profile, name: string): boolean {
  const { patternProperties } = profile.schema;
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  return settingNames(profile).includes(name) || patterns.some((pattern) => new RegExp(pattern, 'u').test(name));
}

/** Settings that the schema names. */
export function settingNames({ schema }: Profile): readonly string[] {
  const { properties } = schema;
  return isObject(properties) ? Object.keys(properties) : [];
}

function explainErrors(profile: Profile, settings: JsonObject, errors: readonly ErrorObject[]): SettingProblem[] {
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  const shown = errors.filter(
    (error) =>
      // An "if" only says that its "then" failed, which the list contains too.
      error.keyword !== 'if' &&
      (alternatives.includes(error) ||
        !alternatives.some(({ schemaPath }) => error.schemaPath.startsWith(`${schemaPath}/`))),
  );
  return shown.map((error) => explain(profile, settings, error));
}

/** A text in place of an object with a secret may be that secret: a pattern's parent counts too. */
function isSensitive(path: readonly string[], { sensitive }: Profile): boolean {
  const name = atomName(path);
  const above = sensitive
    .map((pattern) => pattern.split('/'))
    .filter(({ length }) => length > path.length)
    .map((segments) => segments.slice(0, path.length).join('/'));
  return matchesPattern(name, sensitive) || matchesPattern(name, above);
}

function explain(profile: Profile, settings: JsonObject, error: ErrorObject): SettingProblem {
  const path = parsePointer(error.instancePath) ?? [];
  const params: JsonObject = isObject(error.params) ? error.params : {};
  const name = path.length === 0 ? 'The settings' : `"${path.join('.')}"`;
  const current = valueAt(settings, path);
  const isSecret = isSensitive(path, profile);
  const value = isSecret ? 'the sensitive value given' : showValue(current);
  const meaning = descriptionOf(error.parentSchema);
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
        message: `${name} must be ${typeText(params['type'])}, not ${value}.`,
        hint: (isSecret ? undefined : spellingHint(current, textOf(params['type']))) ?? meaning,
      };
    case 'enum':
    case 'const': {
      const allowed =
        (error.keyword === 'enum' ? (params['allowedValues'] as Json[]) : [params['allowedValue'] as Json]) ?? [];
      const texts = allowed.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
      const near = typeof current === 'string' && !isSecret ? nearest(current, texts) : undefined;
      return {
        code: 'TW1303',
        path,
        message: `${name} can't be ${value}.`,
        hint:
          near === undefined
            ? `Use one of: ${texts.join(', ')}.`
            : `Did you mean "${near}"? Allowed: ${texts.join(', ')}.`,
      };
    }
    case 'pattern':
    case 'format':
      return { code: 'TW1304', path, message: `${name} can't be ${value}: ${formOf(error)}.`, hint: meaning };
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
        message: `${name} can't be ${value}: it ${demandOf(error)}.`,
        hint: meaning,
      };
    default:
      return {
        code: 'TW1307',
        path,
        message: `${name} ${path.length === 0 ? 'do' : 'does'} not fit profile "${profile.name}": ${demandOf(error)}.`,
        hint: meaning,
      };
  }
}

/** The required form: the schema's own words if it has any. */
function formOf(error: ErrorObject): string {
  const form = isObject(error.parentSchema) ? error.parentSchema['$comment'] : undefined;
  if (typeof form === 'string') return form;
  return error.keyword === 'format'
    ? `it must be a ${String(error.params['format'])}`
    : `it must match ${String(error.params['pattern'])}`;
}

/** Lists and objects are not printed: they may be long, and contain sensitive values. */
function showValue(value: Json | undefined): string {
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return shorten(value);
}

/** Hints at a wrong spelling: too many or too few quotes, or a boolean of YAML 1.1. */
function spellingHint(value: Json | undefined, type: string): string | undefined {
  if (type === 'string') {
    return typeof value === 'number' || typeof value === 'boolean' ? `Put it in quotes: "${value}".` : undefined;
  }
  if (typeof value !== 'string') return undefined;
  if (type === 'boolean') {
    const meant = yaml11Boolean(value);
    if (meant !== undefined) return `Write ${meant}.`;
    return value === 'true' || value === 'false' ? 'Write it without quotes.' : undefined;
  }
  const isNumber = (type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(value);
  return isNumber ? 'Write it without quotes.' : undefined;
}

const LISTED_MAX = 12;

/** A did-you-mean, or the available names. */
function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const near = nearest(name, candidates);
  if (near !== undefined) return `Did you mean "${near}"?`;
  if (candidates.length === 0) return undefined;
  return candidates.length <= LISTED_MAX
    ? `Known: ${candidates.join(', ')}.`
    : `It has ${candidates.length} settings; docs/profiles.md lists those of the built-in profiles.`;
}

function nearest(word: string, candidates: readonly string[]): string | undefined {
  return candidates.find((candidate) => candidate.toLowerCase() === word.toLowerCase()) ?? closest(word, candidates);
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function typeText(types: Json | undefined): string {
  return (Array.isArray(types) ? types : [types]).map((type) => article(textOf(type))).join(' or ');
}
