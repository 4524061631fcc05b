// A folder for as long as a command runs, gone with it however it ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../world.ts';

/** Only its owner can look into it. */
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
