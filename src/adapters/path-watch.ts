// What may have changed below some paths: events of the file system, and a look now and then at what the paths mean.
import { realpath, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { watch as chokidarWatch, type FSWatcher } from 'chokidar';
import type { Clock } from '../ports/clock.ts';
import { isSkipped, KUBERNETES_DATA } from './manifest-files.ts';

/** A link that is flipped above a watched folder, or a folder that comes back, is seen this late at most. */
const LOOK_PERIOD_MS = 1_000;

export interface WatchOptions {
  /** Files and folders, there or not. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** Called for every hint, also for the watch's own failures: a read tells what is wrong. */
  readonly onHint: () => void;
}

/** Resolves once changes from now on are seen. The result stops the watch and is idempotent. */
export async function watchPaths({ paths, clock, onHint }: WatchOptions): Promise<() => Promise<void>> {
  const places = paths.map((path) => resolve(path));
  let isStopped = false;
  const hint = (): void => {
    if (!isStopped) onHint();
  };
  let known = await meaningOf(places);
  let trees = await watchTrees(places, hint);
  let cancelLook = (): void => {};

  /** A watch stays with the folder that it began on: where a path means another one now, it begins anew. */
  const look = async (): Promise<void> => {
    const found = await meaningOf(places);
    if (isStopped) return;
    if (found !== known) {
      known = found;
      // In this order: chokidar shares the handle of a path, and that of the old watch stays with the old folder.
      await trees.close();
      trees = await watchTrees(places, hint);
      hint();
    }
    cancelLook = clock.schedule(LOOK_PERIOD_MS, () => {
      looking = look();
    });
  };
  // At once: it may have changed before the watch was ready.
  let looking = look();
  return async () => {
    isStopped = true;
    cancelLook();
    await looking;
    await trees.close();
  };
}

/** Another text where a path leads somewhere else, or to something new at the same place. */
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

/** Links are watched themselves, for where they lead, and through, for what is there. */
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
