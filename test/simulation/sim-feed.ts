// The hub's change events as delivered to a controller: late, duplicated, some missing, and interrupted for a while.
import type { ChangeEvent } from '../../src/emulator/hub/change-events.ts';
import { changeOf } from '../../src/emulator/in-process-feed.ts';
import type { Change } from '../../src/model/change.ts';
import { HubError } from '../../src/model/errors.ts';
import type { SeededRandom } from '../../src/model/seeded-random.ts';
import type { ChangeFeed } from '../../src/ports/change-feed.ts';
import type { SimClock } from './sim-clock.ts';

interface Watch {
  readonly tell: (change: Change) => void;
  readonly end: (error: HubError) => void;
}

/** As in the manifests of every scenario. */
const HUB_NAME = 'sim';
const DROPPED_SHARE = 0.1;
const TWICE_SHARE = 0.1;
const DELAY_MS_MAX = 20_000;

export class SimFeed {
  readonly #clock: SimClock;
  readonly #random: SeededRandom;
  readonly #watches = new Set<Watch>();
  /** By device: those of one come in order. */
  readonly #lastAtMs = new Map<string, number>();
  #brokenUntilMs = 0;
  #isLossy = true;

  constructor(clock: SimClock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  take(event: ChangeEvent): void {
    if (this.#watches.size === 0) return;
    const { deviceId } = event;
    const isDropped = this.#random.next() < DROPPED_SHARE;
    const change = changeOf(HUB_NAME, event);
    if (change === undefined || (isDropped && this.#isLossy)) return;
    const nowMs = this.#clock.now();
    const atMs = Math.max(nowMs + this.#random.next() * DELAY_MS_MAX, this.#lastAtMs.get(deviceId) ?? 0);
    this.#lastAtMs.set(deviceId, atMs);
    const times = this.#random.next() < TWICE_SHARE ? 2 : 1;
    for (const { tell } of this.#watches) {
      for (let time = 0; time < times; time += 1) this.#clock.schedule(atMs - nowMs, () => tell(change));
    }
  }

  /** Ends every watch, and refuses those to come until then. */
  breakFor(ms: number): void {
    this.#brokenUntilMs = this.#clock.now() + ms;
    for (const { end } of this.#watches) end(new HubError('Unavailable', 'The events can not be had.'));
  }

  /** From now on delivers every event. */
  mend(): void {
    this.#brokenUntilMs = 0;
    this.#isLossy = false;
  }

  /** The feed of one process; a dead process receives nothing. */
  connect(isDead: () => boolean): ChangeFeed {
    return {
      watch: ({ onOpen, onChange }, signal) =>
        new Promise((_, reject) => {
          if (this.#clock.now() < this.#brokenUntilMs) {
            return reject(new HubError('Unavailable', 'The events can not be had.'));
          }
          const stop = (): void => one.end(new HubError('Aborted', 'Stopped.'));
          const one: Watch = {
            tell: (change) => {
              if (!isDead() && this.#watches.has(one)) onChange(change);
            },
            end: (error) => {
              this.#watches.delete(one);
              signal.removeEventListener('abort', stop);
              if (!isDead()) reject(error);
            },
          };
          signal.addEventListener('abort', stop, { once: true });
          this.#watches.add(one);
          onOpen();
        }),
      probe: async () => {
        throw new HubError('Unavailable', 'No controller asks for this.');
      },
    };
  }
}
