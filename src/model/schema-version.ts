// The version of every JSON document that is printed, served or saved.

/** Incremented if a reader of the old documents would misread the new ones, but not for new fields. */
export const SCHEMA_VERSION = 1;
