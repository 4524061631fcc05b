// Creates folders, with missing parents.
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'it is not writable',
  EPERM: 'it is not writable',
  EROFS: 'it is not writable',
  ENOENT: 'no folder can be created there',
  ENOSPC: 'the disk is full',
};

/**
 * One level at a time: Node's recursive mkdir loops for ever if the system denies a folder that should be possible
 * (/proc).
 */
export function makeFolder(path: string, mode: number): void {
  const missing: string[] = [];
  let above = resolve(path);
  while (!exists(above)) {
    missing.unshift(above);
    above = dirname(above);
  }
  if (!statSync(above).isDirectory()) {
    throw new CliFailure(EXIT.Failed, `${path} can not be a folder: ${above} is a file.`, 'Name another folder.');
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      const why = REASONS[code] ?? code;
      throw new CliFailure(
        EXIT.Failed,
        `The folder ${folder} can not be created: ${why} (${code}).`,
        'Name another folder.',
      );
    }
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
