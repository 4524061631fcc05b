// `npm run mutants -- [--generated N] [--seed S] [--all] [--only NAME]`: breaks the code on purpose and looks who notices.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generate, sample } from './generate.ts';
import { HAND_MADE, locate } from './hand-made.ts';
import type { Mutant } from './mutant.ts';
import { figuresText, markdown, resultText, verdictOf, type Section } from './report.ts';
import { isOpen, runMutants, type MutantResult, type RunOptions } from './run-mutants.ts';
import { ROOT } from './workspace.ts';

const { values } = parseArgs({
  options: {
    /** Generated mutants of `src/plan/`, so many of them; beside the hand-made ones. */
    generated: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    /** All that can be generated. */
    all: { type: 'boolean', default: false },
    /** Only the simulator is asked. */
    'skip-tests': { type: 'boolean', default: false },
    'skip-hand-made': { type: 'boolean', default: false },
    /** Mutants whose name holds this text. */
    only: { type: 'string' },
    workers: { type: 'string', default: '1' },
    /** Of the simulator; 0 leaves it out. */
    seeds: { type: 'string', default: '60' },
    markdown: { type: 'string' },
    /** A file that keeps what became of each: what is known there is not asked again, unless the mutant survived. */
    results: { type: 'string' },
  },
});

/** As shells tell it. */
const INTERRUPTED = 130;

const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());

/** By name. */
const known = readResults(values.results);

function readResults(file: string | undefined): Map<string, MutantResult> {
  if (file === undefined || !existsSync(file)) return new Map();
  const results = JSON.parse(readFileSync(file, 'utf8')) as readonly MutantResult[];
  return new Map(results.map((result) => [result.mutant.name, result]));
}

function keep(result: MutantResult): void {
  process.stdout.write(resultText(result));
  known.set(result.mutant.name, result);
  if (values.results !== undefined) writeFileSync(values.results, JSON.stringify([...known.values()], undefined, 1));
}

const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const generated = globSync('src/plan/*.ts', { cwd: ROOT })
  .toSorted()
  .flatMap((file) => generate(file, sourceOf(file)));
const handMade = HAND_MADE.map((one) => locate(one, sourceOf(one.file)));
const { only } = values;
const isWanted = ({ name }: Mutant): boolean => only === undefined || name.includes(only);
const drawn =
  values.all || only !== undefined ? generated : sample(generated, Number(values.generated), Number(values.seed));
const groups = [
  { title: 'Made by hand', mutants: (values['skip-hand-made'] ? [] : handMade).filter(isWanted) },
  { title: `Generated, ${drawn.length} of ${generated.length}`, mutants: drawn.filter(isWanted) },
].filter(({ mutants }) => mutants.length > 0);

const options: RunOptions = {
  workers: Number(values.workers),
  tests: !values['skip-tests'],
  seeds: Number(values.seeds),
  signal: stopping.signal,
  knownOf: ({ name }) => known.get(name),
  onResult: keep,
};
const sections: Section[] = [];
for (const { title, mutants } of groups) {
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
if (values.markdown !== undefined) writeFileSync(values.markdown, markdown(sections));
const results = sections.flatMap((section) => section.results);
if (results.length === 0) process.stdout.write('No such mutant.\n');
process.exitCode = results.length === 0 || results.some((result) => verdictOf(result) === 'SURVIVED') ? 1 : 0;
