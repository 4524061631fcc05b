// The devices of one hub as the last whole list and direct reads since have them.
import { canonicalJson, type JsonObject } from '../../model/json.ts';
import { isReserved } from '../../model/reserved-device.ts';
import type { DeviceFacts } from '../../model/twin.ts';

/** A list of devices while its pages arrive; it replaces nothing until it is whole. Equal tags are kept once. */
export class DeviceList {
  readonly facts = new Map<string, DeviceFacts>();
  readonly #tags = new Map<string, JsonObject>();
  #reserved = 0;

  /** Listed devices that are Twinward's own. */
  get reserved(): number {
    return this.#reserved;
  }

  add(device: DeviceFacts): void {
    if (isReserved(device)) {
      this.#reserved += 1;
      return;
    }
    const { deviceId, status, iotEdge, tags } = device;
    this.facts.set(deviceId, { deviceId, status, iotEdge, tags: this.#share(tags) });
  }

  #share(tags: JsonObject): JsonObject {
    const text = canonicalJson(tags);
    const known = this.#tags.get(text);
    if (known === undefined) this.#tags.set(text, tags);
    return known ?? tags;
  }
}

export class DeviceTable {
  #devices: Map<string, DeviceFacts> = new Map();
  #listed: number | undefined;
  #reserved = 0;

  get size(): number {
    return this.#devices.size;
  }

  /** False before the first whole list: until then a device that is not here may exist. */
  get isListed(): boolean {
    return this.#listed !== undefined;
  }

  /** Devices in the last whole list, without Twinward's own. */
  get listedCount(): number {
    return this.#listed ?? 0;
  }

  /** Twinward's own in that list; the hub's statistics count them too. */
  get reservedCount(): number {
    return this.#reserved;
  }

  get(deviceId: string): DeviceFacts | undefined {
    return this.#devices.get(deviceId);
  }

  all(): Iterable<DeviceFacts> {
    return this.#devices.values();
  }

  replace(list: DeviceList): void {
    this.#devices = list.facts;
    this.#listed = list.facts.size;
    this.#reserved = list.reserved;
  }

  /** After a direct read. */
  set(facts: DeviceFacts): void {
    this.#devices.set(facts.deviceId, facts);
  }

  delete(deviceId: string): void {
    this.#devices.delete(deviceId);
  }
}
