// The change events that a hub sends by itself: hints to read a twin, and nothing to act on.
import type { Change } from '../model/change.ts';

/**
 * An event may come several times, stand for several changes, or never come; those of one device come in order. Every
 * call rejects with HubError and nothing else, with Aborted where the signal is, and never retries.
 */
export interface ChangeFeed {
  /**
   * Reports changes, whoever made them, from a moment before it calls `onOpen`. Rejects within the adapter's time limit
   * where it can't begin; later only where any part of it fails, or by the signal.
   */
  watch(listener: ChangeListener, signal: AbortSignal): Promise<never>;
  /**
   * Reads a bounded number of the newest events that the endpoint keeps, and takes none away from other readers. Ends
   * within the adapter's time limit.
   */
  probe(signal: AbortSignal): Promise<FeedFacts>;
}

/** Neither may throw. */
export interface ChangeListener {
  readonly onOpen: () => void;
  readonly onChange: (change: Change) => void;
}

export interface FeedFacts {
  /** Read. */
  readonly events: number;
  /** As the events name their hubs: `acme-prod`. */
  readonly hubNames: ReadonlySet<string>;
  /** When the endpoint took the newest twin change, in milliseconds since 1970; undefined where none was read. */
  readonly twinChangeAtMs: number | undefined;
  /** The same of the newest device or module that was created or deleted. */
  readonly lifecycleAtMs: number | undefined;
}
