// A copy of the tree to break, and the checks that run in it as processes of their own.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { mutate, type Mutant } from './mutant.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Not needed by any check or test, or only linked. */
const NOT_COPIED = new Set(['.git', 'node_modules', '.twinward', 'coverage']);

/** Many times the duration of the slowest check: a slower mutant hangs, which counts as noticed. */
const HANG_MS = 180_000;

/** Vitest's message for a running test when another one failed. */
const CUT_SHORT = /test run was aborted/;

/** How a check noticed a mutant, in words; null where it did not. */
export type Noticed = string | null;

export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'twinward-mutants-'));

  constructor() {
    const filter = (path: string): boolean => !NOT_COPIED.has(relative(ROOT, path));
    cpSync(ROOT, this.folder, { recursive: true, filter });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  find(pattern: string): string[] {
    return globSync(pattern, { cwd: this.folder }).toSorted();
  }

  /** Runs with the mutant in place, and always restores the file. */
  async with<T>(mutant: Mutant, run: () => Promise<T>): Promise<T> {
    const path = join(this.folder, mutant.file);
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, mutate(source, mutant));
    try {
      return await run();
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Stops at the first test that fails. `pattern`: only tests of such a name. */
  async test(paths: readonly string[], signal: AbortSignal, pattern?: string): Promise<Noticed> {
    const report = join(this.folder, 'report.json');
    rmSync(report, { force: true });
    // One process for all files: a fresh one for each would take most of the time.
    const how = ['--no-isolate', '--bail=1', '--reporter=json', `--outputFile=${report}`];
    if (pattern !== undefined) how.push(`--testNamePattern=${pattern}`);
    const { code, isHanging } = await this.#run(['node_modules/vitest/vitest.mjs', 'run', ...how, ...paths], signal);
    if (isHanging) return `${paths.join(' ')}: time limit`;
    const found = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report) : undefined;
    if (code !== 0) return (found && this.#failureIn(found)) ?? `${paths.join(' ')}: crash`;
    if (found === undefined || found.numPassedTests === 0)
      throw new Error(`No test ran: ${paths.join(' ')} ${pattern ?? ''}`);
    return null;
  }

  /** Only the simulator: this many seeds, stopped at the first failure. */
  async simulate(seeds: number, firstSeed: number, signal: AbortSignal): Promise<Noticed> {
    const options = ['--seeds', String(seeds), '--seed', String(firstSeed), '--quiet'];
    const failure = /^FAILED (seed \d+: .*)$/m;
    const { code, output, isHanging } = await this.#run(['test/simulation/simulate.ts', ...options], signal, failure);
    const found = failure.exec(output)?.[1];
    if (found !== undefined) return found;
    if (isHanging) return 'time limit';
    return code === 0 ? null : 'crash';
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Files and tests that the first failure cut short are reported as failed too. */
  #failureIn({ testResults }: Report): string | undefined {
    const files = testResults.map(({ name, ...rest }) => ({ file: relative(this.folder, name), ...rest }));
    for (const { file, assertionResults } of files) {
      const failed = assertionResults.find(({ failureMessages }) =>
        failureMessages.some((text) => !CUT_SHORT.test(text)),
      );
      if (failed !== undefined) return `${file}: ${failed.fullName}`;
    }
    const failed = files.find(({ status }) => status === 'failed');
    return failed === undefined ? undefined : `${failed.file}: could not be loaded`;
  }

  /** `until`: output after which nothing more is to be learnt. */
  async #run(args: readonly string[], signal: AbortSignal, until?: RegExp): Promise<Run> {
    const limit = AbortSignal.timeout(HANG_MS);
    // A group of its own: tests start processes, and these must end with them.
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const stop = AbortSignal.any([limit, signal]);
    stop.addEventListener('abort', end, { once: true });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (until?.test(output) === true) end();
    });
    const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
    stop.removeEventListener('abort', end);
    end();
    signal.throwIfAborted();
    return { code, output, isHanging: limit.aborted };
  }
}

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly isHanging: boolean;
}

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly failureMessages: readonly string[] }[];
  }[];
}
