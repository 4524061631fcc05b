// Where manifests come from: a whole snapshot at a time, never a half-written file beside an old one.
import type { Snapshot } from '../model/snapshot.ts';

/** Rejects with SourceError and nothing else. */
export interface Source {
  read(signal: AbortSignal): Promise<Snapshot>;
  /**
   * Calls `onTrigger` some time after anything may have changed; calls may be doubled and say nothing about what
   * changed. Resolves once changes from now on are seen. The result stops the watch and is idempotent.
   */
  watch(onTrigger: () => void): Promise<() => Promise<void>>;
}
