// What the hub told a change of: keys and devices, until a pass has seen them, and which devices are still to be read.

/** Twins that are hinted at between two passes. Beyond them the next pass finds what there is. */
export const HINTED_MAX = 50_000;

export class Hints {
  /** To the number of the pass that had begun. */
  readonly #keys = new Map<string, number>();
  readonly #devices = new Map<string, number>();
  readonly #stale = new Set<string>();
  #passes = 0;
  /** The pass that had begun when a key found no room: until a later one has ended, any key may be one of those. */
  #overflow: number | undefined;

  /** No pass that began after the hint has ended yet. */
  has(key: string): boolean {
    return this.#overflow !== undefined || this.#keys.has(key);
  }

  /** False where there are too many. */
  add(key: string): boolean {
    if (this.#keys.size >= HINTED_MAX && !this.#keys.has(key)) {
      this.#overflow = this.#passes;
      return false;
    }
    this.#keys.set(key, this.#passes);
    return true;
  }

  /** The device itself changed, and no pass that began after the hint has ended yet: others may select it than were counted. */
  hasDevice(deviceId: string): boolean {
    return this.#overflow !== undefined || this.#devices.has(deviceId);
  }

  /** Beside a key of the device that found room. */
  addDevice(deviceId: string): void {
    this.#devices.set(deviceId, this.#passes);
    this.#stale.add(deviceId);
  }

  /** What is known of the device is older than what the hub told of it. */
  isStale(deviceId: string): boolean {
    return this.#stale.has(deviceId);
  }

  /** It is read now, or left to the next pass. True where it was stale. */
  takeDevice(deviceId: string): boolean {
    return this.#stale.delete(deviceId);
  }

  keys(): Iterable<string> {
    return this.#keys.keys();
  }

  beginPass(): void {
    this.#passes += 1;
  }

  /** What was hinted at before it began was seen by it. */
  endPass(): void {
    if (this.#overflow !== undefined && this.#overflow < this.#passes) this.#overflow = undefined;
    for (const hinted of [this.#keys, this.#devices]) {
      for (const [name, passes] of hinted) if (passes < this.#passes) hinted.delete(name);
    }
  }
}
