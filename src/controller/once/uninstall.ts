// Leaves a hub: takes this installation's records from the twins and its own device from the registry. No setting changes.
import { HubError } from '../../model/errors.ts';
import type { ModuleRef } from '../../model/twin.ts';
import { RECORD_VERSION, readRecord } from '../../plan/record/record.ts';
import { recordRemoval } from '../../plan/record/record-write.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Twins } from '../../ports/hub.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import { keyOf, refOf } from '../../model/twin-key.ts';
import { classify, SETTLED, type Outcome } from '../queue/outcome.ts';
import { orMissing } from '../queue/optional-read.ts';
import { WorkQueue } from '../queue/work-queue.ts';

export interface UninstallOptions {
  readonly hub: Twins;
  readonly hubName: string;
  readonly instance: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export interface UninstallReport {
  readonly removed: number;
  /** Records that are still there, and why. */
  readonly left: readonly { readonly ref: ModuleRef; readonly why: string }[];
}

const CONCURRENCY = 16;
const TRIES_MAX = 5;
/** Lists lag: what the first shows no more may be in the next, and what is gone may still be in it. */
const ROUNDS_MAX = 3;

/** Rejects with HubError where the twins can't be listed. Idempotent. */
export async function removeRecords(options: UninstallOptions): Promise<UninstallReport> {
  const { hub, hubName: name, clock, random, metrics, signal, onProgress } = options;
  const tries = new Map<string, number>();
  const left = new Map<string, string>();
  const progress = { done: 0, total: 0, removed: 0 };
  const queue = new WorkQueue({
    name,
    concurrency: CONCURRENCY,
    clock,
    random,
    metrics,
    process: async (key) => {
      const outcome = await removeOne(key);
      if (outcome === SETTLED) progress.done += 1;
      onProgress?.(progress);
      return outcome;
    },
    onBug: (key, error) => {
      left.set(key, `A bug in Twinward: ${error instanceof Error ? error.message : String(error)}`);
      return SETTLED;
    },
  });

  async function removeOne(key: string): Promise<Outcome> {
    const count = (tries.get(key) ?? 0) + 1;
    tries.set(key, count);
    left.delete(key);
    try {
      if (await removeRecord(refOf(key))) progress.removed += 1;
      return SETTLED;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      left.set(key, error.message);
      const outcome = classify(error, clock.now());
      return outcome.kind === 'Retry' && count < TRIES_MAX ? outcome : SETTLED;
    }
  }

  /** False where there is no record, or no twin. */
  async function removeRecord(ref: ModuleRef): Promise<boolean> {
    const { instance } = options;
    const live = await orMissing(hub.getModuleTwin(ref, signal));
    if (live === undefined) return false;
    const record = readRecord(live, instance);
    if (record.kind === 'absent') return false;
    if (record.kind === 'newer') {
      const why = `Its record has version ${record.version}, and this Twinward knows ${RECORD_VERSION}: use the newer one.`;
      throw new HubError('Invalid', why);
    }
    await hub.patchModuleTwin(ref, { tags: recordRemoval(live, instance) }, live.etag, signal);
    return true;
  }

  const stop = (): void => void queue.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      const removedBefore = progress.removed;
      await queueRecords(options, (key) => {
        if (tries.has(key)) return;
        tries.set(key, 0);
        progress.total += 1;
        queue.add(key, 'Change');
      });
      await queue.idle();
      if (progress.removed === removedBefore) break;
    }
  } finally {
    await queue.stop();
    signal.removeEventListener('abort', stop);
  }
  for (const [key, count] of tries)
    if (count === 0) left.set(key, 'Stopped before this twin was reached: run it again.');
  return { removed: progress.removed, left: [...left].map(([key, why]) => ({ ref: refOf(key), why })) };
}

async function queueRecords({ hub, instance, signal }: UninstallOptions, add: (key: string) => void): Promise<void> {
  for await (const page of hub.listModuleTwins([], signal)) {
    for (const { deviceId, moduleId, tags } of page) {
      if (moduleId === undefined || tags === undefined) continue;
      if (readRecord({ tags }, instance).kind !== 'absent') add(keyOf(deviceId, moduleId));
    }
  }
}
