// JSON Schema 2020-12 for settings: the one configured compiler, with the agents' formats.
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { JsonObject } from '../model/json.ts';
import { isAgentDuration } from './duration.ts';

let compiler: Ajv2020 | undefined;
/** Compiling takes milliseconds, so compile each schema object once. */
const compiled = new WeakMap<JsonObject, ValidateFunction>();

/** Throws if the schema is invalid. */
export function compileSchema(schema: JsonObject): ValidateFunction {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    refuseSurprises(schema);
    compiler ??= createCompiler();
    validate = compiler.compile(schema);
    // The compiler would keep it for ever, and a controller reads new manifests for months.
    compiler.removeSchema(schema);
    compiled.set(schema, validate);
  }
  return validate;
}

/** Refuses keywords that the compiler accepts but that would break us. */
function refuseSurprises({ $async, $id }: JsonObject): void {
  // Such a schema's validator returns a promise, which our callers do not await.
  if ($async !== undefined) throw new Error('"$async" has no meaning for settings');
  if (typeof $id === 'string' && /^https?:\/\/json-schema\.org\//.test($id)) {
    throw new Error(`"$id" ${$id} belongs to JSON Schema itself`);
  }
}

function createCompiler(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allowUnionTypes: true,
    addUsedSchema: false,
    logger: false,
  });
  formats.default(ajv);
  ajv.addFormat('agent-duration', isAgentDuration);
  return ajv;
}
