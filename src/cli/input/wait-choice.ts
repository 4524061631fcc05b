// How long `apply` waits and for what: apart, so that the command line loads nothing else for it.

export const WAITS = ['written', 'applied'] as const;

export interface WaitChoice {
  /** `written` is what a write is when the hub has it. */
  readonly wait?: (typeof WAITS)[number];
  /** In milliseconds. */
  readonly timeout?: number;
}

export const TIMEOUT_MS = 10 * 60_000;
