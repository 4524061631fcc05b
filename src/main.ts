// argv in, exit code out: the process as a World, and nothing else.
import { systemClock } from './adapters/system-clock.ts';
import { systemRandom } from './adapters/system-random.ts';
import { askLine } from './adapters/terminal.ts';
import { EXIT } from './cli/exit-code.ts';
import { CliFailure } from './cli/failure.ts';
import { runProgram } from './cli/program/program.ts';
import { writeBug } from './cli/render/report.ts';
import type { Output, World } from './cli/world.ts';

const COLUMNS_WITHOUT_TERMINAL = 80;

function outputOf(stream: NodeJS.WriteStream): Output {
  // A reader that closes early, such as `head`, is not a failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    write: (text) => void stream.write(text),
    get isTerminal() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns ?? COLUMNS_WITHOUT_TERMINAL;
    },
  };
}

async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  try {
    const { signal } = interruption;
    return await askLine(question, { input: process.stdin, output: process.stderr, signal });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    interruption.abort();
    throw new CliFailure(EXIT.Interrupted, 'Interrupted before anything was written.', 'Run the command again.');
  }
}

const interruption = new AbortController();

/**
 * npm forwards to its child a signal that the terminal has already sent to that child: two signals this close count as
 * one.
 */
const SAME_SIGNAL_MS = 250;
let interruptedAtMs = 0;

/** The first asks to finish, the second ends immediately. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interruption.signal.aborted) interruptedAtMs = systemClock.now();
    else if (systemClock.now() - interruptedAtMs > SAME_SIGNAL_MS) process.exit(EXIT.Interrupted);
    interruption.abort();
  });
}

const cleanUps = new Set<() => void>();
process.on('exit', () => {
  for (const cleanUp of cleanUps) cleanUp();
});

function atExit(cleanUp: () => void): () => void {
  cleanUps.add(cleanUp);
  return () => void cleanUps.delete(cleanUp);
}

// A plain copy: the YAML parser reads a variable at every token, and Node asks the operating system each time.
process.env = { ...process.env };

const world: World = {
  env: process.env,
  out: outputOf(process.stdout),
  err: outputOf(process.stderr),
  readInput,
  ask,
  clock: systemClock,
  random: systemRandom,
  interrupted: interruption.signal,
  atExit,
};

// A promise that nothing awaited: the process can't know what it left undone, and a fresh one goes on from the hub.
process.on('unhandledRejection', (error) => {
  writeBug(world, error);
  process.exit(EXIT.Failed);
});

process.exitCode = await runProgram(world, process.argv.slice(2));
