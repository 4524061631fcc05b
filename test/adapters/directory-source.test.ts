// Manifests on a real disk: what is read as one moment, under which revision, and what sets off a new read.
import {
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
  appendFile,
} from 'node:fs/promises';
import { EventEmitter, once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directorySource, type DirectorySourceOptions } from '../../src/adapters/directory-source.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { SourceError } from '../../src/model/errors.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';

const { signal } = new AbortController();
const COMMIT_A = 'a'.repeat(40);
const COMMIT_B = '0123456789abcdef0123456789abcdef01234567';

let root: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'twinward-source-')));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(root, { recursive: true, force: true });
});

/** The machine's own, in a hurry: what is done now and then is done often. */
const clock: Clock = {
  now: () => systemClock.now(),
  schedule: (delayMs, callback) => systemClock.schedule(Math.min(delayMs, 20), callback),
};

/** Files below the temporary folder: a path to its text. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

/** Like Kubernetes and git-sync: the new link atomically replaces the old one. */
async function flip(link: string, target: string): Promise<void> {
  // Outside the watched folders: a read in between would find both links.
  const next = join(root, 'next-link');
  await symlink(target, next);
  await rename(next, join(root, link));
}

function sourceAt(paths: readonly string[], options: Partial<DirectorySourceOptions> = {}) {
  return directorySource({
    paths: paths.map((path) => (path === '-' ? path : join(root, path))),
    debounceMs: 10,
    clock,
    ...options,
  });
}

/** Paths below the temporary folder to texts. */
function texts({ files }: Snapshot): Record<string, string> {
  return Object.fromEntries(
    files.map(({ path, bytes }) => [path.replace(`${root}/`, ''), Buffer.from(bytes).toString()]),
  );
}

async function read(paths: readonly string[]): Promise<Record<string, string>> {
  return texts(await sourceAt(paths).read(signal));
}

async function failure(run: Promise<unknown>): Promise<SourceError> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SourceError) return error;
  throw new Error('did not fail with a SourceError', { cause: error });
}

interface Watched {
  /** Makes a change, then resolves once the source reads the expected content at a later trigger. */
  settles(change: () => Promise<unknown>, isThere?: () => Promise<boolean>): Promise<void>;
  readonly triggers: number;
  stop(): Promise<void>;
}

async function watch(paths: readonly string[]): Promise<Watched> {
  const triggered = new EventEmitter();
  let triggers = 0;
  const stop = await sourceAt(paths).watch(() => {
    triggers += 1;
    triggered.emit('trigger');
  });
  stops.push(stop);
  return {
    settles: async (change, isThere = async () => true) => {
      let seen = triggers;
      await change();
      do {
        if (triggers === seen) await once(triggered, 'trigger');
        seen = triggers;
      } while (!(await isThere()));
    },
    get triggers() {
      return triggers;
    },
    stop,
  };
}

