// Bugs of the product that the simulator found, each with the seed that reproduces it while the scenarios are unchanged.

export interface FoundBug {
  /** Undefined where the scenarios have changed since: the bug has its own test. */
  readonly seed: number | undefined;
  readonly what: string;
}

export const FOUND_BUGS: readonly FoundBug[] = [
  {
    seed: undefined,
    what: 'An agent that refused and still reported the previous values counted as `Applied`.',
  },
  {
    seed: undefined,
    what: 'The empty list of a hub without managed twins was never accepted: `ListEmpty` for ever.',
  },
  // A wrong oracle led to it, so no seed reproduces it: the test is in test/plan/exceptions.test.ts.
  {
    seed: undefined,
    what: 'At the end of an exception an observed layer that wants the setting absent kept it from its owner.',
  },
  {
    seed: 1033,
    what: 'Twins missing from a list were read directly and written, more of them than `maxChanged` allows.',
  },
  {
    seed: 11,
    what: 'When the manifest of a hub changed, the controller reconnected with a full budget, and exceeded its share of calls.',
  },
  // Found when the rate of calls became an invariant: the tests are in test/controller/budget/.
  {
    seed: undefined,
    what: 'The end of each list waited for the budget, and counted as a call to the hub.',
  },
];

export const REGRESSION_SEEDS: readonly number[] = FOUND_BUGS.flatMap(({ seed }) => seed ?? []);
