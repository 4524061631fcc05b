// A command's view of the process: streams, environment, time, interruption. Tests supply their own.
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export interface Output {
  write(text: string): void;
  /** True if a person reads it. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 without one. */
  readonly columns: number;
}

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Data. */
  readonly out: Output;
  /** Progress, problems, questions. */
  readonly err: Output;
  readonly readInput: () => Promise<Uint8Array>;
  /** Asks a person and resolves with the answer; undefined without a terminal. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly interrupted: AbortSignal;
  /**
   * Registers a synchronous clean-up that runs before the process ends for any reason except a kill. Returns a function
   * that unregisters it.
   */
  readonly atExit: (cleanUp: () => void) => () => void;
}

/** An environment variable; an empty one counts as unset. */
export function valueOf(env: World['env'], name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}
