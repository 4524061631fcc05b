// One moment of the manifests on disk: lists and reads files, and reads again where something moved meanwhile.
import { readFileSync, statSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, normalize, posix } from 'node:path';
import { SourceError } from '../model/errors.ts';
import type { SourceFile } from '../model/snapshot.ts';

export const MANIFEST_NAME = /\.(?:ya?ml|json)$/i;
export const FILES_MAX = 20_000;
export const BYTES_MAX = 256 * 1024 * 1024;
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const DEPTH_MAX = 32;
const ATTEMPTS_MAX = 5;
/** Kubernetes swaps this link when a mounted ConfigMap changes; its siblings all lead through it. */
export const KUBERNETES_DATA = '..data';

export interface FilesRead {
  /** Each path once, in no particular order. */
  readonly files: readonly SourceFile[];
  /** One for each path given. */
  readonly places: readonly Place[];
}

export interface Place {
  /** Where the path led at that moment, links resolved. */
  readonly realPath: string;
  readonly isDirectory: boolean;
}

interface Found {
  readonly display: string;
  readonly path: string;
  readonly bytes: number;
  /** Changes whenever the file does. */
  readonly signature: string;
}

interface Listing extends Place {
  readonly found: readonly Found[];
}

/** Files of one moment below all these paths together. Rejects with SourceError. */
export async function readPaths(paths: readonly string[], signal: AbortSignal): Promise<FilesRead> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    try {
      const read = await readOnce(paths, signal);
      if (read !== undefined) return read;
    } catch (error) {
      if (error instanceof SourceError) throw error;
      // What went while we read is a change like any other; what can't be read, or leads nowhere, stays so.
      if (attempt === ATTEMPTS_MAX || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(error);
    }
  }
  throw new SourceError('Unreadable', `${paths.join(', ')} keeps changing while it is read. Trying again later.`);
}

/** Undefined where something moved between the listing and the end of the reading. */
async function readOnce(paths: readonly string[], signal: AbortSignal): Promise<FilesRead | undefined> {
  const before = await listAll(paths, signal);
  const found = new Map(before.flatMap((listing) => listing.found).map((file) => [file.display, file]));
  const bytesTotal = found.values().reduce((sum, { bytes }) => sum + bytes, 0);
  if (bytesTotal > BYTES_MAX) throw tooLarge(paths.join(', '), `more than ${BYTES_MAX / 1024 / 1024} MiB`);
  const files: SourceFile[] = [];
  for (const { path, display } of found.values()) {
    checkSignal(signal);
    // Small and near: to wait for each would take ten times as long as to read it.
    files.push({ path: display, bytes: readFileSync(path) });
  }
  const after = await listAll(paths, signal);
  if (textOf(before) !== textOf(after)) return undefined;
  return { files, places: before };
}

async function listAll(paths: readonly string[], signal: AbortSignal): Promise<Listing[]> {
  const listings: Listing[] = [];
  for (const path of paths) listings.push(await list(path, signal));
  return listings;
}

async function list(path: string, signal: AbortSignal): Promise<Listing> {
  checkSignal(signal);
  const root = await realpath(path).catch((error: unknown) => {
    throw isAbsence(error) ? new SourceError('NotFound', `${path} does not exist.`, { cause: error }) : error;
  });
  const facts = await stat(root);
  const display = shownPath(path);
  if (!facts.isDirectory()) {
    return {
      realPath: root,
      isDirectory: false,
      found: [toFound(display, root, facts)],
    };
  }
  // Everything is read through what `..data` means now, so that a swap in between can't mix two versions.
  const data = await realpath(join(root, KUBERNETES_DATA)).catch(() => undefined);
  const found: Found[] = [];
  await walk(data ?? root, display, new Set(), found, signal);
  return { realPath: data ?? root, isDirectory: true, found };
}

/** How a path that was given is shown. */
export function shownPath(path: string): string {
  return normalize(path).replace(/(?<=.)\/+$/, '');
}

/** How a file is shown that is below a path shown so; "/" between folders. */
export function shownBelow(shown: string, below: string): string {
  return shown === '.' ? below : posix.join(shown, below);
}

/** Hidden, or somebody else's. */
export function isSkipped(name: string): boolean {
  return (name.startsWith('.') && name !== KUBERNETES_DATA) || name === 'node_modules';
}

/** Links are followed, and no folder is entered twice on one way down. */
async function walk(
  folder: string,
  display: string,
  above: ReadonlySet<string>,
  found: Found[],
  signal: AbortSignal,
): Promise<void> {
  checkSignal(signal);
  const real = await realpath(folder);
  if (above.has(real)) return;
  if (above.size >= DEPTH_MAX) throw tooLarge(display, `more than ${DEPTH_MAX} folders in each other`);
  const here = new Set([...above, real]);
  for (const name of await readdir(folder)) {
    if (isSkipped(name) || name === KUBERNETES_DATA) continue;
    const path = join(folder, name);
    const shown = shownBelow(display, name);
    const facts = statSync(path);
    if (facts.isDirectory()) await walk(path, shown, here, found, signal);
    else if (facts.isFile() && MANIFEST_NAME.test(name)) found.push(toFound(shown, path, facts));
    if (found.length > FILES_MAX) throw tooLarge(display, `more than ${FILES_MAX} files`);
  }
}

interface FileFacts {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

function toFound(display: string, path: string, { ino, size, mtimeMs, ctimeMs }: FileFacts): Found {
  if (size > FILE_BYTES_MAX) throw tooLarge(display, `more than ${FILE_BYTES_MAX / 1024 / 1024} MiB`);
  return { display, path, bytes: size, signature: `${ino}/${size}/${mtimeMs}/${ctimeMs}` };
}

function textOf(listings: readonly Listing[]): string {
  return listings
    .flatMap(({ realPath, found }) => [realPath, ...found.map(({ display, signature }) => `${display} ${signature}`)])
    .join('\n');
}

function checkSignal(signal: AbortSignal): void {
  if (signal.aborted) throw new SourceError('Aborted', 'Stopped while reading the manifests.');
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function tooLarge(path: string, what: string): SourceError {
  return new SourceError('TooLarge', `${path} holds ${what}. Point -f at the manifests alone.`);
}

/** What is missing may be a manifest, so it is never passed over. */
function unreadable(cause: unknown): SourceError {
  const { code = 'unknown reason', path = 'A manifest' } = cause as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'it, or what it links to, does not exist' : code;
  return new SourceError('Unreadable', `${path} can not be read (${why}).`, { cause });
}
