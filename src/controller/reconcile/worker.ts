// Runs one reconcile with timing, metrics and bug containment.
import { RETRY, type Outcome } from '../queue/outcome.ts';
import { recover } from '../queue/recover.ts';
import { refOf } from '../../model/twin-key.ts';
import { reconcile, type Reconciled } from './reconcile.ts';
import type { HubContext } from '../context/hub-context.ts';

/** Never rejects. */
export async function workOn(context: HubContext, key: string, signal: AbortSignal): Promise<Reconciled> {
  const { clock, metrics, name: controller } = context;
  const startedAtMs = clock.now();
  context.reconciles += 1;
  const { deviceId: device, moduleId: module } = refOf(key);
  const reconcileID = `${startedAtMs.toString(36)}-${context.reconciles}`;
  const log = context.log.child({ device, module, reconcileID });
  const around = { name: controller, log, metrics };
  const reconciled =
    (await recover(around, `reconcile ${key}`, () => reconcile(context, key, signal, log))) ??
    failedByBug(context, key);
  const { outcome, result } = reconciled;
  metrics.observe('controller_runtime_reconcile_time_seconds', { controller }, (clock.now() - startedAtMs) / 1_000);
  metrics.count('controller_runtime_reconcile_total', { controller, result: resultLabel(outcome) });
  if (result === 'Failed') metrics.count('controller_runtime_reconcile_errors_total', { controller });
  if (outcome.kind === 'Stalled') metrics.count('controller_runtime_terminal_reconcile_errors_total', { controller });
  return reconciled;
}

function failedByBug({ twins }: HubContext, key: string): Reconciled {
  const state = twins.state(key);
  if (state !== undefined) twins.setState(key, { ...state, failure: 'Bug' });
  return { ref: refOf(key), result: 'Failed', action: undefined, live: undefined, outcome: RETRY, error: undefined };
}

const RESULT_LABELS = {
  Settled: 'success',
  RequeueAfter: 'requeue_after',
  Retry: 'requeue',
  Stalled: 'error',
} as const;

function resultLabel({ kind }: Outcome): string {
  return RESULT_LABELS[kind];
}
