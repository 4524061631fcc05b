// The one place where what nobody expected is caught: a bug in one step must not end the loop.
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';

/** Failures of the world are handled before this; whatever still gets here is logged as a bug and becomes undefined. */
export async function contain<T>(
  { name, log, metrics }: { readonly name: string; readonly log: Log; readonly metrics: Metrics },
  doing: string,
  run: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    metrics.count('controller_runtime_reconcile_panics_total', { controller: name });
    log.error('Unexpected failure: a bug in Twinward, please report it', {
      controller: name,
      doing,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return undefined;
  }
}
