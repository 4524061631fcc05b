// What outlives a process: one record for each change, and the whole state between them.
import type { ConfigurationRecord } from './configurations/configuration.ts';
import type { JobRecord } from './jobs/job.ts';
import type { HubRecord, IdentityRef } from './record.ts';

/**
 * One atomic change with the whole new value of what changed, so that replaying it twice, or over a newer state followed
 * by what came after it, ends the same. A removed device takes its modules along.
 */
export interface JournalRecord {
  readonly put: readonly HubRecord[];
  readonly removed: readonly IdentityRef[];
  readonly configurations?: Changes<ConfigurationRecord>;
  readonly jobs?: Changes<JobRecord>;
}

/** Of things with an id of their own. */
export interface Changes<T> {
  readonly put: readonly T[];
  readonly removed: readonly string[];
}

export interface Journal {
  /** Called before the change is visible; where it throws, the change has not happened. */
  append(record: JournalRecord): void;
}

/** All by sequence. `nextSequence` is above all that ever were, so that old query cursors stay true. */
export interface HubDump {
  readonly nextSequence: number;
  readonly identities: readonly HubRecord[];
  /** These two are absent where an older version wrote the dump. */
  readonly configurations?: readonly ConfigurationRecord[];
  readonly jobs?: readonly JobRecord[];
}