describe('read', () => {
  test('takes manifests of a folder and its folders, sorted, and nothing else', async () => {
    await write({
      'm/b.yaml': 'b',
      'm/a.yml': 'a',
      'm/sub/c.JSON': 'c',
      'm/sub/deep/d.yaml': 'd',
      'm/readme.md': 'x',
      'm/yaml': 'x',
      'm/.hidden.yaml': 'x',
      'm/.git/config.yaml': 'x',
      'm/node_modules/p/package.json': 'x',
      'm/sub/.cache/e.yaml': 'x',
      'm/f.yaml~': 'x',
      'other/x.yaml': 'x',
    });
    const snapshot = await sourceAt(['m']).read(signal);
    expect(texts(snapshot)).toEqual({ 'm/a.yml': 'a', 'm/b.yaml': 'b', 'm/sub/c.JSON': 'c', 'm/sub/deep/d.yaml': 'd' });
    expect(snapshot.files.map(({ path }) => path)).toEqual(snapshot.files.map(({ path }) => path).toSorted());
    expect(snapshot.partial).toBe(false);
  });

  test('takes a file that is named, whatever it is called', async () => {
    await write({ 'policy.txt': 'a', '.hidden/b.yaml': 'b' });
    expect(await read(['policy.txt', '.hidden'])).toEqual({ 'policy.txt': 'a', '.hidden/b.yaml': 'b' });
  });

  test('an empty folder is no error, and no file', async () => {
    await mkdir(join(root, 'm'));
    expect((await sourceAt(['m']).read(signal)).files).toEqual([]);
  });

  test('a file named twice is read once', async () => {
    await write({ 'm/a.yaml': 'a' });
    expect(await read(['m', 'm/', 'm/a.yaml', 'm/../m'])).toEqual({ 'm/a.yaml': 'a' });
  });

  test('follows links to files and folders, and goes round no loop', async () => {
    await write({ 'elsewhere/a.yaml': 'a', 'elsewhere/sub/b.yaml': 'b', 'm/own.yaml': 'o' });
    await symlink('../elsewhere/a.yaml', join(root, 'm/linked.yaml'));
    await symlink('../elsewhere/sub', join(root, 'm/folder'));
    await symlink('..', join(root, 'elsewhere/sub/up'));
    await symlink('.', join(root, 'm/self'));
    expect(await read(['m'])).toEqual({
      'm/own.yaml': 'o',
      'm/linked.yaml': 'a',
      'm/folder/b.yaml': 'b',
      'm/folder/up/a.yaml': 'a',
    });
  });

  test('keeps bytes as they are', async () => {
    await mkdir(join(root, 'm'));
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a]);
    await writeFile(join(root, 'm/a.yaml'), bytes);
    expect(Buffer.from((await sourceAt(['m']).read(signal)).files[0]?.bytes ?? []).equals(bytes)).toBe(true);
  });

  test('takes standard input once, under its own name', async () => {
    let reads = 0;
    const stdin = async (): Promise<Uint8Array> => Buffer.from(`input ${(reads += 1)}`);
    const source = sourceAt(['-'], { stdin });
    const first = await source.read(signal);
    expect([texts(first), first.partial]).toEqual([{ '<stdin>': 'input 1' }, true]);
    expect(await source.read(signal)).toEqual(first);
  });

  const partial: readonly (readonly [
    sentence: string,
    paths: readonly string[],
    whole: boolean | undefined,
    want: boolean,
  ])[] = [
    ['a folder is the whole source', ['m'], undefined, false],
    ['a file may be a part of it', ['m/a.yaml'], undefined, true],
    ['a folder and a file may be a part of it', ['m', 'm/a.yaml'], undefined, true],
    ['a file that is said to be whole is', ['m/a.yaml'], true, false],
    ['a folder that is said to be a part is', ['m'], false, true],
  ];
  test.each(partial)('%s', async (_sentence, paths, whole, want) => {
    await write({ 'm/a.yaml': 'a' });
    const options = whole === undefined ? {} : { whole };
    expect((await sourceAt(paths, options).read(signal)).partial).toBe(want);
  });
});

describe('read fails, and says what to look at,', () => {
  const rows: readonly (readonly [
    sentence: string,
    prepare: () => Promise<unknown>,
    paths: readonly string[],
    code: string,
    words: string,
  ])[] = [
    ['where the path does not exist', async () => {}, ['m'], 'NotFound', 'm does not exist'],
    [
      'where one of several paths does not exist',
      () => write({ 'm/a.yaml': 'a' }),
      ['m', 'n'],
      'NotFound',
      'n does not exist',
    ],
    [
      'where the path goes through a file',
      () => write({ m: 'a' }),
      ['m/a.yaml'],
      'NotFound',
      'm/a.yaml does not exist',
    ],
    [
      'where the path is a link that leads nowhere',
      () => symlink('gone', join(root, 'm')),
      ['m'],
      'NotFound',
      'm does not exist',
    ],
    [
      'where a link inside leads nowhere: a manifest may be missing',
      async () => {
        await write({ 'm/a.yaml': 'a' });
        await symlink('gone.yaml', join(root, 'm/b.yaml'));
      },
      ['m'],
      'Unreadable',
      'm/b.yaml',
    ],
    [
      'where a link leads to itself',
      async () => {
        await write({ 'm/a.yaml': 'a' });
        await symlink('b.yaml', join(root, 'm/b.yaml'));
      },
      ['m'],
      'Unreadable',
      'm/b.yaml',
    ],
    [
      'where folders go on too deep',
      () => write({ [`m/${'d/'.repeat(40)}a.yaml`]: 'a' }),
      ['m'],
      'TooLarge',
      'folders',
    ],
    [
      'where a file is too large',
      () => write({ 'm/a.yaml': 'a'.repeat(16 * 1024 * 1024 + 1) }),
      ['m'],
      'TooLarge',
      'm/a.yaml',
    ],
  ];
  test.each(rows)('%s', async (_sentence, prepare, paths, code, words) => {
    await prepare();
    const error = await failure(sourceAt(paths).read(signal));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(words)]);
  });

  test('where a file, all files together, or their number is too large', async () => {
    const sizes = async (bytes: number, count: number): Promise<SourceError> => {
      await mkdir(join(root, 'm'));
      for (let index = 0; index < count; index += 1) {
        const file = join(root, `m/${index}.yaml`);
        await writeFile(file, '');
        // Sparse: takes no room.
        if (bytes > 0) await truncate(file, bytes);
      }
      const error = await failure(sourceAt(['m']).read(signal));
      await rm(join(root, 'm'), { recursive: true });
      return error;
    };
    const mib = 1024 * 1024;
    expect(await sizes(16 * mib + 1, 1)).toMatchObject({
      code: 'TooLarge',
      message: expect.stringContaining('0.yaml') as string,
    });
    expect(await sizes(16 * mib, 17)).toMatchObject({
      code: 'TooLarge',
      message: expect.stringContaining('256 MiB') as string,
    });
    expect(await sizes(0, 20_001)).toMatchObject({
      code: 'TooLarge',
      message: expect.stringContaining('20000 files') as string,
    });
  });

  test('where standard input fails', async () => {
    const stdin = (): Promise<Uint8Array> => Promise.reject(new Error('EIO'));
    expect((await failure(sourceAt(['-'], { stdin }).read(signal))).code).toBe('Unreadable');
    expect((await failure(sourceAt(['-']).read(signal))).code).toBe('Unreadable');
  });

  test('where it is stopped', async () => {
    await write({ 'm/a.yaml': 'a' });
    expect((await failure(sourceAt(['m']).read(AbortSignal.abort()))).code).toBe('Aborted');
  });
});

