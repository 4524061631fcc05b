// Turns schema errors into actionable problems: one for each real mistake, with a did-you-mean.
import type { ErrorObject } from 'ajv';
import type { Diagnostic } from '../model/diagnostic.ts';
import { getKey, getPath, isObject, parsePointer, type Json, type JsonObject } from '../model/json.ts';
import { closest } from '../model/similarity.ts';
import { compileSchema } from '../profile/schema-compiler.ts';
import { article, demandOf, descriptionOf, shorten, valueAt, yaml11Boolean } from '../profile/schema-errors.ts';
import type { DocumentPath } from './document.ts';
import type { Resource } from './resource.ts';
import { NOT_YET, SCHEMAS } from './schema.ts';

export function checkShape(resource: Resource, json: JsonObject): Diagnostic[] {
  const problems = [...findNotYet(resource, json), ...(holdsSecret(json) ? findSecrets(resource, json) : [])];
  const validate = compileSchema(SCHEMAS[resource.kind] as unknown as JsonObject);
  if (validate(json)) return problems;
  const refused = new Set(problems.map(({ path }) => path));
  for (const error of withoutAlternatives(json, validate.errors ?? [])) {
    const problem = explain(resource, json, error);
    if (!refused.has(problem.path)) problems.push(problem);
  }
  return problems;
}

/**
 * If a value matches none of several shapes, keeps the errors of the one that its `type` selects, or only that error.
 */
function withoutAlternatives(json: JsonObject, errors: readonly ErrorObject[]): ErrorObject[] {
  let rest = errors;
  for (const outer of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const chosen = chosenBranch(outer, valueAt(json, pathOf(outer)));
    const inside = `${outer.schemaPath}/`;
    rest = rest.filter((error) => {
      if (error === outer) return chosen === undefined;
      const isOfOther = error.instancePath.startsWith(outer.instancePath) && error.schemaPath.startsWith(inside);
      return !isOfOther || (chosen !== undefined && error.schemaPath.startsWith(`${inside}${chosen}/`));
    });
  }
  return [...rest];
}

function chosenBranch(error: ErrorObject, value: Json | undefined): number | undefined {
  const type = isObject(value) ? getKey(value, 'type') : undefined;
  const index = branchesOf(error).findIndex((branch) => type !== undefined && typeOfBranch(branch) === type);
  return index === -1 ? undefined : index;
}

function branchesOf({ parentSchema }: ErrorObject): readonly JsonObject[] {
  const branches = parentSchema?.['anyOf'];
  return Array.isArray(branches) ? branches.filter((branch) => isObject(branch)) : [];
}

/** The `type` of values of this shape. */
function typeOfBranch(branch: JsonObject): Json | undefined {
  return getPath(branch, ['properties', 'type', 'const']);
}

function findNotYet(resource: Resource, json: JsonObject): Diagnostic[] {
  const spec = getKey(json, 'spec');
  if (!isObject(spec)) return [];
  return (NOT_YET[resource.kind] ?? [])
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

/** A connection string with its key, or a SAS token. */
const SECRET = /SharedAccessKey\s*=|SharedAccessSignature[\s=]/i;

function holdsSecret(json: Json): boolean {
  if (typeof json === 'string') return SECRET.test(json);
  return typeof json === 'object' && json !== null && Object.values(json).some(holdsSecret);
}

function findSecrets(resource: Resource, json: Json, path: DocumentPath = []): Diagnostic[] {
  if (typeof json === 'string') {
    if (!SECRET.test(json)) return [];
    const hint =
      'Name an environment variable or a file with `secretRef`, and replace the secret: others may know it now.';
    return [resource.problem('TW1110', path, 'A connection string or key is written into the manifest.', hint)];
  }
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => findSecrets(resource, value, [...path, key]));
}

