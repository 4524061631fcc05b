// The one table of exit codes; docs/cli.md shows it.

export const EXIT = {
  Ok: 0,
  /** Anything without a code of its own: usage, input and output, twins that failed. */
  Failed: 1,
  /** `plan --detailed-exitcode`: twins would be changed or modules created. */
  Changes: 2,
  InvalidManifests: 3,
  /** What was decided rests on a state that is gone. */
  Stale: 4,
  /** Something is held back until a person decides. */
  Held: 5,
  Timeout: 6,
  Unauthorized: 7,
  Throttled: 8,
  Interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
