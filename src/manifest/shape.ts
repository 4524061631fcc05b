// Schema errors as problems people can act on: one for each real mistake, with a did-you-mean.
import type { ErrorObject, ValidateFunction } from 'ajv';
import type { Diagnostic } from '../model/diagnostic.ts';
import { getKey, isObject, type Json, type JsonObject } from '../model/json.ts';
import { closest } from '../model/similarity.ts';
import { compileSchema } from '../profile/schema-compiler.ts';
import type { DocumentPath } from './document.ts';
import type { Resource } from './resource.ts';
import { NOT_YET, SCHEMAS, type Kind } from './schema.ts';

const validators = new Map<Kind, ValidateFunction>();

export function checkShape(resource: Resource, json: JsonObject): Diagnostic[] {
  const problems = [...findNotYet(resource, json), ...findSecrets(resource, json)];
  const validate = validatorOf(resource.kind);
  if (validate(json)) return problems;
  const refused = new Set(problems.map(({ path }) => path));
  const errors = validate.errors ?? [];
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf').map(({ schemaPath }) => schemaPath);
  for (const error of errors) {
    if (alternatives.some((schemaPath) => error.schemaPath.startsWith(`${schemaPath}/`))) continue;
    const problem = explain(resource, json, error);
    if (!refused.has(problem.path)) problems.push(problem);
  }
  return problems;
}

function validatorOf(kind: Kind): ValidateFunction {
  let validate = validators.get(kind);
  if (validate === undefined) {
    validate = compileSchema(SCHEMAS[kind] as unknown as JsonObject);
    validators.set(kind, validate);
  }
  return validate;
}

function findNotYet(resource: Resource, json: JsonObject): Diagnostic[] {
  const spec = getKey(json, 'spec');
  if (!isObject(spec)) return [];
  return (NOT_YET.fields[resource.kind] ?? [])
    .filter((field) => Object.hasOwn(spec, field))
    .map((field) =>
      resource.problem(
        'TW1107',
        ['spec', field],
        `This version does not support "${field}" yet.`,
        'Remove the field.',
        'key',
      ),
    );
}

const SECRET = /SharedAccess(Key|Signature)\s*=/i;

function findSecrets(resource: Resource, json: Json, path: DocumentPath = []): Diagnostic[] {
  if (typeof json === 'string') {
    if (!SECRET.test(json)) return [];
    const hint =
      'Name an environment variable or a file with `secretRef`, and replace the secret: it may be known now.';
    return [resource.problem('TW1110', path, 'A connection string or key is written into the manifest.', hint)];
  }
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => findSecrets(resource, value, [...path, key]));
}

function explain(resource: Resource, json: JsonObject, error: ErrorObject): Diagnostic {
  const path = error.instancePath === '' ? [] : error.instancePath.slice(1).split('/').map(unescapePointer);
  const params = error.params as Record<string, unknown>;
  const name = path.join('.') === '' ? 'The document' : `"${path.join('.')}"`;
  const value = valueAt(json, path);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = isObject(error.parentSchema?.['properties']) ? Object.keys(error.parentSchema['properties']) : [];
      const near = known.find((field) => field.toLowerCase() === key.toLowerCase()) ?? closest(key, known);
      const hint = near === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean "${near}"?`;
      return resource.problem('TW1102', [...path, key], `Unknown field "${[...path, key].join('.')}".`, hint, 'key');
    }
    case 'required':
      return resource.problem('TW1103', path, `${name} lacks "${String(params['missingProperty'])}".`);
    case 'type': {
      const type = String(params['type']);
      const hint =
        type === 'string' && (typeof value === 'number' || typeof value === 'boolean')
          ? `Put it in quotes: "${value}".`
          : undefined;
      return resource.problem('TW1104', path, `${name} must be ${article(type)}, not ${kindOf(value)}.`, hint);
    }
    case 'enum':
    case 'const': {
      const allowed = (
        error.keyword === 'enum' ? (params['allowedValues'] as unknown[]) : [params['allowedValue']]
      ).map(String);
      const near =
        typeof value === 'string'
          ? (allowed.find((text) => text.toLowerCase() === value.toLowerCase()) ?? closest(value, allowed))
          : undefined;
      const hint =
        near === undefined
          ? `Use one of: ${allowed.join(', ')}.`
          : `Did you mean "${near}"? Allowed: ${allowed.join(', ')}.`;
      return resource.problem('TW1105', path, `${name} can't be ${JSON.stringify(value)}.`, hint);
    }
    default: {
      const form = error.parentSchema?.['description'];
      const hint = typeof form === 'string' ? form : undefined;
      return resource.problem(
        'TW1106',
        path,
        `${name} can't be ${shorten(value)}: it ${error.message ?? 'has the wrong form'}.`,
        hint,
      );
    }
  }
}

function valueAt(root: Json, path: DocumentPath): Json | undefined {
  let value: Json | undefined = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isObject(value) ? getKey(value, key) : undefined;
  }
  return value;
}

function kindOf(value: Json | undefined): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : shorten(value);
}

const SHOWN_CHARACTERS_MAX = 80;

function shorten(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text;
}

function article(type: string): string {
  if (type === 'array') return 'a list';
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
