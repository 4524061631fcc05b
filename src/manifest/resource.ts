// One resource, with a way back to the line of any of its values.
import type { Code } from '../model/codes.ts';
import type { Diagnostic, Origin } from '../model/diagnostic.ts';
import type { DocumentPath } from './document.ts';
import type { Kind } from './schema.ts';

/** A resource whose shape is right. Paths are steps from the resource's own root. */
export interface Resource<M = unknown> {
  readonly kind: Kind;
  readonly name: string;
  /** `Kind/name`. */
  readonly id: string;
  readonly manifest: M;
  readonly origin: Origin;
  /** The folder that paths in the manifest are relative to. */
  readonly folder: string;
  originOf(path: DocumentPath, part?: 'key' | 'value'): Origin;
  problem(code: Code, path: DocumentPath, message: string, hint?: string, part?: 'key' | 'value'): Diagnostic;
}