describe('the revision', () => {
  test('is a digest of paths and contents, and of nothing else', async () => {
    await write({ 'm/a.yaml': 'a', 'm/b.yaml': 'b' });
    const revision = async (): Promise<string> => (await sourceAt(['m']).read(signal)).revision;
    const first = await revision();
    expect(first).toMatch(/^sha256:[0-9a-f]+$/);
    await write({ 'm/readme.md': 'x', 'm/a.yaml': 'a' });
    expect(await revision()).toBe(first);
    await rename(join(root, 'm/b.yaml'), join(root, 'm/c.yaml'));
    const renamed = await revision();
    await write({ 'm/c.yaml': 'c' });
    expect(new Set([first, renamed, await revision()]).size).toBe(3);
  });

  const rows: readonly (readonly [
    sentence: string,
    worktrees: readonly string[],
    paths: readonly string[],
    want: RegExp,
  ])[] = [
    [
      'is the commit of a git-sync worktree',
      [`.worktrees/${COMMIT_A}`],
      [`.worktrees/${COMMIT_A}`],
      new RegExp(`^sha1:${COMMIT_A}$`),
    ],
    [
      'is the commit for a folder inside it',
      [`.worktrees/${COMMIT_A}`],
      [`.worktrees/${COMMIT_A}/sub`],
      new RegExp(`^sha1:${COMMIT_A}$`),
    ],
    [
      'is the commit as older versions name the worktree',
      [`rev-${COMMIT_B}`],
      [`rev-${COMMIT_B}`],
      new RegExp(`^sha1:${COMMIT_B}$`),
    ],
    [
      'is a digest for two commits together',
      [`.worktrees/${COMMIT_A}`, `.worktrees/${COMMIT_B}`],
      [`.worktrees/${COMMIT_A}`, `.worktrees/${COMMIT_B}`],
      /^sha256:/,
    ],
    [
      'is a digest for a commit and a folder together',
      [`.worktrees/${COMMIT_A}`, 'm'],
      [`.worktrees/${COMMIT_A}`, 'm'],
      /^sha256:/,
    ],
    [
      'is a digest for a commit and standard input together',
      [`.worktrees/${COMMIT_A}`],
      [`.worktrees/${COMMIT_A}`, '-'],
      /^sha256:/,
    ],
    ['is a digest where a folder is only called like a short commit', ['abcdef1'], ['abcdef1'], /^sha256:/],
  ];
  test.each(rows)('%s', async (_sentence, worktrees, paths, want) => {
    for (const worktree of worktrees) await write({ [`${worktree}/a.yaml`]: 'a', [`${worktree}/sub/b.yaml`]: 'b' });
    const { revision } = await sourceAt(paths, { stdin: async () => Buffer.from('x') }).read(signal);
    expect(revision).toMatch(want);
  });
});

