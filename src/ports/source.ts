// Where manifests come from: whole snapshots, so that no half-written file is read beside an old one.
import type { Snapshot } from '../model/snapshot.ts';

/** Rejects with SourceError and nothing else. */
export interface Source {
  read(signal: AbortSignal): Promise<Snapshot>;
  /**
   * Calls `onTrigger` some time after anything may have changed, perhaps twice, without saying what changed. Resolves
   * once it sees every later change. The result stops the watch and is idempotent.
   */
  watch(onTrigger: () => void): Promise<() => Promise<void>>;
}