function explain(resource: Resource, json: JsonObject, error: ErrorObject): Diagnostic {
  const path = pathOf(error);
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
    case 'required': {
      const missing = String(params['missingProperty']);
      const hint = descriptionOf(error.parentSchema, missing) ?? `Add \`${missing}:\`.`;
      return resource.problem('TW1103', path, `${name} lacks "${missing}".`, hint);
    }
    case 'type': {
      const type = String(params['type']);
      const hint = spellingHint(error, type, value) ?? descriptionOf(error.parentSchema);
      if (value === null)
        return resource.problem('TW1104', path, `${name} is empty, and must be ${article(type)}.`, hint);
      return resource.problem('TW1104', path, `${name} must be ${article(type)}, not ${kindOf(value)}.`, hint);
    }
    case 'anyOf':
      return explainAlternatives(resource, path, name, value, error);
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
      return resource.problem('TW1105', path, `${name} can't be ${kindOf(value)}.`, hint);
    }
    case 'pattern':
    case 'format': {
      // A description is clearer than a regular expression.
      const hint = descriptionOf(error.parentSchema);
      const form = hint === undefined ? `: it ${demandOf(error)}` : '';
      return resource.problem('TW1106', path, `${name} can't be ${kindOf(value)}${form}.`, hint);
    }
    default: {
      const message = `${name} can't be ${kindOf(value)}: it ${demandOf(error)}.`;
      return resource.problem('TW1106', path, message, descriptionOf(error.parentSchema));
    }
  }
}

/** Alternatives are shapes with a distinct `type`, or simple types. */
function explainAlternatives(
  resource: Resource,
  path: DocumentPath,
  name: string,
  value: Json | undefined,
  error: ErrorObject,
): Diagnostic {
  const branches = branchesOf(error);
  const types = branches.map(typeOfBranch).filter((type) => typeof type === 'string');
  if (types.length === 0 || !isObject(value)) {
    const simple =
      types.length > 0 ? ['object'] : branches.flatMap(({ type }) => (typeof type === 'string' ? [type] : []));
    const isOfSuchType = simple.includes(typeof value) || (simple.includes('integer') && typeof value === 'number');
    if (isOfSuchType) {
      return resource.problem('TW1106', path, `${name} can't be ${kindOf(value)}.`, descriptionOf(error.parentSchema));
    }
    const message = `${name} must be ${simple.map(article).join(' or ')}, not ${kindOf(value)}.`;
    return resource.problem('TW1104', path, message, descriptionOf(error.parentSchema));
  }
  const type = getKey(value, 'type');
  if (type === undefined) {
    return resource.problem('TW1103', path, `${name} lacks "type".`, `Use one of: ${types.join(', ')}.`);
  }
  const near = typeof type === 'string' ? closest(type, types) : undefined;
  const hint = near === undefined ? `Use one of: ${types.join(', ')}.` : `Did you mean "${near}"?`;
  const at = [...path, 'type'];
  return resource.problem('TW1105', at, `"${at.join('.')}" can't be ${kindOf(type)}.`, hint);
}

function spellingHint({ parentSchema }: ErrorObject, type: string, value: Json | undefined): string | undefined {
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    const pattern: unknown = parentSchema?.['pattern'];
    const isEnough = typeof pattern !== 'string' || new RegExp(pattern, 'u').test(String(value));
    return isEnough ? `Put it in quotes: "${value}".` : undefined;
  }
  if (typeof value !== 'string') return undefined;
  if (type === 'object' && /^[\w.-]+:\S/.test(value)) return 'A space must follow the colon after a key.';
  if (type === 'boolean') {
    const meant = yaml11Boolean(value);
    return meant === undefined ? undefined : `Write ${meant}.`;
  }
  return type === 'array' ? 'Write it in brackets: [...].' : undefined;
}

function pathOf({ instancePath }: ErrorObject): string[] {
  return parsePointer(instancePath) ?? [];
}

/** Lists and objects are not printed: they may be long, and contain sensitive values. */
function kindOf(value: Json | undefined): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : shorten(value);
}
