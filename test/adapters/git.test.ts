// Manifests of a commit, read from a checkout that stays as it is.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRevision } from '../../src/adapters/git.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { gitCheckout, type GitCheckout } from '../support/git-checkout.ts';
import { folderOf } from '../cli/fixture.ts';

let checkout: GitCheckout;
let first: string;
let second: string;

beforeAll(() => {
  checkout = gitCheckout();
  first = checkout.commit({
    'fleet/a.yaml': 'a: 1\n',
    'fleet/sub/b.json': '{"b": "ö"}',
    'fleet/gone.yml': '',
    'fleet/.hidden/c.yaml': 'c',
    'fleet/readme.md': 'no manifest',
    'other.yaml': 'o',
  });
  second = checkout.commit({ 'fleet/a.yaml': 'a: 2\n', 'other.yaml': 'o' });
});
afterAll(() => checkout.remove());

function read(revision: string, ...paths: string[]): Promise<Snapshot> {
  const given = paths.map((path) => join(checkout.path, path));
  return readRevision({ revision, paths: given }, new AbortController().signal);
}

function textsOf({ files }: Snapshot): Record<string, string> {
  return Object.fromEntries(
    files.map(({ path, bytes }) => [path.slice(checkout.path.length + 1), Buffer.from(bytes).toString()]),
  );
}

describe('a commit', () => {
  test('is read as it was, hidden folders and other files left out', async () => {
    const snapshot = await read('HEAD~1', 'fleet');
    expect(snapshot).toMatchObject({ revision: `sha1:${first}`, partial: false });
    expect(textsOf(snapshot)).toEqual({
      'fleet/a.yaml': 'a: 1\n',
      'fleet/gone.yml': '',
      'fleet/sub/b.json': '{"b": "ö"}',
    });
  });

  test('is named by a branch as well, and what is on disk does not count', async () => {
    expect(await read('main', 'fleet')).toMatchObject({ revision: `sha1:${second}` });
    expect(textsOf(await read('main', 'fleet'))).toEqual({ 'fleet/a.yaml': 'a: 2\n' });
  });

  test('gives a folder that is gone from disk', async () => {
    expect(textsOf(await read(first, 'fleet/sub'))).toEqual({ 'fleet/sub/b.json': '{"b": "ö"}' });
  });

  test('gives the whole checkout, each file once', async () => {
    expect(Object.keys(textsOf(await read('HEAD', '.', 'fleet')))).toEqual(['fleet/a.yaml', 'other.yaml']);
  });

  test('of a single file is a part of the source', async () => {
    expect(await read('HEAD', 'other.yaml')).toMatchObject({ partial: true });
  });
});

describe('what can not be read', () => {
  test.each([
    ['a commit that is not there', 'nowhere', 'fleet', 'There is no commit "nowhere" in this checkout.'],
    ['a word that git takes for an option', '--all', 'fleet', 'There is no commit "--all" in this checkout.'],
    ['a path that the commit does not have', 'HEAD', 'fleet/sub', 'fleet/sub does not exist in HEAD.'],
  ])('%s', async (_case, revision, path, says) => {
    await expect(read(revision, path)).rejects.toThrow(says);
  });

  test('a folder outside every checkout', async () => {
    const folder = folderOf({ 'a.yaml': '' });
    const reading = readRevision({ revision: 'HEAD', paths: [folder.path] }, new AbortController().signal);
    await expect(reading).rejects.toThrow('is not in a git checkout');
    folder.remove();
  });

  test('a link: what it leads to may be a manifest', async () => {
    const linked = gitCheckout();
    linked.commit({ 'm/a.yaml': 'a' });
    symlinkSync('a.yaml', join(linked.path, 'm', 'b.yaml'));
    linked.git('add', '--all');
    linked.git('commit', '--quiet', '--message', 'link');
    const reading = readRevision({ revision: 'HEAD', paths: [join(linked.path, 'm')] }, new AbortController().signal);
    await expect(reading).rejects.toThrow('is a link or a submodule in HEAD');
    linked.remove();
  });

  test('anything, once it is stopped', async () => {
    const reading = readRevision({ revision: 'HEAD', paths: [checkout.path] }, AbortSignal.abort());
    await expect(reading).rejects.toMatchObject({ code: 'Aborted' });
  });
});
