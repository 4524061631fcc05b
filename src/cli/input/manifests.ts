// Loads declared state from `-f`, for every command that reads manifests.
import type { Declared } from '../../model/declared.ts';
import { SourceError } from '../../model/errors.ts';
import type { Source } from '../../ports/source.ts';
import { loadedAt } from '../../manifest/expiry.ts';
import { loadManifests, type Loaded } from '../../manifest/load.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { directorySource } from '../../adapters/directory-source.ts';
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';
import { countProblems, writeDiagnostics, writeDocument, type Format } from '../render/report.ts';
import { valueOf, type World } from '../world.ts';

export const DEFAULT_PATH = 'manifests';

export interface SourceOptions {
  /** Files, folders or "-". */
  readonly file?: readonly string[];
  /** The input is the whole source, even a single file. */
  readonly whole?: boolean;
}

/** Changes come in bursts: saving in an editor causes several. */
const DEBOUNCE_MS = 250;

export function sourceOf(world: World, { file, whole }: SourceOptions): Source {
  return directorySource({
    paths: pathsOf(world, file),
    stdin: world.readInput,
    ...(whole === undefined ? {} : { whole }),
    debounceMs: DEBOUNCE_MS,
    clock: world.clock,
  });
}

/** The given paths, else the environment's, else the default folder. */
export function pathsOf({ env }: Pick<World, 'env'>, file: SourceOptions['file']): readonly string[] {
  return file ?? [valueOf(env, 'TWINWARD_MANIFESTS') ?? DEFAULT_PATH];
}

export interface Read {
  readonly snapshot: Snapshot;
  readonly loaded: Loaded;
}

export async function readManifests(world: World, options: SourceOptions): Promise<Read> {
  try {
    const snapshot = await sourceOf(world, options).read(world.interrupted);
    return { snapshot, loaded: loadedAt(loadManifests(snapshot), world.clock.now()) };
  } catch (error) {
    const isDefault = pathsOf(world, options.file).join('') === DEFAULT_PATH && options.file === undefined;
    const isDefaultMissing = isDefault && error instanceof SourceError && error.code === 'NotFound';
    if (!isDefaultMissing) throw error;
    throw new CliFailure(
      EXIT.Failed,
      `There is no folder "${DEFAULT_PATH}" here.`,
      'Give the path of the manifests: -f PATH.',
    );
  }
}

/** Which problems to print: read-only commands omit warnings, unless there is an error too. */
export type Shown = 'all' | 'errors';

export async function readDeclared(
  world: World,
  options: SourceOptions,
  format: Format,
  shown: Shown = 'all',
): Promise<Declared> {
  return declaredOrFail(world, await readManifests(world, options), format, shown);
}

/** Prints the problems, and fails on an error. */
export function declaredOrFail(world: World, { snapshot, loaded }: Read, format: Format, shown: Shown): Declared {
  const isShown = shown === 'all' || loaded.declared === undefined;
  if (isShown) writeDiagnostics(world, loaded.diagnostics);
  if (loaded.declared !== undefined) return loaded.declared;
  if (format === 'json') writeDocument(world, 'Validation', validationFields(snapshot, loaded));
  throw new InvalidManifests(loaded);
}

/** The problems have been printed already. */
export class InvalidManifests extends CliFailure {
  constructor({ diagnostics, documents }: Loaded) {
    super(
      EXIT.InvalidManifests,
      `The manifests can not be used: ${countProblems(diagnostics)} in ${documents} documents.`,
    );
  }
}

export function validationFields(snapshot: Snapshot, { declared, diagnostics, resources, documents }: Loaded): object {
  return {
    revision: snapshot.revision,
    valid: declared !== undefined,
    files: snapshot.files.length,
    documents,
    resources: resources.map(({ kind, name, origin }) => ({ kind, name, ...origin })),
    diagnostics,
  };
}
