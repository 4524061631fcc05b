// Colour on terminals; respects NO_COLOR, FORCE_COLOR and dumb terminals.
import { styleText } from 'node:util';
import type { Output, World } from '../world.ts';

export type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
}

export function createStyle(env: World['env'], output: Output): Style {
  const isColoured = wantsColour(env, output);
  const paint =
    (format: keyof Style): Paint =>
    (text) =>
      isColoured ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
  };
}

/** https://no-color.org: any non-empty value turns colour off. */
function wantsColour(env: World['env'], { isTerminal }: Output): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0';
  return isTerminal && env['TERM'] !== 'dumb';
}
