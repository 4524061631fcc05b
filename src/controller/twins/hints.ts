// Twins and devices that change events named, until a pass that began later has ended; and devices still to be read again.
import type { TwinTable } from './twin-table.ts';

/** Twins that are hinted at between two passes. Beyond them the next pass finds what changed. */
const HINTED_MAX = 50_000;

export class Hints {
  readonly #twins: TwinTable;
  /** To the number of the pass that had begun. */
  readonly #devices = new Map<string, number>();
  readonly #stale = new Set<string>();
  /** The pass that had begun when a key found no room: until a later one has ended, any key may be that key. */
  #overflow: number | undefined;

  constructor(twins: TwinTable) {
    this.#twins = twins;
  }

  has(key: string): boolean {
    return this.#overflow !== undefined || this.#twins.isHinted(key);
  }

  /** False where there are too many. */
  add(key: string): boolean {
    if (this.#twins.hintedCount >= HINTED_MAX && !this.#twins.isHinted(key)) {
      this.#overflow = this.#twins.pass;
      return false;
    }
    this.#twins.setHinted(key);
    return true;
  }

  /** True where the device itself changed: other configurations may select it than the last pass counted. */
  hasDevice(deviceId: string): boolean {
    return this.#overflow !== undefined || this.#devices.has(deviceId);
  }

  /** Beside a key of the device that found room. */
  addDevice(deviceId: string): void {
    this.#devices.set(deviceId, this.#twins.pass);
    this.#stale.add(deviceId);
  }

  /** True where the device changed since it was listed or read. */
  isStale(deviceId: string): boolean {
    return this.#stale.has(deviceId);
  }

  /** It is read now, or left to the next pass. True where it was stale. */
  takeDevice(deviceId: string): boolean {
    return this.#stale.delete(deviceId);
  }

  keys(): readonly string[] {
    return this.#twins.hintedKeys();
  }

  /** Of devices; the table forgets hinted keys by itself. */
  endPass(): void {
    const { pass } = this.#twins;
    if (this.#overflow !== undefined && this.#overflow < pass) this.#overflow = undefined;
    for (const [deviceId, since] of this.#devices) if (since < pass) this.#devices.delete(deviceId);
  }
}
