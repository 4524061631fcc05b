// Reads the manifests of one commit from a git checkout, without changing it: only rev-parse, ls-tree and cat-file.
import { execFile, spawn } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { SourceError } from '../model/errors.ts';
import type { Snapshot, SourceFile } from '../model/snapshot.ts';
import { BYTES_MAX, FILES_MAX, isSkipped, MANIFEST_NAME, shownBelow, shownPath } from './manifest-files.ts';

export interface RevisionOptions {
  /** Any name of a commit: `HEAD`, `origin/main`, `v1.2.3`. */
  readonly revision: string;
  /** Files and folders, as on disk; they need not exist there any more. */
  readonly paths: readonly string[];
  /** The input is the whole source, even a file. */
  readonly whole?: boolean;
}

/** Rejects with SourceError. */
export async function readRevision(
  { revision, paths, whole }: RevisionOptions,
  signal: AbortSignal,
): Promise<Snapshot> {
  const places = await Promise.all(paths.map((path) => placeOf(path, signal)));
  const [first] = places;
  if (first === undefined) throw new SourceError('NotFound', 'No path of manifests was given.');
  const stray = places.find(({ root }) => root !== first.root);
  if (stray !== undefined) {
    throw new SourceError('Unreadable', `${first.path} and ${stray.path} are in different git checkouts.`);
  }
  const commit = await commitOf(first.root, revision, signal);
  const listed = await Promise.all(places.map((place) => listFiles(place, commit, revision, signal)));
  const found = new Map(listed.flatMap(({ files }) => files).map((file) => [file.display, file]));
  const sorted = [...found.values()].toSorted((a, b) => (a.display < b.display ? -1 : 1));
  checkSize(sorted, revision);
  const files = await readBlobs(first.root, sorted, signal);
  const isWhole = whole ?? listed.every(({ isFile }) => !isFile);
  return { revision: `sha1:${commit}`, files, partial: !isWhole };
}

interface Place {
  /** As given. */
  readonly path: string;
  readonly root: string;
  /** From the root, "/" between folders; "" for the root itself. */
  readonly inTree: string;
}

/** For a path that is gone from disk, starts at its nearest existing folder. */
async function placeOf(path: string, signal: AbortSignal): Promise<Place> {
  let above = resolve(path);
  while ((await stat(above).catch(() => undefined))?.isDirectory() !== true && dirname(above) !== above) {
    above = dirname(above);
  }
  const top = await git(['-C', above, 'rev-parse', '--show-toplevel'], signal).catch((error: unknown) => {
    throw error instanceof GitFailure ? new SourceError('NotFound', `${path} is not in a git checkout.`) : error;
  });
  const root = await realpath(top.trim());
  const inTree = relative(root, resolve(await realpath(above), relative(above, resolve(path))));
  return { path, root, inTree: inTree.split(sep).join('/') };
}

async function commitOf(root: string, revision: string, signal: AbortSignal): Promise<string> {
  const args = ['-C', root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const text = await git(args, signal).catch((error: unknown) => {
    if (!(error instanceof GitFailure)) throw error;
    const hint = 'A shallow clone has few: `git fetch --unshallow`, or fetch the missing ones.';
    throw new SourceError('NotFound', `There is no commit "${revision}" in this checkout. ${hint}`);
  });
  return text.trim();
}

interface Blob {
  readonly display: string;
  readonly id: string;
  readonly bytes: number;
}

/** `MODE TYPE ID SIZE<tab>PATH`, ended by NUL; the size of a submodule is "-". */
const ENTRY = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([^]*)$/;
const LINK_MODE = '120000';

async function listFiles(
  { path, root, inTree }: Place,
  commit: string,
  revision: string,
  signal: AbortSignal,
): Promise<{ readonly files: readonly Blob[]; readonly isFile: boolean }> {
  const scope = inTree === '' ? [] : ['--', inTree];
  const text = await git(['-C', root, 'ls-tree', '-r', '-z', '-l', '--full-tree', commit, ...scope], signal);
  const entries = text.split('\0').flatMap((line) => {
    const [, mode = '', type = '', id = '', size = '', name = ''] = ENTRY.exec(line) ?? [];
    return name === '' ? [] : [{ mode, type, id, bytes: Number(size), name }];
  });
  if (entries.length === 0) throw new SourceError('NotFound', `${path} does not exist in ${revision}.`);
  const isFile = entries.length === 1 && entries[0]?.name === inTree;
  const shown = shownPath(path);
  const files = entries.flatMap(({ mode, type, id, bytes, name }) => {
    const below = inTree === '' ? name : name.slice(inTree.length + 1);
    if (!isFile && (below.split('/').some(isSkipped) || !MANIFEST_NAME.test(below))) return [];
    // Shown like the same file on disk.
    const display = isFile ? shown : shownBelow(shown, below);
    if (type !== 'blob' || mode === LINK_MODE) {
      const what = `${display} is a link or a submodule in ${revision}`;
      throw new SourceError('Unreadable', `${what}; only plain files can be read from a commit.`);
    }
    return [{ display, id, bytes }];
  });
  return { files, isFile };
}

function checkSize(files: readonly Blob[], revision: string): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (files.length <= FILES_MAX && bytes <= BYTES_MAX) return;
  throw new SourceError('TooLarge', `${revision} has too many files or bytes. Point -f at the manifests alone.`);
}

/** In the given order. */
async function readBlobs(root: string, blobs: readonly Blob[], signal: AbortSignal): Promise<SourceFile[]> {
  const ids = blobs.map(({ id }) => `${id}\n`).join('');
  const output = await batch(root, ids, signal);
  let offset = 0;
  return blobs.map(({ display, id }) => {
    const end = output.indexOf(10, offset);
    const [answered, , size] = output.toString('utf8', offset, end).split(' ');
    const length = Number(size);
    if (answered !== id || !Number.isSafeInteger(length)) {
      throw new SourceError('Unreadable', `${display} could not be read from git.`);
    }
    offset = end + 1 + length + 1;
    return { path: display, bytes: output.subarray(end + 1, end + 1 + length) };
  });
}

/** Git failed; its message is for git users. */
class GitFailure extends Error {
  override readonly name = 'GitFailure';
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

function git(args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((settle, reject) => {
    const options = { signal, maxBuffer: OUTPUT_BYTES_MAX, timeout: TIMEOUT_MS };
    execFile('git', ['--no-optional-locks', ...args], options, (error, output) => {
      if (error === null) settle(output);
      else reject(explain(error, signal));
    });
  });
}

function batch(root: string, input: string, signal: AbortSignal): Promise<Buffer> {
  return new Promise((settle, reject) => {
    const args = ['--no-optional-locks', '-C', root, 'cat-file', '--batch'];
    const child = spawn('git', args, { signal, timeout: TIMEOUT_MS, stdio: ['pipe', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', (error) => reject(explain(error, signal)));
    child.once('close', () => settle(Buffer.concat(chunks)));
    // If git ends early, its output shows that.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function explain(error: Error, signal: AbortSignal): Error {
  if (signal.aborted) return new SourceError('Aborted', 'Stopped while reading from git.');
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new SourceError('Unreadable', 'git is not installed here, or not in the PATH.');
  return new GitFailure(error.message);
}
