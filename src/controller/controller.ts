// The controller: reads the source, runs one loop per hub, and answers for both.
import type { Declared, DeclaredHub } from '../model/declared.ts';
import { deepEqual, type Json } from '../model/json.ts';
import { ManifestLoader } from '../manifest/load.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Source } from '../ports/source.ts';
import { Budgets } from './budget/budgeted-hub.ts';
import { readyOfAll } from './status/conditions.ts';
import type { HubLoopOptions } from './loop/connect-hub.ts';
import { HubLoop } from './loop/hub-loop.ts';
import { SourceLoop } from './loop/source-loop.ts';
import { setDeviceGauges } from './status/device-gauges.ts';
import type { ControllerStatus } from './status/status.ts';
import { TwinTable } from './twins/twin-table.ts';

export const RESYNC_PERIOD_MS = 5 * 60_000;
const CONCURRENCY = 16;

interface ControllerOptions extends Pick<
  HubLoopOptions,
  'connect' | 'connectFeed' | 'clock' | 'random' | 'log' | 'metrics' | 'recorder' | 'holder'
> {
  readonly source: Source;
  /** Knows the files that were parsed before; one of its own unless given. */
  readonly loader?: ManifestLoader;
  /** Told of each good state before the hubs are. */
  readonly onDeclared?: (declared: Declared) => void;
  /** Several installations share a hub; `default` unless given. */
  readonly instance?: string;
  readonly resyncPeriodMs?: number;
  /** Twins of one hub worked on at the same time. */
  readonly concurrency?: number;
}

export interface Controller {
  /** Resolves once good manifests were read and every hub had its first pass, well or badly. Never rejects. */
  readonly ready: Promise<void>;
  /** Resolves once everything has ended after `stop`. Never rejects. */
  readonly done: Promise<void>;
  status(): ControllerStatus;
  /** Reads the source and lists every hub now. */
  requestResync(): void;
  /** Finishes what is in flight within ten seconds, then aborts it. Never rejects; idempotent. */
  stop(): Promise<void>;
}

/** Returns at once; whatever happens later is in the status and the log, nothing throws. */
export function startController(options: ControllerOptions): Controller {
  const { source, clock, random, log, metrics, resyncPeriodMs = RESYNC_PERIOD_MS } = options;
  const loops = new HubLoops({
    ...options,
    resyncPeriodMs,
    instance: options.instance ?? 'default',
    concurrency: options.concurrency ?? CONCURRENCY,
    budgets: new Budgets(clock),
  });
  const sourceLoop = new SourceLoop({
    source,
    clock,
    random,
    log,
    metrics,
    loader: options.loader ?? new ManifestLoader(),
    recorder: options.recorder,
    periodMs: resyncPeriodMs,
    onDeclared: (declared) => {
      options.onDeclared?.(declared);
      return loops.setDeclared(declared);
    },
  });
  const done = Promise.withResolvers<void>();
  return {
    ready: sourceLoop.firstGood.then(() => loops.firstTurns()),
    done: done.promise,
    status() {
      const hubs = loops.all().map((loop) => loop.status());
      const { condition } = sourceLoop;
      return { conditions: [condition, readyOfAll(condition, hubs)], source: sourceLoop.status(), hubs };
    },
    requestResync() {
      sourceLoop.requestRead();
      for (const loop of loops.all()) loop.requestResync();
    },
    async stop() {
      await Promise.all([sourceLoop.stop(), loops.stop()]);
      done.resolve();
    },
  };
}

/** One loop for each declared hub. */
class HubLoops {
  readonly #options: HubLoopOptions;
  readonly #loops = new Map<string, HubLoop>();
  #isStopped = false;

  constructor(options: HubLoopOptions) {
    this.#options = options;
  }

  /** Sorted by name. */
  all(): readonly HubLoop[] {
    return [...this.#loops.values()].toSorted((a, b) => (a.hub.name < b.hub.name ? -1 : 1));
  }

  async firstTurns(): Promise<void> {
    await Promise.all(this.all().map((loop) => loop.firstTurn));
  }

  /** Hubs that stay decide anew at once; those that changed or went end before their successors begin. */
  async setDeclared(declared: Declared): Promise<void> {
    const wanted = new Map(declared.hubs.map((hub) => [hub.name, hub]));
    const leaving = this.all().filter(({ hub }) => !isSameHub(hub, wanted.get(hub.name)));
    for (const { hub } of leaving) this.#loops.delete(hub.name);
    for (const loop of this.#loops.values()) loop.setDeclared(declared);
    await Promise.all(leaving.map((loop) => loop.stop()));
    for (const { hub } of leaving) if (!wanted.has(hub.name)) forgetGauges(this.#options.metrics, hub.name);
    if (this.#isStopped) return;
    for (const hub of declared.hubs) {
      if (!this.#loops.has(hub.name)) this.#loops.set(hub.name, new HubLoop(hub, declared, this.#options));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.all().map((loop) => loop.stop()));
  }
}

/** A hub that left the manifests must not go on as it was in anybody's charts. */
function forgetGauges(metrics: Metrics, hubName: string): void {
  setDeviceGauges(metrics, hubName, new TwinTable().counts);
}

/** Where a hub is written down and what its guards let pass does not matter; everything else asks for a new connection. */
function isSameHub(a: DeclaredHub, b: DeclaredHub | undefined): boolean {
  if (b === undefined) return false;
  const connection = (hub: DeclaredHub): Json =>
    ({ ...hub, origin: null, guards: null, approval: null }) as unknown as Json;
  return deepEqual(connection(a), connection(b));
}
