// How often a controller may call the hub: its share of what IoT Hub allows, told without the product's own buckets.

/** As IoT Hub throttles them; those of the lease wait for nobody, as work would end without it, and are few. */
export type CallKind = 'queries' | 'registry' | 'configurations' | 'twinReads' | 'twinWrites' | 'lease';

/** What an S1 of one unit allows, and within which time it counts ("IoT Hub quotas and throttling"). */
const LIMITS: Readonly<Record<Exclude<CallKind, 'lease'>, { readonly calls: number; readonly withinMs: number }>> = {
  queries: { calls: 20, withinMs: 60_000 },
  registry: { calls: 100, withinMs: 60_000 },
  configurations: { calls: 20, withinMs: 60_000 },
  twinReads: { calls: 100, withinMs: 1_000 },
  twinWrites: { calls: 50, withinMs: 1_000 },
};
const LEASE_CALLS_A_MINUTE_MAX = 20;
/** What was saved up while nobody called may come on top: a second of what counts by the second, a quarter of a minute. */
const SAVED_SHARE = { 1_000: 1, 60_000: 0.25 };

export class CallRates {
  readonly #share: number;
  readonly #calls = new Map<string, number[]>();

  /** `share`: of the hub's throttle, 0 to 1. */
  constructor(share: number) {
    this.#share = share;
  }

  /** What is wrong with one more call of this process now, in words; undefined where nothing is. */
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
