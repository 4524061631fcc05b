// `npm run reliability`: writes the campaign's figures and what it found into docs/reliability.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { campaignTable, readPieces } from './campaign.ts';
import { FOUND_BUGS } from './regressions.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);

function between(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`docs/reliability.md has no place for ${name}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function bugTable(): string {
  const rows = FOUND_BUGS.map(({ seed, what }) => `| ${what} | ${seed ?? 'a test of its own'} |`);
  return ['| what | seed |', '|---|---|', ...rows].join('\n');
}

const page = readFileSync(PAGE, 'utf8');
writeFileSync(PAGE, between(between(page, 'campaign', campaignTable(readPieces())), 'bugs', bugTable()));
