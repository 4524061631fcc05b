// The source port over files, folders and standard input: whole snapshots, and a watch that triggers.
import { digestBytes } from '../model/digest.ts';
import { SourceError } from '../model/errors.ts';
import type { Snapshot, SourceFile } from '../model/snapshot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Source } from '../ports/source.ts';
import { readPaths } from './manifest-files.ts';

export interface DirectorySourceOptions {
  /** Files, folders, or "-" for standard input. */
  readonly paths: readonly string[];
  readonly stdin?: () => Promise<Uint8Array>;
  /** The input is the whole source, even a file or standard input. */
  readonly whole?: boolean;
  /** Quiet time after a change before it triggers. */
  readonly debounceMs: number;
  readonly clock: Clock;
}

const STDIN = '-';
const STDIN_NAME = '<stdin>';

/** Names that git-sync gives to the worktree of a commit, now and before version 4. */
const COMMIT_FOLDER = /\/(?:\.worktrees\/|rev-)([0-9a-f]{40})(?:\/|$)/;

export function directorySource(options: DirectorySourceOptions): Source {
  let input: Promise<Uint8Array> | undefined;
  const readInput = (): Promise<Uint8Array> => {
    // It can be read only once.
    input ??= readStdin(options.stdin);
    return input;
  };
  return {
    read: (signal) => readSnapshot(options, readInput, signal),
    watch: (onTrigger) => watchSource(options, onTrigger),
  };
}

async function readSnapshot(
  { paths, whole }: DirectorySourceOptions,
  readInput: () => Promise<Uint8Array>,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { files, places } = await readPaths(
    paths.filter((path) => path !== STDIN),
    signal,
  );
  const hasInput = paths.includes(STDIN);
  const input = hasInput ? [{ path: STDIN_NAME, bytes: await readInput() }] : [];
  const sorted = [...files, ...input].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const isWhole = whole ?? (!hasInput && places.every(({ isDirectory }) => isDirectory));
  const commit = hasInput ? undefined : commitOf(places.map(({ realPath }) => realPath));
  return { revision: commit ?? digestOf(sorted), files: sorted, partial: !isWhole };
}

async function readStdin(stdin: DirectorySourceOptions['stdin']): Promise<Uint8Array> {
  if (stdin === undefined) throw new SourceError('Unreadable', 'There is no standard input to read.');
  try {
    return await stdin();
  } catch (cause) {
    throw new SourceError('Unreadable', 'Standard input could not be read.', { cause });
  }
}

/** Undefined unless all paths lead into the worktree of one commit. */
function commitOf(realPaths: readonly string[]): string | undefined {
  const commits = new Set(realPaths.map((path) => COMMIT_FOLDER.exec(path)?.[1]));
  const [commit] = commits;
  return commits.size === 1 && commit !== undefined ? `sha1:${commit}` : undefined;
}

function digestOf(files: readonly SourceFile[]): string {
  const parts = files.map(({ path, bytes }) => `${path}\0${digestBytes(bytes)}\n`).join('');
  return `sha256:${digestBytes(new TextEncoder().encode(parts))}`;
}

/** Standard input does not change. */
async function watchSource(
  { paths, debounceMs, clock }: DirectorySourceOptions,
  onTrigger: () => void,
): Promise<() => Promise<void>> {
  let cancel = (): void => {};
  const places = paths.filter((path) => path !== STDIN);
  // Loaded on first use: most commands read once and do not watch.
  const { watchPaths } = await import('./path-watch.ts');
  const stop = await watchPaths({
    paths: places,
    clock,
    onHint: () => {
      cancel();
      cancel = clock.schedule(debounceMs, onTrigger);
    },
  });
  return async () => {
    const stopped = stop();
    cancel();
    await stopped;
  };
}
