// Text to declared state: parse, shape, references, settings, overlaps. Resources and every problem at once; never throws.
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
  /** Undefined where there is any error. No clock is at hand: `loadedAt` tells exceptions that have ended apart. */
  readonly declared: Declared | undefined;
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly resources: readonly LoadedResource[];
  /** Documents that hold something. */
  readonly documents: number;
  /** What only time can tell, see `loadedAt`: about exceptions, and about agents. */
  readonly exceptionProblems: CompiledSource['exceptionProblems'];
  readonly supportProblems: CompiledSource['supportProblems'];
}

export function loadManifests(snapshot: Snapshot): Loaded {
  return load(snapshot, snapshot.files.map(parseFile));
}

/** For who loads again and again: a file that did not change since the last time is not parsed once more. */
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
    const hint = 'Folders are searched for .yaml, .yml and .json. An empty input removes nothing.';
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
