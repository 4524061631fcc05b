// `twinward` as a process of its own: what it prints, when it ends, and an end at any moment.
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface Running {
  kill(signal: NodeJS.Signals): void;
  /** The exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Everything printed so far, both streams. */
  text(): string;
  stdout(): string;
  stderr(): string;
  /** Resolves with the match once it is printed after `from` characters; rejects where the process ends first. */
  printed(pattern: RegExp, from?: number): Promise<RegExpExecArray>;
}

export interface ProgramOptions {
  readonly cwd?: string;
  /** All of it: nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
}

export function startProgram(argv: readonly string[], { cwd, env = {} }: ProgramOptions = {}): Running {
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'twinward.js'), ...argv], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { all: '', out: '', err: '' };
  const listeners = new Set<() => void>();
  const take = (stream: 'out' | 'err', chunk: Buffer): void => {
    texts[stream] += chunk.toString();
    texts.all += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', (chunk: Buffer) => take('out', chunk));
  child.stderr.on('data', (chunk: Buffer) => take('err', chunk));
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => resolve(code));
  });
  return {
    kill: (signal) => void child.kill(signal),
    ended,
    text: () => texts.all,
    stdout: () => texts.out,
    stderr: () => texts.err,
    printed: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(texts.all.slice(from));
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} before ${String(pattern)}:\n${texts.all}`)));
      }),
  };
}

/** From its probes and metrics on loopback. */
export function getLocal(port: string, path: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });
}
