// The device side: connected identities, their desired patches and reports.
import { cloneJson, isObject, type JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ChangeEvents } from './change-events.ts';
import type { HubLimits } from './limits.ts';
import { type HubRecord, type IdentityRef, refKey } from './record.ts';
import {
  badRequest,
  deviceDisabled,
  deviceNotFound,
  deviceNotOnline,
  inEnvelope2,
  moduleNotFound,
} from './service-error.ts';
import type { HubState } from './state.ts';
import { isoTime } from './times.ts';
import { patchSection, type Section } from './twins/twin-document.ts';
import { checkSize, checkValues } from './twins/twin-limits.ts';

/**
 * A device's or module's connection. After `close`, or once another connection replaced it, it throws DeviceNotOnline.
 */
export interface DeviceConnection {
  /** User keys and `$version`, no metadata; copies, free to change. */
  getTwin(): { desired: JsonObject; reported: JsonObject };
  /** Merges into the reported properties; returns the new `$version`. Throws ServiceError if the twin can't hold it. */
  report(patch: JsonObject): number;
  /** Idempotent. */
  close(): void;
}

/** The desired patch as sent, nulls and unchanged values included, with `$version`; a copy, free to change. */
export type DesiredListener = (patch: JsonObject) => void;

/** A separate object per connection, so that identity distinguishes connections. */
interface Listener {
  readonly onDesired: DesiredListener;
  readonly onClosed: () => void;
}

interface Delivery {
  readonly key: string;
  readonly listener: Listener;
  readonly patch: JsonObject;
}

export class Connections {
  readonly #state: HubState;
  readonly #clock: Clock;
  readonly #limits: HubLimits;
  readonly #events: ChangeEvents;
  readonly #listeners = new Map<string, Listener>();
  readonly #queue: Delivery[] = [];
  #isDelivering = false;

  constructor(options: { state: HubState; clock: Clock; limits: HubLimits; events: ChangeEvents }) {
    this.#state = options.state;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#events = options.events;
  }

  /**
   * The last connection of an identity replaces an older one. Patches missed while offline are not delivered.
   * `onClosed` is called if the hub ends the connection, not its owner. Without a `modelId` the twin then has none (not
   * established).
   */
  connect(
    ref: IdentityRef,
    onDesired: DesiredListener,
    onClosed: () => void = () => {},
    modelId = '',
  ): DeviceConnection {
    const key = refKey(ref);
    const record = inEnvelope2(() => this.#requireEnabled(ref));
    this.#setConnected((record.modelId ?? '') === modelId ? record : { ...record, modelId }, true);
    const listener: Listener = { onDesired, onClosed };
    const older = this.#listeners.get(key);
    this.#listeners.set(key, listener);
    older?.onClosed();
    const live = (): HubRecord => {
      const record = this.#state.find(ref);
      if (record === undefined || this.#listeners.get(key) !== listener) throw deviceNotOnline(ref.deviceId);
      return record;
    };
    return {
      getTwin: () => {
        const { desired, reported } = live();
        return { desired: deviceSection(desired), reported: deviceSection(reported) };
      },
      report: (patch) => inEnvelope2(() => this.#report(live(), patch)),
      close: () => {
        if (this.#listeners.get(key) !== listener) return;
        this.#setConnected(live(), false);
        this.#listeners.delete(key);
      },
    };
  }

  /**
   * Queues the patch for the connected identity and delivers the queue. A call during a delivery only queues, so that a
   * device's own writes never interleave with a delivery.
   */
  deliver(ref: IdentityRef, patch: JsonObject, version: number): void {
    const key = refKey(ref);
    const listener = this.#listeners.get(key);
    if (listener === undefined) return;
    this.#queue.push({ key, listener, patch: { ...cloneJson(patch), $version: version } });
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (this.#listeners.get(next.key) === next.listener) next.listener.onDesired(next.patch);
      }
    } finally {
      this.#isDelivering = false;
    }
  }

  /** Removes connections whose records are already deleted. */
  drop(refs: Iterable<IdentityRef>): void {
    for (const ref of refs) {
      const key = refKey(ref);
      const listener = this.#listeners.get(key);
      this.#listeners.delete(key);
      listener?.onClosed();
    }
  }

  #requireEnabled(ref: IdentityRef): HubRecord {
    const device = this.#state.find({ deviceId: ref.deviceId });
    if (device === undefined) throw deviceNotFound(ref.deviceId);
    if (device.status === 'disabled') throw deviceDisabled(ref.deviceId);
    const record = this.#state.find(ref);
    if (record === undefined) throw moduleNotFound(ref.deviceId, ref.moduleId ?? '');
    return record;
  }

  #report(record: HubRecord, patch: JsonObject): number {
    if (!isObject(patch)) throw badRequest('the report is not a JSON object');
    checkValues(patch, 'report');
    const now = this.#clock.now();
    const reported = patchSection(record.reported, patch, isoTime(now), 'reported');
    checkSize('Properties.Reported', reported.properties, this.#limits.reportedBytesMax);
    const next = { ...record, activeAt: now, reported };
    this.#state.commit({ put: [next], removed: [] });
    this.#events.twinUpdated(next, { reported: patch }, now);
    return reported.version;
  }

  #setConnected(record: HubRecord, connected: boolean): void {
    const now = this.#clock.now();
    const next = { ...record, connected, connectionUpdatedAt: now, activeAt: now };
    this.#state.commit({ put: [next], removed: [] });
    if (record.connected !== connected) this.#events.connectionChanged(next, now);
  }
}

function deviceSection(section: Section): JsonObject {
  return { ...cloneJson(section.properties), $version: section.version };
}
