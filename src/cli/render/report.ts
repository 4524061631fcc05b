// Output that all commands share: JSON documents on stdout, problems and failures.
import type { Diagnostic } from '../../model/diagnostic.ts';
import { SCHEMA_VERSION } from '../../model/schema-version.ts';
import type { CliFailure } from '../failure.ts';
import { createStyle } from './style.ts';
import { countOf } from './table.ts';
import type { World } from '../world.ts';

export type Format = 'text' | 'json';

/** One document; `kind` names its type. */
export function writeDocument({ out }: Pick<World, 'out'>, kind: string, fields: object): void {
  out.write(documentText(kind, fields));
}

export function documentText(kind: string, fields: object): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, kind, ...fields }, null, 2)}\n`;
}

/** For errors that are no failure of the world. */
export function writeBug({ err }: Pick<World, 'err'>, error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  err.write(`This is a bug in Twinward. Please report it with these lines:\n${stack}\n`);
}

export function writeFailure(world: World, format: Format, failure: CliFailure): void {
  const { message, hint, exitCode } = failure;
  if (format === 'json') {
    writeDocument(world, 'Failure', { message, ...(hint === undefined ? {} : { hint }), exitCode });
  }
  const style = createStyle(world.env, world.err);
  world.err.write(`${style.red('error')} ${message}\n${hint === undefined ? '' : `      ${hint}\n`}`);
}

/** A warning about a hub, not about a manifest. */
export function writeWarning(world: Pick<World, 'env' | 'err'>, message: string): void {
  world.err.write(`${createStyle(world.env, world.err).yellow('warning')} ${message}\n`);
}

/** `manifests/atm.yaml:12:7 error TW1102 message`, one line each, with the hint below. */
export function writeDiagnostics(world: World, diagnostics: readonly Diagnostic[]): void {
  const style = createStyle(world.env, world.err);
  for (const { file, line, column, severity, code, message, path, hint } of diagnostics) {
    const label = severity === 'error' ? style.red(severity) : style.yellow(severity);
    const place = style.bold(`${file}:${line}:${column}`);
    const where = path === '' ? '' : style.dim(`  (${path})`);
    world.err.write(`${place} ${label} ${code} ${message}${where}\n`);
    if (hint !== undefined) world.err.write(`    ${hint}\n`);
  }
}

/** `2 errors, 1 warning: TW2104`; codes only if there are few. */
export function countProblems(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning');
  const codes = [...new Set(warnings.map(({ code }) => code))];
  const named = codes.length === 0 || codes.length > 3 ? '' : ` (${codes.join(', ')})`;
  return `${countOf(errors.length, 'error')}, ${countOf(warnings.length, 'warning')}${named}`;
}
