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

/** What the emulator could be cut out with: its face, the packages that only it uses, and those that others use too. */
const EMULATOR = {
  face: 'emulator/index.ts',
  own: ['@peculiar/x509', 'aedes', 'reflect-metadata', 'rhea', 'ws'],
  shared: ['@hono/node-server', 'hono', 'typebox'],
} as const;

/** Loaded when they are called, and only they reach the emulator. */
const EMULATOR_COMMANDS = ['cli/commands/demo.ts', 'cli/commands/hub.ts'];

const ROOT = join(import.meta.dirname, '..', 'src');

interface Import {
  readonly from: string;
  readonly folder: string;
  readonly target: string;
  /** Types are gone at run time, and what is imported lazily is loaded when it is needed. */
  readonly kind: 'type' | 'static' | 'lazy';
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const imports = files.flatMap(importsOf);

function importsOf(path: string): Import[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const found = text.matchAll(
    /(?:^|[\s;])(?:import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|^import '([^']+)'/gm,
  );
  return [...found].map((match) => {
    const [, type, named, lazy, bare] = match;
    const target = named ?? lazy ?? bare ?? '';
    return {
      kind: type !== undefined ? 'type' : lazy !== undefined ? 'lazy' : 'static',
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
  const target = 'cli/program/program.ts';
  expect(imports).toContainEqual({ from: 'main.ts', folder: 'main.ts', target, kind: 'static' });
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

/** Sub-folders of these are not rooms yet. */
const WITHOUT_ROOMS: ReadonlySet<string> = new Set(['emulator']);

/** `plan/twin` for a file in a sub-folder; undefined for one beside the sub-folders. */
function roomOf(path: string): string | undefined {
  const parts = path.split(sep);
  return parts.length > 2 && !WITHOUT_ROOMS.has(folderOf(path)) ? parts.slice(0, 2).join('/') : undefined;
}

test('no two rooms of a folder import each other', () => {
  const pairs = new Set(
    imports.flatMap(({ from, target }) => {
      const [room, other] = [roomOf(from), roomOf(target)];
      const isInside = room !== undefined && other !== undefined && room !== other;
      return isInside && folderOf(from) === folderOf(target) ? [`${room} > ${other}`] : [];
    }),
  );
  expect(pairs.size).toBeGreaterThan(5);
  expect([...pairs].filter((pair) => pairs.has(pair.split(' > ').toReversed().join(' > ')))).toEqual([]);
});

describe('the pure part', () => {
  test.each(Object.entries(PURE_PACKAGES))('%s uses only %j', (folder, allowed) => {
    const used = new Set(imports.filter((one) => one.folder === folder && isPackage(one)).map(({ target }) => target));
    expect([...used].filter((target) => !allowed.includes(target))).toEqual([]);
  });
});

describe('the emulator as a guest', () => {
  const packages = imports.filter((one) => isPackage(one) && !one.target.startsWith('node:'));
  const own: ReadonlySet<string> = new Set(EMULATOR.own);

  test('is imported by its face alone', () => {
    const inside = imports.filter(
      ({ folder, target }) =>
        folder !== 'emulator' && folderOf(target) === 'emulator' && target !== normalize(EMULATOR.face),
    );
    expect(inside.map(({ from, target }) => `${from} imports ${target}`)).toEqual([]);
  });

  test('has packages of its own, which nothing else imports', () => {
    const used = new Set(packages.filter(({ folder }) => folder === 'emulator').map(packageOf));
    expect([...used].toSorted()).toEqual([...EMULATOR.own, ...EMULATOR.shared].toSorted());
    const elsewhere = packages.filter((one) => one.folder !== 'emulator' && own.has(packageOf(one)));
    expect(elsewhere.map(({ from, target }) => `${from} imports ${target}`)).toEqual([]);
  });

  test('has its own packages as the optional ones', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, '..', 'package.json'), 'utf8')) as {
      readonly optionalDependencies: Readonly<Record<string, string>>;
    };
    expect(Object.keys(optionalDependencies).toSorted()).toEqual(EMULATOR.own);
  });

  const commands = readdirSync(join(ROOT, 'cli/commands')).map((name) => join('cli/commands', name));
  const others = commands.filter((command) => !EMULATOR_COMMANDS.map(normalize).includes(command));
  test.each(['main.ts', ...others])('is not loaded by %s', (start) => {
    const loaded = loadedBy(start);
    expect(loaded).toContain('cli/exit-code.ts');
    expect([...loaded].filter((target) => folderOf(target) === 'emulator' || own.has(packageOf({ target })))).toEqual(
      [],
    );
  });

  test.each(EMULATOR_COMMANDS)('is loaded by %s', (start) => {
    expect(loadedBy(start)).toContain(normalize(EMULATOR.face));
    expect(loadedBy(start)).toContain('aedes');
  });
});

/** The files and packages that are loaded together with a file. */
function loadedBy(start: string): ReadonlySet<string> {
  const loaded = new Set([start]);
  for (const file of loaded) {
    for (const { from, target, kind } of imports) {
      if (from === file && kind === 'static') loaded.add(target);
    }
  }
  return loaded;
}

/** `hono` of `hono/cors`. */
function packageOf({ target }: Pick<Import, 'target'>): string {
  return target.split('/', target.startsWith('@') ? 2 : 1).join('/');
}

test('every file says in its first line what it owns', () => {
  const silent = files.filter((file) => !/^\/\/ \S.{10,}/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(silent).toEqual([]);
});
