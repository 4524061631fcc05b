// Break-glass: writing stopped by a person, outside of git. Kept on the hub; to the planner it is plain data.

interface SuspensionFacts {
  /** user@host, as told by whoever suspended. */
  readonly who: string;
  readonly reason: string;
  /** Milliseconds since 1970; undefined until somebody resumes. */
  readonly untilMs: number | undefined;
}

export type Suspension = SuspensionFacts &
  (
    | { readonly scope: 'All' }
    /** `name` is that of a configuration or of an exception, without its kind. */
    | { readonly scope: 'Configuration'; readonly name: string }
    /** `name` is the device's id. */
    | { readonly scope: 'Device'; readonly name: string }
  );

export function suspensionsInForce(all: readonly Suspension[], nowMs: number): readonly Suspension[] {
  return all.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);
}
