// The guards by name: each refuses one kind of change beyond a limit.

export const GUARDS = [
  'SourceShrunk', // half or more of the configurations in records are missing from the source
  'ListShort', // the hub lists fewer devices than it counts
  'TooManyChanged',
  'TooManyRemoved',
  'TooManyUnassigned',
  'TooManyCreated',
] as const;

export type Guard = (typeof GUARDS)[number];
