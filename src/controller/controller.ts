// The controller: reads the source, runs one loop per hub, and answers for both.
import type { DeclaredHub, Mode } from '../model/declared.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub } from '../ports/hub.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Random } from '../ports/random.ts';
import type { Source } from '../ports/source.ts';
import type { ControllerStatus } from './status.ts';

export const RESYNC_PERIOD_MS = 5 * 60_000;

export interface Connection {
  readonly hub: Hub;
  /** The effective ceiling: the hub's own `mode`, or Observe unless it is on loopback. */
  readonly mode: Mode;
}

export interface ControllerOptions {
  readonly source: Source;
  /** Rejects with HubError; its message is shown. The loop closes the hub when it is done with it. */
  readonly connect: (hub: DeclaredHub) => Promise<Connection>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Several installations share a hub; default `default`. */
  readonly instance?: string;
  /** Default five minutes. */
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
  /** Finishes what is in flight within ten seconds, then aborts it. Idempotent. */
  stop(): Promise<void>;
}

/** Returns at once; nothing that happens later throws. */
export declare function startController(options: ControllerOptions): Controller;
