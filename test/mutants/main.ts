// `npm run mutants -- [--generated N] [--seed S] [--all] [--only NAME]`: breaks the code on purpose and checks who
// notices.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findEquivalents } from './equivalent.ts';
import type { Declaration } from './find-code.ts';
import { generate, sample } from './generate.ts';
import { HAND_MADE, locate, readDeclarations } from './hand-made.ts';
import type { Mutant } from './mutant.ts';
import { figuresText, markdown, resultText, sectionsOf, verdictOf, type Section } from './report.ts';
import { readResults, RECORDED_RESULTS, writeResults } from './results.ts';
import { isOpen, runMutants, type RunOptions } from './run-mutants.ts';
import { ROOT } from './workspace.ts';

const { values } = parseArgs({
  options: {
    /** Number of generated mutants of `src/plan/`, besides the hand-made ones. */
    generated: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    /** All mutants that can be generated. */
    all: { type: 'boolean', default: false },
    /** Only the simulator is asked. */
    'skip-tests': { type: 'boolean', default: false },
    'skip-hand-made': { type: 'boolean', default: false },
    /** Mutants whose name holds this text. */
    only: { type: 'string' },
    workers: { type: 'string', default: '1' },
    /** Of the simulator; 0 leaves it out. */
    seeds: { type: 'string', default: '60' },
    /** A file of results: known ones are not run again, unless the mutant survived. */
    results: { type: 'string' },
    /** Prints a page of the results that are kept and runs nothing. */
    report: { type: 'boolean', default: false },
  },
});

/** The exit code of an interrupted shell command. */
const INTERRUPTED = 130;

if (values.report) process.stdout.write(markdown(sectionsOf(readResults(values.results ?? RECORDED_RESULTS))));
else process.exitCode = await run();

async function run(): Promise<number> {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  const declarations = readDeclarations();
  /** By name. */
  const known = new Map(
    (values.results === undefined ? [] : readResults(values.results)).map((result) => [result.name, result]),
  );
  const options: RunOptions = {
    workers: Number(values.workers),
    tests: !values['skip-tests'],
    seeds: Number(values.seeds),
    signal: stopping.signal,
    equivalents: findEquivalents(declarations),
    knownOf: ({ name }) => known.get(name),
    onResult: (result) => {
      process.stdout.write(resultText(result));
      known.set(result.name, result);
      if (values.results !== undefined) writeResults(values.results, known.values());
    },
  };
  const sections: Section[] = [];
  for (const { title, mutants } of wantedGroups(declarations)) {
    const open = mutants.filter((mutant) => isOpen(mutant, options));
    if (open.length > 0) {
      await runMutants(open, options).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
        process.exit(INTERRUPTED);
      });
    }
    sections.push({ title, results: mutants.flatMap(({ name }) => known.get(name) ?? []) });
  }
  for (const section of sections) process.stdout.write(`${figuresText(section)}\n`);
  const results = sections.flatMap((section) => section.results);
  if (results.length === 0) process.stdout.write('No such mutant.\n');
  return results.length === 0 || results.some((result) => verdictOf(result) === 'SURVIVED') ? 1 : 0;
}

interface Group {
  readonly title: string;
  readonly mutants: readonly Mutant[];
}

function wantedGroups(declarations: readonly Declaration[]): Group[] {
  const generated = globSync('src/plan/**/*.ts', { cwd: ROOT })
    .toSorted()
    .flatMap((file) => generate(file, readFileSync(join(ROOT, file), 'utf8')));
  const handMade = values['skip-hand-made'] ? [] : HAND_MADE.map((one) => locate(one, declarations));
  const { only, all } = values;
  const isWanted = ({ name }: Mutant): boolean => only === undefined || name.includes(only);
  const drawn =
    all || only !== undefined ? generated : sample(generated, Number(values.generated), Number(values.seed));
  return [
    { title: 'Made by hand', mutants: handMade.filter(isWanted) },
    { title: `Generated, ${drawn.length} of ${generated.length}`, mutants: drawn.filter(isWanted) },
  ].filter(({ mutants }) => mutants.length > 0);
}
