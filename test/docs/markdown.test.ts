// The documentation holds together: links lead somewhere, manifests are valid, words mean what the glossary says.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadManifests } from '../../src/manifest/load.ts';
import { allPages, anchorsIn, examplesIn, linksIn, readPage, ROOT, sectionOf } from './markdown.ts';

const pages = allPages();

test('there are pages to look at', () => {
  expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'docs/cli.md']));
  expect(pages.flatMap(linksIn).length).toBeGreaterThan(50);
});

describe.each(pages.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  test('every relative link leads to a file, and to a heading in it', () => {
    const broken = linksIn(page).filter((link) => {
      const [file = '', anchor] = link.split('#');
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && !anchorsIn(readPage(path)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('it names no place on the machine that it was written on', () => {
    expect(page.text.match(/(?:^|[\s`"'(=])\/(?:work|tmp|root|home)\/\S*/gm) ?? []).toEqual([]);
  });
});

describe('manifests in examples are valid', () => {
  const examples = ['README.md', 'docs/hub-sign-in.md'].flatMap((path) =>
    examplesIn(readPage(path), 'yaml').map((text, index) => [`${path} example ${index + 1}`, text] as const),
  );
  test.each(examples)('%s', (_name, text) => {
    const files = [{ path: 'example.yaml', bytes: new TextEncoder().encode(text) }];
    const { declared, diagnostics } = loadManifests({ revision: 'sha256:0', files, partial: true });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(declared).toBeDefined();
  });
});

describe('words that the glossary rules out', () => {
  const rows = sectionOf(readPage('docs/glossary.md'), 'Words that are not used') ?? '';
  const words = [...rows.matchAll(/^\| ([a-z][a-z ]+) \| /gm)]
    .map(([, word = '']) => word)
    .filter((word) => word !== 'not');

  test('there are some', () => {
    expect(words).toContain('desired state');
  });

  test.each(words)('nobody writes "%s"', (word) => {
    const users = pages.filter(({ path, prose }) => path !== 'docs/glossary.md' && prose.toLowerCase().includes(word));
    expect(users.map(({ path }) => path)).toEqual([]);
  });
});
