// The one table of exit codes; docs/cli.md shows it.

export const EXIT = {
  Ok: 0,
  /** Any other failure: usage, input and output, failed twins. */
  Failed: 1,
  /** `plan --detailed-exitcode`: twins would be changed or modules created. */
  Changes: 2,
  InvalidManifests: 3,
  /** The state that the decision was based on has changed. */
  Stale: 4,
  /** Held until a person decides. */
  Held: 5,
  Timeout: 6,
  Unauthorized: 7,
  Throttled: 8,
  Interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
