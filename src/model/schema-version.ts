// The version of every JSON document that is printed, served or saved for machines.

/** Grows when a reader of the old documents would misread the new ones; new fields alone don't make it grow. */
export const SCHEMA_VERSION = 1;
