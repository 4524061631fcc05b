// Watches paths for possible changes: file system events, and periodic checks of where the paths lead.
import { realpath, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { watch as chokidarWatch, type FSWatcher } from 'chokidar';
import type { Clock } from '../ports/clock.ts';
import { isSkipped, KUBERNETES_DATA } from './manifest-files.ts';

/** Longest delay for noticing a flipped link above a watched folder, or a folder that returns. */
const LOOK_PERIOD_MS = 1_000;

export interface WatchOptions {
  /** Files and folders, which need not exist. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** Called for every possible change, and for failures of the watch: the next read reports them. */
  readonly onHint: () => void;
}

/** Resolves once the watch notices changes. The returned function stops it and is idempotent. */
export async function watchPaths({ paths, clock, onHint }: WatchOptions): Promise<() => Promise<void>> {
  const places = paths.map((path) => resolve(path));
  let isStopped = false;
  const hint = (): void => {
    if (!isStopped) onHint();
  };
  let known = await meaningOf(places);
  let trees = await watchTrees(places, hint);
  let cancelLook = (): void => {};

  /** A watch stays on its first target: if a path leads elsewhere, restart it. */
  const look = async (): Promise<void> => {
    const found = await meaningOf(places);
    if (isStopped) return;
    if (found !== known) {
      known = found;
      // In this order: chokidar shares the handle of a path, so the old watch would keep the old folder.
      await trees.close();
      trees = await watchTrees(places, hint);
      hint();
    }
    cancelLook = clock.schedule(LOOK_PERIOD_MS, () => {
      looking = look();
    });
  };
  // At once: something may have changed before the watch was ready.
  let looking = look();
  return async () => {
    isStopped = true;
    cancelLook();
    await looking;
    await trees.close();
  };
}

/** Changes if a path leads elsewhere, or to a new object at the same place. */
async function meaningOf(places: readonly string[]): Promise<string> {
  const meanings = await Promise.all(
    places.flatMap((place) => [place, join(place, KUBERNETES_DATA)]).map((path) => targetOf(path)),
  );
  return meanings.join('\n');
}

async function targetOf(path: string): Promise<string> {
  try {
    const target = await realpath(path);
    const { dev, ino } = await stat(target);
    return `${target} ${dev}/${ino}`;
  } catch {
    return '';
  }
}

/** Watches links themselves, for their target, and their targets, for the content. */
function watchTrees(places: readonly string[], hint: () => void): Promise<FSWatcher> {
  const ignored = (path: string): boolean => places.some((place) => isSkippedBelow(place, path));
  const watcher = chokidarWatch([...places], { ignoreInitial: true, followSymlinks: true, ignored });
  watcher.on('all', hint);
  watcher.on('error', hint);
  return new Promise((done) => {
    watcher.once('ready', () => done(watcher));
  });
}

function isSkippedBelow(place: string, path: string): boolean {
  const below = relative(place, path);
  return below !== '' && !below.startsWith('..') && below.split('/').some((name) => isSkipped(name));
}
