// A consistent read of the manifests on disk: lists and reads files, and reads again if a file changed meanwhile.
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
/** Kubernetes swaps this link when a mounted ConfigMap changes; its sibling links all lead through it. */
export const KUBERNETES_DATA = '..data';

export interface FilesRead {
  /** Each path once, in any order. */
  readonly files: readonly SourceFile[];
  /** One for each path given. */
  readonly places: readonly Place[];
}

export interface Place {
  /** The target of the path at that moment, links resolved. */
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

/** A consistent set of the files below all these paths. Rejects with SourceError. */
export async function readPaths(paths: readonly string[], signal: AbortSignal): Promise<FilesRead> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    try {
      const read = await readOnce(paths, signal);
      if (read !== undefined) return read;
    } catch (error) {
      if (error instanceof SourceError) throw error;
      // A file deleted while reading is a change; an unreadable file or a dangling link is an error.
      if (attempt === ATTEMPTS_MAX || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(error);
    }
  }
  throw new SourceError('Unreadable', `${paths.join(', ')} keeps changing while it is read. Trying again later.`);
}

/** Undefined if something changed between the listing and the end of the reading. */
async function readOnce(paths: readonly string[], signal: AbortSignal): Promise<FilesRead | undefined> {
  const before = await listAll(paths, signal);
  const found = new Map(before.flatMap((listing) => listing.found).map((file) => [file.display, file]));
  const bytesTotal = found.values().reduce((sum, { bytes }) => sum + bytes, 0);
  if (bytesTotal > BYTES_MAX) throw tooLarge(paths.join(', '), `more than ${BYTES_MAX / 1024 / 1024} MiB`);
  const files: SourceFile[] = [];
  for (const { path, display } of found.values()) {
    checkSignal(signal);
    // The files are small: waiting for each asynchronously would take ten times as long as reading it.
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
  // Read everything through the current target of `..data`, so that a swap in between can't mix two versions.
  const data = await realpath(join(root, KUBERNETES_DATA)).catch(() => undefined);
  const found: Found[] = [];
  await walk(data ?? root, display, new Set(), found, signal);
  return { realPath: data ?? root, isDirectory: true, found };
}

/** The text for a given path. */
export function shownPath(path: string): string {
  return normalize(path).replace(/(?<=.)\/+$/, '');
}

/** The text for a file below a shown path; "/" between folders. */
export function shownBelow(shown: string, below: string): string {
  return shown === '.' ? below : posix.join(shown, below);
}

/** Hidden, or of another tool. */
export function isSkipped(name: string): boolean {
  return (name.startsWith('.') && name !== KUBERNETES_DATA) || name === 'node_modules';
}

/** Follows links, and enters no folder twice on one way down. */
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
  return new SourceError('TooLarge', `${path} has ${what}. Point -f at the manifests alone.`);
}

/** A missing file may be a manifest, so it is never ignored. */
function unreadable(cause: unknown): SourceError {
  const { code = 'unknown reason', path = 'A manifest' } = cause as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'it, or what it links to, does not exist' : code;
  return new SourceError('Unreadable', `${path} can not be read (${why}).`, { cause });
}
