// The names that a path may start with, by the kind of row.
import { jobFieldName } from '../jobs/job.ts';
import { rootFieldName } from '../twins/twin-fields.ts';

export interface FieldNames {
  /** Name of the rows in refusals. */
  readonly rows: string;
  /** Optional names before a field that mean the row itself; lower case. */
  readonly prefix: readonly string[];
  /** The exact spelling; undefined if there is no such field. */
  find(name: string): string | undefined;
}

/** The prefix `devices.` means the row itself, even for modules. */
export const TWIN_FIELDS: FieldNames = { rows: 'twins', prefix: ['devices'], find: rootFieldName };

export const JOB_FIELDS: FieldNames = { rows: 'jobs', prefix: ['devices', 'jobs'], find: jobFieldName };