describe('a trigger comes', () => {
  test('when a file is made, changed, renamed over and removed, also in new folders', async () => {
    await write({ 'm/a.yaml': '1' });
    const watched = await watch(['m']);
    const became = (want: Record<string, string>) => async (): Promise<boolean> => {
      const found = await read(['m']).catch(() => ({}));
      return JSON.stringify(found) === JSON.stringify(want);
    };
    await watched.settles(() => write({ 'm/a.yaml': '2' }), became({ 'm/a.yaml': '2' }));
    await watched.settles(() => write({ 'm/b.yaml': 'b' }), became({ 'm/a.yaml': '2', 'm/b.yaml': 'b' }));
    // Like most editors.
    await write({ 'aside.tmp': '3' });
    await watched.settles(
      () => rename(join(root, 'aside.tmp'), join(root, 'm/a.yaml')),
      became({ 'm/a.yaml': '3', 'm/b.yaml': 'b' }),
    );
    await watched.settles(() => unlink(join(root, 'm/b.yaml')), became({ 'm/a.yaml': '3' }));
    await watched.settles(
      () => write({ 'm/new/deep/c.yaml': 'c' }),
      became({ 'm/a.yaml': '3', 'm/new/deep/c.yaml': 'c' }),
    );
    await watched.settles(
      () => write({ 'm/new/deep/c.yaml': 'd' }),
      became({ 'm/a.yaml': '3', 'm/new/deep/c.yaml': 'd' }),
    );
    await watched.settles(() => rm(join(root, 'm/new'), { recursive: true }), became({ 'm/a.yaml': '3' }));
    expect(watched.triggers).toBeGreaterThanOrEqual(7);
  });

  test('when the folder goes, and when it comes back', async () => {
    await write({ 'm/a.yaml': '1' });
    const watched = await watch(['m']);
    const source = sourceAt(['m']);
    await watched.settles(
      () => rm(join(root, 'm'), { recursive: true }),
      async () => (await failure(source.read(signal)).catch(() => undefined))?.code === 'NotFound',
    );
    await watched.settles(
      () => write({ 'm/a.yaml': '2' }),
      async () => (await read(['m']).catch(() => undefined))?.['m/a.yaml'] === '2',
    );
    await watched.settles(
      () => write({ 'm/a.yaml': '3' }),
      async () => (await read(['m']))['m/a.yaml'] === '3',
    );
    expect(watched.triggers).toBeGreaterThanOrEqual(3);
  });

  test('when a folder that did not exist is made', async () => {
    const watched = await watch(['later/m']);
    await watched.settles(
      () => write({ 'later/m/a.yaml': '1' }),
      async () => Object.keys(await read(['later/m']).catch(() => ({}))).length === 1,
    );
    expect(watched.triggers).toBeGreaterThanOrEqual(1);
  });

  test('when the folder above is moved away and another takes its place', async () => {
    await write({ 'repo/m/a.yaml': '1', 'next/m/a.yaml': '2' });
    const watched = await watch(['repo/m']);
    await watched.settles(
      async () => {
        await rename(join(root, 'repo'), join(root, 'old'));
        await rename(join(root, 'next'), join(root, 'repo'));
      },
      async () => (await read(['repo/m']))['repo/m/a.yaml'] === '2',
    );
    await watched.settles(
      () => write({ 'repo/m/a.yaml': '3' }),
      async () => (await read(['repo/m']))['repo/m/a.yaml'] === '3',
    );
    // By now the watch is on the new folder, and must hear what happens there.
    await watched.settles(
      () => write({ 'repo/m/a.yaml': '4' }),
      async () => (await read(['repo/m']))['repo/m/a.yaml'] === '4',
    );
    expect(watched.triggers).toBeGreaterThanOrEqual(3);
  });

  test('when a single file is replaced', async () => {
    await write({ 'a.yaml': '1', 'b.tmp': '2' });
    const watched = await watch(['a.yaml']);
    await watched.settles(
      () => rename(join(root, 'b.tmp'), join(root, 'a.yaml')),
      async () => (await read(['a.yaml']))['a.yaml'] === '2',
    );
    await watched.settles(
      () => appendFile(join(root, 'a.yaml'), '3'),
      async () => (await read(['a.yaml']))['a.yaml'] === '23',
    );
    expect(watched.triggers).toBeGreaterThanOrEqual(2);
  });

  test('when a half-written file is completed', async () => {
    await write({ 'm/a.yaml': 'half' });
    const watched = await watch(['m']);
    await watched.settles(
      () => appendFile(join(root, 'm/a.yaml'), ' and half'),
      async () => (await read(['m']))['m/a.yaml'] === 'half and half',
    );
    expect(watched.triggers).toBeGreaterThanOrEqual(1);
  });

  test('no more after the end, which is idempotent', async () => {
    await write({ 'm/a.yaml': '1' });
    const watched = await watch(['m']);
    await watched.settles(() => write({ 'm/a.yaml': '2' }));
    await watched.stop();
    await watched.stop();
    const before = watched.triggers;
    const other = await watch(['m']);
    await other.settles(() => write({ 'm/a.yaml': '3' }));
    expect(watched.triggers).toBe(before);
  });

  test('for standard input never', async () => {
    const stop = await sourceAt(['-']).watch(() => {});
    await stop();
    await expect(stop()).resolves.toBeUndefined();
  });
});

