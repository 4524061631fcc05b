// Loads manifests: parse, shape, references, settings, overlaps. Returns resources and all problems at once; never
// throws.
import type { Declared } from '../model/declared.ts';
import { compareDiagnostics, diagnose, hasErrors, type Diagnostic, type Origin } from '../model/diagnostic.ts';
import type { Snapshot, SourceFile } from '../model/snapshot.ts';
import { compileDeclared, type CompiledSource } from './compile.ts';
import { parseFile, type ParsedFile } from './document.ts';
import { toResources } from './resources.ts';
import type { Kind } from './schema.ts';

export interface LoadedResource {
  readonly kind: Kind;
  readonly name: string;
  readonly origin: Origin;
}

export interface Loaded {
  /** Undefined after any error. Loading has no clock: `loadedAt` separates ended exceptions. */
  readonly declared: Declared | undefined;
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly resources: readonly LoadedResource[];
  /** Non-empty documents. */
  readonly documents: number;
  /** Problems that depend on the time, see `loadedAt`: of exceptions, and of agents. */
  readonly exceptionProblems: CompiledSource['exceptionProblems'];
  readonly supportProblems: CompiledSource['supportProblems'];
}

export function loadManifests(snapshot: Snapshot): Loaded {
  return load(snapshot, snapshot.files.map(parseFile));
}

/** For repeated loading: does not parse unchanged files again. */
export class ManifestLoader {
  #parsed: ReadonlyMap<string, { readonly file: SourceFile; readonly parsed: ParsedFile }> = new Map();

  load(snapshot: Snapshot): Loaded {
    const entries = snapshot.files.map((file) => {
      const known = this.#parsed.get(file.path);
      const isSame = known !== undefined && Buffer.compare(known.file.bytes, file.bytes) === 0;
      return isSame ? known : { file, parsed: parseFile(file) };
    });
    this.#parsed = new Map(entries.map((entry) => [entry.file.path, entry]));
    const parsed = entries.map((entry) => entry.parsed);
    return load(snapshot, parsed);
  }
}

function load(snapshot: Snapshot, parsed: readonly ParsedFile[]): Loaded {
  const diagnostics = parsed.flatMap((file) => file.diagnostics);
  const documents = parsed.flatMap((file) => file.documents);
  const { all, byKind } = toResources(documents, diagnostics);
  if (documents.length === 0 && diagnostics.length === 0) {
    const origin = { file: snapshot.files[0]?.path ?? '(no file)', line: 1, column: 1 };
    const hint = 'In folders, .yaml, .yml and .json files are read. An empty input removes nothing.';
    diagnostics.push(diagnose('TW2105', origin, 'No manifest was found.', { hint }));
  }
  const { declared, exceptionProblems, supportProblems } = compileDeclared(byKind, snapshot, diagnostics);
  return {
    declared: hasErrors(diagnostics) ? undefined : declared,
    diagnostics: diagnostics.toSorted(compareDiagnostics),
    resources: all.map(({ kind, name, origin }) => ({ kind, name, origin })),
    documents: documents.length,
    exceptionProblems,
    supportProblems,
  };
}
