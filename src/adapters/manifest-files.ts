// One moment of the manifests on disk: lists and reads files, and reads again where something moved meanwhile.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from '../model/errors.ts';
import type { SourceFile } from '../model/snapshot.ts';

const EXTENSIONS = /\.(?:ya?ml|json)$/i;
export const FILES_MAX = 20_000;
export const BYTES_MAX = 256 * 1024 * 1024;
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const DEPTH_MAX = 32;
const ATTEMPTS_MAX = 5;
/** Kubernetes swaps this link when a mounted ConfigMap changes; its siblings all lead through it. */
const KUBERNETES_DATA = '..data';

export interface FilesRead {
  readonly files: readonly SourceFile[];
  /** Where the path leads at that moment, links resolved. */
  readonly realPath: string;
  readonly isDirectory: boolean;
}

interface Found {
  readonly display: string;
  readonly path: string;
  /** Changes whenever the file does. */
  readonly signature: string;
}

/** Files of one moment under a path. Rejects with SourceError. */
export async function readPath(path: string, signal: AbortSignal): Promise<FilesRead> {
  for (let attempt = 1; ; attempt += 1) {
    if (signal.aborted) throw new SourceError('Aborted', `Stopped while reading ${path}.`);
    const isLast = attempt === ATTEMPTS_MAX;
    try {
      const read = await readOnce(path);
      if (read !== undefined) return read;
    } catch (error) {
      if (error instanceof SourceError) throw error;
      // A file that went while we read is a change like any other; one that can't be read stays so.
      if (isLast || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error);
      if (!(await exists(path))) throw unreadable(path, error);
    }
    if (isLast) throw new SourceError('Unreadable', `${path} keeps changing while it is read. Trying again later.`);
  }
}

/** Undefined where something moved between the listing and the end of the reading. */
async function readOnce(path: string): Promise<FilesRead | undefined> {
  const before = await list(path);
  const files: SourceFile[] = [];
  let bytesTotal = 0;
  for (const { path: file, display } of before.found) {
    const bytes = await readFile(file);
    bytesTotal += bytes.length;
    if (bytesTotal > BYTES_MAX) throw tooLarge(path, `more than ${BYTES_MAX / 1024 / 1024} MiB`);
    files.push({ path: display, bytes });
  }
  const after = await list(path);
  if (textOf(before) !== textOf(after)) return undefined;
  return { files, realPath: before.realPath, isDirectory: before.isDirectory };
}

interface Listing {
  readonly realPath: string;
  readonly isDirectory: boolean;
  readonly found: readonly Found[];
}

async function list(path: string): Promise<Listing> {
  const root = await realpath(path);
  const facts = await stat(root);
  if (!facts.isDirectory()) {
    return {
      realPath: root,
      isDirectory: false,
      found: [{ display: path, path: root, signature: signatureOf(facts, path) }],
    };
  }
  // Everything is read through what `..data` means now, so that a swap in between can't mix two versions.
  const data = await realpath(join(root, KUBERNETES_DATA)).catch(() => undefined);
  const found: Found[] = [];
  await walk(data ?? root, path.replace(/\/+$/, ''), new Set(), found);
  found.sort((a, b) => (a.display < b.display ? -1 : 1));
  return { realPath: data ?? root, isDirectory: true, found };
}

/** Links are followed, and no folder is entered twice on one way down. */
async function walk(folder: string, display: string, above: ReadonlySet<string>, found: Found[]): Promise<void> {
  const real = await realpath(folder);
  if (above.has(real) || above.size >= DEPTH_MAX) return;
  const here = new Set([...above, real]);
  for (const name of await readdir(folder)) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const shown = display === '.' ? name : `${display}/${name}`;
    const facts = await stat(path);
    if (facts.isDirectory()) await walk(path, shown, here, found);
    else if (facts.isFile() && EXTENSIONS.test(name))
      found.push({ display: shown, path, signature: signatureOf(facts, shown) });
    if (found.length > FILES_MAX) throw tooLarge(display, `more than ${FILES_MAX} files`);
  }
}

function signatureOf(facts: { ino: number; size: number; mtimeMs: number }, shown: string): string {
  if (facts.size > FILE_BYTES_MAX) throw tooLarge(shown, `more than ${FILE_BYTES_MAX / 1024 / 1024} MiB`);
  return `${facts.ino}/${facts.size}/${facts.mtimeMs}`;
}

function textOf({ realPath, found }: Listing): string {
  return [realPath, ...found.map(({ display, signature }) => `${display} ${signature}`)].join('\n');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function tooLarge(path: string, what: string): SourceError {
  return new SourceError('TooLarge', `${path} holds ${what}. Point -f at the manifests alone.`);
}

function unreadable(path: string, cause: unknown): SourceError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new SourceError('NotFound', `${path} does not exist.`, { cause });
  return new SourceError('Unreadable', `${path} can not be read (${code ?? 'unknown reason'}).`, { cause });
}
