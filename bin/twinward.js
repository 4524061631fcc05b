#!/usr/bin/env node
// Checks the version of Node, in syntax that old versions can parse, then starts the program.
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `error Twinward needs Node ${NODE_MAJOR_MIN} or later; this is Node ${process.versions.node}.\n` +
      '      In a clone of the repository `npm ci` brings the right one: run `npx twinward ...` there.\n',
  );
  process.exitCode = 1;
} else {
  // Halves the start time. Anyone who could write into the cache could also change the code beside it; if the folder is
  // not writable, there is no cache.
  nodeModule.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/twinward', import.meta.url)));
  await import('../src/main.ts');
}
