// Folders as people name them, made with those above where they are missing.
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be written to',
  EPERM: 'it may not be written to',
  EROFS: 'it may not be written to',
  ENOENT: 'no folder can be made there',
  ENOSPC: 'the disk is full',
};

/** One after the other: Node's own way tries for ever where the system denies a folder that it should be able to have (/proc). */
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
        `The folder ${folder} can not be made: ${why} (${code}).`,
        'Name another folder.',
      );
    }
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
