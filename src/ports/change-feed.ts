// What a hub tells of changes by itself, beside what it is asked: hints to look, and nothing to act on.

export interface ChangeFeed {
  /**
   * Looks at the newest events that are kept, a bounded number of them, and takes none away from anybody. Rejects with
   * HubError and nothing else, and ends within the adapter's own time limit.
   */
  probe(signal: AbortSignal): Promise<FeedFacts>;
}

export interface FeedFacts {
  /** Looked at. */
  readonly events: number;
  /** As the events name their hubs: `acme-prod`. */
  readonly hubNames: ReadonlySet<string>;
  /** When the newest one was kept, in milliseconds since 1970; undefined where none was among them. */
  readonly twinChangeAtMs: number | undefined;
  /** A device or a module that came or went; in the same way. */
  readonly lifecycleAtMs: number | undefined;
}
