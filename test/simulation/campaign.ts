// The record of long runs: one line of JSON for each piece of a campaign, and the table that docs/reliability.md shows.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** The result of consecutive seeds, on one commit. */
export interface Piece {
  /** Short hash; with "+" if the working copy differed from it. */
  readonly commit: string;
  readonly date: string;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly deviceHours: number;
  readonly faults: number;
  readonly calls: number;
  readonly writes: number;
  readonly cpuSeconds: number;
  readonly failures: readonly { readonly seed: number; readonly violation: string }[];
}

export const LEDGER = new URL('campaign.jsonl', import.meta.url);

export function appendPiece(piece: Piece): void {
  appendFileSync(LEDGER, `${JSON.stringify(piece)}\n`);
}

export function readPieces(): Piece[] {
  if (!existsSync(LEDGER)) return [];
  const lines = readFileSync(LEDGER, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Piece);
}

export function commitNow(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', 'src', 'test/simulation/*.ts') !== '';
  return `${git('rev-parse', '--short=7', 'HEAD')}${isChanged ? '+' : ''}`;
}

const HOURS_A_YEAR = 8_766;

/** One row for each commit, in the order of the first run on it, and the sum. */
export function campaignTable(pieces: readonly Piece[]): string {
  const rows = [...Map.groupBy(pieces, ({ commit }) => commit)].map(([commit, group]) => row(commit, group));
  return [
    '| commit | seeds | failed | device-years | faults | hub calls | writes | seeds per CPU second |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
    row('**all**', pieces),
  ].join('\n');
}

function row(name: string, pieces: readonly Piece[]): string {
  const sum = (read: (piece: Piece) => number): number => pieces.reduce((total, piece) => total + read(piece), 0);
  const seeds = sum((piece) => piece.seeds);
  const cells = [
    name,
    seeds,
    sum(({ failures }) => failures.length),
    Math.round(sum(({ deviceHours }) => deviceHours) / HOURS_A_YEAR),
    sum(({ faults }) => faults),
    sum(({ calls }) => calls),
    sum(({ writes }) => writes),
    (seeds / sum(({ cpuSeconds }) => cpuSeconds)).toFixed(1),
  ];
  return `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)).join(' | ')} |`;
}
