// What `apply` waits for, and how long; separate, so that the command line loads nothing else for it.

export const WAITS = ['written', 'applied'] as const;

export interface WaitChoice {
  /** `written`: end once the hub stored the write. */
  readonly wait?: (typeof WAITS)[number];
  /** In milliseconds. */
  readonly timeout?: number;
}

export const TIMEOUT_MS = 10 * 60_000;
