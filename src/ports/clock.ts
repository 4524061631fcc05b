// Time, injected: nothing outside an adapter reads the machine's clock or sets a timer.

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Calls back once, after at least `delayMs`. The result cancels that and is idempotent. */
  schedule(delayMs: number, callback: () => void): () => void;
}
