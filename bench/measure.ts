// Numbers worth believing on a noisy machine: medians, ratios within one run, processes measured whole.
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** One line of the table. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** The limit, if there is one. */
  readonly limit?: string;
  readonly isMet?: boolean;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const DIGITS = { '×': 2, ' MB': 0, ' MiB': 0, ' s': 1, ' ms': 1 } as const;

export function atMost(what: string, value: number, limit: number, unit: keyof typeof DIGITS): Figure {
  return { what, value: value.toFixed(DIGITS[unit]) + unit, limit: `≤ ${limit}${unit}`, isMet: value <= limit };
}

export function atLeast(what: string, value: number, limit: number): Figure {
  return { what, value: value.toFixed(0), limit: `≥ ${limit}`, isMet: value >= limit };
}

export function exactly(what: string, value: number, wanted: number): Figure {
  return { what, value: String(value), limit: `= ${wanted}`, isMet: value === wanted };
}

export function note(what: string, value: string): Figure {
  return { what, value };
}

/** User and system time of this process, all its threads, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** A process from its start to its end. */
export interface Whole {
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
}

/** A process that takes longer than this is stuck. */
const WHOLE_MS_MAX = 60_000;

/** Runs a script to its end, its output thrown away. Throws where it fails. */
export function runWhole(script: string, args: readonly string[]): Whole {
  const cpuBeforeMs = childrenCpuMs();
  const startedAtMs = performance.now();
  const options = { stdio: 'ignore', timeout: WHOLE_MS_MAX, killSignal: 'SIGKILL' } as const;
  const { status } = spawnSync(process.execPath, [script, ...args], options);
  const wallMs = performance.now() - startedAtMs;
  if (status !== 0) throw new Error(`${script} ended with ${status}`);
  return { wallMs, cpuMs: childrenCpuMs() - cpuBeforeMs };
}

/** The kernel counts in hundredths of a second. */
const TICK_MS = 10;

/** CPU of all finished children. */
function childrenCpuMs(): number {
  return ticksOf('self', 13) * TICK_MS;
}

/** User and system time of another process, so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  return ticksOf(String(pid), 11) * TICK_MS;
}

/** User and system time from that field on, after the name; Linux only. */
function ticksOf(process: string, field: number): number {
  const afterName = readFileSync(`/proc/${process}/stat`, 'utf8').split(') ')[1] ?? '';
  const [user = 0, system = 0] = afterName
    .split(' ')
    .slice(field, field + 2)
    .map(Number);
  return user + system;
}

/** `path` is relative to this folder. */
export function pathOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** Runs a script to its end and resolves with the lines it printed. Rejects where it fails. */
export async function linesOf(script: string, args: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      lines.push(Buffer.concat([...rest, chunk.subarray(from, end)]).toString());
      rest = [];
      from = end + 1;
    }
    rest.push(chunk.subarray(from));
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return lines;
}

/** The first line that a process prints; the process keeps running. */
export async function firstLineOf(child: ChildProcessByStdio<Writable, Readable, null>): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end !== -1) return text.slice(0, end);
  }
  throw new Error('the process ended before it was ready');
}
