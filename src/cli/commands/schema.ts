// `twinward schema KIND`: prints a JSON Schema for editors.
import { KINDS, manifestSchema, type Kind } from '../../manifest/schema.ts';
import { closest } from '../../model/similarity.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { World } from '../world.ts';

export const ALL_KINDS = 'all';

/** `name` in any case; "all" gives a schema for every kind. */
export function schema(world: World, name: string): ExitCode {
  const kind = [...KINDS, ALL_KINDS].find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (kind === undefined) {
    const meant = closest(name, KINDS);
    const hint = meant === undefined ? `There are ${KINDS.join(', ')} and ${ALL_KINDS}.` : `Did you mean ${meant}?`;
    throw new CliFailure(EXIT.Failed, `There is no kind "${name}".`, hint);
  }
  world.out.write(`${JSON.stringify(manifestSchema(kind as Kind | 'all'), null, 2)}\n`);
  return EXIT.Ok;
}
