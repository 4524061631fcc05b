// Files that only their owner should read: a fleet, or decisions about it.
import { open, readFile } from 'node:fs/promises';
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';

const PRIVATE_MODE = 0o600;

/** Replaces the content, and restricts a file that others could read. */
export async function writePrivate(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'w', PRIVATE_MODE);
    // A pipe or device keeps its permissions.
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
