// How often a controller may call the hub: its share of IoT Hub's limits, computed without the product's own buckets.

/** In IoT Hub's throttling classes; the few calls of the lease never wait, because all work would stop without it. */
export type CallKind = 'queries' | 'registry' | 'configurations' | 'twinReads' | 'twinWrites' | 'lease';

/** Limits of an S1 of one unit, and their period ("IoT Hub quotas and throttling"). */
const LIMITS: Readonly<Record<Exclude<CallKind, 'lease'>, { readonly calls: number; readonly withinMs: number }>> = {
  queries: { calls: 20, withinMs: 60_000 },
  registry: { calls: 100, withinMs: 60_000 },
  configurations: { calls: 20, withinMs: 60_000 },
  twinReads: { calls: 100, withinMs: 1_000 },
  twinWrites: { calls: 50, withinMs: 1_000 },
};
const LEASE_CALLS_A_MINUTE_MAX = 20;
/** Saved-up calls may come on top: a second's worth for limits per second, a quarter for limits per minute. */
const SAVED_SHARE = { 1_000: 1, 60_000: 0.25 };

export class CallRates {
  readonly #share: number;
  readonly #calls = new Map<string, number[]>();

  /** `share`: of the hub's throttle, 0 to 1. */
  constructor(share: number) {
    this.#share = share;
  }

  /** Why one more call of this process is now too many; undefined if it is not. */
  note(process: string, kind: CallKind, atMs: number): string | undefined {
    const { limit, withinMs } = this.#limitOf(kind);
    const key = `${process}/${kind}`;
    const recent = (this.#calls.get(key) ?? []).filter((earlierMs) => earlierMs > atMs - withinMs);
    recent.push(atMs);
    this.#calls.set(key, recent);
    if (recent.length <= limit) return undefined;
    return `${process} made ${recent.length} calls (${kind}) within ${withinMs / 1_000} s, and ${limit} are its share`;
  }

  #limitOf(kind: CallKind): { readonly limit: number; readonly withinMs: number } {
    if (kind === 'lease') return { limit: LEASE_CALLS_A_MINUTE_MAX, withinMs: 60_000 };
    const { calls, withinMs } = LIMITS[kind];
    const allowed = calls * this.#share;
    return { limit: allowed + Math.max(1, allowed * SAVED_SHARE[withinMs as 1_000 | 60_000]), withinMs };
  }
}
