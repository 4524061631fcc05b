// One resource, with the origin of each of its values.
import type { Code } from '../model/codes.ts';
import type { Diagnostic, Origin } from '../model/diagnostic.ts';
import type { DocumentPath } from './document.ts';
import type { Kind } from './schema.ts';

/** A valid resource. Paths are steps from its root. */
export interface Resource<M = unknown> {
  readonly kind: Kind;
  readonly name: string;
  /** `Kind/name`. */
  readonly id: string;
  readonly manifest: M;
  readonly origin: Origin;
  /** The base folder for paths in the manifest. */
  readonly folder: string;
  originOf(path: DocumentPath, part?: 'key' | 'value'): Origin;
  problem(code: Code, path: DocumentPath, message: string, hint?: string, part?: 'key' | 'value'): Diagnostic;
}
