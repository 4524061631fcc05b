// Bugs of the product that the simulator found, each with the seed that shows it where the scenarios are still the same.

export interface FoundBug {
  /** Undefined where the scenarios have changed since: the bug is a test of its own. */
  readonly seed: number | undefined;
  readonly what: string;
}

export const FOUND_BUGS: readonly FoundBug[] = [
  {
    seed: undefined,
    what: 'An agent that refuses and still reports the values of before was told as `Applied`.',
  },
  {
    seed: undefined,
    what: 'The empty list of a hub on which nothing is managed any more was never believed: `ListEmpty` for ever.',
  },
  // Found by the oracle while it was wrong about the seed itself: the test is in test/plan/exceptions.test.ts.
  {
    seed: undefined,
    what: 'At the end of an exception a layer that only looks, and would have the setting absent, kept it from its owner.',
  },
  {
    seed: 1033,
    what: 'Twins that a list lacked were read directly and written, more of them than `maxChanged` lets through.',
  },
  {
    seed: 11,
    what: 'A hub whose manifest changed was connected anew with a full budget, and called more often than its share.',
  },
  // Seen when the rate of calls became an invariant: the tests are in test/controller/budget.test.ts and beside it.
  {
    seed: undefined,
    what: 'The end of each list waited for a turn of the budget, and was counted as a call to the hub that nobody made.',
  },
];

export const REGRESSION_SEEDS: readonly number[] = FOUND_BUGS.flatMap(({ seed }) => seed ?? []);
