// Persistent state: one record for each change, and snapshots of the whole state.
import type { ConfigurationRecord } from './configurations/configuration.ts';
import type { JobRecord } from './jobs/job.ts';
import type { HubRecord, IdentityRef } from './record.ts';

/**
 * One atomic change with the new values of all changed items, so that replaying it twice, or over a newer state
 * followed by the later changes, gives the same result. Removing a device removes its modules.
 */
export interface JournalRecord {
  readonly put: readonly HubRecord[];
  readonly removed: readonly IdentityRef[];
  readonly configurations?: Changes<ConfigurationRecord>;
  readonly jobs?: Changes<JobRecord>;
}

/** Changes of items with their own id. */
export interface Changes<T> {
  readonly put: readonly T[];
  readonly removed: readonly string[];
}

export interface Journal {
  /** Called before the change is visible; if it throws, the change did not happen. */
  append(record: JournalRecord): void;
}

/** All by sequence. `nextSequence` is above all past ones, so that old query cursors stay valid. */
export interface HubDump {
  readonly nextSequence: number;
  readonly identities: readonly HubRecord[];
  /** Absent in dumps of older versions. */
  readonly configurations?: readonly ConfigurationRecord[];
  readonly jobs?: readonly JobRecord[];
}
