// The architecture as a table: which folder of src/ may import which, and which packages.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

/** In this order; a folder may import itself and what its row names. Everything may import `model`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  profile: ['model'],
  manifest: ['model', 'profile'],
  plan: ['model', 'profile'],
  ports: ['model'],
  controller: ['model', 'profile', 'manifest', 'plan', 'ports'],
  adapters: ['model', 'ports'],
  emulator: ['model', 'ports'],
  server: ['model', 'ports', 'controller'],
  cli: ['model', 'profile', 'manifest', 'plan', 'ports', 'controller', 'adapters', 'emulator', 'server'],
  'main.ts': ['adapters', 'cli'],
};

/** Packages and Node modules that the pure part of the house may use: none of them reads a clock or does IO. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  model: ['node:crypto'],
  profile: ['ajv', 'ajv/dist/2020.js', 'ajv-formats', 'typebox'],
  manifest: ['yaml', 'typebox', 'ajv', 'node:path'],
  plan: ['fast-json-patch', 'node:crypto'],
  ports: [],
  controller: [],
};

const ROOT = join(import.meta.dirname, '..', 'src');

interface Import {
  readonly from: string;
  readonly folder: string;
  readonly target: string;
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const imports = files.flatMap(importsOf);

function importsOf(path: string): Import[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const found = text.matchAll(
    /(?:^|[\s;])(?:import|export)\s[^'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|^import '([^']+)'/gm,
  );
  return [...found].map((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? '';
    return {
      from: path,
      folder: folderOf(path),
      target: target.startsWith('.') ? normalize(join(dirname(path), target)) : target,
    };
  });
}

function folderOf(path: string): string {
  return path.split(sep)[0] ?? '';
}

function isPackage({ target }: Import): boolean {
  return !/\.(?:ts|json)$/.test(target) || target.startsWith('ajv/');
}

test('every folder of src is in the table', () => {
  expect(new Set(files.map(folderOf))).toEqual(new Set(Object.keys(MAY_IMPORT)));
});

test('there are imports to look at', () => {
  expect(imports.length).toBeGreaterThan(500);
  expect(imports).toContainEqual({ from: 'main.ts', folder: 'main.ts', target: 'cli/program/program.ts' });
});

test('imports run one way', () => {
  const wrong = imports
    .filter((one) => !isPackage(one))
    .filter(
      ({ folder, target }) => folderOf(target) !== folder && MAY_IMPORT[folder]?.includes(folderOf(target)) !== true,
    )
    .map(({ from, target }) => `${from} imports ${target}`);
  expect(wrong.filter((line) => !line.endsWith('package.json'))).toEqual([]);
});

test('no two files import each other, not even through others', () => {
  const next = new Map(
    files.map((file) => [file, imports.filter(({ from }) => from === file).map(({ target }) => target)]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  function visit(file: string, above: readonly string[]): void {
    if (above.includes(file)) circles.push([...above.slice(above.indexOf(file)), file].join(' > '));
    if (done.has(file) || above.includes(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...above, file]);
    done.add(file);
  }
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

describe('the pure part', () => {
  test.each(Object.entries(PURE_PACKAGES))('%s uses only %j', (folder, allowed) => {
    const used = new Set(imports.filter((one) => one.folder === folder && isPackage(one)).map(({ target }) => target));
    expect([...used].filter((target) => !allowed.includes(target))).toEqual([]);
  });
});

test('every file says in its first line what it owns', () => {
  const silent = files.filter((file) => !/^\/\/ \S.{10,}/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(silent).toEqual([]);
});
