// The source port over files, folders and standard input: whole snapshots, and a watch that triggers.
import { dirname, resolve } from 'node:path';
import { watch as chokidarWatch, type FSWatcher } from 'chokidar';
import { digestBytes } from '../model/digest.ts';
import { SourceError } from '../model/errors.ts';
import type { Snapshot, SourceFile } from '../model/snapshot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Source } from '../ports/source.ts';
import { readPath } from './manifest-files.ts';

export interface DirectorySourceOptions {
  /** Files, folders, or "-" for standard input. */
  readonly paths: readonly string[];
  readonly stdin?: () => Promise<Uint8Array>;
  /** True: what is given is the whole source, even where it is a file or standard input. */
  readonly whole?: boolean;
  /** Quiet time after a change before it triggers. */
  readonly debounceMs: number;
  readonly clock: Clock;
}

const STDIN = '-';
const STDIN_NAME = '<stdin>';

/** A worktree of git-sync is a folder named after its commit. */
const COMMIT_FOLDER = /(?:^|\/)([0-9a-f]{40})(?:\/|$)/;

export function directorySource(options: DirectorySourceOptions): Source {
  return {
    read: (signal) => readSnapshot(options, signal),
    watch: (onTrigger) => watchPaths(options, onTrigger),
  };
}

async function readSnapshot({ paths, stdin, whole }: DirectorySourceOptions, signal: AbortSignal): Promise<Snapshot> {
  const files = new Map<string, SourceFile>();
  const realPaths: string[] = [];
  let isWhole = true;
  for (const path of paths) {
    if (path === STDIN) {
      files.set(STDIN_NAME, { path: STDIN_NAME, bytes: await readInput(stdin) });
      isWhole = false;
      continue;
    }
    const read = await readPath(path, signal);
    for (const file of read.files) files.set(file.path, file);
    realPaths.push(read.realPath);
    if (!read.isDirectory) isWhole = false;
  }
  const sorted = [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return { revision: revisionOf(sorted, realPaths), files: sorted, partial: !(whole ?? isWhole) };
}

async function readInput(stdin: DirectorySourceOptions['stdin']): Promise<Uint8Array> {
  if (stdin === undefined) throw new SourceError('Unreadable', 'There is no standard input to read.');
  try {
    return await stdin();
  } catch (cause) {
    throw new SourceError('Unreadable', 'Standard input could not be read.', { cause });
  }
}

/** The commit where all paths lead into one git-sync worktree; else a digest of what was read. */
function revisionOf(files: readonly SourceFile[], realPaths: readonly string[]): string {
  const commits = new Set(realPaths.map((path) => COMMIT_FOLDER.exec(path)?.[1]));
  const commit = commits.size === 1 ? [...commits][0] : undefined;
  if (commit !== undefined) return `sha1:${commit}`;
  const parts = files.map(({ path, bytes }) => `${path}\0${digestBytes(bytes)}\n`).join('');
  return `sha256:${digestBytes(new TextEncoder().encode(parts))}`;
}

/** Standard input does not change. Errors of the watch itself trigger a read, which tells what is wrong. */
async function watchPaths(
  { paths, debounceMs, clock }: DirectorySourceOptions,
  onTrigger: () => void,
): Promise<() => Promise<void>> {
  let cancel = (): void => {};
  const trigger = (): void => {
    cancel();
    cancel = clock.schedule(debounceMs, onTrigger);
  };
  const places = paths.filter((path) => path !== STDIN);
  const watchers = await Promise.all([watchTrees(places, trigger), watchParents(places, trigger)]);
  return async () => {
    cancel();
    await Promise.all(watchers.map((watcher) => watcher.close()));
  };
}

function watchTrees(places: readonly string[], trigger: () => void): Promise<FSWatcher> {
  return ready(
    chokidarWatch([...places], { ignoreInitial: true, followSymlinks: true, ignored: isRepositoryInside }),
    trigger,
  );
}

/** A path that is a link is replaced in its parent: a watch through the old link would not notice. */
function watchParents(places: readonly string[], trigger: () => void): Promise<FSWatcher> {
  const parents = [...new Set(places.flatMap((place) => [dirname(resolve(place)), resolve(place)]))];
  return ready(chokidarWatch(parents, { ignoreInitial: true, followSymlinks: false, depth: 0 }), trigger);
}

function isRepositoryInside(path: string): boolean {
  return /(?:^|\/)(?:\.git|node_modules)(?:\/|$)/.test(path);
}

function ready(watcher: FSWatcher, trigger: () => void): Promise<FSWatcher> {
  watcher.on('all', trigger);
  watcher.on('error', trigger);
  return new Promise((resolve) => {
    watcher.once('ready', () => resolve(watcher));
  });
}
