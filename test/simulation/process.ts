// A simulated controller process: started, stopped, or killed between any two calls to the hub, after which it neither
// sends nor receives.
import { startController, type Controller } from '../../src/controller/controller.ts';
import { ManifestLoader, type Loaded } from '../../src/manifest/load.ts';
import type { Declared } from '../../src/model/declared.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { remembering } from '../../src/model/lazy.ts';
import { HubError } from '../../src/model/errors.ts';
import { reservedDeviceId } from '../../src/model/reserved-device.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { ModuleRef, Twin, TwinPatch } from '../../src/model/twin.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Hub, ListOptions } from '../../src/ports/hub.ts';
import type { Log, LogFields } from '../../src/ports/log.ts';
import { mapHub } from '../../src/ports/map-hub.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { ControllerEvent } from '../../src/model/event.ts';
import type { Source } from '../../src/ports/source.ts';
import type { CallKind } from './call-rates.ts';
import type { SimFeed } from './sim-feed.ts';

export interface OtherWriters {
  readonly source: Source;
  readonly hub: Hub;
  readonly feed: SimFeed;
  readonly clock: Clock;
  /** The process's clock, minus the world's. */
  readonly clockOffsetMs: number;
  readonly seed: number;
  readonly resyncPeriodMs: number;
  readonly log: (process: SimProcess, level: string, message: string, fields: object) => void;
  /** Called before each call to the hub. */
  readonly onCall: (process: SimProcess, kind: CallKind) => void;
  readonly onEvent: (process: SimProcess, event: ControllerEvent) => void;
  /** Before a write reaches the hub. */
  readonly onWrite: (process: SimProcess, ref: ModuleRef, patch: TwinPatch, etag: string) => void;
  /** Called with the hub's answer, before the process receives it. */
  readonly onWritten: (twin: Twin) => void;
  readonly onDeclared: (process: SimProcess, declared: Declared) => void;
  readonly onEnd: (process: SimProcess) => void;
}

/** The device of the lease; a controller creates, patches or deletes no other device. */
const RESERVED = reservedDeviceId('default');

/** Loading is pure: all may share what was loaded, and processes come and go. */
class SharedLoader extends ManifestLoader {
  readonly #load = remembering(16, (snapshot: Snapshot) => super.load(snapshot));

  override load(snapshot: Snapshot): Loaded {
    return this.#load(snapshot);
  }
}

const LOADER = new SharedLoader();

export class SimProcess {
  readonly name: string;
  readonly controller: Controller;
  /** Calls to the hub until it dies. */
  callsLeft = Number.POSITIVE_INFINITY;
  /** Its recorded events. */
  readonly events: ControllerEvent[] = [];
  readonly patches = new Map<string, number>();
  /** What the hub answered to its writes, in truth: the device and the etag before and after. */
  readonly answers: string[] = [];
  readonly #around: OtherWriters;
  #isDead = false;
  /** By device: the etag of the module twin as last read or written directly. */
  readonly #looks = new Map<string, string>();
  /** Calls whose answer it will never receive. */
  readonly #unheard: (() => void)[] = [];

