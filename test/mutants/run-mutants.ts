// Every mutant against the tests and, apart from them, against the simulator.
import { basename } from 'node:path';
import { equivalentOf, type FoundEquivalent } from './equivalent.ts';
import type { Mutant } from './mutant.ts';
import { Workspace, type Noticed } from './workspace.ts';

export interface RunOptions {
  readonly workers: number;
  /** False: only the simulator is asked. */
  readonly tests: boolean;
  /** Seeds of the simulator; 0 leaves it out. */
  readonly seeds: number;
  readonly signal: AbortSignal;
  readonly equivalents: readonly FoundEquivalent[];
  /** Earlier results: a mutant is run again only if it survived. */
  readonly knownOf: (mutant: Mutant) => MutantResult | undefined;
  readonly onResult: (result: MutantResult) => void;
}

export interface MutantResult {
  /** The mutant's. */
  readonly name: string;
  /** Undefined where they were not asked. */
  readonly byTests: Noticed | undefined;
  readonly bySimulator: Noticed | undefined;
  /** Why no check can notice it. */
  readonly equivalent: string | undefined;
  readonly ms: number;
}

/** The tests nearest to a folder of `src/` first: those of the same name, then these. */
const CHECKS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  model: [['test/model'], ['test/plan'], ['test/controller'], ['test/cli']],
  profile: [['test/profile'], ['test/plan'], ['test/controller', 'test/traps.test.ts'], ['test/cli']],
  plan: [['test/plan'], ['test/controller', 'test/traps.test.ts'], ['test/cli']],
  controller: [['test/controller', 'test/traps.test.ts'], ['test/cli']],
  adapters: [['test/adapters'], ['test/contract/https.test.ts'], ['test/cli']],
};

/** The simulator's crashes at every call to the hub: the tests of this file with this in their names. */
const SWEEPS = { file: 'test/simulation/simulation.test.ts', pattern: 'crash' };
const FIRST_SEED = 1;
/** The simulator has a hub of its own and no command: it never runs this code. */
const NOT_SIMULATED = /^src\/(?:adapters|cli)\//;

/** Tells each result, in no particular order. Rejects where a check fails without any mutant, and once aborted. */
export async function runMutants(mutants: readonly Mutant[], options: RunOptions): Promise<void> {
  const workspaces = Array.from({ length: options.workers }, () => new Workspace());
  const left = mutants.values();
  const work = async (workspace: Workspace): Promise<void> => {
    for (const mutant of left) options.onResult(await runOne(workspace, mutant, options));
  };
  try {
    for (const first of workspaces.slice(0, 1)) await checkUnbroken(first, mutants, options);
    const ends = await Promise.allSettled(workspaces.map(work));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    for (const workspace of workspaces) workspace.remove();
  }
}

/** A check that fails without a mutant proves nothing. */
async function checkUnbroken(workspace: Workspace, mutants: readonly Mutant[], options: RunOptions): Promise<void> {
  const all = mutants.flatMap((mutant) => checksOf(mutant, (pattern) => workspace.find(pattern))).flat();
  const byTests = options.tests ? await workspace.test([...new Set(all)], options.signal) : null;
  const noticed = byTests ?? (options.seeds > 0 ? await simulate(workspace, options) : null);
  if (noticed !== null) throw new Error(`A check fails without any mutant: ${noticed}`);
}

async function runOne(workspace: Workspace, mutant: Mutant, options: RunOptions): Promise<MutantResult> {
  const startedAt = performance.now();
  const equivalent = equivalentOf(options.equivalents, mutant)?.why;
  const known = options.knownOf(mutant);
  return workspace.with(mutant, async () => {
    const byTests = asksTests(known, options) ? await runTests(workspace, mutant, options) : known?.byTests;
    const bySimulator = asksSimulator(known, mutant, options) ? await simulate(workspace, options) : known?.bySimulator;
    const ms = Math.round((known?.ms ?? 0) + performance.now() - startedAt);
    return { name: mutant.name, byTests, bySimulator, equivalent, ms };
  });
}

/** True where there is anything left to ask about the mutant. */
export function isOpen(mutant: Mutant, options: Pick<RunOptions, 'tests' | 'seeds' | 'knownOf'>): boolean {
  const known = options.knownOf(mutant);
  return asksTests(known, options) || asksSimulator(known, mutant, options);
}

function asksTests(known: MutantResult | undefined, { tests }: Pick<RunOptions, 'tests'>): boolean {
  return tests && (known?.byTests === undefined || !isNoticed(known));
}

function asksSimulator(
  known: MutantResult | undefined,
  { file }: Mutant,
  { seeds }: Pick<RunOptions, 'seeds'>,
): boolean {
  return seeds > 0 && !NOT_SIMULATED.test(file) && (known?.bySimulator === undefined || !isNoticed(known));
}

export function isNoticed({ byTests, bySimulator }: MutantResult): boolean {
  return typeof byTests === 'string' || typeof bySimulator === 'string';
}

async function runTests(workspace: Workspace, mutant: Mutant, { signal }: RunOptions): Promise<Noticed> {
  for (const paths of checksOf(mutant, (pattern) => workspace.find(pattern))) {
    const noticed = await workspace.test(paths, signal);
    if (noticed !== null) return noticed;
  }
  return null;
}

async function simulate(workspace: Workspace, { seeds, signal }: RunOptions): Promise<Noticed> {
  return (await workspace.simulate(seeds, FIRST_SEED, signal)) ?? workspace.test([SWEEPS.file], signal, SWEEPS.pattern);
}

/** Groups of test files and folders, in the order in which they are asked. `find` lists files by pattern. */
export function checksOf(
  { file, checks }: Mutant,
  find: (pattern: string) => readonly string[],
): readonly (readonly string[])[] {
  if (checks !== undefined) return checks.map((path) => [path]);
  const [, folder = ''] = file.split('/');
  const own = find(`test/${folder}/**/${basename(file, '.ts')}.test.ts`);
  return [...(own.length > 0 ? [own] : []), ...(CHECKS[folder] ?? [['test/']])];
}
