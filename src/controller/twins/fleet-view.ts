// The memory of one hub: facts of its devices and the last known state of their managed twins. Small enough for
// 100,000 devices: equal tags and equal states are kept once.
import { canonicalJson, type JsonObject } from '../../model/json.ts';
import { isReserved } from '../../model/reserved-device.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import type { Surroundings } from '../../plan/twin/other-writers.ts';
import { Neighbours } from '../pass/other-writers.ts';
import { OwnWrites } from './own-writes.ts';
import type { TwinState } from './twin-state.ts';
import { UnreadableRows } from '../pass/unreadable-rows.ts';

/** A list of devices in the making; it counts for nothing until it is complete. */
export class DeviceList {
  readonly facts = new Map<string, DeviceFacts>();
  readonly #tags = new Map<string, JsonObject>();
  #reserved = 0;

  /** Devices that the hub named and that are Twinward's own. */
  get reserved(): number {
    return this.#reserved;
  }

  add(device: DeviceFacts): void {
    if (isReserved(device)) {
      this.#reserved += 1;
      return;
    }
    const { deviceId, status, iotEdge, tags } = device;
    this.facts.set(deviceId, { deviceId, status, iotEdge, tags: this.#once(tags) });
  }

  #once(tags: JsonObject): JsonObject {
    const text = canonicalJson(tags);
    const known = this.#tags.get(text);
    if (known !== undefined) return known;
    this.#tags.set(text, tags);
    return tags;
  }
}

export class FleetView {
  readonly neighbours = new Neighbours();
  readonly ownWrites = new OwnWrites();
  readonly unreadable = new UnreadableRows();
  #devices: Map<string, DeviceFacts> = new Map();
  readonly #states = new Map<string, TwinState>();
  #known = new Map<string, TwinState>();
  #listed: number | undefined;
  #reserved = 0;
  readonly #onState: (key: string, state: TwinState | undefined) => void;

  /** `onState` hears of every state that is noted. */
  constructor(onState: (key: string, state: TwinState | undefined) => void = () => {}) {
    this.#onState = onState;
  }

  /** What the last complete pass found strange, one sentence each. */
  get notes(): readonly string[] {
    return [...this.unreadable.notes, ...this.neighbours.notes];
  }

  get deviceCount(): number {
    return this.#devices.size;
  }

  /** Before the first complete list of devices nobody knows which there are. */
  get isListed(): boolean {
    return this.#listed !== undefined;
  }

  /** In the last complete list, without the devices that are Twinward's own. */
  get listedCount(): number {
    return this.#listed ?? 0;
  }

  /** Those that are, which the hub counts as well. */
  get reservedCount(): number {
    return this.#reserved;
  }

  /** As last listed, or as read directly since. */
  device(deviceId: string): DeviceFacts | undefined {
    return this.#devices.get(deviceId);
  }

  devices(): Iterable<DeviceFacts> {
    return this.#devices.values();
  }

  /** Takes a complete list for what is there. States stay until somebody looked at their twins. */
  replaceDevices(list: DeviceList): void {
    this.#devices = list.facts;
    this.#listed = list.facts.size;
    this.#reserved = list.reserved;
    this.#known = new Map();
  }

  /** Takes a direct read of a device. */
  noteDevice(facts: DeviceFacts): void {
    this.#devices.set(facts.deviceId, facts);
  }

  forgetDevice(deviceId: string): void {
    this.#devices.delete(deviceId);
  }

  state(key: string): TwinState | undefined {
    return this.#states.get(key);
  }

  states(): Iterable<readonly [key: string, state: TwinState]> {
    return this.#states;
  }

  /** Who else writes there, and what we left there ourselves. */
  around(key: string): Surroundings {
    const around = this.neighbours.around(key);
    const memory = this.ownWrites.memory(key);
    return memory === undefined ? around : { ...around, memory };
  }

  /** Undefined forgets. */
  note(key: string, state: TwinState | undefined): void {
    if (state === undefined) this.#states.delete(key);
    else this.#states.set(key, this.#once(state));
    this.#onState(key, state);
  }

  #once(state: TwinState): TwinState {
    const { type, reason, acknowledgement = '', failure = '', detail = '' } = state;
    const text = `${type}/${reason}/${acknowledgement}/${failure}/${detail}`;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, state);
    return state;
  }
}