  constructor(name: string, around: OtherWriters) {
    this.name = name;
    this.#around = around;
    const { source, clock, clockOffsetMs, seed, resyncPeriodMs } = around;
    this.controller = startController({
      source: {
        ...source,
        watch: (onTrigger, ...rest) => source.watch(() => !this.#isDead && onTrigger(), ...rest),
      },
      loader: LOADER,
      connect: async ({ mode = 'Observe', capacity }) => ({ hub: this.#hub(around.hub), mode, capacity }),
      connectFeed: async () => around.feed.connect(() => this.#isDead),
      onDeclared: (declared) => around.onDeclared(this, declared),
      clock: {
        now: () => clock.now() + clockOffsetMs,
        schedule: (delayMs, callback) => clock.schedule(delayMs, () => !this.#isDead && callback()),
      },
      random: createSeededRandom(seed),
      log: this.#log(),
      recorder: {
        record: (event) => {
          this.events.push(event);
          around.onEvent(this, event);
        },
      },
      holder: name,
      metrics: this.#metrics(),
      resyncPeriodMs,
    });
  }

  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#around.onEnd(this);
  }

  /** Releases the signals of a dead process: signals with listeners are never collected. */
  bury(): void {
    this.kill();
    for (const end of this.#unheard) end();
  }

  /** Like SIGTERM. */
  stop(): void {
    void this.controller.stop();
  }

  /** Counts every call, and isolates a dead process. */
  #hub(port: Hub): Hub {
    const counted = mapHub(port, {
      call: ({ throttle, writesTo }, run) => this.#call(writesTo === 'reserved device' ? 'lease' : throttle, run),
      pages: (_call, turn, list) => this.#pages(turn, list),
    });
    return {
      ...counted,
      getDeviceTwin: (deviceId, signal) =>
        deviceId === RESERVED
          ? this.#call('lease', () => port.getDeviceTwin(deviceId, signal))
          : counted.getDeviceTwin(deviceId, signal),
      getModuleTwin: async (ref, signal) => this.#look(await counted.getModuleTwin(ref, signal)),
      patchModuleTwin: async (ref, patch, etag, signal) =>
        this.#look(await this.#call('twinWrites', () => this.#patch(port, ref, patch, etag, signal))),
    };
  }

  async #patch(port: Hub, ref: ModuleRef, patch: TwinPatch, etag: string, signal: AbortSignal): Promise<Twin> {
    this.#around.onWrite(this, ref, patch, etag);
    const twin = await port.patchModuleTwin(ref, patch, etag, signal);
    this.answers.push(`${ref.deviceId} ${etag} ${twin.etag}`);
    this.#around.onWritten(twin);
    return twin;
  }

  #look(twin: Twin): Twin {
    this.#looks.set(twin.deviceId, twin.etag);
    return twin;
  }

  /** True where the twin's state under this etag was the answer to a direct call, and not only a row of a list. */
  hasLookedAt(deviceId: string, etag: string): boolean {
    return this.#looks.get(deviceId) === etag;
  }

  async #call<T>(kind: CallKind, run: () => Promise<T>): Promise<T> {
    if (this.#isDead) return this.#never();
    this.#around.onCall(this, kind);
    const answer = run();
    this.#noteCall();
    return this.#hear(answer);
  }

  /** The last call before its death is still made. */
  #noteCall(): void {
    this.callsLeft -= 1;
    if (this.callsLeft <= 0) this.kill();
  }

  /** Blocks answers to a dead process. */
  async #hear<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      return this.#isDead ? await this.#never() : value;
    } catch (error) {
      if (this.#isDead) return this.#never();
      throw error;
    }
  }

  #never(): Promise<never> {
    return new Promise<never>((_, reject) => {
      this.#unheard.push(() => reject(new HubError('Aborted', 'The process was killed.')));
    });
  }

  async *#pages<T>(
    turn: ListOptions['turn'],
    list: (turn: () => Promise<void>) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const begin = async (): Promise<void> => {
      await turn?.();
      if (this.#isDead) return this.#never();
      this.#around.onCall(this, 'queries');
      this.#noteCall();
    };
    const iterator = list(begin)[Symbol.asyncIterator]();
    for (;;) {
      const page = await this.#hear(iterator.next());
      if (page.done === true) return;
      yield page.value;
    }
  }

  #log(bound: LogFields = {}): Log {
    const at =
      (level: string) =>
      (message: string, fields?: LogFields): void => {
        if (!this.#isDead) this.#around.log(this, level, message, { ...bound, ...fields });
      };
    return {
      debug: () => {},
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => this.#log({ ...bound, ...fields }),
    };
  }

  #metrics(): Metrics {
    return {
      count: (name, { result }, by = 1) => {
        if (name !== 'twinward_patches_total' || result === undefined) return;
        this.patches.set(result, (this.patches.get(result) ?? 0) + by);
      },
      gauge: () => {},
      observe: () => {},
    };
  }
}
