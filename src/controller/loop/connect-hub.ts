// From a declared hub to everything its loop works with: the connection, the permit to write, the context, change events.
import type { Capacity, DeclaredHub, Mode, SecretRef } from '../../model/declared.ts';
import type { ChangeFeed } from '../../ports/change-feed.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { Budgets } from '../budget/budgeted-hub.ts';
import type { HubContext, HubMemory, Rules } from '../context/hub-context.ts';
import { ChangeWatch } from '../hints/change-watch.ts';
import { HintHandler } from '../hints/hint-handler.ts';
import { WritePermit, type WritePermitOptions } from '../lease/write-permit.ts';
import type { WorkQueue } from '../queue/work-queue.ts';
import { Hints } from '../twins/hints.ts';
import { openConnection, type Connect } from './connection.ts';

export interface HubLoopOptions {
  /** The loop closes the hub when it ends. */
  readonly connect: Connect;
  /** For hubs that declare change events. Rejects with HubError. Without it change events are not followed. */
  readonly connectFeed?: ((events: SecretRef) => Promise<ChangeFeed>) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder?: Recorder;
  /** Who this is, for the lease: user@host and something that no other process has. Without it no lease is taken. */
  readonly holder?: string | undefined;
  readonly instance: string;
  readonly resyncPeriodMs: number;
  readonly concurrency: number;
  /** Outlive the loop: a hub whose manifest changes gets another. */
  readonly budgets: Budgets;
}

export interface ConnectedHub {
  readonly context: HubContext;
  readonly mode: Mode;
  /** Undefined where nothing is known that limits us. */
  readonly capacity: Capacity | undefined;
  readonly permit: WritePermit;
  /** Undefined where no change events are declared. */
  readonly hints: HintHandler | undefined;
  readonly watch: ChangeWatch | undefined;
}

interface ConnectHubOptions extends HubLoopOptions, Pick<WritePermitOptions, 'revision' | 'onLost' | 'onSuspensions'> {
  readonly declaredHub: DeclaredHub;
  readonly memory: HubMemory;
  readonly queue: WorkQueue;
  readonly rulesFor: (mode: Mode, permit: WritePermit) => Rules;
  /** Hears of every write. */
  readonly writeRecorder: Recorder;
}

/** Rejects with HubError. */
export async function connectHub(options: ConnectHubOptions, signal: AbortSignal): Promise<ConnectedHub> {
  const { declaredHub, memory, queue, clock, log, metrics, budgets } = options;
  const { name, budget } = declaredHub;
  const opened = await openConnection(options.connect, declaredHub, signal);
  const { hub, mode, capacity, hostName = declaredHub.hostName } = opened;
  log.info('Connected', { mode, ...(capacity && { tier: capacity.tier, units: capacity.units }) });
  const { recorder } = options;
  const permit = new WritePermit({ ...options, hub, hubName: name, mode, capacity, holder: options.holder, recorder });
  const hints = declaredHub.events === undefined ? undefined : new Hints(memory.twins);
  const context: HubContext = {
    ...memory,
    name,
    hub: budgets.hubWithin(name, permit.fenced, { capacity, budget }),
    rules: options.rulesFor(mode, permit),
    hints,
    clock,
    log,
    metrics,
    recorder: options.writeRecorder,
    writes: 0,
    reconciles: 0,
  };
  const handler = hints && new HintHandler({ context, hints, queue, capacity });
  const watch = signal.aborted ? undefined : watchChanges(options, hostName, permit, handler);
  return { context, mode, capacity, permit, hints: handler, watch };
}

function watchChanges(
  { declaredHub, connectFeed, clock, random, log, metrics }: ConnectHubOptions,
  hostName: string | undefined,
  permit: WritePermit,
  handler: HintHandler | undefined,
): ChangeWatch | undefined {
  const { events, name: hubName } = declaredHub;
  if (events === undefined || connectFeed === undefined || handler === undefined) return undefined;
  return new ChangeWatch({
    hubName,
    hostName,
    connect: () => connectFeed(events),
    // While another controller has the lease, the first pass of ours will find every change.
    onChange: (change) => {
      if (permit.isAllowed) handler.handle(change);
    },
    clock,
    random,
    log,
    metrics,
  });
}
