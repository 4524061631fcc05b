// JSON Schema 2020-12 for settings: the one configured compiler, with the formats the agents know.
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { JsonObject } from '../model/json.ts';
import { isAgentDuration } from './duration.ts';

let compiler: Ajv2020 | undefined;

/** Throws where the schema is not one. Compiling takes milliseconds: keep the result. */
export function compileSchema(schema: JsonObject): ValidateFunction {
  compiler ??= createCompiler();
  return compiler.compile(schema);
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
