// Files that hold what only their owner should read: a fleet, or what is decided about it.
import { open, readFile } from 'node:fs/promises';
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';

const PRIVATE_MODE = 0o600;

/** Replaces what is there, a file that others could read too. */
export async function writePrivate(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'w', PRIVATE_MODE);
    // What is no file, a pipe say, is somebody else's to open.
    if ((await file.stat()).isFile()) await file.chmod(PRIVATE_MODE);
    await file.writeFile(text);
  } catch (error) {
    throw new CliFailure(EXIT.Failed, `${path} can not be written (${codeOf(error)}).`);
  }
}

export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    throw new CliFailure(
      EXIT.Failed,
      code === 'ENOENT' ? `${path} does not exist.` : `${path} can not be read (${code}).`,
    );
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
}
