// Asks on the terminal before a write or a costly read.
import { EXIT } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { World } from '../world.ts';

export interface Unasked {
  /** The consequence, after "There is no terminal to ask at" or "The answer was not yes". */
  readonly so?: string;
  readonly hint: string;
}

/**
 * True only if the answer is "yes". After any other answer the command has not done its job and must end with `Failed`.
 *
 * @throws {CliFailure} without a terminal.
 */
export async function confirm(world: World, question: string, { so = '', hint }: Unasked): Promise<boolean> {
  const answer = await world.ask(`${question} Type "yes" to confirm: `);
  if (answer === undefined) throw new CliFailure(EXIT.Failed, `There is no terminal to ask at${so}.`, hint);
  const isYes = answer.trim() === 'yes';
  if (!isYes) world.err.write(`The answer was not "yes"${so === '' ? ', and nothing was done' : so}.\n`);
  return isYes;
}
