// An installation that leaves out the packages of the embedded hub: it alone is missing, and says so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kioskManifests } from '../cli/fixture.ts';
import { ROOT, startProgram, type Running } from '../support/program.ts';

const HOST = 'without.azure-devices.net';

const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
const packages = Object.keys(optionalDependencies);

let folder: string;
let hub: Running;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'twinward-without-'));
  const manifest = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: dev}
spec: {hostName: ${HOST}, mode: Enforce}
---
`;
  writeFileSync(join(folder, 'all.yaml'), manifest + kioskManifests());
  hub = startProgram(['hub', '--port', '0', '--host-name', HOST, '--fleet', '30', '--no-agents', '-o', 'json'], {
    env: { TMPDIR: folder },
  });
  await hub.printed(/\n/);
  const facts = JSON.parse(hub.stdout()) as Readonly<Record<'endpoint' | 'connectionString' | 'caFile', string>>;
  env = {
    IOTHUB_CONNECTION_STRING: facts.connectionString,
    TWINWARD_HUB_ENDPOINT: facts.endpoint,
    TWINWARD_HUB_CA: facts.caFile,
  };
});

afterAll(async () => {
  hub.kill('SIGTERM');
  await hub.ended;
  rmSync(folder, { recursive: true });
});

/** Starts it where our own code does not find these packages; those that others bring as well stay theirs. */
function startWithout(missing: readonly string[], argv: readonly string[]): Running {
  const hook = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const isOurs = context.parentURL !== undefined && !context.parentURL.includes('/node_modules/');
    const isMissing = ${JSON.stringify(missing)}.some((name) => specifier === name || specifier.startsWith(name + '/'));
    return next(specifier, isOurs && isMissing ? { ...context, parentURL: 'file:///nowhere/at-all.js' } : context);
  },
});`;
  const preload = `--import data:text/javascript,${encodeURIComponent(hook)}`;
  return startProgram(argv, { cwd: folder, env: { ...env, TMPDIR: folder, NODE_OPTIONS: preload } });
}

test.each([['demo', packages[0] ?? ''] as const, ...packages.map((name) => ['hub', name] as const)])(
  '`%s` names the missing %s and the command that installs it',
  async (command, name) => {
    const program = startWithout([name], [command, '--port', '0']);
    expect(await program.ended).toBe(1);
    expect(program.text()).toBe(
      `error The embedded hub needs the package ${name}, which \`npm ci --include=optional\` installs.\n`,
    );
  },
);

test.each([
  '--help',
  'hub --help',
  'version',
  'schema Hub',
  'validate -f all.yaml',
  'plan -f all.yaml',
  'doctor -f all.yaml',
])('`%s` works without any of them', async (line) => {
  const program = startWithout(packages, line.split(' '));
  expect(await program.ended, program.text()).toBe(0);
});

test('`apply` and `run` do too', async () => {
  const apply = startWithout(packages, ['apply', '-f', 'all.yaml', '--yes']);
  expect(await apply.ended, apply.text()).toBe(0);
  expect(apply.text()).toMatch(/[1-9]\d* Written/);
  const run = startWithout(packages, ['run', '-f', 'all.yaml', '--bind-address', '127.0.0.1:0']);
  await run.printed(/Revision applied/);
  run.kill('SIGTERM');
  expect(await run.ended, run.text()).toBe(0);
});
