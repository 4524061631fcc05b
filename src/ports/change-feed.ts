// What a hub tells of changes by itself, beside what it is asked: hints to look, and nothing to act on.
import type { Change } from '../model/change.ts';

/**
 * Events come at least once, some for several changes, and some never; those of one device come in order. Every call rejects
 * with HubError and nothing else, with Aborted where the signal fires, and never retries.
 */
export interface ChangeFeed {
  /**
   * Tells of changes, whoever made them; of all of them from a moment before `onOpen` is called. Gives up within the
   * adapter's time limit where it can't begin. Ends only by a failure, of whatever part of it, or by the signal.
   */
  watch(listener: ChangeListener, signal: AbortSignal): Promise<never>;
  /**
   * Looks at the newest events that are kept, a bounded number of them, and takes none away from anybody. Ends within the
   * adapter's time limit.
   */
  probe(signal: AbortSignal): Promise<FeedFacts>;
}

/** Neither may throw. */
export interface ChangeListener {
  readonly onOpen: () => void;
  readonly onChange: (change: Change) => void;
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
