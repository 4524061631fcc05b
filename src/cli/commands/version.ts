// `twinward version`.
import { readFileSync } from 'node:fs';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { writeDocument, type Format } from '../render/report.ts';
import type { World } from '../world.ts';

export function version(world: World, { output }: { readonly output: Format }): ExitCode {
  const fields = { version: readVersion(), node: process.versions.node };
  if (output === 'json') writeDocument(world, 'Version', fields);
  else world.out.write(`${versionText()}\n`);
  return EXIT.Ok;
}

/** For `--version` too. */
export function versionText(): string {
  return `twinward ${readVersion()} (Node ${process.versions.node})`;
}

export function readVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
