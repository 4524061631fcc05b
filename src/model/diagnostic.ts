// A problem in a manifest: stable code, place, cause and next step.
import { compareText } from './text.ts';
import { CODES, type Code, type Severity } from './codes.ts';

/** A place in the manifests. Lines and columns count from 1; columns count UTF-16 units. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Diagnostic extends Origin {
  readonly code: Code;
  readonly severity: Severity;
  /** The problem in one sentence, with the offending value unless it is sensitive. */
  readonly message: string;
  /** Path of the offending value inside its document: `spec.settings.eventPriorityLogin`; "" for the document. */
  readonly path: string;
  /** The resource, if known: `SecurityConfiguration/baseline`. */
  readonly resource?: string;
  /** What to do next: a did-you-mean, the allowed values, a command. */
  readonly hint?: string;
}

/** Takes the severity from the table of codes. */
export function diagnose(
  code: Code,
  origin: Origin,
  message: string,
  details: { path?: string; resource?: string | undefined; hint?: string | undefined } = {},
): Diagnostic {
  return {
    code,
    severity: CODES[code].severity,
    file: origin.file,
    line: origin.line,
    column: origin.column,
    path: details.path ?? '',
    message,
    ...(details.resource === undefined ? {} : { resource: details.resource }),
    ...(details.hint === undefined ? {} : { hint: details.hint }),
  };
}

/** By file, line, column, code: the same input always prints the same list. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return compareOrigins(a, b) || compareText(a.code, b.code) || compareText(a.message, b.message);
}

/** By file, line, column. */
export function compareOrigins(a: Origin, b: Origin): number {
  return compareText(a.file, b.file) || a.line - b.line || a.column - b.column;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
