// The instructions of the documentation work, and its statements about the project's files are true.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { examplesIn, readPage, ROOT, sectionOf } from './markdown.ts';

const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

const EXAMPLE_TIMEOUT_MS = 20_000;

const examples = ['docs/embedded-hub.md', 'src/emulator/README.md'].flatMap((path) =>
  examplesIn(readPage(path), 'js').map((example) => [path, example] as const),
);

test.each(examples)(
  'an example of %s prints what the page says',
  { timeout: EXAMPLE_TIMEOUT_MS },
  async (path, example) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', example], {
      cwd: ROOT,
      timeout: EXAMPLE_TIMEOUT_MS,
    });
    expect(readPage(path).text).toContain(`It prints \`${stdout.trim()}\``);
  },
);

test('there are examples to run', () => {
  expect(examples).toHaveLength(3);
});

test('every dependency has its reason, and no other has one', () => {
  const section = sectionOf(readPage('CONTRIBUTING.md'), 'Dependencies') ?? '';
  const told = [...section.matchAll(/^\| (`.+?`) \| \S/gm)].flatMap(([, names = '']) =>
    names.split(', ').map((name) => name.replaceAll('`', '')),
  );
  const { dependencies, optionalDependencies, devDependencies } = packageJson;
  const known = [dependencies, optionalDependencies, devDependencies].flatMap((some) => Object.keys(some));
  expect(told.toSorted()).toEqual(known.toSorted());
});

test('the image has the Node that the project is tested with', () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  expect(/^ARG BASE=node:([\d.]+)-/m.exec(dockerfile)?.[1]).toBe(packageJson.devDependencies['node']);
});

test('every folder of src has its paragraph', () => {
  const { text } = readPage('ARCHITECTURE.md');
  const folders = ['model', 'profile', 'manifest', 'plan', 'ports', 'controller', 'adapters', 'emulator', 'cli'];
  expect(folders.filter((folder) => !text.includes(`\n**\`${folder}/\`** `))).toEqual([]);
});

test('every decision is in the list', () => {
  const list = readPage('docs/decisions/README.md').text;
  const first = readPage('docs/decisions/0001-record-on-the-twin.md').text;
  expect(first).toContain('**Status:**');
  const files = readdirSync(join(ROOT, 'docs/decisions')).flatMap((name) => /^\d{4}(?=-)/.exec(name) ?? []);
  expect([...list.matchAll(/^\| \[(\d{4})\]\(\1-/gm)].map(([, id]) => id)).toEqual(files.toSorted());
});
