// What a command sees of the process: streams, environment, time, the wish to stop. Tests give their own.
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export interface Output {
  write(text: string): void;
  /** True where a person looks at it. */
  readonly isTerminal: boolean;
  /** Characters in a line of the terminal; 80 where there is none. */
  readonly columns: number;
}

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Data. */
  readonly out: Output;
  /** Progress, problems, questions. */
  readonly err: Output;
  readonly readInput: () => Promise<Uint8Array>;
  /** Asks a person and resolves with the answer; undefined where nobody can be asked. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly interrupted: AbortSignal;
  /**
   * Has this done before the process ends, however that comes about, short of a kill. Synchronous. Returns what takes the
   * wish back.
   */
  readonly atExit: (cleanUp: () => void) => () => void;
}

/** A variable of the environment; one that is set to nothing is not set. */
export function valueOf(env: World['env'], name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}
