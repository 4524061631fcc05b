// Owns how files that hold secrets are written: for their owner alone, and never half.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_DIRECTORY_MODE = 0o700;

/** Replaces the file in one step: after a crash it is the old one or the new one. */
export function replaceFile(path: string, parts: Iterable<string>): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', PRIVATE_FILE_MODE);
  try {
    for (const part of parts) writeAll(file, Buffer.from(part));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** A write may take a part of the bytes only. */
export function writeAll(file: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

/** Makes the new name itself last. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
