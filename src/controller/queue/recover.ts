// The one place where unexpected errors are caught: a bug in one step must not end the loop.
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';

interface Around {
  /** The label of metrics. */
  readonly name: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

export const BUG_MESSAGE = 'Unexpected failure, a bug in Twinward: the log has more.';

/** Failures of the world are handled before this; any other error is reported as a bug and becomes undefined. */
export async function recover<T>(around: Around, doing: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    reportBug(around, doing, error);
    return undefined;
  }
}

export function reportBug({ name, log, metrics }: Around, doing: string, error: unknown): void {
  metrics.count('controller_runtime_reconcile_panics_total', { controller: name });
  log.error('Unexpected failure: a bug in Twinward, please report it', {
    controller: name,
    doing,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}
