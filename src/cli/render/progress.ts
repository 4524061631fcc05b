// A progress line on a terminal; nothing elsewhere.
import type { Clock } from '../../ports/clock.ts';
import { formatCount } from './table.ts';
import type { World } from '../world.ts';

const REDRAW_MS = 100;
const BAR_WIDTH = 20;
const ERASE_LINE = '\r\u001B[K';

export interface Progress {
  /** Draws at most ten times a second. */
  show(text: string): void;
  /** Removes the line. Idempotent. */
  clear(): void;
}

export function createProgress({ err, clock }: Pick<World, 'err' | 'clock'>): Progress {
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show(text) {
      if (!err.isTerminal || clock.now() - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = clock.now();
      isDrawn = true;
      err.write(`${ERASE_LINE}${text.slice(0, err.columns - 1)}`);
    },
    clear() {
      if (isDrawn) err.write(ERASE_LINE);
      isDrawn = false;
    },
  };
}

/** `[##########          ] 206/412  48/s  4 s`; `startedAtMs` by the same clock. */
export function progressBar(done: number, total: number, startedAtMs: number, clock: Clock): string {
  const filled = total === 0 ? BAR_WIDTH : Math.floor((done / total) * BAR_WIDTH);
  const seconds = (clock.now() - startedAtMs) / 1_000;
  const rate = seconds > 0 ? Math.round(done / seconds) : 0;
  const bar = '#'.repeat(filled).padEnd(BAR_WIDTH);
  return `[${bar}] ${formatCount(done)}/${formatCount(total)}  ${formatCount(rate)}/s  ${Math.round(seconds)} s`;
}