describe('one whole version', () => {
  const version = (folder: string, text: string): Promise<void> =>
    write(Object.fromEntries(['a', 'b', 'c'].map((name) => [`${folder}/m/${name}.yaml`, text])));

  /** The texts of all files read: one where the version is whole. */
  const versions = ({ files }: Snapshot): string[] => [
    ...new Set(files.map(({ bytes }) => Buffer.from(bytes).toString())),
  ];

  interface Layout {
    readonly paths: readonly string[];
    /** Puts a version in place as the tool does. */
    readonly publish: (text: string) => Promise<unknown>;
    readonly revision: RegExp;
  }

  /** A mounted ConfigMap: `m/x.yaml` → `..data/x.yaml`, `..data` → a folder of the moment. */
  async function configMap(): Promise<Layout> {
    await mkdir(join(root, 'm'));
    const names = ['a', 'b', 'c'].map((name) => `${name}.yaml`);
    for (const name of names) await symlink(`..data/${name}`, join(root, 'm', name));
    let last: string | undefined;
    return {
      paths: ['m'],
      publish: async (text) => {
        const folder = `..2026_${text}`;
        await write(Object.fromEntries(names.map((name) => [`m/${folder}/${name}`, text])));
        await flip('m/..data', folder);
        // Kubernetes removes the old folder at once.
        if (last !== undefined) await rm(join(root, 'm', last), { recursive: true });
        last = folder;
      },
      revision: /^sha256:/,
    };
  }

  /** git-sync: a link to the worktree of the commit. */
  function gitSync(paths: readonly string[]): () => Promise<Layout> {
    return async () => ({
      paths,
      publish: async (text) => {
        const folder = `.worktrees/${text.padStart(40, '0')}`;
        await version(folder, text);
        await flip('current', folder);
      },
      revision: /^sha1:0*\d+$/,
    });
  }

  /** A link inside the folder that is given. */
  function linkInside(folder: string): () => Promise<Layout> {
    return async () => {
      await mkdir(join(root, folder), { recursive: true });
      return {
        paths: ['given'],
        publish: async (text) => {
          await version(`versions/${text}`, text);
          await flip(`${folder}/link`, join(root, 'versions', text));
        },
        revision: /^sha256:/,
      };
    };
  }

  const layouts: readonly (readonly [name: string, make: () => Promise<Layout>])[] = [
    ['a mounted ConfigMap', configMap],
    ['the link of git-sync', gitSync(['current'])],
    ['a folder below the link of git-sync', gitSync(['current/m'])],
    ['several files below the link of git-sync', gitSync(['current/m/a.yaml', 'current/m/b.yaml', 'current/m/c.yaml'])],
    ['a link inside the folder', linkInside('given')],
    ['a link deep inside the folder', linkInside('given/a/b')],
  ];

  test.each(layouts)('is read through %s, and a new one triggers', async (_name, make) => {
    const { paths, publish, revision } = await make();
    await publish('1');
    const watched = await watch(paths);
    const source = sourceAt(paths);
    for (const text of ['2', '3', '4']) {
      await watched.settles(
        () => publish(text),
        async () => versions(await source.read(signal)).join() === text,
      );
      const snapshot = await source.read(signal);
      expect(snapshot.files).toHaveLength(3);
      expect(snapshot.revision).toMatch(revision);
    }
  });

  test.each(layouts)('is never mixed with another while %s moves on', async (_name, make) => {
    const { paths, publish } = await make();
    await publish('0');
    const source = sourceAt(paths);
    const seen = new Set<string>();
    for (let text = 1; text <= 60; text += 1) {
      const reading = source.read(signal).catch((error: unknown) => {
        // It may keep changing faster than it can be read: that is said, not guessed around.
        if (!(error instanceof SourceError)) throw error;
      });
      for (let publication = 0; publication < text % 3; publication += 1) await publish(`${text}${publication}`);
      const snapshot = await reading;
      const found = snapshot === undefined ? [] : versions(snapshot);
      expect([found.length, snapshot?.files.length ?? 3]).toEqual([snapshot === undefined ? 0 : 1, 3]);
      for (const version of found) seen.add(version);
    }
    expect(seen.size).toBeGreaterThan(10);
  });
});
