// Suspensions: a person stops writing without git. Stored on the hub; plain data for the planner.

interface SuspensionFacts {
  /** user@host, as reported by the suspending process. */
  readonly who: string;
  readonly reason: string;
  /** Milliseconds since 1970; undefined: until `resume`. */
  readonly untilMs: number | undefined;
}

export type Suspension = SuspensionFacts &
  (
    | { readonly scope: 'All' }
    /** `name` of a configuration or an exception, without its kind. */
    | { readonly scope: 'Configuration'; readonly name: string }
    /** `name` is the device id. */
    | { readonly scope: 'Device'; readonly name: string }
  );

export function suspensionsInForce(all: readonly Suspension[], nowMs: number): readonly Suspension[] {
  return all.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);
}
