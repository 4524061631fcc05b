// A temporary folder for the duration of a command, always removed at its end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../world.ts';

/** Readable only by its owner. */
export async function withTempFolder<T>(
  { atExit }: Pick<World, 'atExit'>,
  name: string,
  run: (path: string) => Promise<T>,
): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), `twinward-${name}-`));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  const forget = atExit(remove);
  try {
    return await run(path);
  } finally {
    remove();
    forget();
  }
}
