// The question before something is read or written at a cost, to whoever sits at the terminal.
import { EXIT } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { World } from '../world.ts';

export interface Unasked {
  /** What was not done, to follow "Nobody can be asked here" or "The answer was not yes". */
  readonly so?: string;
  readonly hint: string;
}

/**
 * True where a person said "yes" and nothing else. A command that was told otherwise has not done what it was called for,
 * and ends with `Failed`.
 *
 * @throws {CliFailure} where nobody can be asked.
 */
export async function confirm(world: World, question: string, { so = '', hint }: Unasked): Promise<boolean> {
  const answer = await world.ask(`${question} Only "yes" does it: `);
  if (answer === undefined) throw new CliFailure(EXIT.Failed, `Nobody can be asked here${so}.`, hint);
  const isYes = answer.trim() === 'yes';
  if (!isYes) world.err.write(`The answer was not "yes"${so === '' ? ', and nothing was done' : so}.\n`);
  return isYes;
}
