// Shared by tests of the documentation: the Markdown files, their links, headings and examples.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface Page {
  /** From the root: `docs/cli.md`. */
  readonly path: string;
  readonly text: string;
  /** Without examples and code: what is prose. */
  readonly prose: string;
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return { path, text, prose: text.replaceAll(FENCE, '').replaceAll(/`[^`\n]*`/g, '') };
}

/** Every Markdown file that belongs to the project. */
export function allPages(): Page[] {
  const folders = ['.', 'docs', 'docs/decisions', 'bench', 'deploy', 'test', 'src/emulator'];
  return folders.flatMap((folder) =>
    listFolder(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => readPage(folder === '.' ? name : `${folder}/${name}`)),
  );
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder));
  } catch {
    return [];
  }
}

/** Examples in this language, as written. */
export function examplesIn({ text }: Page, language: string): string[] {
  return [...text.matchAll(FENCE)].filter(([, name]) => name === language).map(([, , body = '']) => body);
}

/** Targets of links that stay inside the repository. */
export function linksIn({ text }: Page): string[] {
  const prose = text.replaceAll(FENCE, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** GitHub's names for the anchors of headings. */
export function anchorsIn({ text }: Page): string[] {
  return [...text.replaceAll(FENCE, '').matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** The part of a page under a heading, up to the next of the same or a higher level. */
export function sectionOf({ text }: Page, heading: string): string | undefined {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ +/, '') === heading);
  if (start === -1) return undefined;
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 0;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => (/^#+(?= )/.exec(line)?.[0].length ?? Infinity) <= level);
  return (end === -1 ? rest : rest.slice(0, end)).join('\n');
}

/** Cells of the table under a heading, without the heads of its columns and the marks of code. */
export function tableIn(page: Page, heading: string): string[][] {
  return (sectionOf(page, heading) ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '))
    .map((cells) => cells.map((cell) => (/^`[^`]+`$/.test(cell) ? cell.slice(1, -1) : cell)));
}
