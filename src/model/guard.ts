// The guards by name: each refuses one kind of change that is too much at once.

export const GUARDS = [
  'SourceShrunk', // of the configurations that twins know, half or more are missing from the source
  'ListShort', // the hub lists fewer devices than it counts
  'TooManyChanged',
  'TooManyRemoved',
  'TooManyUnassigned',
  'TooManyCreated',
] as const;

export type Guard = (typeof GUARDS)[number];
