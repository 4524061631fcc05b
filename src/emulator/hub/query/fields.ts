// What the first name of a path may be, by the kind of row.
import { jobFieldName } from '../jobs/job.ts';
import { rootFieldName } from '../twins/twin-fields.ts';

export interface FieldNames {
  /** What rows are called in refusals. */
  readonly rows: string;
  /** Names that may stand in front of a field and mean the row itself; lower case. */
  readonly prefix: readonly string[];
  /** The true spelling; undefined where there is no such field. */
  find(name: string): string | undefined;
}

/** `devices.` in front means the row itself, on modules too. */
export const TWIN_FIELDS: FieldNames = { rows: 'twins', prefix: ['devices'], find: rootFieldName };

export const JOB_FIELDS: FieldNames = { rows: 'jobs', prefix: ['devices', 'jobs'], find: jobFieldName };
