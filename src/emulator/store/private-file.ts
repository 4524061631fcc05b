// Writes files with secrets: readable only by their owner, and never half written.
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_DIRECTORY_MODE = 0o700;

/** Synced in parts, so that the end need not wait for everything. */
const SYNC_BYTES = 16 * 1024 * 1024;

/** Replaces the file atomically: after a crash it is the old one or the new one. */
export function replaceFile(path: string, content: string): void {
  finish(replaceFileByParts(path, [content]));
}

/** Like `replaceFile`, one part each time it is resumed. If abandoned, the file is unchanged. */
export function* replaceFileByParts(
  path: string,
  parts: Iterable<string | Uint8Array>,
): Generator<void, void, undefined> {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', PRIVATE_FILE_MODE);
  try {
    let unsynced: number | undefined;
    for (const part of parts) {
      if (unsynced !== undefined) yield;
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      writeAll(file, bytes);
      unsynced = (unsynced ?? 0) + bytes.length;
      if (unsynced < SYNC_BYTES) continue;
      fdatasyncSync(file);
      unsynced = 0;
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** Resumes to the end. */
export function finish(steps: Iterator<void, void, undefined>): void {
  while (steps.next().done !== true);
}

/** A write may write only a part of the bytes. */
export function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

/** Makes the rename durable. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
